/**
 * Makes host memory, by asking the host for images: plain bytes are an image of
 * R8 pixels.
 *
 * Where the host's GPU allocator makes the memory (`supports_dmabuf`), a
 * compositor takes it by `zwp_linux_dmabuf_v1` and not as `wl_shm`, and the
 * host decides how far apart the rows of an image are. We have seen no such
 * host: that part follows the sources of rutabaga_gfx and sommelier, and an
 * emulated host tests it.
 */

import { SyscallError } from "../../ffi/error.ts";
import type { OwnedFd } from "../../ffi/fd.ts";
import { type Channel, wholePages } from "./channel.ts";
import { submitQuery } from "./commands.ts";
import {
  type ImageRequirements,
  parseImageRequirements,
  QUERY_ANSWER_BYTES,
} from "./cross_domain.ts";
import type { Handles } from "./handles.ts";
import { type BlobParts, mapBlob, MappedBlob } from "./mapped_blob.ts";

/** DRM_FORMAT_R8: a row of it has as many bytes as pixels. */
const FOURCC_R8 = 0x2020_3852;
/** GBM_BO_USE_SCANOUT and GBM_BO_USE_LINEAR, what all guests ask for. */
const LINEAR = 0x11;
/**
 * Bytes of a row where a GPU's allocator makes plain bytes: its images have a
 * largest width.
 */
const IMAGE_ROW = 4096;

/**
 * The formats that hosts make, as fourcc codes. A host cannot say that it makes
 * no others: it fails.
 */
const formats = new Set(
  "R8  RG16BG24XR24AR24XB24AB24XR30AR30XB30AB30NV12YV12".match(/.{4}/g)?.map(
    (name) => new Uint32Array(new TextEncoder().encode(name).buffer)[0] ?? 0,
  ),
);

/**
 * What the capability set says of host memory: files, or dma-bufs of a GPU's
 * allocator.
 */
export type HostMemoryKind = "files" | "dma-bufs";

/** The parts of a blob, with what the host said of its image. */
interface MadeBlob {
  readonly parts: BlobParts;
  readonly requirements: ImageRequirements;
}

/** Makes the host memory of one channel. */
export class BlobMaker {
  readonly #channel: Channel;
  readonly #handles: Handles;
  readonly #kind: HostMemoryKind;
  /**
   * The host's answers. Each question leaves something behind in the host, so
   * we ask none twice, whether bytes or an image of R8 come of it.
   */
  readonly #requirements = new Map<string, ImageRequirements>();

  constructor(
    channel: Channel,
    handles: Handles,
    kind: HostMemoryKind = "files",
  ) {
    this.#channel = channel;
    this.#handles = handles;
    this.#kind = kind;
  }

  /**
   * Makes `size` bytes, zeroed; null where the host has no room.
   *
   * @throws {SyscallError} the device is gone.
   */
  makeBytes(size: number): MappedBlob | null {
    // the kernel counts in pages of this machine, and the host takes no other
    // size than its answer
    const bytes = wholePages(size, this.#channel.device.pageSize);
    const isFile = this.#kind === "files";
    const made = isFile
      ? this.#make(bytes, 1, FOURCC_R8, size)
      : this.#make(IMAGE_ROW, Math.ceil(bytes / IMAGE_ROW), FOURCC_R8, size);
    if (made === null) return null;
    const blob = new MappedBlob(made.parts, size, []);
    if (isFile || made.requirements.strides[0] === IMAGE_ROW) return blob;
    // there are gaps between its rows
    blob[Symbol.dispose]();
    return null;
  }

  /** Whether hosts make images of this format, a fourcc code. */
  makes(fourcc: number): boolean {
    return formats.has(fourcc);
  }

  /**
   * Makes an image; null where the host has no room, or makes no such image.
   *
   * @throws {SyscallError} the device is gone.
   */
  makeImage(width: number, height: number, fourcc: number): MappedBlob | null {
    if (!this.makes(fourcc)) return null;
    const made = this.#make(width, height, fourcc, width * height);
    if (made === null) return null;
    const { parts, requirements: { strides, offsets, size } } = made;
    const planes = strides.map((stride, i) => ({
      stride,
      offset: offsets[i] ?? 0,
    }));
    return new MappedBlob(parts, size, planes);
  }

  /**
   * The memory of an image; null where it would have fewer than `size` bytes,
   * the host has no room, or does not answer.
   */
  #make(
    width: number,
    height: number,
    fourcc: number,
    size: number,
  ): MadeBlob | null {
    const key = `${width} ${height} ${fourcc}`;
    const known = this.#requirements.get(key);
    const requirements = known ?? this.#ask(width, height, fourcc);
    if (requirements === null) return null;
    const isEnough = requirements.size >= size;
    const parts = isEnough ? this.#makeParts(requirements) : null;
    if (known === undefined) {
      if (isEnough) this.#requirements.set(key, requirements);
      // a GPU's allocator keeps the image, and answers nobody until somebody
      // takes it
      if (parts === null) this.#take(requirements);
    }
    return parts === null ? null : { parts, requirements };
  }

  #ask(
    width: number,
    height: number,
    fourcc: number,
  ): ImageRequirements | null {
    const { device, queryPage: { bytes, handle } } = this.#channel;
    // a host that we no longer wait for may still answer: that must not pass
    // for the answer to this question
    if (!device.wait(handle, "none")) return null;
    const late = takeAnswer(bytes);
    if (late !== null) this.#take(late);
    submitQuery(device, handle, width, height, fourcc, LINEAR);
    return device.wait(handle, "long") ? takeAnswer(bytes) : null;
  }

  #makeParts({ size, blobId }: ImageRequirements): BlobParts | null {
    const { device } = this.#channel;
    const handles = this.#handles;
    const blob = device.createBlob({
      memory: "host3d",
      size,
      blobId,
      mappable: true,
    });
    if (blob === null) return null;
    const { handle, resource } = blob;
    handles.retain(handle);
    let fd: OwnedFd | null = null;
    try {
      fd = device.primeHandleToFd(handle);
      const mapping = mapBlob(device, handle, fd.number, size, "write");
      return { resource, handle, handles, fd, mapping };
    } catch (error) {
      fd?.[Symbol.dispose]();
      handles.release(handle);
      // EINVAL: the host rejected it, as it does when it has no memory
      if (error instanceof SyscallError) return null;
      throw error;
    }
  }

  /**
   * Has the host make the image, and drops it. Unmapped, it takes no room in
   * the host-visible window.
   */
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
