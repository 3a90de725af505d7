/** Where a shadow's pixels are: memory that the host sees, and the `wl_buffer` of it. */
import type { RowCopy } from "../../../../ffi/file_copy.ts";
import type { Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import type { ShmBuffer } from "../shm/mod.ts";

/** One of them. Whoever has it ends it by `discard` or `recycle`, once. */
export interface Backing {
  /** The host's `wl_buffer`, whose listener is whoever shows it. */
  readonly entry: Entry;
  /** Copying begins. */
  begin(): void;
  /** Copies a rectangle, in pixels, of a buffer whose format has any. @throws {ClientError} where the client's file is shorter than it said */
  copyRectangle(
    buffer: ShmBuffer,
    left: number,
    top: number,
    right: number,
    bottom: number,
  ): void;
  /** Copies everything. @throws {ClientError} */
  copyAll(buffer: ShmBuffer): void;
  /** Copying has ended. */
  end(): void;
  /** Ends it; the host, which still may read it, keeps what memory it needs. */
  discard(): void;
  /** Ends it, now that the host has released it. */
  recycle(): void;
}

/**
 * Bytes between two rows from which on it is quicker to leave them out. A system call takes as long as copying some
 * thousand bytes, but what is left out is also not read from the client's memory, nor written to the host's.
 */
export const GAP = 1024;

/** The copy under way: one record for all, since no copy is made during another. */
export const rowCopy: RowCopy = {
  fd: -1,
  sourceOffset: 0,
  sourceStride: 0,
  targetOffset: 0,
  targetStride: 0,
  rowBytes: 0,
  rows: 0,
};

/** Ends the host's `wl_buffer` of a backing; its release is told to nobody any more. */
export function destroyBuffer(relay: FeatureRelay, entry: Entry): void {
  relay.sendRequest(entry, "wl_buffer.destroy", {});
  entry.listener = null;
}
