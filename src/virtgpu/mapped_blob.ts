/**
 * Host memory that is mapped here: what an application draws is copied into it,
 * and the host's compositor sees it at once.
 */

import { beginWriting, endWriting } from "../../ffi/dma_buf.ts";
import { SyscallError } from "../../ffi/error.ts";
import { duplicateFd, type OwnedFd } from "../../ffi/fd.ts";
import { copyRows, type RowCopy } from "../../ffi/file_copy.ts";
import type { Mapping } from "../../ffi/mapping.ts";
import type { VirtgpuDevice } from "./device.ts";
import type { Handles } from "./handles.ts";

/** Where a plane of an image lies in its memory, in bytes. */
export interface BlobPlane {
  readonly offset: number;
  readonly stride: number;
}

/** What a blob is made of, which it takes over. */
export interface BlobParts {
  /** The host's name for it. */
  readonly resource: number;
  /** The device's handle, which `handles` retains. */
  readonly handle: number;
  readonly handles: Handles;
  /** Its dma-buf. */
  readonly fd: OwnedFd;
  readonly mapping: Mapping;
}

/** Linear host memory: plain bytes, or the planes of an image. */
export class MappedBlob implements Disposable {
  /** In bytes. Of plain bytes, as many as the caller asked for. */
  readonly size: number;
  /** Where the planes of an image lie; empty where this is plain bytes. */
  readonly planes: readonly BlobPlane[];
  /** The host's name for it, for a SEND. */
  readonly resource: number;
  readonly #parts: BlobParts;
  #disposed = false;

  constructor(parts: BlobParts, size: number, planes: readonly BlobPlane[]) {
    this.size = size;
    this.planes = planes;
    this.resource = parts.resource;
    this.#parts = parts;
  }

  /**
   * The memory itself; an image's is written between `beginWriting` and
   * `endWriting`.
   */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#parts.mapping.bytes;
  }

  /**
   * A new descriptor of it, the caller's, which the device can turn into its
   * resource again.
   */
  share(): number {
    return duplicateFd(this.#parts.fd.number).release();
  }

  /**
   * The caller begins to write. Linux's virtio-gpu needs no such call as of
   * 2026, but other exporters of dma-bufs do. Only images are dma-bufs to the
   * compositor, so plain bytes do without.
   */
  beginWriting(): void {
    if (this.planes.length > 0) beginWriting(this.#parts.fd.number);
  }

  /** The caller has written, and the host may read. */
  endWriting(): void {
    if (this.planes.length > 0) endWriting(this.#parts.fd.number);
  }

  /**
   * Copies rows from a file.
   *
   * @returns false: the file ends before its rows, or cannot be read.
   */
  copyFrom(copy: Readonly<RowCopy>): boolean {
    return copyRows(this.#parts.mapping.bytes, copy);
  }

  /** Gives it back. The compositor keeps what it has of it. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const { mapping, fd, handles, handle } = this.#parts;
    mapping[Symbol.dispose]();
    fd[Symbol.dispose]();
    handles.release(handle);
  }
}

/**
 * Maps a blob by its dma-buf, such that the mapping does not keep the
 * connection open, or, where a kernel does not do that, by the device.
 *
 * @throws {SyscallError} EINVAL: the host has refused the blob.
 */
export function mapBlob(
  device: VirtgpuDevice,
  handle: number,
  fd: number,
  size: number,
  access: "read" | "write",
): Mapping {
  try {
    return device.mapPrime(fd, size, access);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return device.map(handle, size, access);
  }
}
