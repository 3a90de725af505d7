/**
 * Writing to a descriptor that somebody else made, without ever waiting for its
 * reader, and without making it non-blocking for its other owners: O_NONBLOCK
 * belongs to the open file, not to the descriptor (open(2), fcntl(2)). For the
 * same reason one that is set says nothing: an owner can take it away again.
 */

import { lastErrno } from "./error.ts";
import { EAGAIN, EINTR } from "./errno.ts";
import {
  O_ACCMODE,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  openFile,
  OwnedFd,
  statusFlags,
  writeFd,
} from "./fd.ts";
import { SyscallError } from "./error.ts";
import { closeForeignFd, memoryKind } from "./file_kind.ts";
import { openLibc } from "./library.ts";

/** <limits.h> PIPE_BUF: a write of no more is done as a whole or not at all, once the pipe says it has room. */
const PIPE_BUF = 4096;
// <sys/socket.h>
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

const { send } = openLibc({
  // <sys/socket.h> ssize_t send(int sockfd, const void *buf, size_t len, int flags);
  send: { parameters: ["i32", "buffer", "u64", "i32"], result: "i32" },
});

/**
 * How it is written to:
 * - "direct": a write never waits: a file, or it was opened so by us;
 * - "socket": `send` can be told not to wait;
 * - "when-ready": a write waits unless the loop has just said that there is room.
 */
type Manner = "direct" | "socket" | "when-ready";

/** A descriptor to write to. */
export class ForeignOutput implements Disposable {
  readonly #fd: OwnedFd;
  readonly #manner: Manner;

  /** For `openForeignOutput`. */
  constructor(fd: OwnedFd, manner: Manner) {
    this.#fd = fd;
    this.#manner = manner;
  }

  /** For the loop, borrowed. */
  get fd(): number {
    return this.#fd.number;
  }

  /** Whether `write` may only be called once after each time that the loop said there is room. */
  get needsReadiness(): boolean {
    return this.#manner === "when-ready";
  }

  /**
   * Writes once, without waiting.
   *
   * @returns the number of bytes taken, or the negative error number (-EAGAIN:
   * full; -EPIPE: nobody reads).
   */
  write(bytes: Uint8Array<ArrayBuffer>): number {
    switch (this.#manner) {
      case "direct":
        return again(writeFd(this.#fd.number, bytes));
      case "when-ready":
        return again(writeFd(this.#fd.number, bytes.subarray(0, PIPE_BUF)));
      case "socket": {
        const length = BigInt(bytes.length);
        const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
        const count = send(this.#fd.number, bytes, length, flags);
        return again(count < 0 ? -lastErrno() : count);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/**
 * Takes an open descriptor over for writing.
 *
 * @returns null where writing to it may never come back, or is not possible; it
 * is closed then.
 */
export function openForeignOutput(fd: number): ForeignOutput | null {
  const kind = memoryKind(fd);
  switch (kind) {
    case "memory":
    case "disk":
      return new ForeignOutput(new OwnedFd(fd), "direct");
    case "socket":
      return new ForeignOutput(new OwnedFd(fd), "socket");
    case "pipe":
    case "device":
      return openPipeOrDevice(fd, kind);
    case "foreign":
    case "directory":
    case "invalid":
      closeForeignFd(fd);
      return null;
  }
}

function openPipeOrDevice(
  fd: number,
  kind: "pipe" | "device",
): ForeignOutput | null {
  using theirs = new OwnedFd(fd);
  // opened again it could be written to, which is more than its owner may do
  if ((statusFlags(fd) & O_ACCMODE) === O_RDONLY) return null;
  const own = reopen(fd);
  if (own !== null) return new ForeignOutput(own, "direct");
  // that there is room says how much only for a pipe
  return kind === "pipe"
    ? new ForeignOutput(new OwnedFd(theirs.release()), "when-ready")
    : null;
}

/** The same pipe or terminal, opened once more, with flags of our own. */
function reopen(fd: number): OwnedFd | null {
  try {
    return openFile(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK);
  } catch (error) {
    // another user's pipe, or no /proc
    if (error instanceof SyscallError) return null;
    throw error;
  }
}

function again(result: number): number {
  return result === -EINTR ? -EAGAIN : result;
}
