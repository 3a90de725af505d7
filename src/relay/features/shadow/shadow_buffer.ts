/**
 * A shadow: a `wl_buffer` of the host that shows what a client's buffer had when it was last copied.
 */
import type { Message } from "../../../../protocols/tables.ts";
import type { ArgumentRecord, Entry, EventListener } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import { Region } from "../surface/region.ts";
import type { Canvas } from "../backing/backing.ts";
import type { Canvases } from "../backing/backings.ts";
import type { CopyStatistics } from "../backing/copy_statistics.ts";
import type { MemoryAllowance, Shortage } from "../backing/memory_budget.ts";
import type { ShmBuffer } from "../shm/shm_buffer.ts";
import type { Shortages } from "../backing/memory_retries.ts";

/** What shadows are made with. */
export interface ShadowMaker {
  readonly relay: FeatureRelay;
  readonly canvases: Canvases;
  readonly statistics: CopyStatistics;
  readonly allowance: MemoryAllowance;
  readonly shortages: Shortages;
}

/** One shadow, of the size, stride and format of the buffer that it was made for. */
export class Shadow implements EventListener {
  /** What changed since it was last current, in pixels. */
  readonly stale = new Region();
  /** Whether the host may be reading it. */
  isBusy = false;
  readonly #statistics: CopyStatistics;
  readonly #canvas: Canvas;
  readonly #onRelease: () => void;

  /**
   * Makes a shadow, all of it out of date.
   *
   * @param onRelease is called when the host needs it no longer
   * @returns why there is no memory for it, where there is none
   */
  static make(
    { canvases, statistics }: ShadowMaker,
    buffer: ShmBuffer,
    onRelease: () => void,
  ): Shadow | Shortage {
    const canvas = canvases.make(buffer);
    if (typeof canvas === "string") return canvas;
    return new Shadow(canvas, buffer, statistics, onRelease);
  }

  /** Takes a canvas that was made for such a buffer. */
  constructor(
    canvas: Canvas,
    { width, height }: ShmBuffer,
    statistics: CopyStatistics,
    onRelease: () => void,
  ) {
    this.#canvas = canvas;
    this.#statistics = statistics;
    this.#onRelease = onRelease;
    this.stale.set(0, 0, width, height);
    canvas.entry.listener = this;
  }

  /** The host's `wl_buffer`. */
  get entry(): Entry {
    return this.#canvas.entry;
  }

  /** `wl_buffer.release`, the only event that there is. */
  event(_entry: Entry, _message: Message, _values: ArgumentRecord): void {
    this.isBusy = false;
    this.#onRelease();
  }

  /** Brings what is stale up to date. @throws {ClientError} where the client's file is shorter than it said */
  copyFrom(buffer: ShmBuffer): void {
    const { stale } = this;
    this.#statistics.addCopy();
    if (stale.count === 0) return;
    const canvas = this.#canvas;
    canvas.begin();
    try {
      if (buffer.format.isDivisible) {
        const { edges, count } = stale;
        for (let at = 0; at < count * 4; at += 4) {
          canvas.copyRectangle(
            buffer,
            edges[at] ?? 0,
            edges[at + 1] ?? 0,
            edges[at + 2] ?? 0,
            edges[at + 3] ?? 0,
          );
        }
      } else canvas.copyAll(buffer);
    } finally {
      canvas.end();
    }
    stale.clear();
  }

  /** Ends it; the host, which still may read it, keeps what memory it needs. */
  discard(): void {
    this.#canvas.discard();
  }

  /** Ends it, now that the host has released it. */
  recycle(): void {
    this.#canvas.recycle();
  }
}
