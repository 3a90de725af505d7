/**
 * A shadow: a `wl_buffer` of the host that shows what a client's buffer had when it was last copied.
 */
import type { Message } from "../../../protocols/tables.ts";
import type { ArgumentRecord, Entry, EventListener } from "../entry.ts";
import type { FeatureRelay } from "../feature.ts";
import { Region } from "../region.ts";
import type { CopyStatistics } from "./copy_statistics.ts";
import type { Block, HostMemory } from "./host_memory.ts";
import type { ShmBuffer } from "./shm_buffer.ts";

/**
 * Bytes between two rows from which on it is quicker to leave them out. A system call takes as long as copying some
 * thousand bytes, but what is left out is also not read from the client's memory, nor written to the host's.
 */
const GAP = 1024;

/** What shadows are made with. */
export interface ShadowMaker {
  readonly relay: FeatureRelay;
  readonly memory: HostMemory;
  readonly statistics: CopyStatistics;
}

/** One shadow, of the size, stride and format of the buffer that it was made for. */
export class Shadow implements EventListener {
  /** The host's `wl_buffer`. */
  readonly entry: Entry;
  /** What changed since it was last current, in pixels. */
  readonly stale = new Region();
  /** Whether the host may be reading it. */
  isBusy = false;
  readonly #maker: ShadowMaker;
  readonly #block: Block;
  readonly #onRelease: () => void;

  /**
   * Makes a shadow, all of it out of date.
   *
   * @param onRelease is called when the host needs it no longer
   * @returns null where the host has no memory for it
   */
  static make(
    maker: ShadowMaker,
    buffer: ShmBuffer,
    onRelease: () => void,
  ): Shadow | null {
    const block = maker.memory.allocate(buffer.bytes);
    if (block === null) return null;
    return new Shadow(maker, block, buffer, onRelease);
  }

  /** Takes a block that is large enough. */
  constructor(
    maker: ShadowMaker,
    block: Block,
    buffer: ShmBuffer,
    onRelease: () => void,
  ) {
    const { width, height, stride, code } = buffer;
    this.#maker = maker;
    this.#block = block;
    this.#onRelease = onRelease;
    this.stale.set(0, 0, width, height);
    this.entry = maker.relay.createHostObject("wl_buffer", 1, this);
    maker.relay.sendRequest(block.pool, "wl_shm_pool.create_buffer", {
      id: this.entry,
      offset: 0,
      width,
      height,
      stride,
      format: code,
    });
  }

  /** `wl_buffer.release`, the only event that there is. */
  event(_entry: Entry, _message: Message, _values: ArgumentRecord): void {
    this.isBusy = false;
    this.#onRelease();
  }

  /** Brings what is stale up to date. @throws {ClientError} where the client's file is shorter than it said */
  copyFrom(buffer: ShmBuffer): void {
    const { stale } = this;
    this.#maker.statistics.addCopy();
    if (buffer.format.isDivisible) {
      const { edges, count } = stale;
      for (let at = 0; at < count * 4; at += 4) {
        this.#copyRectangle(
          buffer,
          edges[at] ?? 0,
          edges[at + 1] ?? 0,
          edges[at + 2] ?? 0,
          edges[at + 3] ?? 0,
        );
      }
    } else if (stale.count > 0) {
      this.#copyRows(buffer, 0, buffer.bytes, 1);
    }
    stale.clear();
  }

  #copyRectangle(
    buffer: ShmBuffer,
    left: number,
    top: number,
    right: number,
    bottom: number,
  ): void {
    const { stride, format: { pixelBytes } } = buffer;
    const start = top * stride + left * pixelBytes;
    const rowBytes = (right - left) * pixelBytes;
    const rows = bottom - top;
    if (stride - rowBytes >= GAP) {
      this.#copyRows(buffer, start, rowBytes, rows);
    } else {
      this.#copyRows(buffer, start, (rows - 1) * stride + rowBytes, 1);
    }
  }

  #copyRows(
    buffer: ShmBuffer,
    start: number,
    rowBytes: number,
    rows: number,
  ): void {
    const { pool, offset, stride } = buffer;
    const isRead = this.#block.memory.copyFrom(
      pool.fd,
      offset + start,
      start,
      rowBytes,
      rows,
      stride,
    );
    if (!isRead) throw buffer.unreadable();
    this.#maker.statistics.addCopiedBytes(rowBytes * rows);
  }

  /** Ends it; the host, which still may read it, keeps what memory it needs. */
  discard(): void {
    this.#destroy();
    this.#maker.memory.discard(this.#block);
  }

  /** Ends it, now that the host has released it. */
  recycle(): void {
    this.#destroy();
    this.#maker.memory.recycle(this.#block);
  }

  #destroy(): void {
    this.#maker.relay.sendRequest(this.entry, "wl_buffer.destroy", {});
    this.entry.listener = null;
  }
}
