/**
 * The client's shared memory: pools and the buffers in them, which only the
 * relay knows.
 *
 * The relay rejects what libwayland's server rejects, in its words
 * (wayland-shm.c). Products of two 32-bit numbers need not be exact in a double
 * to be compared with 31 bits. The relay never maps the file: the client may
 * truncate it at any time.
 */
import { closeForeignFd } from "../../../../ffi/file_kind.ts";
import { ClientError } from "../../../wayland/protocol_error.ts";
import type { Entry } from "../../entry.ts";
import type { ImportedPool } from "./imported_pool.ts";
import {
  type BufferPlane,
  type BufferShape,
  bytesOf,
  findPixelFormat,
  type PixelFormat,
  planesOf,
} from "./pixel_format.ts";

// wl_shm.error
const INVALID_FORMAT = 0;
const INVALID_STRIDE = 1;
const INVALID_FD = 2;

/** A `wl_shm_pool` and the file behind it, which stays open for its buffers. */
export class ShmPool {
  /** The client's file; ours. */
  readonly fd: number;
  /** Where the host sees this memory as it is. */
  imported: ImportedPool | null = null;
  #size: number;
  #users = 1;
  readonly #onClosed: (pool: ShmPool) => void;

  /**
   * Takes the file.
   *
   * @param onClosed is called when the pool and all its buffers are gone
   */
  constructor(fd: number, size: number, onClosed: (pool: ShmPool) => void) {
    this.fd = fd;
    this.#size = size;
    this.#onClosed = onClosed;
  }

  /** In bytes, as the client says. */
  get size(): number {
    return this.#size;
  }

  /** `wl_shm_pool.resize`. @throws {ClientError} */
  resize(entry: Entry, size: number): void {
    if (size < this.#size) {
      throw new ClientError(
        entry.clientId,
        INVALID_FD,
        "shrinking pool invalid",
      );
    }
    this.#size = size;
  }

  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users === 0) this.#onClosed(this);
  }

  /** Closes the file, even while buffers use it. */
  close(): void {
    closeForeignFd(this.fd);
  }
}

/**
 * A `wl_buffer` in a pool. Those that retain it can use it, even when the
 * client has destroyed it.
 */
export class ShmBuffer {
  readonly entry: Entry;
  readonly pool: ShmPool;
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  /** A `wl_shm.format`. */
  readonly code: number;
  readonly format: PixelFormat;
  readonly planes: readonly BufferPlane[];
  /** Of all planes. */
  readonly bytes: number;
  #users = 1;

  constructor(entry: Entry, pool: ShmPool, shape: BufferShape) {
    const { offset, width, height, stride, code, format, planes } = shape;
    this.entry = entry;
    this.pool = pool;
    this.offset = offset;
    this.width = width;
    this.height = height;
    this.stride = stride;
    this.code = code;
    this.format = format;
    this.planes = planes;
    this.bytes = bytesOf(planes);
    pool.retain();
  }

  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users === 0) this.pool.release();
  }

  /** The error of a client whose file is shorter than it said. */
  unreadable(): ClientError {
    return new ClientError(
      this.entry.clientId,
      INVALID_FD,
      "error accessing SHM buffer",
    );
  }
}

/** The record of a client's `wl_buffer`, where it is in shared memory. */
export function shmBufferOf(entry: Entry): ShmBuffer | null {
  return entry.record instanceof ShmBuffer ? entry.record : null;
}

/** Checks the size of a new pool. @throws {ClientError} */
export function checkPoolSize(shm: Entry, size: number): void {
  if (size > 0) return;
  throw new ClientError(
    shm.clientId,
    INVALID_STRIDE,
    `invalid size (${size})`,
  );
}

/** The error of a pool whose file cannot be mapped. */
export function unmappable(shm: Entry, fd: number, why: string): ClientError {
  return new ClientError(
    shm.clientId,
    INVALID_FD,
    `failed mmap fd ${fd}: ${why}`,
  );
}

/** The arguments of `wl_shm_pool.create_buffer`. */
interface BufferArguments {
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly format: number;
}

/**
 * Checks where a new buffer has its pixels.
 *
 * @param offered the formats that the client may use
 * @throws {ClientError}
 */
export function checkBufferShape(
  entry: Entry,
  pool: ShmPool,
  values: BufferArguments,
  offered: ReadonlySet<number>,
): BufferShape {
  const { offset, width, height, stride, format: code } = values;
  const format = offered.has(code) ? findPixelFormat(code) : null;
  if (format === null) {
    throw new ClientError(
      entry.clientId,
      INVALID_FORMAT,
      `invalid format 0x${code.toString(16)}`,
    );
  }
  const planes = planesOf(format, stride, height);
  if (
    offset < 0 || width <= 0 || height <= 0 ||
    stride < width * format.pixelBytes ||
    offset + bytesOf(planes) > pool.size
  ) {
    throw new ClientError(
      entry.clientId,
      INVALID_STRIDE,
      `invalid width, height or stride (${width}x${height}, ${stride})`,
    );
  }
  return { offset, width, height, stride, code, format, planes };
}
