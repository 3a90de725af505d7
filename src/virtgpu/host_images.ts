/**
 * Images in the host's memory, where that is made by the allocator of its GPU
 * (`supports_dmabuf`): such memory is no `wl_shm`, and is shown by
 * `zwp_linux_dmabuf_v1`.
 *
 * The host decides how far apart rows are. No such host was seen: this follows
 * rutabaga_gfx's and sommelier's sources, and an emulated host tests it.
 */

import { beginWriting, endWriting } from "../../ffi/dma_buf.ts";
import type { RowCopy } from "../../ffi/file_copy.ts";
import type { Channel } from "./channel.ts";
import type { Handles } from "./handles.ts";
import { type MappedBlob, MemoryMaker } from "./host_memory.ts";

/**
 * The formats that hosts make, by their fourcc codes. Others fail, and a host
 * cannot say so.
 */
const formats = new Set(
  "R8  RG16BG24XR24AR24XB24AB24XR30AR30XB30AB30NV12YV12".match(/.{4}/g)?.map(
    (name) => new Uint32Array(new TextEncoder().encode(name).buffer)[0] ?? 0,
  ),
);

/** Where a plane lies in an image's memory, in bytes. */
export interface BlobImagePlane {
  readonly offset: number;
  readonly stride: number;
}

/** One image. */
export class BlobImage implements Disposable {
  /** Of the memory, in bytes. */
  readonly size: number;
  readonly planes: readonly BlobImagePlane[];
  /** The host's name for it, for a SEND. */
  readonly resource: number;
  readonly #memory: MappedBlob;

  /** For `HostImagePool`. */
  constructor(
    memory: MappedBlob,
    size: number,
    planes: readonly BlobImagePlane[],
  ) {
    this.#memory = memory;
    this.size = size;
    this.planes = planes;
    this.resource = memory.resource;
  }

  /** The memory itself, to be written between `beginWriting` and `endWriting`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#memory.bytes;
  }

  /** A new descriptor of it, the caller's, which the device can turn into its resource again. */
  share(): number {
    return this.#memory.share();
  }

  /** What follows writes. Linux's virtio-gpu needs no telling as of 2026, but other exporters of dma-bufs do. */
  beginWriting(): void {
    beginWriting(this.#memory.fd);
  }

  /** What was written is there for the host. */
  endWriting(): void {
    endWriting(this.#memory.fd);
  }

  /**
   * Copies rows from a file.
   *
   * @returns false: the file ends before its rows, or cannot be read.
   */
  copyFrom(copy: Readonly<RowCopy>): boolean {
    return this.#memory.copyFrom(copy);
  }

  /** Gives it back. What the host's compositor has of it stays alive for it. */
  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}

/** Makes images for one channel. */
export class HostImagePool {
  readonly #maker: MemoryMaker;

  constructor(channel: Channel, handles: Handles) {
    this.#maker = new MemoryMaker(channel, handles);
  }

  /** Whether hosts make images of this format. */
  makes(fourcc: number): boolean {
    return formats.has(fourcc);
  }

  /**
   * An image, or null where there is no room for it.
   *
   * @throws {SyscallError} the device is gone.
   */
  allocate(width: number, height: number, fourcc: number): BlobImage | null {
    if (!this.makes(fourcc)) return null;
    const made = this.#maker.make(width, height, fourcc, width * height);
    if (made === null) return null;
    const { memory, requirements: { strides, offsets, size } } = made;
    const planes = strides.map((stride, i) => ({
      stride,
      offset: offsets[i] ?? 0,
    }));
    return new BlobImage(memory, size, planes);
  }
}
