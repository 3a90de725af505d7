/**
 * Memory of the host's, mapped here: what an application draws is copied into
 * it, and the host's compositor sees it at once.
 */

import { SyscallError } from "../../ffi/error.ts";
import { duplicateFd, type OwnedFd } from "../../ffi/fd.ts";
import { copyRows, type RowCopy } from "../../ffi/file_copy.ts";
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
/** Bytes of a row, where memory is an image of a GPU, which cannot be as wide as one likes. */
const IMAGE_ROW = 4096;

/** A piece of the host's memory. */
export class MappedBlob implements Disposable {
  /** In bytes, as it was asked for. */
  readonly size: number;
  /** What the host calls it, for a SEND. */
  readonly resource: number;
  readonly #handles: Handles;
  readonly #handle: number;
  readonly #fd: OwnedFd;
  readonly #mapping: Mapping;
  #disposed = false;

  /** For `MemoryMaker`. */
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

  /** For requests about its dma-buf. Borrowed. */
  get fd(): number {
    return this.#fd.number;
  }

  /**
   * Copies rows from a file.
   *
   * @returns false: the file ends before its rows, or cannot be read.
   */
  copyFrom(copy: Readonly<RowCopy>): boolean {
    return copyRows(this.#mapping.bytes, copy);
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

/** Makes memory for one channel, as so many bytes. */
export class HostMemoryPool {
  readonly #maker: MemoryMaker;
  readonly #hostMemory: "files" | "dma-bufs";

  /** @param hostMemory what the capability set says that the host allocates */
  constructor(
    channel: Channel,
    handles: Handles,
    hostMemory: "files" | "dma-bufs" = "files",
  ) {
    this.#maker = new MemoryMaker(channel, handles);
    this.#hostMemory = hostMemory;
  }

  /**
   * Memory of `size` bytes, zeroed; null where there is no room for it.
   *
   * @throws {SyscallError} the device is gone.
   */
  allocate(size: number): MappedBlob | null {
    // the kernel counts in pages of this machine, and the host takes no other size than its answer
    const bytes = wholePages(size, this.#maker.pageSize);
    if (this.#hostMemory === "files") {
      return this.#maker.make(bytes, 1, FOURCC_R8, size)?.memory ?? null;
    }
    const rows = Math.ceil(bytes / IMAGE_ROW);
    const made = this.#maker.make(IMAGE_ROW, rows, FOURCC_R8, size);
    if (made === null) return null;
    if (made.requirements.strides[0] === IMAGE_ROW) return made.memory;
    made.memory[Symbol.dispose]();
    return null;
  }
}

/** Memory with what the host said of it. */
export interface MadeMemory {
  readonly memory: MappedBlob;
  readonly requirements: ImageRequirements;
}

/** Makes memory by asking for images. */
export class MemoryMaker {
  readonly #channel: Channel;
  readonly #handles: Handles;
  /** What the host wants for an image: each question leaves something behind in the host, so none is asked twice. */
  readonly #requirements = new Map<string, ImageRequirements>();

  constructor(channel: Channel, handles: Handles) {
    this.#channel = channel;
    this.#handles = handles;
  }

  /** Bytes that memory is mapped by. */
  get pageSize(): number {
    return this.#channel.device.pageSize;
  }

  /**
   * An image whose memory has at least `size` bytes, or null where there is no room for it, or the host makes none such, or does not answer.
   *
   * @throws {SyscallError} the device is gone.
   */
  make(
    width: number,
    height: number,
    fourcc: number,
    size: number,
  ): MadeMemory | null {
    const key = `${width} ${height} ${fourcc}`;
    const known = this.#requirements.get(key);
    const requirements = known ?? this.#ask(width, height, fourcc);
    if (requirements === null) return null;
    const isEnough = requirements.size >= size;
    const memory = isEnough ? this.#makeBlob(requirements, size) : null;
    if (known === undefined) {
      if (isEnough) this.#requirements.set(key, requirements);
      // a host with a GPU's allocator keeps what it was asked for, and answers nobody until that is taken
      if (memory === null) this.#take(requirements);
    }
    return memory === null ? null : { memory, requirements };
  }

  #ask(
    width: number,
    height: number,
    fourcc: number,
  ): ImageRequirements | null {
    const { device, queryPage: { bytes, handle } } = this.#channel;
    // a host that was given up may still write its answer, which must not be taken for another one's
    if (!device.wait(handle, "none")) return null;
    const late = takeAnswer(bytes);
    if (late !== null) this.#take(late);
    submitQuery(device, handle, width, height, fourcc, LINEAR);
    return device.wait(handle, "long") ? takeAnswer(bytes) : null;
  }

  #makeBlob(
    { size: bytes, blobId }: ImageRequirements,
    size: number,
  ): MappedBlob | null {
    const { device } = this.#channel;
    const blob = device.createBlob({
      memory: "host3d",
      size: bytes,
      blobId,
      mappable: true,
    });
    if (blob === null) return null;
    this.#handles.retain(blob.handle);
    let fd: OwnedFd | null = null;
    try {
      fd = device.primeHandleToFd(blob.handle);
      return new MappedBlob(
        size,
        blob.resource,
        this.#handles,
        blob.handle,
        fd,
        mapBlob(device, blob.handle, fd.number, bytes, "write"),
      );
    } catch (error) {
      fd?.[Symbol.dispose]();
      this.#handles.release(blob.handle);
      // EINVAL: the host refused it, as it does when it has no memory
      if (error instanceof SyscallError) return null;
      throw error;
    }
  }

  /** Has the host make the image, and throws it away: what cannot be mapped here takes no room in the window. */
  #take({ size, blobId }: ImageRequirements): void {
    if (size === 0) return;
    const { device } = this.#channel;
    const blob = device.createBlob({
      memory: "host3d",
      size,
      blobId,
      mappable: false,
    });
    if (blob !== null) device.closeHandle(blob.handle);
  }
}

/**
 * Takes an answer from the query page, and clears it, because a host that
 * refuses leaves the page alone.
 */
function takeAnswer(page: Uint8Array<ArrayBuffer>): ImageRequirements | null {
  const answer = page.subarray(0, QUERY_ANSWER_BYTES);
  const requirements = parseImageRequirements(answer);
  answer.fill(0);
  return requirements;
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
