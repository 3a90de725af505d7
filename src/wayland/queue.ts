/**
 * A queue of bytes and file descriptors: what one end of a connection has
 * received, or has still to send.
 *
 * The fields are open to the two pumps, which read and write whole messages in
 * place; nothing here knows what a message says. `head` and `tail` are byte
 * offsets into `buffer`. In an outgoing queue each descriptor stands at the
 * stream position of its message, since it must be sent no later than that
 * message's first byte.
 */
import { closeFd, closeFdRun } from "../../ffi/fd.ts";
import { closeForeignFd } from "../../ffi/file_kind.ts";
import type { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import type { FdKind } from "../../protocols/tables.ts";
import { returnBuffer, takeBuffer } from "./buffer_pool.ts";

const NOTHING = new Int32Array(0);
const NO_BYTES = new Uint8Array(0);
const FIRST_FDS = 32;

/**
 * Bytes and descriptors, in order. The queue owns the descriptors in it until
 * they are taken out.
 */
export class Queue implements Disposable {
  /** The memory, or null while the queue is empty. */
  buffer: PinnedBuffer | null = null;
  /** `buffer` as words. */
  words: Int32Array = NOTHING;
  /** `buffer` as bytes. */
  bytes: Uint8Array = NO_BYTES;
  /** Offset of the first byte that was not consumed. */
  head = 0;
  /** Offset after the last byte. */
  tail = 0;
  /** Stream position of `head`, counted from the connection's beginning. */
  position = 0;

  /**
   * The descriptors, or an endpoint's unopened handles, from `fdHead` to
   * `fdTail`.
   */
  fds: Int32Array = NOTHING;
  fdHead = 0;
  fdTail = 0;
  readonly #fdPositions: number[] = [];
  readonly #fdKinds: FdKind[] = [];

  /** Bytes waiting. */
  get length(): number {
    return this.tail - this.head;
  }

  /** Descriptors waiting. */
  get fdCount(): number {
    return this.fdTail - this.fdHead;
  }

  /**
   * Makes room for `size` more bytes after `tail`. May move everything, so
   * `words` and `bytes` must be read again after it. `tail` stays a multiple of
   * four where it was one.
   */
  reserve(size: number): void {
    const buffer = this.buffer;
    if (buffer !== null && this.tail + size <= buffer.size) return;
    const start = this.head & 3;
    const needed = start + this.length + size;
    if (
      buffer !== null && needed <= buffer.size && this.head > buffer.size >> 1
    ) {
      buffer.bytes.copyWithin(start, this.head, this.tail);
    } else {
      const larger = takeBuffer(needed);
      if (buffer !== null) {
        larger.bytes.set(buffer.bytes.subarray(this.head, this.tail), start);
        returnBuffer(buffer);
      }
      this.buffer = larger;
      this.words = larger.words;
      this.bytes = larger.bytes;
    }
    this.tail = start + this.length;
    this.head = start;
  }

  /**
   * Drops `size` bytes from the front, and the memory with the last of them.
   * Nothing is left to drop after a `clear`.
   */
  consume(size: number): void {
    if (this.buffer === null) return;
    this.head += size;
    this.position += size;
    if (this.head === this.tail) this.#releaseMemory();
  }

  /**
   * Appends a received handle, whose kind is not known before its message is
   * decoded.
   */
  pushHandle(handle: number): void {
    this.#roomForFd();
    this.fds[this.fdTail++] = handle;
  }

  /**
   * Appends a descriptor, which the queue owns from now on, for the message
   * that starts at `tail`.
   */
  pushFd(fd: number, kind: FdKind): void {
    this.#roomForFd();
    this.#fdPositions[this.fdTail] = this.position + this.length;
    this.#fdKinds[this.fdTail] = kind;
    this.fds[this.fdTail++] = fd;
  }

  /**
   * Takes out the first descriptor or handle. The caller has seen that there is
   * one.
   */
  shiftFd(): number {
    const fd = this.fds[this.fdHead++] ?? -1;
    if (this.fdHead === this.fdTail) this.fdHead = this.fdTail = 0;
    return fd;
  }

  /**
   * Stream position of the message that the descriptor `index` places after the
   * first belongs to.
   */
  fdPosition(index: number): number {
    return this.#fdPositions[this.fdHead + index] ?? 0;
  }

  /** The kind of the descriptor `index` places after the first. */
  fdKind(index: number): FdKind | undefined {
    return this.#fdKinds[this.fdHead + index];
  }

  /** Closes and drops the first `count` descriptors. */
  closeFds(count: number): void {
    // Descriptors that came in one message mostly have consecutive numbers.
    for (let left = count; left > 0;) {
      const isChecked = this.#isChecked();
      const first = this.shiftFd();
      if (!isChecked) {
        closeForeignFd(first);
        left--;
        continue;
      }
      let run = 1;
      while (
        run < left && this.fds[this.fdHead] === first + run && this.#isChecked()
      ) {
        this.shiftFd();
        run++;
      }
      if (run === 1) closeFd(first);
      else closeFdRun(first, run);
      left -= run;
    }
  }

  /**
   * Whether the first descriptor is shared memory, which goes nowhere before a
   * feature has checked that it really is.
   */
  #isChecked(): boolean {
    return this.#fdKinds[this.fdHead] === "shm";
  }

  /** Drops all bytes and closes all descriptors. */
  clear(): void {
    this.closeFds(this.fdCount);
    this.position += this.length;
    this.head = this.tail;
    this.#releaseMemory();
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  #releaseMemory(): void {
    if (this.buffer !== null) returnBuffer(this.buffer);
    this.buffer = null;
    this.words = NOTHING;
    this.bytes = NO_BYTES;
    this.head = this.tail = 0;
  }

  #roomForFd(): void {
    if (this.fdTail < this.fds.length) return;
    if (this.fdHead > 0) {
      this.fds.copyWithin(0, this.fdHead, this.fdTail);
      this.#fdPositions.splice(0, this.fdHead);
      this.#fdKinds.splice(0, this.fdHead);
      this.fdTail -= this.fdHead;
      this.fdHead = 0;
      if (this.fdTail < this.fds.length) return;
    }
    const larger = new Int32Array(Math.max(FIRST_FDS, this.fds.length * 2));
    larger.set(this.fds);
    this.fds = larger;
  }
}
