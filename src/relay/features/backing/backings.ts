/** Decides what shadows are made of: shared memory, or, where the host's memory is of no use as that, images that its GPU can show. */
import type { FeatureRelay } from "../../feature.ts";
import type { Backing } from "./backing.ts";
import type { CopyStatistics } from "./copy_statistics.ts";
import { DmabufImages } from "./dmabuf_images.ts";
import { ShmBlocks } from "./shm_blocks.ts";
import { DmabufBacking } from "./dmabuf_backing.ts";
import type { MemoryBudget, Shortage } from "./memory_budget.ts";
import { findPixelFormat, fourccOf, type ShmBuffer } from "../shm/mod.ts";
import { ShmBacking } from "./shm_backing.ts";

/** One client's. */
export class Backings implements Disposable {
  readonly #relay: FeatureRelay;
  readonly #statistics: CopyStatistics;
  readonly #memory: ShmBlocks;
  readonly #images: DmabufImages | null;
  /** Formats that were warned of. */
  readonly #refused = new Set<number>();

  /** @param onReady is called when `isReady` becomes true */
  constructor(
    relay: FeatureRelay,
    statistics: CopyStatistics,
    budget: MemoryBudget,
    onReady: () => void,
  ) {
    this.#relay = relay;
    this.#statistics = statistics;
    this.#memory = new ShmBlocks(relay, budget);
    const maker = relay.host.images ?? null;
    this.#images = maker === null
      ? null
      : new DmabufImages(relay, maker, budget, onReady);
  }

  /** Whether it is known what they are made of; until then there are none. */
  get isReady(): boolean {
    return this.#images === null || !this.#images.isAsking;
  }

  /** Learns what the host's compositor takes, now that its globals are known. */
  globalsKnown(): void {
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
  make(buffer: ShmBuffer): Backing | Shortage {
    const relay = this.#relay;
    const statistics = this.#statistics;
    const images = this.#images;
    if (images !== null && !images.isUnusable) {
      if (images.isAsking) return "host";
      const fourcc = fourccOf(buffer.code);
      if (images.shows(fourcc)) {
        return DmabufBacking.make(relay, images, statistics, buffer, fourcc);
      }
      this.#warnOf(buffer.code);
    }
    return ShmBacking.make(relay, this.#memory, statistics, buffer);
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
