/**
 * A shadow: a `wl_buffer` of the host that shows what a client's buffer had
 * when the relay last copied it.
 */
import type { Message } from "../../../../protocols/tables.ts";
import type { ArgumentRecord, Entry, EventListener } from "../../entry.ts";
import type {
  Backing,
  Backings,
  CopyStatistics,
  Shortage,
} from "../backing/mod.ts";
import type { ShmBuffer } from "../shm/mod.ts";
import { Region } from "../surface/mod.ts";

/** It has the size, stride and format of the buffer that it was made for. */
export class ShadowBuffer implements EventListener {
  /** What changed since the last copy, in pixels. */
  readonly stale = new Region();
  /** Whether the host may be reading it. */
  isBusy = false;
  readonly #statistics: CopyStatistics;
  readonly #backing: Backing;
  readonly #onRelease: () => void;

  /**
   * Makes a shadow, all of it out of date.
   *
   * @param onRelease is called when the host needs it no longer
   * @returns the shadow, or why there is no memory for it
   */
  static make(
    backings: Backings,
    buffer: ShmBuffer,
    onRelease: () => void,
  ): ShadowBuffer | Shortage {
    const backing = backings.make(buffer);
    if (typeof backing === "string") return backing;
    return new ShadowBuffer(backing, buffer, backings.statistics, onRelease);
  }

  /** Takes a backing that was made for such a buffer. */
  constructor(
    backing: Backing,
    { width, height }: ShmBuffer,
    statistics: CopyStatistics,
    onRelease: () => void,
  ) {
    this.#backing = backing;
    this.#statistics = statistics;
    this.#onRelease = onRelease;
    this.stale.set(0, 0, width, height);
    backing.entry.listener = this;
  }

  /** The host's `wl_buffer`. */
  get entry(): Entry {
    return this.#backing.entry;
  }

  /** `wl_buffer.release`, the only event of a buffer. */
  event(_entry: Entry, _message: Message, _values: ArgumentRecord): void {
    this.isBusy = false;
    this.#onRelease();
  }

  /**
   * Brings what is stale up to date.
   *
   * @throws {ClientError} where the client's file is shorter than it said
   */
  copyFrom(buffer: ShmBuffer): void {
    const { stale } = this;
    this.#statistics.addCopy();
    if (stale.count === 0) return;
    const backing = this.#backing;
    backing.begin();
    try {
      if (buffer.format.isDivisible) {
        const { edges, count } = stale;
        for (let at = 0; at < count * 4; at += 4) {
          backing.copyRectangle(
            buffer,
            edges[at] ?? 0,
            edges[at + 1] ?? 0,
            edges[at + 2] ?? 0,
            edges[at + 3] ?? 0,
          );
        }
      } else backing.copyAll(buffer);
    } finally {
      backing.end();
    }
    stale.clear();
  }

  /** Ends it; the host, which still may read it, keeps what memory it needs. */
  discard(): void {
    this.#backing.discard();
  }

  /** Ends it, now that the host has released it. */
  recycle(): void {
    this.#backing.recycle();
  }
}
