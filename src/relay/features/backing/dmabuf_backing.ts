/** A backing that the host's GPU can show: the size of the buffer that it was made for, and rows as far apart as the host wants them. */
import type { SharedMemory } from "../../../host/endpoint.ts";
import { HostError } from "../../../wayland/protocol_error.ts";
import type { Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import { type Backing, destroyBuffer, GAP, rowCopy } from "./backing.ts";
import type { CopyStatistics } from "./copy_statistics.ts";
import type { DmabufImage, DmabufImages } from "./dmabuf_images.ts";
import type { Shortage } from "./memory_budget.ts";
import type { PixelFormat, ShmBuffer } from "../shm/mod.ts";

const FIRST_PLANE = { strides: 1, rows: 1 };

/** One of them. */
export class DmabufBacking implements Backing {
  readonly entry: Entry;
  readonly #relay: FeatureRelay;
  readonly #images: DmabufImages;
  readonly #statistics: CopyStatistics;
  readonly #image: DmabufImage;

  /**
   * Makes a backing.
   *
   * @param fourcc the buffer's format
   * @returns why there is no memory for it, where there is none
   * @throws {HostError} where the host says that rows are where there is no memory
   */
  static make(
    relay: FeatureRelay,
    images: DmabufImages,
    statistics: CopyStatistics,
    buffer: ShmBuffer,
    fourcc: number,
  ): DmabufBacking | Shortage {
    const { width, height, format } = buffer;
    const image = images.allocate(width, height, fourcc);
    if (typeof image === "string") return image;
    if (!hasRoom(image.memory, buffer)) {
      throw new HostError(
        `the host made an image of ${width}x${height} pixels without room for them`,
      );
    }
    const planes = planesOf(format).length;
    const entry = images.createBuffer(image, planes, width, height);
    if (entry !== null) {
      return new DmabufBacking(relay, images, statistics, image, entry);
    }
    images.recycle(image);
    return "host";
  }

  /** Takes an image and the host's `wl_buffer` of it. */
  constructor(
    relay: FeatureRelay,
    images: DmabufImages,
    statistics: CopyStatistics,
    image: DmabufImage,
    entry: Entry,
  ) {
    this.#relay = relay;
    this.#images = images;
    this.#statistics = statistics;
    this.#image = image;
    this.entry = entry;
  }

  begin(): void {
    this.#image.memory.beginWriting();
  }

  copyRectangle(
    buffer: ShmBuffer,
    left: number,
    top: number,
    right: number,
    bottom: number,
  ): void {
    const { stride: sourceStride, format: { pixelBytes } } = buffer;
    const { offset, stride } = this.#plane(0);
    const source = top * sourceStride + left * pixelBytes;
    const target = offset + top * stride + left * pixelBytes;
    const rowBytes = (right - left) * pixelBytes;
    const rows = bottom - top;
    if (stride === sourceStride && stride - rowBytes < GAP) {
      const bytes = (rows - 1) * stride + rowBytes;
      this.#copy(buffer, source, stride, target, stride, bytes, 1);
    } else {
      this.#copy(buffer, source, sourceStride, target, stride, rowBytes, rows);
    }
  }

  copyAll(buffer: ShmBuffer): void {
    const { height, format } = buffer;
    let source = 0;
    planesOf(format).forEach((plane, index) => {
      const { offset, stride } = this.#plane(index);
      const sourceStride = Math.ceil(buffer.stride * plane.strides);
      const rows = Math.ceil(height * plane.rows);
      const rowBytes = Math.min(sourceStride, stride);
      this.#copy(buffer, source, sourceStride, offset, stride, rowBytes, rows);
      source += sourceStride * rows;
    });
  }

  end(): void {
    this.#image.memory.endWriting();
  }

  discard(): void {
    destroyBuffer(this.#relay, this.entry);
    this.#images.discard(this.#image);
  }

  recycle(): void {
    destroyBuffer(this.#relay, this.entry);
    this.#images.recycle(this.#image);
  }

  #plane(index: number): { readonly offset: number; readonly stride: number } {
    const plane = this.#image.memory.planes[index];
    if (plane !== undefined) return plane;
    throw new RangeError(`Cannot copy plane ${index}: the host made fewer`);
  }

  #copy(
    buffer: ShmBuffer,
    source: number,
    sourceStride: number,
    target: number,
    stride: number,
    rowBytes: number,
    rows: number,
  ): void {
    rowCopy.fd = buffer.pool.fd;
    rowCopy.sourceOffset = buffer.offset + source;
    rowCopy.sourceStride = sourceStride;
    rowCopy.targetOffset = target;
    rowCopy.targetStride = stride;
    rowCopy.rowBytes = rowBytes;
    rowCopy.rows = rows;
    if (!this.#image.memory.copyFrom(rowCopy)) throw buffer.unreadable();
    this.#statistics.addCopiedBytes(rowBytes * rows);
  }
}

function planesOf(
  { otherPlanes }: PixelFormat,
): PixelFormat["otherPlanes"] {
  return [FIRST_PLANE, ...otherPlanes];
}

/** Whether all planes are in the memory. */
function hasRoom(
  { planes, size }: SharedMemory,
  { width, height, format }: ShmBuffer,
): boolean {
  const [first] = planes;
  if (first === undefined || first.stride < width * format.pixelBytes) {
    return false;
  }
  return planesOf(format).every(({ rows }, index) => {
    const { offset = 0, stride = Infinity } = planes[index] ?? {};
    return offset + Math.ceil(height * rows) * stride <= size;
  });
}
