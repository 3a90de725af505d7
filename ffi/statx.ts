/**
 * What the kernel knows of an open file: statx(2). Its struct is 256 bytes, the
 * same on every machine.
 */

import { cString } from "./address.ts";
import { libc } from "./libc.ts";

const { statx } = libc;

// <fcntl.h>
const AT_EMPTY_PATH = 0x1000;
/**
 * The answer may be old; a file system on a network or in a process is not
 * asked.
 */
export const AT_STATX_DONT_SYNC = 0x4000;
// <linux/stat.h>
export const STATX_TYPE = 0x1;
export const STATX_SIZE = 0x200;

// struct statx
/** u16 */
export const STX_MODE = 28;
/** u64 */
export const STX_SIZE = 40;
/**
 * u32, as the three that follow: the device that this file stands for, and the
 * one that it is on.
 */
export const STX_RDEV_MAJOR = 128;
export const STX_RDEV_MINOR = 132;
export const STX_DEV_MAJOR = 136;
export const STX_DEV_MINOR = 140;

const emptyPath = cString("");
/** What `readStatus` found, valid until the next call; little-endian. */
export const status: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(256));

/**
 * Reads into `status`.
 *
 * @param flags AT_STATX_DONT_SYNC, or 0
 * @param mask which fields are needed: STATX_ bits
 * @returns a negative number where this fails; the error number is errno
 */
export function readStatus(fd: number, flags: number, mask: number): number {
  return statx(fd, emptyPath, AT_EMPTY_PATH | flags, mask, status);
}
