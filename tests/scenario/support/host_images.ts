/**
 * Pictures that a pretended host's GPU shows: files in memory, whose rows are
 * as far apart as a GPU might want.
 */
import { duplicateFd, type OwnedFd } from "../../../ffi/fd.ts";
import { copyRows, type RowCopy } from "../../../ffi/file_copy.ts";
import { mapFile, type Mapping } from "../../../ffi/mapping.ts";
import { createMemfd } from "../../../ffi/memfd.ts";
import type {
  ImageMaker,
  MemoryPlane,
  SharedMemory,
} from "../../../src/host/endpoint.ts";

const ALIGNMENT = 256;
const NV12 = 0x3231_564e;

export class PretendedImage implements SharedMemory {
  readonly width: number;
  readonly height: number;
  readonly format: number;
  readonly size: number;
  readonly planes: readonly MemoryPlane[];
  isDisposed = false;
  /** How often copying has begun, and ended. */
  begun = 0;
  ended = 0;
  readonly #fd: OwnedFd;
  readonly #mapping: Mapping;

  /** @param lie where its planes are said to be */
  constructor(
    width: number,
    height: number,
    format: number,
    lie: readonly MemoryPlane[] | null = null,
  ) {
    this.width = width;
    this.height = height;
    this.format = format;
    const bytes = width * (format === NV12 ? 1 : 4);
    const stride = Math.ceil((bytes + 1) / ALIGNMENT) * ALIGNMENT;
    this.planes = lie ?? [
      { offset: 0, stride },
      { offset: height * stride, stride },
    ];
    this.size = height * stride * (format === NV12 ? 2 : 1);
    this.#fd = createMemfd("picture", this.size);
    this.#mapping = mapFile(this.#fd.number, this.size, "write");
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#mapping.bytes;
  }

  share(): number {
    return duplicateFd(this.#fd.number).release();
  }

  beginWriting(): void {
    this.begun++;
  }

  endWriting(): void {
    this.ended++;
  }

  copyFrom(copy: Readonly<RowCopy>): boolean {
    if (this.begun === this.ended) throw new Error("copying has not begun");
    return copyRows(this.bytes, copy);
  }

  /** A pixel of a format with four bytes each. */
  pixel(x: number, y: number): number {
    const { stride = 0 } = this.planes[0] ?? {};
    return new DataView(this.bytes.buffer).getUint32(y * stride + x * 4, true);
  }

  /** It stays readable for the scenario, as it does for a host. */
  [Symbol.dispose](): void {
    this.isDisposed = true;
  }

  /** Really ends it. */
  close(): void {
    this.#mapping[Symbol.dispose]();
    this.#fd[Symbol.dispose]();
  }
}

export class PretendedImages implements ImageMaker, Disposable {
  /** Bytes that the host can allocate. */
  limit = Infinity;
  /**
   * Where the planes of further pictures are said to be; null: where they are.
   */
  lie: readonly MemoryPlane[] | null = null;
  /** Every picture that was ever had, in order. */
  readonly made: PretendedImage[] = [];

  get used(): number {
    return this.made.reduce(
      (sum, { isDisposed, size }) => isDisposed ? sum : sum + size,
      0,
    );
  }

  makes(): boolean {
    return true;
  }

  allocate(
    width: number,
    height: number,
    format: number,
  ): PretendedImage | null {
    const image = new PretendedImage(width, height, format, this.lie);
    if (this.used + image.size > this.limit) {
      image.close();
      return null;
    }
    this.made.push(image);
    return image;
  }

  [Symbol.dispose](): void {
    for (const image of this.made) image.close();
  }
}
