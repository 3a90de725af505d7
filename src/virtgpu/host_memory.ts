/**
 * Memory of the host's, mapped here: what an application draws is copied into
 * it, and the host's compositor sees it at once.
 */

import { SyscallError } from "../../ffi/error.ts";
import { duplicateFd, type OwnedFd } from "../../ffi/fd.ts";
import { copyRows } from "../../ffi/file_copy.ts";
import type { Mapping } from "../../ffi/mapping.ts";
import { type Channel, wholePages } from "./channel.ts";
import { submitQuery } from "./commands.ts";
import {
  type ImageRequirements,
  parseImageRequirements,
  QUERY_ANSWER_BYTES,
} from "./cross_domain.ts";
import type { VirtgpuDevice } from "./device.ts";
import type { Handles } from "./handles.ts";

/** DRM_FORMAT_R8: an image of one row of it is so many bytes. */
const FOURCC_R8 = 0x2020_3852;
/** GBM_BO_USE_SCANOUT and GBM_BO_USE_LINEAR, what all guests ask for. */
const LINEAR = 0x11;

/** A piece of the host's memory. */
export class HostMemory implements Disposable {
  /** In bytes, as it was asked for. */
  readonly size: number;
  /** What the host calls it, for a SEND. */
  readonly resource: number;
  readonly #handles: Handles;
  readonly #handle: number;
  readonly #fd: OwnedFd;
  readonly #mapping: Mapping;
  #disposed = false;

  /** For `HostMemoryPool`. */
  constructor(
    size: number,
    resource: number,
    handles: Handles,
    handle: number,
    fd: OwnedFd,
    mapping: Mapping,
  ) {
    this.size = size;
    this.resource = resource;
    this.#handles = handles;
    this.#handle = handle;
    this.#fd = fd;
    this.#mapping = mapping;
  }

  /** The memory itself. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#mapping.bytes;
  }

  /** A new descriptor of it, the caller's, which the device can turn into its resource again. */
  share(): number {
    return duplicateFd(this.#fd.number).release();
  }

  /**
   * Copies rows from a file.
   *
   * @param stride from one row to the next, in the file and here alike.
   * @returns false: the file is shorter, or cannot be read.
   */
  copyFrom(
    fd: number,
    sourceOffset: number,
    destinationOffset: number,
    rowBytes: number,
    rows: number,
    stride: number,
  ): boolean {
    return copyRows(
      fd,
      sourceOffset,
      this.#mapping.bytes,
      destinationOffset,
      rowBytes,
      rows,
      stride,
    );
  }

  /** Gives it back. What the host's compositor has of it stays alive for it. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#mapping[Symbol.dispose]();
    this.#fd[Symbol.dispose]();
    this.#handles.release(this.#handle);
  }
}

/** Makes memory for one channel. */
export class HostMemoryPool {
  readonly #channel: Channel;
  readonly #handles: Handles;
  /** What the host wants for a size: each question leaves something behind in the host, so none is asked twice. */
  readonly #requirements = new Map<number, ImageRequirements>();

  constructor(channel: Channel, handles: Handles) {
    this.#channel = channel;
    this.#handles = handles;
  }

  /**
   * Memory of `size` bytes, zeroed; null where there is no room for it.
   *
   * @throws {SyscallError} the device is gone.
   */
  allocate(size: number): HostMemory | null {
    const { device } = this.#channel;
    // the kernel counts in pages of this machine, and the host takes no other size than its answer
    const requirements = this.#requirementsOf(
      wholePages(size, device.pageSize),
    );
    if (requirements === null) return null;
    const blob = device.createBlob({
      memory: "host3d",
      size: requirements.size,
      blobId: requirements.blobId,
      mappable: true,
    });
    if (blob === null) return null;
    this.#handles.retain(blob.handle);
    let fd: OwnedFd | null = null;
    try {
      fd = device.primeHandleToFd(blob.handle);
      return new HostMemory(
        size,
        blob.resource,
        this.#handles,
        blob.handle,
        fd,
        mapBlob(device, blob.handle, fd.number, requirements.size, "write"),
      );
    } catch (error) {
      fd?.[Symbol.dispose]();
      this.#handles.release(blob.handle);
      // EINVAL: the host refused it, as it does when it has no memory
      if (error instanceof SyscallError) return null;
      throw error;
    }
  }

  #requirementsOf(size: number): ImageRequirements | null {
    const known = this.#requirements.get(size);
    if (known !== undefined) return known;
    const { device, queryPage } = this.#channel;
    const answer = queryPage.bytes.subarray(0, QUERY_ANSWER_BYTES);
    // a host that refuses leaves the page alone
    answer.fill(0);
    submitQuery(device, queryPage.handle, size, 1, FOURCC_R8, LINEAR);
    device.wait(queryPage.handle);
    const requirements = parseImageRequirements(answer);
    if (requirements === null || requirements.size < size) return null;
    this.#requirements.set(size, requirements);
    return requirements;
  }
}

/**
 * Maps a blob by its dma-buf, such that the mapping does not keep the connection
 * open, or, where a kernel does not do that, by the device.
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
