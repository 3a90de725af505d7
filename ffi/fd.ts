/**
 * File descriptors: owning, opening, reading, writing and their flags.
 */

import { cString } from "./address.ts";
import { check, lastErrno, SyscallError } from "./error.ts";
import { EBADF } from "./errno.ts";
import { libc } from "./libc.ts";

const { close, close_range, fcntl, isatty, open, pread, read, write } = libc;

// <fcntl.h>, the values that x86-64 and aarch64 share
const F_GETFD = 1;
const F_SETFD = 2;
export const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const FD_CLOEXEC = 1;
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
/** Mask of the access mode in status flags. */
export const O_ACCMODE = 3;
export const O_CREAT = 0o100;
const O_NOCTTY = 0o400;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
/** Only names a file: nothing can be read from it. */
export const O_PATH = 0o10000000;
// and those where they differ
const isArm = Deno.build.arch === "aarch64";
export const O_NOFOLLOW = isArm ? 0o100000 : 0o400000;

/** An open file descriptor with one owner, who closes it. */
export class OwnedFd implements Disposable {
  #number: number;

  /** Takes over `fd`. */
  constructor(fd: number) {
    if (fd < 0) {
      throw new RangeError(`Cannot own file descriptor ${fd}: negative`);
    }
    this.#number = fd;
  }

  /** The descriptor's number, borrowed. Throws after `release` or disposal. */
  get number(): number {
    if (this.#number < 0) {
      throw new Error(
        "Cannot use a file descriptor: it was closed or given away",
      );
    }
    return this.#number;
  }

  /** Gives the descriptor away: returns its number, and never closes it. */
  release(): number {
    const fd = this.number;
    this.#number = -1;
    return fd;
  }

  /** Closes the descriptor; a second time is harmless. */
  [Symbol.dispose](): void {
    if (this.#number >= 0) closeFd(this.release());
  }
}

/**
 * Closes `count` descriptors of which each but the first has the next higher
 * number, with one system call. The caller owns them all.
 *
 * @throws {SyscallError}
 */
export function closeFdRun(first: number, count: number): void {
  check("close_range", close_range(first, first + count - 1, 0));
}

/**
 * Closes a descriptor. What `close` reports about earlier writes is ignored:
 * the descriptor is gone in any case.
 *
 * @throws {SyscallError} EBADF: it was closed before, so another one may have
 * been closed by mistake.
 */
export function closeFd(fd: number): void {
  if (close(fd) < 0 && lastErrno() === EBADF) {
    throw new SyscallError(`close file descriptor ${fd}`, EBADF);
  }
}

/**
 * A second descriptor for the same open file, close-on-exec.
 *
 * @param minimum the lowest number that it may get.
 */
export function duplicateFd(fd: number, minimum = 0): OwnedFd {
  return new OwnedFd(
    check(
      `duplicate file descriptor ${fd}`,
      fcntl(fd, F_DUPFD_CLOEXEC, minimum),
    ),
  );
}

/**
 * Whether the descriptor stays open in a program that this process executes
 * ("keep") or not ("close").
 */
export function setCloseOnExec(fd: number, onExec: "keep" | "close"): void {
  const operation = `set close-on-exec of file descriptor ${fd}`;
  const others = check(operation, fcntl(fd, F_GETFD, 0)) & ~FD_CLOEXEC;
  check(
    operation,
    fcntl(fd, F_SETFD, onExec === "close" ? others | FD_CLOEXEC : others),
  );
}

/**
 * Access mode and O_ flags of an open file.
 *
 * @throws {SyscallError} EBADF: no such descriptor is open, so this also tests
 * whether one is.
 */
export function statusFlags(fd: number): number {
  return check(
    `read the flags of file descriptor ${fd}`,
    fcntl(fd, F_GETFL, 0),
  );
}

/**
 * Sets O_NONBLOCK. It belongs to the open file, and so to everybody who shares
 * it: not for descriptors of others.
 */
export function setNonBlocking(fd: number): void {
  const flags = statusFlags(fd);
  if ((flags & O_NONBLOCK) === 0) {
    check(
      `make file descriptor ${fd} non-blocking`,
      fcntl(fd, F_SETFL, flags | O_NONBLOCK),
    );
  }
}

/** Whether the descriptor is a terminal. */
export function isTerminal(fd: number): boolean {
  return isatty(fd) === 1;
}

/**
 * Opens a file, close-on-exec, and never as the controlling terminal.
 *
 * @param flags O_ constants of this file.
 * @param mode permissions of a file that is created, less the umask.
 */
export function openFile(path: string, flags: number, mode = 0o600): OwnedFd {
  return new OwnedFd(
    check(
      `open ${JSON.stringify(path)}`,
      open(cString(path), flags | O_CLOEXEC | O_NOCTTY, mode),
    ),
  );
}

/**
 * Opens the file of a descriptor once more, with flags and a position of its
 * own.
 *
 * @returns null where this fails: there is no /proc, the file belongs to
 * another user, or no descriptor is left.
 */
export function reopenFd(fd: number, flags: number): OwnedFd | null {
  try {
    return openFile(`/proc/self/fd/${fd}`, flags);
  } catch (error) {
    if (error instanceof SyscallError) return null;
    throw error;
  }
}

/**
 * Reads once. Never throws: what a descriptor of somebody else answers is never
 * unexpected.
 *
 * @returns the number of bytes, 0 at the end, or the negative error number
 * (-EAGAIN: nothing there now).
 */
export function readFd(fd: number, bytes: Uint8Array<ArrayBuffer>): number {
  const count = read(fd, bytes, BigInt(bytes.length));
  return count < 0 ? -lastErrno() : count;
}

/** Like `readFd`, at an offset of the file and without moving its position. */
export function readFdAt(
  fd: number,
  bytes: Uint8Array<ArrayBuffer>,
  offset: number,
): number {
  const count = pread(fd, bytes, BigInt(bytes.length), BigInt(offset));
  return count < 0 ? -lastErrno() : count;
}

/**
 * Writes once. Never throws.
 *
 * @returns the number of bytes taken, or the negative error number (-EAGAIN,
 * -EPIPE).
 */
export function writeFd(fd: number, bytes: Uint8Array<ArrayBuffer>): number {
  const count = write(fd, bytes, BigInt(bytes.length));
  return count < 0 ? -lastErrno() : count;
}
