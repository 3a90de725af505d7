/**
 * Dma-bufs of files in memory: /dev/udmabuf, <linux/udmabuf.h>. Such a dma-buf
 * keeps the file's pages where they are.
 */

import { SyscallError } from "./error.ts";
import { O_RDWR, openFile, OwnedFd } from "./fd.ts";
import { IOC_WRITE, ioctlNumber, requestIoctl } from "./ioctl.ts";
import { StructWords } from "./struct_words.ts";

const DEVICE = "/dev/udmabuf";

// struct udmabuf_create (24 bytes): u32 memfd, u32 flags, u64 offset, u64 size
const CREATE_BYTES = 24;
const UDMABUF_FLAGS_CLOEXEC = 1;
/** Linux 4.20. */
const UDMABUF_CREATE: bigint = ioctlNumber(
  IOC_WRITE,
  "u",
  0x42,
  CREATE_BYTES,
);
const HIGH = 0x1_0000_0000;
const create = new StructWords(CREATE_BYTES);

/** Writes a struct udmabuf_create of a file's beginning. */
function encodeUdmabufCreate(
  words: Uint32Array,
  memfd: number,
  size: number,
): void {
  words.fill(0);
  words[0] = memfd;
  words[1] = UDMABUF_FLAGS_CLOEXEC;
  words[4] = size % HIGH;
  words[5] = Math.floor(size / HIGH);
}

/**
 * A dma-buf of the first `size` bytes, whole pages, of a file in memory that is
 * sealed against becoming smaller and not against writing.
 *
 * @returns null where there is no such device, or it does not take this file:
 * usually one of more than 64 MiB.
 */
export function createUdmabuf(memfd: number, size: number): OwnedFd | null {
  using device = openUdmabuf();
  if (device === null) return null;
  encodeUdmabufCreate(create.words, memfd, size);
  const fd = requestIoctl(device.number, UDMABUF_CREATE, create.pointer);
  return fd < 0 ? null : new OwnedFd(fd);
}

function openUdmabuf(): OwnedFd | null {
  try {
    return openFile(DEVICE, O_RDWR);
  } catch (error) {
    if (error instanceof SyscallError) return null;
    throw error;
  }
}
