/**
 * Where the pixels of a shadow buffer lie: host memory, and the host's
 * `wl_buffer` of it.
 */
import type { RowCopy } from "../../../../ffi/file_copy.ts";
import type { MemoryPlane } from "../../../host/endpoint.ts";
import type { Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import type { ShmBuffer } from "../shm/mod.ts";
import type { CopyStatistics } from "./copy_statistics.ts";
import type { Piece, Shortage } from "./memory_budget.ts";
import type { PieceStore } from "./piece_store.ts";

/**
 * Bytes between two rows from which on it is quicker to skip them. A system
 * call takes as long as copying some thousand bytes, but what is skipped is
 * neither read from the client's memory nor written to host memory.
 */
const GAP = 1024;

/**
 * The copy under way: one record for all backings, since no copy is made during
 * another.
 */
const rowCopy: RowCopy = {
  fd: -1,
  sourceOffset: 0,
  sourceStride: 0,
  targetOffset: 0,
  targetStride: 0,
  rowBytes: 0,
  rows: 0,
};

/** Makes host memory of one kind, and the host's buffers of it. */
export interface BackingSource<T extends Piece> {
  /** Ends the pieces, which belong to their backing until then. */
  readonly pieces: Pick<PieceStore<T>, "recycle" | "discard">;
  /**
   * Finds memory for a buffer like this, with any contents, or says why there
   * is none.
   *
   * @throws {HostError} the host made memory without room for the buffer
   */
  allocate(buffer: ShmBuffer): T | Shortage;
  /**
   * Makes a `wl_buffer` with the size and format of this one; null where this
   * process has no room for its descriptors.
   */
  createBuffer(piece: T, buffer: ShmBuffer): Entry | null;
}

/** The owner must end it exactly once, with `discard` or `recycle`. */
export class Backing<T extends Piece = Piece> {
  /** The host's `wl_buffer`, whose listener is set by the owner. */
  readonly entry: Entry;
  readonly #relay: FeatureRelay;
  readonly #statistics: CopyStatistics;
  readonly #pieces: BackingSource<T>["pieces"];
  readonly #piece: T;
  readonly #planes: readonly MemoryPlane[];

  /** Makes a backing for buffers like this, or says why there is no memory. */
  static make<T extends Piece>(
    relay: FeatureRelay,
    statistics: CopyStatistics,
    source: BackingSource<T>,
    buffer: ShmBuffer,
  ): Backing<T> | Shortage {
    const piece = source.allocate(buffer);
    if (typeof piece === "string") return piece;
    const entry = source.createBuffer(piece, buffer);
    if (entry === null) {
      source.pieces.recycle(piece);
      return "host";
    }
    const { pieces } = source;
    return new Backing(relay, statistics, pieces, piece, entry, buffer);
  }

  private constructor(
    relay: FeatureRelay,
    statistics: CopyStatistics,
    pieces: BackingSource<T>["pieces"],
    piece: T,
    entry: Entry,
    buffer: ShmBuffer,
  ) {
    this.#relay = relay;
    this.#statistics = statistics;
    this.#pieces = pieces;
    this.#piece = piece;
    this.entry = entry;
    const { planes } = piece.memory;
    // plain bytes are laid out as the client's are
    this.#planes = planes.length > 0 ? planes : buffer.planes;
  }

  /** Copying begins. */
  begin(): void {
    this.#piece.memory.beginWriting();
  }

  /**
   * Copies a rectangle, in pixels, of a buffer whose format is divisible.
   *
   * @throws {ClientError} the client's file is shorter than it said
   */
  copyRectangle(
    buffer: ShmBuffer,
    left: number,
    top: number,
    right: number,
    bottom: number,
  ): void {
    const { format: { pixelBytes } } = buffer;
    const source = planeOf(buffer.planes, 0);
    const target = planeOf(this.#planes, 0);
    const rowBytes = (right - left) * pixelBytes;
    const rows = bottom - top;
    const { stride } = source;
    rowCopy.sourceOffset = source.offset + top * stride + left * pixelBytes;
    rowCopy.targetOffset = target.offset + top * target.stride +
      left * pixelBytes;
    rowCopy.sourceStride = stride;
    rowCopy.targetStride = target.stride;
    const isOnePiece = stride === target.stride && stride - rowBytes < GAP;
    rowCopy.rowBytes = isOnePiece ? (rows - 1) * stride + rowBytes : rowBytes;
    rowCopy.rows = isOnePiece ? 1 : rows;
    this.#copy(buffer);
  }

  /**
   * Copies everything.
   *
   * @throws {ClientError} the client's file is shorter than it said
   */
  copyAll(buffer: ShmBuffer): void {
    const { planes } = buffer;
    for (let i = 0; i < planes.length; i++) {
      const source = planeOf(planes, i);
      const target = planeOf(this.#planes, i);
      rowCopy.sourceOffset = source.offset;
      rowCopy.sourceStride = source.stride;
      rowCopy.targetOffset = target.offset;
      rowCopy.targetStride = target.stride;
      rowCopy.rowBytes = Math.min(source.stride, target.stride);
      rowCopy.rows = source.rows;
      this.#copy(buffer);
    }
  }

  /** Copying has ended. */
  end(): void {
    this.#piece.memory.endWriting();
  }

  /** Ends it; the host, which still may read it, keeps what memory it needs. */
  discard(): void {
    this.#destroyBuffer();
    this.#pieces.discard(this.#piece);
  }

  /** Ends it, now that the host has released it. */
  recycle(): void {
    this.#destroyBuffer();
    this.#pieces.recycle(this.#piece);
  }

  #destroyBuffer(): void {
    this.#relay.sendRequest(this.entry, "wl_buffer.destroy", {});
    // nobody hears of its release any more
    this.entry.listener = null;
  }

  /** Makes the copy that `rowCopy` has, whose source begins at the buffer. */
  #copy(buffer: ShmBuffer): void {
    rowCopy.fd = buffer.pool.fd;
    rowCopy.sourceOffset += buffer.offset;
    if (!this.#piece.memory.copyFrom(rowCopy)) throw buffer.unreadable();
    this.#statistics.addCopiedBytes(rowCopy.rowBytes * rowCopy.rows);
  }
}

function planeOf<Plane>(planes: readonly Plane[], index: number): Plane {
  const plane = planes[index];
  if (plane !== undefined) return plane;
  throw new RangeError(`Cannot copy plane ${index}: there are fewer`);
}
