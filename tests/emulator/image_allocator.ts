/**
 * What the host makes memory with: files in memory, or the allocator of its
 * GPU, which all contexts share.
 *
 * The GPU's allocator (rutabaga's minigbm.rs) makes a buffer to learn what it
 * needs, and keeps it: until somebody takes it, it answers no other question,
 * and whoever asks for memory next gets that buffer, or nothing where it is
 * another one than was asked for.
 */
import { OwnedFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { HostError } from "./host_error.ts";
import type { HostProfile } from "./host_profile.ts";
import { type ImageLayout, layoutImage, wholePages } from "./wire.ts";

/** Name of the host's memory, by which a test finds it in /proc. */
export const HOST_MEMORY = "wayferry-emulated-host";
/** Name of memory that only a GPU's buffers are made of. */
export const GPU_MEMORY = "wayferry-emulated-gpu";

/** Bytes that rows are a multiple of, as for a GPU that shows them. */
const ROW = 256;
/** Pixels of the largest side. */
const LARGEST = 16_384;

/** The allocator of one host. */
export class ImageAllocator {
  readonly #profile: HostProfile;
  /** The image that was made for a question, and that nobody has taken. */
  #kept: string | null = null;

  constructor(profile: HostProfile) {
    this.#profile = profile;
  }

  /** What an image takes. @throws {HostError} */
  require(width: number, height: number, fourcc: number): ImageLayout {
    const isGpu = this.#profile.allocator === "GPU";
    if (isGpu && Math.max(width, height) > LARGEST) {
      throw new HostError("gbm: no such size");
    }
    const layout = layoutImage(width, height, fourcc, isGpu ? ROW : 1);
    if (layout === null) throw new HostError("invalid gralloc format");
    if (isGpu) {
      if (this.#kept !== null) throw new HostError("already in use");
      this.#kept = nameOf(width, height, fourcc);
    }
    const size = wholePages(layout.size, this.#profile.pageSize);
    return { ...layout, size };
  }

  /** The memory of an image. @throws {HostError} */
  allocate(image: string, size: number): OwnedFd {
    if (this.#profile.allocator === "files") {
      return createMemfd(HOST_MEMORY, size);
    }
    const kept = this.#kept;
    this.#kept = null;
    if (kept !== null && kept !== image) {
      throw new HostError("invalid gralloc dimensions");
    }
    return createMemfd(GPU_MEMORY, size);
  }
}

/** What an image is known by. */
export function nameOf(width: number, height: number, fourcc: number): string {
  return `${width}x${height} ${fourcc}`;
}
