/**
 * Memory of the guest that its kernel hands to the host: /dev/udmabuf, and a
 * virtio-gpu device with the feature CREATE_GUEST_HANDLE. The kernels and hosts
 * that have it were not released when this was written; it follows their
 * authors' descriptions.
 */
import { type OwnedFd, statusFlags } from "../../ffi/fd.ts";
import { fileSize } from "../../ffi/file_kind.ts";
import { F_SEAL_SHRINK, F_SEAL_WRITE, readSeals } from "../../ffi/memfd.ts";
import { O_NONBLOCK } from "../../ffi/fd.ts";
import { exportMemory, fileIdentity } from "./dma_bufs.ts";
import { wholePages } from "./wire.ts";

/** Bytes that Linux takes at most, unless it is told otherwise. */
const LARGEST = 64 * 1024 * 1024;

/** The guest handles of one machine. */
export class GuestHandles {
  readonly #pageSize: number;
  /** Files of which there were dma-bufs. */
  readonly #files = new Set<string>();
  /** How many were made. */
  made = 0;

  constructor(pageSize: number) {
    this.#pageSize = pageSize;
  }

  /** UDMABUF_CREATE. */
  create(memfd: number, size: number): OwnedFd | null {
    const seals = readSeals(memfd);
    const isSealed = seals > 0 && (seals & F_SEAL_SHRINK) !== 0 &&
      (seals & F_SEAL_WRITE) === 0;
    const file = fileIdentity(memfd);
    if (
      !isSealed || file === null || size <= 0 || size > LARGEST ||
      size % this.#pageSize !== 0 ||
      size > wholePages(fileSize(memfd), this.#pageSize)
    ) return null;
    this.#files.add(file);
    this.made++;
    return exportMemory(memfd);
  }

  /** Whether a descriptor is such a dma-buf. */
  owns(fd: number): boolean {
    const file = fileIdentity(fd);
    return file !== null && this.#files.has(file) &&
      (statusFlags(fd) & O_NONBLOCK) !== 0;
  }
}
