/**
 * Lines to the standard error output, or to another descriptor of somebody else.
 *
 * It may be a pipe that nobody empties, a socket of a service manager, a stopped terminal, or gone. None of these may stop
 * the loop or end the program, and O_NONBLOCK must not be set on it: the open file is shared with the shell and with our
 * children. So a pipe or terminal is opened a second time, for us alone, and a socket is asked not to wait in each call.
 */

import { EAGAIN, EINTR } from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import {
  O_NONBLOCK,
  O_WRONLY,
  openFile,
  type OwnedFd,
  writeFd,
} from "../../ffi/fd.ts";
import { type FileKind, memoryKind } from "../../ffi/file_kind.ts";
import { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import { sendMessage } from "../../ffi/socket_message.ts";

const BUFFER_BYTES = 131_072;
/** A longer line is cut. */
const MAXIMUM_LINE_CHARACTERS = 16_384;
/** When a line would leave less than this, for lines cut and notices of loss, the buffer is flushed. */
const LINE_BYTES = 3 * MAXIMUM_LINE_CHARACTERS + 8;
const NO_FDS = new Int32Array(0);

const encoder = new TextEncoder();

/** How a flush ended: all written; some left, because the reader is slow; the descriptor is of no use any more. */
export type FlushResult = "done" | "pending" | "gone";

/** Collects lines and writes them without waiting. */
export class LineWriter implements Disposable {
  readonly #fd: number;
  readonly #kind: FileKind;
  /** The same file opened again, without waiting; null where that is not possible or not needed. */
  readonly #reopened: OwnedFd | null;
  readonly #describeLoss: (lines: number) => string;
  #buffer: PinnedBuffer | null = null;
  #start = 0;
  #end = 0;
  #lostLines = 0;
  #gone = false;

  /**
   * @param fd borrowed.
   * @param describeLoss makes the line that stands where `lines` lines were lost, because the reader was too slow.
   */
  constructor(fd: number, describeLoss: (lines: number) => string) {
    this.#fd = fd;
    this.#kind = memoryKind(fd);
    this.#gone = this.#kind === "invalid";
    this.#reopened = this.#kind === "pipe" || this.#kind === "device"
      ? reopen(fd)
      : null;
    this.#describeLoss = describeLoss;
  }

  /** Keeps a line for the next flush, and flushes when there is no room. @param line without the line feed. */
  write(line: string): void {
    if (this.#gone) return;
    if (this.#lostLines > 0 && this.#hasRoom()) {
      const notice = this.#describeLoss(this.#lostLines);
      this.#lostLines = 0;
      this.#append(notice);
    }
    if (this.#hasRoom()) this.#append(line);
    else this.#lostLines++;
  }

  /** Writes what the descriptor takes now. */
  flush(): FlushResult {
    const buffer = this.#buffer;
    if (this.#gone) return "gone";
    if (buffer === null) return "done";
    while (this.#start < this.#end) {
      const count = this.#writeOnce(buffer);
      if (count >= 0) this.#start += count;
      else if (count === -EAGAIN) return "pending";
      else if (count !== -EINTR) {
        this.#giveUp();
        return "gone";
      }
    }
    this.#start = 0;
    this.#end = 0;
    return "done";
  }

  #hasRoom(): boolean {
    if (BUFFER_BYTES - this.#end >= LINE_BYTES) return true;
    if (this.flush() === "gone") return false;
    const buffer = this.#buffer;
    if (buffer !== null && this.#start > 0) {
      buffer.bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    return BUFFER_BYTES - this.#end >= LINE_BYTES;
  }

  #append(line: string): void {
    const buffer = this.#buffer ??= new PinnedBuffer(BUFFER_BYTES);
    const text = line.length > MAXIMUM_LINE_CHARACTERS
      ? line.slice(0, MAXIMUM_LINE_CHARACTERS) + "…\n"
      : line + "\n";
    this.#end += encoder.encodeInto(text, buffer.bytes.subarray(this.#end))
      .written;
  }

  #writeOnce(buffer: PinnedBuffer): number {
    const length = this.#end - this.#start;
    return this.#kind === "socket"
      ? sendMessage(this.#fd, buffer, this.#start, length, NO_FDS, 0, 0)
      : writeFd(
        this.#reopened?.number ?? this.#fd,
        buffer.bytes.subarray(this.#start, this.#end),
      );
  }

  #giveUp(): void {
    this.#gone = true;
    this.#start = 0;
    this.#end = 0;
  }

  /** Writes what can be written; the rest is lost. */
  [Symbol.dispose](): void {
    this.flush();
    this.#giveUp();
    this.#reopened?.[Symbol.dispose]();
    this.#buffer?.free();
    this.#buffer = null;
  }
}

/** Null: not permitted (a terminal of another user), no /proc, or a pipe without a reader; writing says which. */
function reopen(fd: number): OwnedFd | null {
  try {
    return openFile(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK);
  } catch (error) {
    if (error instanceof SyscallError) return null;
    throw error;
  }
}
