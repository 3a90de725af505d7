/**
 * Buffers that the host shows otherwise than on a surface, such as icons: each gets a shadow of its own, copied when it is handed over.
 *
 * The shadow lives as long as the object that it was handed to; what the host makes of it then is the host's, so that memory is not used
 * again. Unlike plain forwarding: every request with a `wl_buffer` that protocols/buffer_directions.txt says is read, `wl_surface.attach`
 * apart.
 */
import type { Entry } from "../entry.ts";
import type { RequestHandlers, Verdict } from "../feature.ts";
import { Shadow } from "./shadow.ts";
import type { Shadowing } from "./shadowing.ts";
import { shmBufferOf } from "./shm_buffer.ts";

/** The shadows that one object was given. */
class ShownBuffers {
  readonly shadows: Shadow[] = [];
}

/** Requests that hand over a buffer, and those that end what they handed it to. */
export const shownBufferRequests: RequestHandlers<Shadowing> = {
  "xdg_toplevel_icon_v1.add_buffer": show,
  "xdg_toplevel_icon_v1.destroy": forget,
  "org_kde_kwin_shadow.attach_left": show,
  "org_kde_kwin_shadow.attach_top_left": show,
  "org_kde_kwin_shadow.attach_top": show,
  "org_kde_kwin_shadow.attach_top_right": show,
  "org_kde_kwin_shadow.attach_right": show,
  "org_kde_kwin_shadow.attach_bottom_right": show,
  "org_kde_kwin_shadow.attach_bottom": show,
  "org_kde_kwin_shadow.attach_bottom_left": show,
  "org_kde_kwin_shadow.destroy": forget,
  "wl_eglstream_controller.attach_eglstream_consumer": (state, owner, values) =>
    refuseShm(state, owner, values.wl_resource),
  "wl_eglstream_controller.attach_eglstream_consumer_attribs": (
    state,
    owner,
    values,
  ) => refuseShm(state, owner, values.wl_resource),
};

function show(
  state: Shadowing,
  owner: Entry,
  values: { buffer: Entry },
): Verdict {
  const buffer = shmBufferOf(values.buffer);
  if (buffer === null) return "forward";
  if (state.canvases.areUnshared) {
    // xdg_toplevel_icon_v1.error.invalid_buffer: an icon must be in shared memory
    state.relay.inform(
      "a picture that is not a window's is left out, because the host's memory is dma-bufs",
    );
    return "take";
  }
  const shadow = Shadow.make(state, buffer, () => {});
  if (shadow === null) {
    state.relay.warn(
      `the host has no memory left for a picture of ${buffer.width}x${buffer.height} pixels; it is left out`,
    );
    return "take";
  }
  shadow.copyFrom(buffer);
  if (!(owner.record instanceof ShownBuffers)) {
    owner.record = new ShownBuffers();
  }
  if (owner.record instanceof ShownBuffers) owner.record.shadows.push(shadow);
  values.buffer = shadow.entry;
  return "rewrite";
}

function forget(_state: Shadowing, owner: Entry): Verdict {
  if (owner.record instanceof ShownBuffers) {
    for (const shadow of owner.record.shadows) shadow.discard();
    owner.record.shadows.length = 0;
  }
  return "forward";
}

/** A stream's buffer is never in shared memory; what is not forwarded is forgotten. */
function refuseShm(
  _state: Shadowing,
  _owner: Entry,
  buffer: Entry,
): Verdict {
  return shmBufferOf(buffer) === null ? "forward" : "take";
}
