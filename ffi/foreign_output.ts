/**
 * Writing to a descriptor that others share, without ever waiting for its
 * reader: the pipe that an application gave for a paste, our standard error
 * output.
 *
 * O_NONBLOCK belongs to the open file, not to the descriptor (open(2),
 * fcntl(2)). So we do not set it, which would change the file for its other
 * owners, nor trust it where it is set: an owner can take it away again. A flag
 * of each call keeps a socket from waiting; a pipe or terminal we open a second
 * time, for us alone. Where that is not permitted, because it belongs to
 * another user, `pwritev2` can write to a pipe without waiting, or we write
 * what a pipe takes for certain when it has room.
 */

import { addressOf, writeAddress } from "./address.ts";
import { EAGAIN, EINTR, EOPNOTSUPP } from "./errno.ts";
import { lastErrno, SyscallError } from "./error.ts";
import {
  O_ACCMODE,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  OwnedFd,
  reopenFd,
  statusFlags,
  writeFd,
} from "./fd.ts";
import { closeForeignFd, memoryKind } from "./file_kind.ts";
import { openLibc } from "./library.ts";
import type { PinnedBuffer } from "./pinned_buffer.ts";
import { createPipe } from "./pipe.ts";
import { isWritable } from "./poll.ts";
import { SEND_FLAGS, sendMessage } from "./socket_message.ts";
import { StructWords } from "./struct_words.ts";

/**
 * <limits.h> PIPE_BUF: a write of no more is done as a whole or not at all,
 * once the pipe says it has room.
 */
const PIPE_BUF = 4096;
// <linux/fs.h>
const RWF_NOWAIT = 0x8;
/** The position of the open file, where it has one. */
const OWN_POSITION = -1n;
const NO_FDS = new Int32Array(0);

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
 * How we write without waiting:
 *
 * - "direct": a write never waits: it is a file, or we opened it so;
 * - "socket": `send` with a flag does not wait;
 * - "no-wait": `pwritev2` with a flag does not wait, for a pipe since Linux
 *   6.4;
 * - "when-ready": a write waits unless the loop has just said that there is
 *   room, and waits even then where another owner was faster;
 * - "polled": the same, for an owner without a loop, so we look for room
 *   ourselves.
 */
type Manner = "direct" | "socket" | "no-wait" | "when-ready" | "polled";

/**
 * An open file that others share, and the way to write to it without waiting.
 */
export class ForeignOutput implements Disposable {
  readonly #fd: OwnedFd | number;
  #manner: Manner;

  /**
   * For `openForeignOutput` and `borrowForeignOutput`.
   *
   * @param fd a number is borrowed
   */
  constructor(fd: OwnedFd | number, manner: Manner) {
    this.#fd = fd;
    this.#manner = manner;
  }

  /** For the loop, borrowed. */
  get fd(): number {
    return typeof this.#fd === "number" ? this.#fd : this.#fd.number;
  }

  /**
   * Whether `write` may only be called once after each time that the loop said
   * there is room.
   */
  get needsReadiness(): boolean {
    return this.#manner === "when-ready";
  }

  /**
   * Writes once, without waiting.
   *
   * @returns the number of bytes taken, or the negative error number (-EAGAIN:
   * full, or only to be tried when the loop says so, from now on; -EPIPE:
   * nobody reads).
   */
  write(bytes: Uint8Array<ArrayBuffer>): number {
    const { fd } = this;
    switch (this.#manner) {
      case "direct":
        return again(writeFd(fd, bytes));
      case "polled":
        if (!isWritable(fd)) return -EAGAIN;
        return again(writeFd(fd, bytes.subarray(0, PIPE_BUF)));
      case "when-ready":
        return again(writeFd(fd, bytes.subarray(0, PIPE_BUF)));
      case "no-wait": {
        const result = again(writeNoWait(fd, bytes));
        if (result !== -EOPNOTSUPP || canPipesNotWait()) return result;
        this.#manner = "when-ready";
        return -EAGAIN;
      }
      case "socket": {
        const length = BigInt(bytes.length);
        const count = send(fd, bytes, length, SEND_FLAGS);
        return again(count < 0 ? -lastErrno() : count);
      }
    }
  }

  /**
   * Like `write`, from a pinned buffer, and without allocating where it is a
   * socket.
   */
  writePinned(buffer: PinnedBuffer, start: number, length: number): number {
    if (this.#manner === "socket") {
      return again(sendMessage(this.fd, buffer, start, length, NO_FDS, 0, 0));
    }
    return this.write(buffer.bytes.subarray(start, start + length));
  }

  /** Closes what is owned. */
  [Symbol.dispose](): void {
    if (typeof this.#fd !== "number") this.#fd[Symbol.dispose]();
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
  const own = reopenToWrite(fd);
  if (own !== null) return new ForeignOutput(own, "direct");
  // there is no write to a device that does not wait
  return kind === "pipe"
    ? new ForeignOutput(new OwnedFd(theirs.release()), "no-wait")
    : null;
}

/**
 * Borrows a descriptor for writing, for an owner without a loop.
 *
 * Its file is written to even where that may wait for a file system: this
 * process was given it to write to.
 *
 * @param reopen see `reopenToWrite`
 */
export function borrowForeignOutput(
  fd: number,
  reopen: (fd: number) => OwnedFd | null = reopenToWrite,
): ForeignOutput {
  const kind = memoryKind(fd);
  switch (kind) {
    case "socket":
      return new ForeignOutput(fd, "socket");
    case "pipe":
    case "device": {
      const own = reopen(fd);
      return own === null
        ? new ForeignOutput(fd, "polled")
        : new ForeignOutput(own, "direct");
    }
    case "memory":
    case "disk":
    case "foreign":
    case "directory":
    case "invalid":
      return new ForeignOutput(fd, "direct");
  }
}

/**
 * The same pipe or terminal, opened once more, with flags of our own; null for
 * another user's.
 */
function reopenToWrite(fd: number): OwnedFd | null {
  return reopenFd(fd, O_WRONLY | O_NONBLOCK);
}

function writeNoWait(fd: number, bytes: Uint8Array<ArrayBuffer>): number {
  writeAddress(iov.words, 0, addressOf(bytes));
  iov.words[IOV_LEN] = bytes.length;
  const count = pwritev2(fd, iov.pointer, 1, OWN_POSITION, RWF_NOWAIT);
  return count < 0 ? -lastErrno() : count;
}

/**
 * Whether this kernel can write to a pipe without waiting. A pipe for which
 * that fails, although others allow it, was spliced into (splice(2)) by another
 * process; it may be for reading only, or its owner wants us to wait.
 */
function canPipesNotWait(): boolean {
  try {
    const { reader, writer } = createPipe();
    using _reader = reader;
    using own = writer;
    return writeNoWait(own.number, new Uint8Array(1)) === 1;
  } catch (error) {
    // no descriptors are left to find it out with; a wait is worse than a loss
    if (error instanceof SyscallError) return true;
    throw error;
  }
}

function again(result: number): number {
  return result === -EINTR ? -EAGAIN : result;
}
