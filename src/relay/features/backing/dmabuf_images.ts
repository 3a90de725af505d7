/**
 * Images in memory that the host's GPU can show: what shadows are made of where the host's memory is of no use as `wl_shm`.
 *
 * The relay binds `zwp_linux_dmabuf_v1` for itself, whatever clients see of it, learns the formats that the compositor takes with rows one
 * after another, and tries one image before it relies on them: a compositor may end the connection for one that it does not like, but
 * not where it is asked by `create`. Sources: linux-dmabuf-v1.xml (version 3, the last that tells formats without a file).
 */
import type { Message } from "../../../../protocols/tables.ts";
import { closeFd } from "../../../../ffi/fd.ts";
import { SyscallError } from "../../../../ffi/error.ts";
import type { ImageMaker, SharedMemory } from "../../../host/endpoint.ts";
import type { Timer } from "../../../loop/loop.ts";
import { type ArgumentRecord, Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import type { MemoryBudget, Shortage } from "./memory_budget.ts";
import { MemoryCache } from "./memory_cache.ts";
import { ignoreEvents } from "../../ignore_events.ts";

const DMABUF_VERSION = 3;
const AR24 = 0x3432_5241;
const XR24 = 0x3432_5258;
/** Sizes of images are multiples of this, so that a window that changes its size does not need another for each. */
const STEP = 64;
/** Bytes of a pixel in most formats: how large an image is, only the host knows. */
const USUAL_PIXEL = 4;
/** How long a compositor that answers otherwise may take to answer to what it was given to try, in milliseconds. */
const ANSWER_TIMEOUT_MS = 5_000;

/** An image, of one of the sizes that there are. */
export interface DmabufImage {
  readonly memory: SharedMemory;
  readonly width: number;
  readonly height: number;
  /** A fourcc code. */
  readonly format: number;
}

type State =
  /** The compositor has not said yet what it takes. */
  | "asking"
  /** There was no memory to try it with. */
  | "untried"
  /** It has not said yet whether it takes what it was given. */
  | "trying"
  | "usable"
  | "unusable";

/** One client's. */
export class DmabufImages implements Disposable {
  readonly #relay: FeatureRelay;
  readonly #maker: ImageMaker;
  readonly #budget: MemoryBudget;
  readonly #onDecided: () => void;
  readonly #used = new Set<DmabufImage>();
  readonly #unused: MemoryCache<DmabufImage>;
  /** What the host makes, and the compositor takes with rows one after another. */
  readonly #formats = new Set<number>();
  #state: State = "asking";
  #dmabuf: Entry | null = null;
  /** Runs when the compositor has not answered for long. */
  #timer: Timer | null = null;
  /** Runs when `onDecided` is to be called. */
  #decision: Timer | null = null;

  /** @param onDecided is called, by the loop, when `isAsking` is over */
  constructor(
    relay: FeatureRelay,
    maker: ImageMaker,
    budget: MemoryBudget,
    onDecided: () => void,
  ) {
    this.#relay = relay;
    this.#maker = maker;
    this.#budget = budget;
    this.#onDecided = onDecided;
    this.#unused = new MemoryCache(
      relay.loop,
      (image) => this.#forget(image),
    );
  }

  /** Whether nobody knows yet if they can be used. */
  get isAsking(): boolean {
    return this.#state === "asking" || this.#state === "trying";
  }

  /** Whether the compositor does not take them at all. */
  get isUnusable(): boolean {
    return this.#state === "unusable";
  }

  /** Asks the compositor, whose globals are known. */
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

  /** Whether the compositor takes, and the host makes, images of this format. */
  shows(format: number): boolean {
    return this.#formats.has(format);
  }

  /** An image of at least that size, whose contents are anything; or why there is none. */
  allocate(
    width: number,
    height: number,
    format: number,
  ): DmabufImage | Shortage {
    if (this.#state === "untried") this.#try();
    if (this.#state !== "usable") return "host";
    return this.#allocate(width, height, format);
  }

  /** A `wl_buffer` of an image, as large as it is said; null where this process has no room for its descriptors. */
  createBuffer(
    image: DmabufImage,
    planes: number,
    width: number,
    height: number,
  ): Entry | null {
    const relay = this.#relay;
    const params = this.#createParams(image, planes, {
      // `failed`, which comes before the host hears that they are destroyed
      event: () =>
        relay.warn(
          `the compositor has refused an image of ${width}x${height} pixels, which is not shown`,
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

  /** Keeps an image that neither we nor the host use any more. */
  recycle(image: DmabufImage): void {
    if (this.#used.delete(image)) this.#unused.add(image);
  }

  /** Gives an image away that the host may still use. */
  discard(image: DmabufImage): void {
    if (this.#used.delete(image)) this.#forget(image);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#decision?.[Symbol.dispose]();
    for (const image of this.#used) this.#forget(image);
    for (const image of this.#unused.takeAll()) this.#forget(image);
    this.#used.clear();
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
      this.#giveUp("takes no dma-bufs with rows one after another");
      return;
    }
    const made = this.#allocate(STEP, STEP, format);
    const image = typeof made === "string" ? null : made;
    const params = image === null ? null : this.#createParams(image, 1, {
      event: (params, message, values) => {
        this.recycle(image);
        const { buffer } = values;
        this.#tried(params, message, buffer instanceof Entry ? buffer : null);
      },
    });
    if (params === null) {
      if (image !== null) this.recycle(image);
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
      () => this.#giveUp("does not say whether it takes those of the host"),
    );
  }

  #tried(params: Entry, message: Message, buffer: Entry | null): void {
    const relay = this.#relay;
    if (buffer !== null) relay.sendRequest(buffer, "wl_buffer.destroy", {});
    relay.sendRequest(params, "zwp_linux_buffer_params_v1.destroy", {});
    if (this.#state !== "trying") return;
    this.#timer?.[Symbol.dispose]();
    if (message.name !== "created") this.#giveUp("refuses those of the host");
    else this.#decide("usable");
  }

  #giveUp(why: string): void {
    this.#decide("unusable");
    this.#relay.warn(
      `the host's memory is dma-bufs, but its compositor ${why}: they are used as wl_shm, which many compositors refuse; give the VMM another compositor, or a build without minigbm`,
    );
  }

  /** Whoever waits goes on in the next turn: it is the client's requests, and this may be in the midst of showing something. */
  #decide(state: "untried" | "usable" | "unusable"): void {
    const isNew = this.isAsking;
    this.#state = state;
    if (!isNew) return;
    this.#decision ??= this.#relay.loop.after(0, () => {
      this.#decision = null;
      // another may have tried again meanwhile
      if (!this.isAsking) this.#onDecided();
    });
  }

  #allocate(
    width: number,
    height: number,
    format: number,
  ): DmabufImage | Shortage {
    const wide = Math.ceil(width / STEP) * STEP;
    const high = Math.ceil(height / STEP) * STEP;
    const image =
      this.#unused.take((one) =>
        one.width === wide && one.height === high && one.format === format
      ) ?? this.#budget.obtain(
        wide * high * USUAL_PIXEL,
        () => this.#make(wide, high, format),
        () => this.#unused.freeAll(),
      );
    if (typeof image !== "string") this.#used.add(image);
    return image;
  }

  #make(width: number, height: number, format: number): DmabufImage | null {
    const memory = this.#maker.allocate(width, height, format);
    return memory === null ? null : { memory, width, height, format };
  }

  #forget({ memory }: DmabufImage): void {
    this.#budget.giveBack(memory.size);
    memory[Symbol.dispose]();
  }

  /** The parameters of a buffer, with all planes; null where this process has no room for their descriptors. */
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
