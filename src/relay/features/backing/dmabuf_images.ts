/**
 * Host memory as images that the host's GPU can show, for hosts whose memory
 * compositors do not take as `wl_shm`.
 *
 * The relay binds `zwp_linux_dmabuf_v1` for itself, whatever clients see of it,
 * learns which formats the compositor accepts linear, and tries one image
 * before it relies on them: a compositor may end the connection over a buffer
 * that it rejects, but not where the request is `create`. Sources:
 * linux-dmabuf-v1.xml (version 3, the last that announces formats without a
 * file).
 */
import type { Message } from "../../../../protocols/tables.ts";
import { closeFd } from "../../../../ffi/fd.ts";
import { SyscallError } from "../../../../ffi/error.ts";
import type { ImageMaker, SharedMemory } from "../../../host/endpoint.ts";
import type { Timer } from "../../../loop/loop.ts";
import { HostError } from "../../../wayland/protocol_error.ts";
import { type ArgumentRecord, Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import { ignoreEvents } from "../../ignore_events.ts";
import { fourccOf, type ShmBuffer } from "../shm/mod.ts";
import type { BackingSource } from "./backing.ts";
import type { MemoryBudget, Piece, Shortage } from "./memory_budget.ts";
import { PieceStore } from "./piece_store.ts";

const DMABUF_VERSION = 3;
const AR24 = 0x3432_5241;
const XR24 = 0x3432_5258;
/**
 * Sizes of images are multiples of this, so that a window that is resized does
 * not need another image for each size.
 */
const STEP = 64;
/**
 * Bytes of a pixel in most formats: only the host knows how large an image is.
 */
const USUAL_PIXEL = 4;
/**
 * How long a compositor that answers other requests may take to answer the
 * trial, in milliseconds.
 */
const ANSWER_TIMEOUT_MS = 5_000;

/** An image whose sides are multiples of `STEP`. */
export interface DmabufImage extends Piece {
  readonly width: number;
  readonly height: number;
  /** A fourcc code. */
  readonly format: number;
}

type State =
  /** The compositor has not said yet which formats it accepts. */
  | "asking"
  /** There was no memory for a trial. */
  | "untried"
  /** The compositor has not answered the trial yet. */
  | "trying"
  | "usable"
  | "unusable";

/** The images of one client. */
export class DmabufImages implements BackingSource<DmabufImage>, Disposable {
  readonly pieces: PieceStore<DmabufImage>;
  readonly #relay: FeatureRelay;
  readonly #maker: ImageMaker;
  readonly #onDecided: () => void;
  /** The formats that the host makes, and the compositor accepts linear. */
  readonly #formats = new Set<number>();
  #state: State = "asking";
  #dmabuf: Entry | null = null;
  /** Runs when the compositor has not answered in time. */
  #timer: Timer | null = null;
  /** Calls `onDecided`. */
  #decision: Timer | null = null;

  /** @param onDecided is called by the loop when `isAsking` has become false */
  constructor(
    relay: FeatureRelay,
    maker: ImageMaker,
    budget: MemoryBudget,
    onDecided: () => void,
  ) {
    this.#relay = relay;
    this.#maker = maker;
    this.#onDecided = onDecided;
    this.pieces = new PieceStore(relay.loop, budget, () => {});
  }

  /** Whether it is still open if the compositor accepts images. */
  get isAsking(): boolean {
    return this.#state === "asking" || this.#state === "trying";
  }

  /** Whether the compositor accepts no images at all. */
  get isUnusable(): boolean {
    return this.#state === "unusable";
  }

  /** Asks the compositor what it accepts, now that its globals are known. */
  ask(): void {
    this.#dmabuf = this.#relay.bindHostGlobal(
      "zwp_linux_dmabuf_v1",
      DMABUF_VERSION,
      { event: (_entry, message, values) => this.#heard(message, values) },
    );
    if (this.#dmabuf === null) {
      this.#giveUp(`has no zwp_linux_dmabuf_v1 of version ${DMABUF_VERSION}`);
    } else this.#relay.afterAnswers(() => this.#try());
  }

  /**
   * Whether the host makes, and the compositor accepts, images of this format.
   */
  shows(format: number): boolean {
    return this.#formats.has(format);
  }

  allocate(buffer: ShmBuffer): DmabufImage | Shortage {
    if (this.#state === "untried") this.#try();
    if (this.#state !== "usable") return "host";
    const { width, height, code } = buffer;
    const image = this.#obtain(width, height, fourccOf(code));
    if (typeof image === "string" || hasRoom(image.memory, buffer)) {
      return image;
    }
    throw new HostError(
      `the host made an image of ${width}x${height} pixels without room for them`,
    );
  }

  createBuffer(
    image: DmabufImage,
    { width, height, planes }: ShmBuffer,
  ): Entry | null {
    const relay = this.#relay;
    const params = this.#createParams(image, planes.length, {
      // `failed`, which comes before the host hears that they are destroyed
      event: () =>
        relay.warn(
          `the compositor rejected an image of ${width}x${height} pixels; it is not shown`,
        ),
    });
    if (params === null) return null;
    const buffer = relay.createHostObject("wl_buffer", 1, ignoreEvents);
    relay.sendRequest(params, "zwp_linux_buffer_params_v1.create_immed", {
      buffer_id: buffer,
      width,
      height,
      format: image.format,
      flags: 0,
    });
    relay.sendRequest(params, "zwp_linux_buffer_params_v1.destroy", {});
    return buffer;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#decision?.[Symbol.dispose]();
    this.pieces[Symbol.dispose]();
  }

  #heard(message: Message, values: ArgumentRecord): void {
    const isLinear = message.name === "modifier" &&
      values["modifier_hi"] === 0 && values["modifier_lo"] === 0;
    const format = Number(values["format"]);
    if (isLinear && this.#maker.makes(format)) this.#formats.add(format);
  }

  #try(): void {
    const format = [XR24, AR24].find((one) => this.shows(one));
    if (format === undefined) {
      this.#giveUp("accepts no linear ones");
      return;
    }
    const made = this.#obtain(STEP, STEP, format);
    const image = typeof made === "string" ? null : made;
    const params = image === null ? null : this.#createParams(image, 1, {
      event: (params, message, values) => {
        this.pieces.recycle(image);
        const { buffer } = values;
        this.#tried(params, message, buffer instanceof Entry ? buffer : null);
      },
    });
    if (params === null) {
      if (image !== null) this.pieces.recycle(image);
      this.#decide("untried");
      return;
    }
    this.#state = "trying";
    this.#relay.sendRequest(params, "zwp_linux_buffer_params_v1.create", {
      width: STEP,
      height: STEP,
      format,
      flags: 0,
    });
    this.#relay.afterAnswers(() => this.#expectAnswer());
  }

  #expectAnswer(): void {
    if (this.#state !== "trying") return;
    this.#timer ??= this.#relay.loop.after(
      ANSWER_TIMEOUT_MS,
      () => this.#giveUp("did not answer whether it accepts them"),
    );
  }

  #tried(params: Entry, message: Message, buffer: Entry | null): void {
    const relay = this.#relay;
    if (buffer !== null) relay.sendRequest(buffer, "wl_buffer.destroy", {});
    relay.sendRequest(params, "zwp_linux_buffer_params_v1.destroy", {});
    if (this.#state !== "trying") return;
    this.#timer?.[Symbol.dispose]();
    if (message.name !== "created") this.#giveUp("rejects them");
    else this.#decide("usable");
  }

  #giveUp(why: string): void {
    this.#decide("unusable");
    this.#relay.warn(
      `host memory is dma-bufs, but the compositor ${why}: buffers fall back to wl_shm, which many compositors reject; give the VMM another compositor, or build it without minigbm`,
    );
  }

  /**
   * Calls `onDecided` in the next turn: it resumes the client's requests, and
   * one of them may be under way now.
   */
  #decide(state: "untried" | "usable" | "unusable"): void {
    const isNew = this.isAsking;
    this.#state = state;
    if (!isNew) return;
    this.#decision ??= this.#relay.loop.after(0, () => {
      this.#decision = null;
      // a surface may have begun another trial meanwhile
      if (!this.isAsking) this.#onDecided();
    });
  }

  /**
   * An image of at least this size, with any contents, or why there is none.
   */
  #obtain(
    leastWidth: number,
    leastHeight: number,
    format: number,
  ): DmabufImage | Shortage {
    const width = Math.ceil(leastWidth / STEP) * STEP;
    const height = Math.ceil(leastHeight / STEP) * STEP;
    return this.pieces.obtain(
      width * height * USUAL_PIXEL,
      (image) =>
        image.width === width && image.height === height &&
        image.format === format,
      () => {
        const memory = this.#maker.allocate(width, height, format);
        return memory === null ? null : { memory, width, height, format };
      },
    );
  }

  /**
   * The parameters of a buffer, with all planes; null where this process has no
   * room for their descriptors.
   */
  #createParams(
    { memory }: DmabufImage,
    planeCount: number,
    listener: Entry["listener"] & object,
  ): Entry | null {
    const dmabuf = this.#dmabuf;
    const fds = dmabuf === null ? null : shareTimes(memory, planeCount);
    if (dmabuf === null || fds === null) return null;
    const relay = this.#relay;
    const params = relay.createHostObject(
      "zwp_linux_buffer_params_v1",
      DMABUF_VERSION,
      listener,
    );
    relay.sendRequest(dmabuf, "zwp_linux_dmabuf_v1.create_params", {
      params_id: params,
    });
    fds.forEach((fd, index) => {
      const { offset, stride } = memory.planes[index] ?? NO_PLANE;
      relay.sendRequest(params, "zwp_linux_buffer_params_v1.add", {
        fd,
        plane_idx: index,
        offset,
        stride,
        modifier_hi: 0,
        modifier_lo: 0,
      });
    });
    return params;
  }
}

const NO_PLANE = { offset: 0, stride: 0 };
const NO_ROOM = { offset: 0, stride: Infinity };

/** Whether all planes of a buffer fit into the memory of an image. */
function hasRoom(
  { planes, size }: SharedMemory,
  { width, format, planes: wanted }: ShmBuffer,
): boolean {
  const { stride: firstStride = 0 } = planes[0] ?? {};
  if (firstStride < width * format.pixelBytes) return false;
  return wanted.every(({ rows }, index) => {
    const { offset, stride } = planes[index] ?? NO_ROOM;
    return offset + rows * stride <= size;
  });
}

/**
 * `count` descriptors of the memory; null where this process has no room for
 * them.
 */
function shareTimes(memory: SharedMemory, count: number): number[] | null {
  const fds: number[] = [];
  try {
    while (fds.length < count) fds.push(memory.share());
    return fds;
  } catch (error) {
    for (const fd of fds) closeFd(fd);
    if (error instanceof SyscallError) return null;
    throw error;
  }
}
