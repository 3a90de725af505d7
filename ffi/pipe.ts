/**
 * Pipes: pipe(7).
 */

import { check } from "./error.ts";
import { O_CLOEXEC, OwnedFd } from "./fd.ts";
import { libc } from "./libc.ts";

/** The two ends of a pipe. */
export interface Pipe {
  readonly reader: OwnedFd;
  readonly writer: OwnedFd;
}

/**
 * Makes a pipe. Both ends wait when read or written; `setNonBlocking` on our
 * end does not change the other one.
 */
export function createPipe(): Pipe {
  const ends = new Int32Array(2);
  check("make a pipe", libc.pipe2(ends, O_CLOEXEC));
  return {
    reader: new OwnedFd(ends[0] ?? -1),
    writer: new OwnedFd(ends[1] ?? -1),
  };
}
