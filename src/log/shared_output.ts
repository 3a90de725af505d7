/**
 * Writing to a descriptor that others share, the standard error output above
 * all, without ever waiting for its reader.
 *
 * It may be a pipe that nobody empties, a socket of a service manager, a
 * stopped terminal, or gone. O_NONBLOCK must not be set on it: that would
 * change the open file for the shell and for our children, too. So a pipe or
 * terminal is opened a second time, for us alone, and a socket is asked not to
 * wait in each call. Where opening is not permitted (a pipe or terminal of
 * another user), what a pipe takes for certain is written when there is room.
 */

import { EPOLLOUT, EpollSet } from "../../ffi/epoll.ts";
import { EAGAIN } from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import {
  O_NONBLOCK,
  O_WRONLY,
  openFile,
  type OwnedFd,
  writeFd,
} from "../../ffi/fd.ts";
import { type FileKind, memoryKind } from "../../ffi/file_kind.ts";
import type { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import { sendMessage } from "../../ffi/socket_message.ts";

/** What a pipe with any room takes at once: a page, <limits.h> PIPE_BUF. */
const PIPE_BUF = 4096;
const NO_FDS = new Int32Array(0);

/** A descriptor of others to write to. */
export class SharedOutput implements Disposable {
  readonly #fd: number;
  readonly #kind: FileKind;
  /**
   * The same pipe or terminal, opened again; null where that is not permitted,
   * and for other kinds.
   */
  readonly #reopened: OwnedFd | null;
  /** Tells whether there is room, where nothing better can be had. */
  readonly #room: EpollSet | null;

  /**
   * @param fd borrowed.
   * @param reopen opens it again, or returns null where that is not possible.
   */
  constructor(
    fd: number,
    reopen: (fd: number) => OwnedFd | null = reopenNonBlocking,
  ) {
    this.#fd = fd;
    this.#kind = memoryKind(fd);
    const mayWait = this.#kind === "pipe" || this.#kind === "device";
    this.#reopened = mayWait ? reopen(fd) : null;
    this.#room = mayWait && this.#reopened === null ? watchRoom(fd) : null;
  }

  /**
   * Writes once.
   *
   * @returns the number of bytes taken, or the negative error number (-EAGAIN,
   * -EPIPE).
   */
  write(buffer: PinnedBuffer, start: number, length: number): number {
    if (this.#kind === "socket") {
      return sendMessage(this.#fd, buffer, start, length, NO_FDS, 0, 0);
    }
    if (this.#room === null) {
      const fd = this.#reopened?.number ?? this.#fd;
      return writeFd(fd, buffer.bytes.subarray(start, start + length));
    }
    if (this.#room.wait(0) === 0) return -EAGAIN;
    const end = start + Math.min(length, PIPE_BUF);
    return writeFd(this.#fd, buffer.bytes.subarray(start, end));
  }

  /** Closes what was opened here. */
  [Symbol.dispose](): void {
    this.#reopened?.[Symbol.dispose]();
    this.#room?.[Symbol.dispose]();
  }
}

function reopenNonBlocking(fd: number): OwnedFd | null {
  try {
    return openFile(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK);
  } catch (error) {
    if (error instanceof SyscallError) return null;
    throw error;
  }
}

/**
 * Null for devices such as /dev/null, which cannot be waited for because they
 * never let one wait.
 */
function watchRoom(fd: number): EpollSet | null {
  using undo = new DisposableStack();
  const room = undo.use(new EpollSet());
  try {
    room.add(fd, EPOLLOUT, 0, 0);
  } catch (error) {
    if (error instanceof SyscallError) return null;
    throw error;
  }
  undo.move();
  return room;
}
