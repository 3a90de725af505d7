/**
 * Buffers that the host shows otherwise than on a surface, such as icons: each
 * gets a shadow buffer of its own, which the relay copies when the client hands
 * the buffer over.
 *
 * How long the host reads it then is unknown, so its memory is not reused. An
 * icon's images must live as long as the icon, and some compositors end a
 * client that destroys one earlier, even one that it has replaced. So the relay
 * copies an image that replaces one of its kind into the same shadow buffer:
 * the host shows an icon when it is complete, and not before. The host may show
 * a frame shadow (org_kde_kwin_shadow) while the client changes it. So each of
 * its images gets a new shadow buffer, and the relay destroys the old one when
 * the next commit has replaced it.
 *
 * Unlike plain forwarding: every request with a `wl_buffer` that
 * protocols/buffer_directions.txt says is read, apart from `wl_surface.attach`.
 * Sources: xdg-toplevel-icon-v1.xml, shadow.xml of KDE.
 */
import type { Entry } from "../../entry.ts";
import type { RequestHandlers, RequestValues, Verdict } from "../../feature.ts";
import { ShadowBuffer } from "./shadow_buffer.ts";
import type { ClientShadows } from "./client_shadows.ts";
import { type ShmBuffer, shmBufferOf } from "../shm/mod.ts";

type Attach = Extract<
  keyof RequestValues,
  `org_kde_kwin_shadow.attach_${string}`
>;

/** The images of an icon, by size, stride, format and scale. */
class IconImages {
  readonly shadows = new Map<string, ShadowBuffer>();
}

/** The images of the eight sides and corners of a frame shadow. */
class FrameShadowImages {
  /** What the last commit has shown, and what the next one will show. */
  readonly shown = new Map<Attach, ShadowBuffer>();
  readonly pending = new Map<Attach, ShadowBuffer>();
}

/**
 * Requests that hand over a buffer, and those that end what they handed it to.
 */
export const iconRequests: RequestHandlers<ClientShadows> = {
  "xdg_toplevel_icon_v1.add_buffer": addToIcon,
  "xdg_toplevel_icon_v1.destroy": (state, icon) => {
    const { record } = icon;
    if (!(record instanceof IconImages)) return "forward";
    // before its buffers, which must live as long as it does
    state.relay.sendRequest(icon, "xdg_toplevel_icon_v1.destroy", {});
    for (const shadow of record.shadows.values()) shadow.discard();
    return "take";
  },
  "org_kde_kwin_shadow.attach_left": attach("org_kde_kwin_shadow.attach_left"),
  "org_kde_kwin_shadow.attach_top_left": attach(
    "org_kde_kwin_shadow.attach_top_left",
  ),
  "org_kde_kwin_shadow.attach_top": attach("org_kde_kwin_shadow.attach_top"),
  "org_kde_kwin_shadow.attach_top_right": attach(
    "org_kde_kwin_shadow.attach_top_right",
  ),
  "org_kde_kwin_shadow.attach_right": attach(
    "org_kde_kwin_shadow.attach_right",
  ),
  "org_kde_kwin_shadow.attach_bottom_right": attach(
    "org_kde_kwin_shadow.attach_bottom_right",
  ),
  "org_kde_kwin_shadow.attach_bottom": attach(
    "org_kde_kwin_shadow.attach_bottom",
  ),
  "org_kde_kwin_shadow.attach_bottom_left": attach(
    "org_kde_kwin_shadow.attach_bottom_left",
  ),
  "org_kde_kwin_shadow.commit": ({ relay }, frame) => {
    const { record } = frame;
    if (!(record instanceof FrameShadowImages)) return "forward";
    relay.sendRequest(frame, "org_kde_kwin_shadow.commit", {});
    for (const [place, shadow] of record.pending) {
      record.shown.get(place)?.discard();
      record.shown.set(place, shadow);
    }
    record.pending.clear();
    return "take";
  },
  "org_kde_kwin_shadow.destroy": ({ relay }, frame) => {
    const { record } = frame;
    if (!(record instanceof FrameShadowImages)) return "forward";
    relay.sendRequest(frame, "org_kde_kwin_shadow.destroy", {});
    for (const shadow of record.shown.values()) shadow.discard();
    for (const shadow of record.pending.values()) shadow.discard();
    return "take";
  },
  "wl_eglstream_controller.attach_eglstream_consumer": (state, owner, values) =>
    rejectShm(state, owner, values.wl_resource),
  "wl_eglstream_controller.attach_eglstream_consumer_attribs": (
    state,
    owner,
    values,
  ) => rejectShm(state, owner, values.wl_resource),
};

function addToIcon(
  state: ClientShadows,
  icon: Entry,
  values: RequestValues["xdg_toplevel_icon_v1.add_buffer"],
): Verdict {
  const buffer = shmBufferOf(values.buffer);
  if (buffer === null || icon.hostId === 0) return "forward";
  if (!(icon.record instanceof IconImages)) icon.record = new IconImages();
  const { record } = icon;
  if (!(record instanceof IconImages)) return "forward";
  const { width, height, stride, code } = buffer;
  const kind = `${width} ${height} ${stride} ${code} ${values.scale}`;
  let shadow = record.shadows.get(kind);
  if (shadow === undefined) {
    const made = makeShadow(state, buffer);
    if (typeof made === "string") return made;
    record.shadows.set(kind, shadow = made);
  } else {
    shadow.stale.set(0, 0, width, height);
  }
  shadow.copyFrom(buffer);
  values.buffer = shadow.entry;
  return "rewrite";
}

function attach(
  name: Attach,
): (
  state: ClientShadows,
  frame: Entry,
  values: RequestValues[Attach],
) => Verdict {
  return (state, frame, values) => {
    const buffer = shmBufferOf(values.buffer);
    if (buffer === null || frame.hostId === 0) return "forward";
    if (!(frame.record instanceof FrameShadowImages)) {
      frame.record = new FrameShadowImages();
    }
    const { record } = frame;
    if (!(record instanceof FrameShadowImages)) return "forward";
    const shadow = makeShadow(state, buffer);
    if (typeof shadow === "string") return shadow;
    const before = record.pending.get(name);
    record.pending.set(name, shadow);
    shadow.copyFrom(buffer);
    state.relay.sendRequest(frame, name, { buffer: shadow.entry });
    before?.discard();
    return "take";
  };
}

/** A shadow of a buffer, or the verdict on a request that gets none. */
function makeShadow(
  state: ClientShadows,
  buffer: ShmBuffer,
): ShadowBuffer | Verdict {
  const { backings, relay } = state;
  const { budget, retries } = backings;
  if (backings.areImages) {
    // xdg_toplevel_icon_v1.error.invalid_buffer: an icon must be in shared
    // memory
    if (!state.hasWarnedOfIcons) {
      state.hasWarnedOfIcons = true;
      relay.inform(
        "window icons and frame shadows are not shown: this host only offers dma-buf memory, and they must be wl_shm",
      );
    }
    return "take";
  }
  if (budget.isSpent) return budget.hold();
  const shadow = ShadowBuffer.make(backings, buffer, () => {});
  if (typeof shadow !== "string") return shadow;
  const what = `an image of ${buffer.width}x${buffer.height} pixels`;
  retries.report(shadow, what, "it is not shown");
  return "take";
}

/**
 * A stream's buffer is never in shared memory; the relay drops such a request.
 */
function rejectShm(
  _state: ClientShadows,
  _owner: Entry,
  buffer: Entry,
): Verdict {
  return shmBufferOf(buffer) === null ? "forward" : "take";
}
