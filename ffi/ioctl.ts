/**
 * Requests to devices: ioctl(2), and their numbers: <asm-generic/ioctl.h>,
 * which x86-64 and aarch64 share.
 */

import { EAGAIN, EINTR } from "./errno.ts";
import { lastErrno } from "./error.ts";
import { openLibc } from "./library.ts";

// variadic in C; the ABIs of x86-64 and aarch64 Linux pass three integers alike
const { ioctl } = openLibc({
  // <sys/ioctl.h> int ioctl(int fd, unsigned long request, void *argument);
  ioctl: { parameters: ["i32", "u64", "pointer"], result: "i32" },
});

/** The argument is written by us and read by the kernel. */
export const IOC_WRITE = 1;
/** The argument is read by the kernel and written by it. */
export const IOC_READ_WRITE = 3;

/**
 * The number of a request: what it does with its argument, whose it is, which
 * one, and the argument's size.
 */
export function ioctlNumber(
  direction: number,
  type: string,
  number: number,
  size: number,
): bigint {
  const word = (direction << 30 | size << 16 | type.charCodeAt(0) << 8 |
    number) >>> 0;
  return BigInt(word);
}

/**
 * Makes a request; again where the kernel was interrupted or asks for it, as
 * libdrm's `drmIoctl` does.
 *
 * @returns what it returned, or the negative error number.
 */
export function requestIoctl(
  fd: number,
  request: bigint,
  argument: Deno.PointerObject,
): number {
  for (;;) {
    const result = ioctl(fd, request, argument);
    if (result >= 0) return result;
    const errno = lastErrno();
    if (errno !== EINTR && errno !== EAGAIN) return -errno;
  }
}
