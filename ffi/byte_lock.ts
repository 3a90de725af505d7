/**
 * Locks of single bytes of an open file: fcntl_locking(2), "Open file
 * description locks".
 *
 * They belong to the open file: they exclude each other between processes, also
 * of other users and mount namespaces, and end with it, however its process
 * ends. The bytes need not exist, and nothing is written: device nodes have
 * such locks as well.
 */

import { pointerTo } from "./address.ts";
import { EACCES, EAGAIN } from "./errno.ts";
import { lastErrno } from "./error.ts";
import { openLibc } from "./library.ts";

// variadic in C; the ABIs of x86-64 and aarch64 Linux pass three arguments
// alike
const { fcntl } = openLibc({
  // <fcntl.h> int fcntl(int fd, int cmd, struct flock *lock);
  fcntl: { parameters: ["i32", "i32", "pointer"], result: "i32" },
});

// <fcntl.h>, Linux 3.15
const F_OFD_SETLK = 37;
const F_WRLCK = 1;
const SEEK_SET = 0;

// struct flock (32 bytes): i16 l_type, i16 l_whence, i64 l_start at 8, i64
// l_len at 16, i32 l_pid at 24
const FLOCK_WORDS = 8;
const START = 2;
const LENGTH = 4;
const lock = new Int32Array(FLOCK_WORDS);
const lockPointer = pointerTo(lock);

/**
 * What became of a lock; "impossible": the file has no locks, or was not opened
 * for writing.
 */
export type LockResult = "locked" | "taken" | "impossible";

/** Writes a struct flock that locks one byte for writing. */
export function encodeByteLock(words: Int32Array, at: number): void {
  words.fill(0);
  words[0] = F_WRLCK | SEEK_SET << 16;
  words[START] = at;
  words[LENGTH] = 1;
}

/**
 * Locks a byte for this opening of the file, which must be for writing. Never
 * waits.
 *
 * @param at below 2^31
 */
export function lockByte(fd: number, at: number): LockResult {
  encodeByteLock(lock, at);
  if (fcntl(fd, F_OFD_SETLK, lockPointer) === 0) return "locked";
  const errno = lastErrno();
  return errno === EAGAIN || errno === EACCES ? "taken" : "impossible";
}
