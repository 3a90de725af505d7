/** Decides what shadows are made of: shared memory, or, where the host's memory is of no use as that, pictures that its GPU can show. */
import type { FeatureRelay } from "../../feature.ts";
import type { Canvas } from "./backing.ts";
import type { CopyStatistics } from "./copy_statistics.ts";
import { HostImages } from "./dmabuf_images.ts";
import { HostMemory } from "./shm_blocks.ts";
import { ImageCanvas } from "./dmabuf_backing.ts";
import type { MemoryAllowance, Shortage } from "./memory_budget.ts";
import { findPixelFormat, fourccOf } from "../shm/pixel_format.ts";
import { ShmCanvas } from "./shm_backing.ts";
import type { ShmBuffer } from "../shm/shm_buffer.ts";

/** One client's. */
export class Canvases implements Disposable {
  readonly #relay: FeatureRelay;
  readonly #statistics: CopyStatistics;
  readonly #memory: HostMemory;
  readonly #images: HostImages | null;
  /** Formats that were warned of. */
  readonly #refused = new Set<number>();

  /** @param onReady is called when `isReady` becomes true */
  constructor(
    relay: FeatureRelay,
    statistics: CopyStatistics,
    allowance: MemoryAllowance,
    onReady: () => void,
  ) {
    this.#relay = relay;
    this.#statistics = statistics;
    this.#memory = new HostMemory(relay, allowance);
    const maker = relay.host.images ?? null;
    this.#images = maker === null
      ? null
      : new HostImages(relay, maker, allowance, onReady);
  }

  /** Whether it is known what they are made of; until then there are none. */
  get isReady(): boolean {
    return this.#images === null || !this.#images.isAsking;
  }

  /** Learns what the host's compositor takes, now that its globals are known. */
  greeted(): void {
    this.#images?.ask();
  }

  /** Whether buffers of this `wl_shm.format`, which the compositor takes as shared memory, can be shown. */
  shows(code: number): boolean {
    if (findPixelFormat(code) === null) return false;
    const images = this.#images;
    return images === null || images.isUnusable || images.shows(fourccOf(code));
  }

  /** Whether there are none in shared memory, which is the only kind that a host takes for more than surfaces. */
  get areUnshared(): boolean {
    return this.#images !== null && !this.#images.isUnusable;
  }

  /** One for buffers like this, or why there is no memory for it. */
  make(buffer: ShmBuffer): Canvas | Shortage {
    const relay = this.#relay;
    const statistics = this.#statistics;
    const images = this.#images;
    if (images !== null && !images.isUnusable) {
      if (images.isAsking) return "host";
      const fourcc = fourccOf(buffer.code);
      if (images.shows(fourcc)) {
        return ImageCanvas.make(relay, images, statistics, buffer, fourcc);
      }
      this.#warnOf(buffer.code);
    }
    return ShmCanvas.make(relay, this.#memory, statistics, buffer);
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
    this.#images?.[Symbol.dispose]();
  }

  #warnOf(code: number): void {
    if (this.#refused.has(code)) return;
    this.#refused.add(code);
    this.#relay.warn(
      `the host's memory is dma-bufs, but its compositor takes none of the format ${
        formatName(code)
      } with rows one after another: they are used as wl_shm, which many compositors refuse`,
    );
  }
}

/** A fourcc code as its four letters. */
function formatName(code: number): string {
  const fourcc = Uint32Array.of(fourccOf(code));
  return new TextDecoder().decode(new Uint8Array(fourcc.buffer)).trim();
}
