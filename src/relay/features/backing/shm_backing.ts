/** A backing in the host's `wl_shm`: with the size, the stride and the format of the buffer that it was made for. */
import type { Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import { type Backing, destroyBuffer, GAP, rowCopy } from "./backing.ts";
import type { CopyStatistics } from "./copy_statistics.ts";
import type { Block, ShmBlocks } from "./shm_blocks.ts";
import type { Shortage } from "./memory_budget.ts";
import type { ShmBuffer } from "../shm/mod.ts";
import { ignoreEvents } from "../../ignore_events.ts";

/** One of them. */
export class ShmBacking implements Backing {
  readonly entry: Entry;
  readonly #relay: FeatureRelay;
  readonly #memory: ShmBlocks;
  readonly #statistics: CopyStatistics;
  readonly #block: Block;

  /**
   * Makes a backing.
   *
   * @returns why there is no memory for it, where there is none
   */
  static make(
    relay: FeatureRelay,
    memory: ShmBlocks,
    statistics: CopyStatistics,
    buffer: ShmBuffer,
  ): ShmBacking | Shortage {
    const block = memory.allocate(buffer.bytes);
    if (typeof block === "string") return block;
    return new ShmBacking(relay, memory, statistics, block, buffer);
  }

  /** Takes a block that is large enough. */
  constructor(
    relay: FeatureRelay,
    memory: ShmBlocks,
    statistics: CopyStatistics,
    block: Block,
    { width, height, stride, code }: ShmBuffer,
  ) {
    this.#relay = relay;
    this.#memory = memory;
    this.#statistics = statistics;
    this.#block = block;
    this.entry = relay.createHostObject("wl_buffer", 1, ignoreEvents);
    relay.sendRequest(block.pool, "wl_shm_pool.create_buffer", {
      id: this.entry,
      offset: 0,
      width,
      height,
      stride,
      format: code,
    });
  }

  begin(): void {}

  copyRectangle(
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

  copyAll(buffer: ShmBuffer): void {
    this.#copyRows(buffer, 0, buffer.bytes, 1);
  }

  end(): void {}

  discard(): void {
    destroyBuffer(this.#relay, this.entry);
    this.#memory.discard(this.#block);
  }

  recycle(): void {
    destroyBuffer(this.#relay, this.entry);
    this.#memory.recycle(this.#block);
  }

  #copyRows(
    buffer: ShmBuffer,
    start: number,
    rowBytes: number,
    rows: number,
  ): void {
    const { pool, offset, stride } = buffer;
    rowCopy.fd = pool.fd;
    rowCopy.sourceOffset = offset + start;
    rowCopy.targetOffset = start;
    rowCopy.sourceStride = rowCopy.targetStride = stride;
    rowCopy.rowBytes = rowBytes;
    rowCopy.rows = rows;
    if (!this.#block.memory.copyFrom(rowCopy)) throw buffer.unreadable();
    this.#statistics.addCopiedBytes(rowBytes * rows);
  }
}
