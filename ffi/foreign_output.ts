/**
 * Writing to a descriptor that somebody else made, without ever waiting for its
 * reader, and without making it non-blocking for its other owners: O_NONBLOCK
 * belongs to the open file, not to the descriptor (open(2), fcntl(2)). For the
 * same reason one that is set says nothing: an owner can take it away again.
 */

import { addressOf, writeAddress } from "./address.ts";
import { EAGAIN, EINTR, EOPNOTSUPP } from "./errno.ts";
import { lastErrno, SyscallError } from "./error.ts";
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
import { closeForeignFd, memoryKind } from "./file_kind.ts";
import { openLibc } from "./library.ts";
import { createPipe } from "./pipe.ts";
import { StructWords } from "./struct_words.ts";

/** <limits.h> PIPE_BUF: a write of no more is done as a whole or not at all, once the pipe says it has room. */
const PIPE_BUF = 4096;
// <sys/socket.h>
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
// <linux/fs.h>
const RWF_NOWAIT = 0x8;
/** The position of the open file, where it has one. */
const OWN_POSITION = -1n;

// struct iovec: u64 iov_base at 0, u64 iov_len at 8
const iov = new StructWords(16);
const IOV_LEN = 2;

const { pwritev2, send } = openLibc({
  // <sys/uio.h> ssize_t pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags);
  pwritev2: {
    parameters: ["i32", "pointer", "i32", "i64", "i32"],
    result: "i32",
  },
  // <sys/socket.h> ssize_t send(int sockfd, const void *buf, size_t len, int flags);
  send: { parameters: ["i32", "buffer", "u64", "i32"], result: "i32" },
});

/**
 * How it is written to:
 * - "direct": a write never waits: a file, or it was opened so by us;
 * - "socket": `send` can be told not to wait;
 * - "no-wait": `pwritev2` can be told not to wait, for a pipe since Linux 6.4;
 * - "when-ready": a write waits unless the loop has just said that there is room, and waits even then where another owner was faster.
 */
type Manner = "direct" | "socket" | "no-wait" | "when-ready";

/** A descriptor to write to. */
export class ForeignOutput implements Disposable {
  readonly #fd: OwnedFd;
  #manner: Manner;

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
   * full, or only to be tried when the loop says so, from now on; -EPIPE: nobody
   * reads).
   */
  write(bytes: Uint8Array<ArrayBuffer>): number {
    switch (this.#manner) {
      case "direct":
        return again(writeFd(this.#fd.number, bytes));
      case "when-ready":
        return again(writeFd(this.#fd.number, bytes.subarray(0, PIPE_BUF)));
      case "no-wait": {
        const result = again(writeNoWait(this.#fd.number, bytes));
        if (result !== -EOPNOTSUPP || canPipesNotWait()) return result;
        this.#manner = "when-ready";
        return -EAGAIN;
      }
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
  // a device cannot be told not to wait
  return kind === "pipe"
    ? new ForeignOutput(new OwnedFd(theirs.release()), "no-wait")
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

function writeNoWait(fd: number, bytes: Uint8Array<ArrayBuffer>): number {
  writeAddress(iov.words, 0, addressOf(bytes));
  iov.words[IOV_LEN] = bytes.length;
  const count = pwritev2(fd, iov.pointer, 1, OWN_POSITION, RWF_NOWAIT);
  return count < 0 ? -lastErrno() : count;
}

/**
 * Whether a pipe of this kernel can be told not to wait. One that cannot,
 * although others can, was spliced into (splice(2)) by somebody whom it is only
 * to be read by, or who wants us to wait.
 */
function canPipesNotWait(): boolean {
  try {
    const { reader, writer } = createPipe();
    using _reader = reader;
    using own = writer;
    return writeNoWait(own.number, new Uint8Array(1)) === 1;
  } catch (error) {
    // no descriptors left to find it out with: nobody is to wait
    if (error instanceof SyscallError) return true;
    throw error;
  }
}

function again(result: number): number {
  return result === -EINTR ? -EAGAIN : result;
}
