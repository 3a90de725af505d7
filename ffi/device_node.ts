/**
 * Device files: which device one stands for (statx(2)), and the size of a page
 * (getauxval(3)).
 */

import { check } from "./error.ts";
import { openLibc } from "./library.ts";
import {
  readStatus,
  status,
  STATX_TYPE,
  STX_RDEV_MAJOR,
  STX_RDEV_MINOR,
} from "./statx.ts";

const { getauxval } = openLibc({
  // <sys/auxv.h> unsigned long getauxval(unsigned long type);
  getauxval: { parameters: ["u64"], result: "u64" },
});

// <elf.h>
const AT_PAGESZ = 6n;

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

/** The number of the device that an open device file stands for. */
export function deviceNumberOf(fd: number): bigint {
  check(
    `read the device number of file descriptor ${fd}`,
    readStatus(fd, 0, STATX_TYPE),
  );
  return encodeDeviceNumber(
    status.getUint32(STX_RDEV_MAJOR, true),
    status.getUint32(STX_RDEV_MINOR, true),
  );
}
