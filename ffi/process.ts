/**
 * Calls for which Deno has no synchronous equal: lock files, named pipes, the
 * limit of open files.
 */

import { cString } from "./address.ts";
import { check, lastErrno, SyscallError } from "./error.ts";
import { EAGAIN } from "./errno.ts";
import { libc } from "./libc.ts";

// <sys/file.h>
const LOCK_EX = 2;
const LOCK_NB = 4;
// <sys/resource.h>
const RLIMIT_NOFILE = 7;

/**
 * Takes the exclusive lock of an open file (flock(2), as libwayland locks the
 * file beside a listening socket). It is held until the last descriptor of the
 * open file is closed.
 *
 * @returns false when another has it.
 */
export function lockFile(fd: number): boolean {
  if (libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const errno = lastErrno();
  if (errno === EAGAIN) return false;
  throw new SyscallError(`lock file descriptor ${fd}`, errno);
}

/**
 * Makes a named pipe (fifo(7)).
 *
 * @param mode permissions, less the umask.
 * @throws {SyscallError} EEXIST.
 */
export function mkfifo(path: string, mode: number): void {
  check(
    `make the named pipe ${JSON.stringify(path)}`,
    libc.mkfifo(cString(path), mode),
  );
}

/**
 * How many descriptors may be open: the limit in force, and the highest that a
 * process may set for itself.
 */
export interface FdLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** The limit of this process. */
export function readFdLimit(): FdLimit {
  const limit = new BigUint64Array(2); // struct rlimit: rlim_cur, rlim_max
  check("read the limit of open files", libc.getrlimit(RLIMIT_NOFILE, limit));
  return { soft: limit[0] ?? 0n, hard: limit[1] ?? 0n };
}

/** Sets the limit of this process, and of children that it starts later. */
export function setFdLimit(limit: FdLimit): void {
  const words = new BigUint64Array([limit.soft, limit.hard]);
  check(
    `set the limit of open files to ${limit.soft}`,
    libc.setrlimit(RLIMIT_NOFILE, words),
  );
}

/**
 * Raises the limit as far as it goes. Deno does so when it starts; this does
 * not rely on it.
 *
 * @returns the limit.
 */
export function raiseFdLimit(): number {
  const { soft, hard } = readFdLimit();
  if (soft < hard) setFdLimit({ soft: hard, hard });
  return Number(hard);
}
