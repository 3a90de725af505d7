/**
 * Device files: which device one stands for (statx(2)), and the size of a page
 * (getauxval(3)).
 */

import { cString } from "./address.ts";
import { check } from "./error.ts";
import { libc } from "./libc.ts";
import { openLibc } from "./library.ts";

const { getauxval } = openLibc({
  // <sys/auxv.h> unsigned long getauxval(unsigned long type);
  getauxval: { parameters: ["u64"], result: "u64" },
});

// <elf.h>
const AT_PAGESZ = 6n;
// <fcntl.h>
const AT_EMPTY_PATH = 0x1000;
const STATX_TYPE = 0x1;
// struct statx: u32 stx_rdev_major at 128, u32 stx_rdev_minor at 132
const STATX_BYTES = 256;
const STX_RDEV_MAJOR = 128;
const STX_RDEV_MINOR = 132;

/** Bytes in a page of this machine's memory. */
export function memoryPageSize(): number {
  return Number(getauxval(AT_PAGESZ));
}

/** The `dev_t` of glibc for a device's two numbers (<sys/sysmacros.h>). */
export function encodeDeviceNumber(major: number, minor: number): bigint {
  const high = BigInt(major);
  const low = BigInt(minor);
  return (high & 0xfff_ff000n) << 32n | (high & 0xfffn) << 8n |
    (low & 0xffff_ff00n) << 12n | low & 0xffn;
}

/** The number of the device behind an open device file. */
export function deviceNumberOf(fd: number): bigint {
  const status = new DataView(new ArrayBuffer(STATX_BYTES));
  check(
    `read the device number of file descriptor ${fd}`,
    libc.statx(fd, cString(""), AT_EMPTY_PATH, STATX_TYPE, status),
  );
  return encodeDeviceNumber(
    status.getUint32(STX_RDEV_MAJOR, true),
    status.getUint32(STX_RDEV_MINOR, true),
  );
}
