/**
 * Passes on the GPU's buffers that the host can take, and waits for their
 * fences, which do not cross.
 *
 * A plane of another device would end the whole connection, so the relay lets
 * buffers with such a plane fail, as the protocol allows. It holds the commit
 * of a buffer that the GPU is still drawing until it is drawn: the host cannot
 * see the fence, and would show half an image.
 *
 * Unlike plain forwarding: `zwp_linux_buffer_params_v1.add`, `create` and
 * `create_immed` (linux-dmabuf, stable); `wl_surface.commit` is held, for a
 * second at most.
 */
import { exportReadFence } from "../../../../ffi/dma_buf.ts";
import { SyscallError } from "../../../../ffi/error.ts";
import { duplicateFd, type OwnedFd } from "../../../../ffi/fd.ts";
import { isReadable } from "../../../../ffi/poll.ts";
import type { Source, Watch } from "../../../loop/loop.ts";
import type { Entry } from "../../entry.ts";
import type { Feature, FeatureRelay, Verdict } from "../../feature.ts";
import { HOLD_TIMEOUT_MS } from "../../limits.ts";
import { carriesGpuBuffers } from "./feedback.ts";
import { surfaceOf } from "../surface/mod.ts";

/**
 * Planes that one client may have. Each keeps its descriptor open here, where
 * all clients share descriptors: when they run out, others end.
 */
export const MAX_PLANES = 2048;

/** The planes of a buffer, or of the parameters of one. */
class Planes {
  /** Its dma-bufs, for their fences. */
  readonly fds: OwnedFd[] = [];
  /** Why the host cannot be given this buffer, or null. */
  refusal: string | null = null;

  close(): void {
    for (const fd of this.fds) fd[Symbol.dispose]();
    this.fds.length = 0;
  }
}

/** A fence that a held commit waits for. */
interface Wait {
  readonly fd: OwnedFd;
  readonly watch: Watch;
}

/** The planes of one relay, and the fences that its front commit waits for. */
class GpuBuffers implements Source, Disposable {
  readonly relay: FeatureRelay;
  readonly #planes = new Set<Planes>();
  readonly #waits: Wait[] = [];
  #planeCount = 0;
  /**
   * When the commit in front was first held, by the loop's clock; null while
   * none is.
   */
  #heldSince: number | null = null;

  constructor(relay: FeatureRelay) {
    this.relay = relay;
  }

  /**
   * The planes of a buffer or of a parameter object; made at the first call.
   */
  planesOf(entry: Entry): Planes {
    if (entry.record instanceof Planes) return entry.record;
    const planes = new Planes();
    this.#planes.add(planes);
    entry.record = planes;
    return planes;
  }

  /**
   * Adds a plane; the descriptor is borrowed.
   *
   * @returns false where it cannot go to the host
   */
  add(planes: Planes, plane: number): boolean {
    const gpu = this.relay.host.gpu ?? null;
    if (gpu !== null && !gpu.owns(plane)) {
      planes.refusal ??=
        "a dma-buf that was not allocated on the virtio-gpu device";
    } else if (this.#planeCount >= MAX_PLANES) {
      planes.refusal ??=
        `a dma-buf: the application already has ${MAX_PLANES} planes`;
    }
    if (planes.refusal !== null) return false;
    try {
      planes.fds.push(duplicateFd(plane));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      planes.refusal =
        `a dma-buf whose fences the proxy cannot read: ${error.message}`;
      return false;
    }
    this.#planeCount++;
    return true;
  }

  /**
   * Gives the planes of a parameter object to the buffer that was made of them.
   */
  move(params: Entry, buffer: Entry): void {
    buffer.record = params.record;
    params.record = null;
  }

  /** Forgets the planes of an object, if it has any. */
  forget(entry: Entry): void {
    const { record } = entry;
    if (!(record instanceof Planes)) return;
    this.#planeCount -= record.fds.length;
    record.close();
    this.#planes.delete(record);
    entry.record = null;
  }

