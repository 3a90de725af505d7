/**
 * Decides what shadow buffers are made of: `wl_shm`, or, where compositors do
 * not take host memory as that, images that the host's GPU can show.
 */
import type { FeatureRelay } from "../../feature.ts";
import { findPixelFormat, fourccOf, type ShmBuffer } from "../shm/mod.ts";
import { Backing } from "./backing.ts";
import type { CopyStatistics } from "./copy_statistics.ts";
import { DmabufImages } from "./dmabuf_images.ts";
import { MemoryBudget, type Shortage } from "./memory_budget.ts";
import { MemoryRetries } from "./memory_retries.ts";
import { ShmBlocks } from "./shm_blocks.ts";

/** Who shows the backings. */
export interface BackingsOwner {
  /** `isReady` has become true. */
  onReady(): void;
  /** Memory is short: recycles the backings that only save time. */
  onShortage(): void;
}

/**
 * The host memory of one client: what it has, what it may have, and who waits
 * for some.
 */
export class Backings implements Disposable {
  readonly statistics: CopyStatistics;
  readonly budget: MemoryBudget;
  readonly retries: MemoryRetries;
  readonly #relay: FeatureRelay;
  readonly #blocks: ShmBlocks;
  readonly #images: DmabufImages | null;
  /** Formats that the log has a warning of. */
  readonly #warnedFormats = new Set<number>();

  constructor(
    relay: FeatureRelay,
    statistics: CopyStatistics,
    owner: BackingsOwner,
  ) {
    this.#relay = relay;
    this.statistics = statistics;
    const budget = new MemoryBudget(
      relay,
      statistics,
      () => owner.onShortage(),
    );
    this.budget = budget;
    this.retries = new MemoryRetries(relay, budget);
    this.#blocks = new ShmBlocks(relay, budget);
    const maker = relay.host.images ?? null;
    this.#images = maker === null
      ? null
      : new DmabufImages(relay, maker, budget, () => owner.onReady());
  }

  /**
   * Whether it is decided what backings are made of; until then none is made.
   */
  get isReady(): boolean {
    return this.#images === null || !this.#images.isAsking;
  }

  /** Whether backings are images, which a host takes for surfaces only. */
  get areImages(): boolean {
    return this.#images !== null && !this.#images.isUnusable;
  }

  /** Asks the compositor what it accepts, now that its globals are known. */
  globalsKnown(): void {
    this.#images?.ask();
  }

  /**
   * Whether buffers of this `wl_shm.format`, which the compositor accepts as
   * shared memory, can be shown.
   */
  shows(code: number): boolean {
    if (findPixelFormat(code) === null) return false;
    const images = this.#images;
    return images === null || images.isUnusable || images.shows(fourccOf(code));
  }

  /** Makes a backing for buffers like this, or says why there is no memory. */
  make(buffer: ShmBuffer): Backing | Shortage {
    const relay = this.#relay;
    const images = this.#images;
    if (images !== null && !images.isUnusable) {
      if (images.isAsking) return "host";
      if (images.shows(fourccOf(buffer.code))) {
        return Backing.make(relay, this.statistics, images, buffer);
      }
      this.#warnOf(buffer.code);
    }
    return Backing.make(relay, this.statistics, this.#blocks, buffer);
  }

  [Symbol.dispose](): void {
    this.#blocks[Symbol.dispose]();
    this.#images?.[Symbol.dispose]();
    this.retries[Symbol.dispose]();
    this.budget[Symbol.dispose]();
  }

  #warnOf(code: number): void {
    if (this.#warnedFormats.has(code)) return;
    this.#warnedFormats.add(code);
    this.#relay.warn(
      `host memory is dma-bufs, but the compositor accepts no linear ones of the format ${
        formatName(code)
      }: buffers of it fall back to wl_shm, which many compositors reject`,
    );
  }
}

/** A fourcc code as its four letters. */
function formatName(code: number): string {
  const fourcc = Uint32Array.of(fourccOf(code));
  return new TextDecoder().decode(new Uint8Array(fourcc.buffer)).trim();
}
