/**
 * What all DRM devices know: the driver's name, handles of buffers, and
 * dma-bufs made of them: <drm/drm.h>, <drm/drm_mode.h>.
 */

import { addressOf, writeAddress } from "./address.ts";
import { EINVAL, ENODEV } from "./errno.ts";
import { SyscallError } from "./error.ts";
import { OwnedFd } from "./fd.ts";
import {
  IOC_READ_WRITE,
  IOC_WRITE,
  ioctlNumber,
  requestIoctl,
} from "./ioctl.ts";
import { StructWords } from "./struct_words.ts";

/** The letter of all DRM requests. */
export const DRM_IOCTL_TYPE = "d";

// struct drm_version, in 32-bit words (64 bytes): i32 major, minor, patch,
// hole; u64 name_len, u64 name, u64 date_len, date, desc_len, desc
const VERSION_BYTES = 64;
const VERSION_NAME_LENGTH = 4;
const VERSION_NAME = 6;
const NAME_ROOM = 64;
// struct drm_gem_close (8 bytes): u32 handle, u32 pad
const GEM_CLOSE_BYTES = 8;
// struct drm_prime_handle (12 bytes): u32 handle, u32 flags, i32 fd
const PRIME_BYTES = 12;
const DRM_CLOEXEC = 0o2000000;
const DRM_RDWR = 2;

/** The request numbers. */
const DRM_REQUESTS = {
  version: ioctlNumber(IOC_READ_WRITE, DRM_IOCTL_TYPE, 0x00, VERSION_BYTES),
  gemClose: ioctlNumber(IOC_WRITE, DRM_IOCTL_TYPE, 0x09, GEM_CLOSE_BYTES),
  primeHandleToFd: ioctlNumber(
    IOC_READ_WRITE,
    DRM_IOCTL_TYPE,
    0x2d,
    PRIME_BYTES,
  ),
  primeFdToHandle: ioctlNumber(
    IOC_READ_WRITE,
    DRM_IOCTL_TYPE,
    0x2e,
    PRIME_BYTES,
  ),
} as const;

/** What a driver says of itself. */
export interface DrmVersion {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Writes a struct drm_version that asks for the name only. */
function encodeVersion(words: Uint32Array, nameAddress: number): void {
  words.fill(0);
  words[VERSION_NAME_LENGTH] = NAME_ROOM;
  writeAddress(words, VERSION_NAME, nameAddress);
}

/** Writes a struct drm_prime_handle; the kernel fills in what is not given. */
function encodePrime(
  words: Uint32Array,
  handle: number,
  flags: number,
  fd: number,
): void {
  words[0] = handle;
  words[1] = flags;
  words[2] = fd;
}

const gemClose = new StructWords(GEM_CLOSE_BYTES);
const prime = new StructWords(PRIME_BYTES);

/**
 * DRM_IOCTL_VERSION.
 *
 * @throws {SyscallError} ENOTTY: no DRM device.
 */
export function drmVersion(fd: number): DrmVersion {
  const version = new StructWords(VERSION_BYTES);
  const name = new Uint8Array(NAME_ROOM);
  encodeVersion(version.words, addressOf(name));
  request(fd, DRM_REQUESTS.version, version, "ask for the driver's name");
  const [major = 0, minor = 0, patch = 0] = version.words;
  const length = Math.min(version.words[VERSION_NAME_LENGTH] ?? 0, NAME_ROOM);
  return {
    name: new TextDecoder().decode(name.subarray(0, length)),
    major,
    minor,
    patch,
  };
}

/** DRM_IOCTL_GEM_CLOSE. */
export function drmGemClose(fd: number, handle: number): void {
  gemClose.words[0] = handle;
  request(fd, DRM_REQUESTS.gemClose, gemClose, `close GEM handle ${handle}`);
}

/** DRM_IOCTL_PRIME_HANDLE_TO_FD: a dma-buf that can be mapped for writing. */
export function drmPrimeHandleToFd(fd: number, handle: number): OwnedFd {
  encodePrime(prime.words, handle, DRM_CLOEXEC | DRM_RDWR, -1);
  request(
    fd,
    DRM_REQUESTS.primeHandleToFd,
    prime,
    `export GEM handle ${handle}`,
  );
  return new OwnedFd((prime.words[2] ?? 0) | 0);
}

/**
 * DRM_IOCTL_PRIME_FD_TO_HANDLE; null where the descriptor is nothing that this
 * device can take.
 */
export function drmPrimeFdToHandle(fd: number, dmabuf: number): number | null {
  encodePrime(prime.words, 0, 0, dmabuf);
  const result = requestIoctl(fd, DRM_REQUESTS.primeFdToHandle, prime.pointer);
  if (result === -EINVAL || result === -ENODEV) return null;
  if (result < 0) {
    throw new SyscallError(`import file descriptor ${dmabuf}`, -result);
  }
  return prime.words[0] ?? 0;
}

/**
 * Makes a request whose failure nobody foresees.
 *
 * @throws {SyscallError}
 */
export function request(
  fd: number,
  number: bigint,
  argument: StructWords,
  operation: string,
): void {
  const result = requestIoctl(fd, number, argument.pointer);
  if (result < 0) throw new SyscallError(operation, -result);
}