  /** Whether a commit of this buffer has to wait. */
  holds(buffer: Entry): boolean {
    if (!(buffer.record instanceof Planes)) return false;
    const { loop } = this.relay;
    if (this.#heldSince === null) {
      for (const fd of buffer.record.fds) this.#await(fd.number);
      this.#heldSince = this.#waits.length > 0 ? loop.now : null;
    } else if (loop.now >= this.#heldSince + HOLD_TIMEOUT_MS) {
      this.#stopWaiting();
    }
    if (this.#waits.length === 0) this.#heldSince = null;
    return this.#waits.length > 0;
  }

  /** At least one of the fences is signalled. */
  ready(): void {
    for (let i = this.#waits.length - 1; i >= 0; i--) {
      const wait = this.#waits[i];
      if (wait === undefined || !isReadable(wait.fd.number)) continue;
      end(wait);
      this.#waits.splice(i, 1);
    }
    if (this.#waits.length === 0) this.relay.resume("requests");
  }

  [Symbol.dispose](): void {
    this.#stopWaiting();
    for (const planes of this.#planes) planes.close();
    this.#planes.clear();
  }

  /**
   * Where descriptors or memory have run out we cannot wait, and half an image
   * may be shown.
   */
  #await(dmaBuf: number): void {
    let fd: OwnedFd | null = null;
    try {
      // A kernel without such fences has the buffer itself become readable.
      fd = exportReadFence(dmaBuf) ?? duplicateFd(dmaBuf);
      if (!isReadable(fd.number)) {
        const watch = this.relay.loop.watch(fd.number, this);
        this.#waits.push({ fd, watch });
        return;
      }
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
    fd?.[Symbol.dispose]();
  }

  #stopWaiting(): void {
    for (const wait of this.#waits) end(wait);
    this.#waits.length = 0;
  }
}

/** Lets GPU buffers fail that cannot go to the host, and waits for fences. */
export const gpuBuffers: Feature<GpuBuffers> = {
  name: "GPU buffers",
  appliesTo: carriesGpuBuffers,
  open: (relay) => new GpuBuffers(relay),
  requests: {
    "zwp_linux_buffer_params_v1.add": (state, params, { fd }) => {
      const { relay } = state;
      const plane = relay.peekFromClient(fd);
      if (state.add(state.planesOf(params), plane)) return "forward";
      relay.discardFromClient(fd);
      return "take";
    },
    "zwp_linux_buffer_params_v1.create": (state, params) =>
      failOrForward(state, params),
    "zwp_linux_buffer_params_v1.create_immed": (state, params, values) => {
      const verdict = failOrForward(state, params);
      if (verdict === "forward") state.move(params, values.buffer_id);
      return verdict;
    },
    "zwp_linux_buffer_params_v1.destroy": (state, params) => {
      state.forget(params);
      return "forward";
    },
    "wl_buffer.destroy": (state, buffer) => {
      state.forget(buffer);
      return "forward";
    },
    "wl_surface.commit": (state, entry) => {
      const buffer = surfaceOf(entry)?.buffer ?? null;
      return buffer !== null && state.holds(buffer) ? "hold" : "forward";
    },
  },
  events: {
    "zwp_linux_buffer_params_v1.created": (state, params, { buffer }) => {
      state.move(params, buffer);
      return "forward";
    },
    "zwp_linux_buffer_params_v1.failed": (state, params) => {
      state.forget(params);
      return "forward";
    },
  },
};

/**
 * A buffer that cannot go to the host fails; one that was to exist at once
 * shows nothing.
 */
function failOrForward(state: GpuBuffers, params: Entry): Verdict {
  const { relay } = state;
  const { refusal } = state.planesOf(params);
  if (refusal === null) return "forward";
  relay.warn(
    `rejected ${refusal}; the application may fall back to shared memory`,
  );
  state.forget(params);
  relay.sendEvent(params, "zwp_linux_buffer_params_v1.failed", {});
  return "take";
}

function end({ fd, watch }: Wait): void {
  watch[Symbol.dispose]();
  fd[Symbol.dispose]();
}
