/**
 * The fuzzer's end of a socket: batches of messages out, whole messages in, and
 * descriptors by their labels.
 */
import type { OwnedFd } from "../../ffi/fd.ts";
import { EAGAIN } from "../../ffi/errno.ts";
import { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import {
  receivedFdCount,
  receiveMessage,
  sendMessage,
} from "../../ffi/socket_message.ts";
import { type Descriptors, takeLabel } from "./descriptors.ts";

const SIZE = 1 << 17;
const receivedFds = new Int32Array(256);
/** Memory of ends that are closed, for the next ones. */
const spare: PinnedBuffer[] = [];

function takeBuffer(): PinnedBuffer {
  return spare.pop() ?? new PinnedBuffer(SIZE);
}

/** Takes whole messages; the header at word `at` is not checked. */
export type FrameHandler = (
  words: Int32Array,
  bytes: Uint8Array,
  at: number,
  size: number,
) => void;

export class Wire implements Disposable {
  /** What is being sent. Only to be written while nothing is `pending`. */
  readonly out = takeBuffer();
  /** Labels of descriptors that came and belong to no message yet. */
  readonly labels: number[] = [];
  /** Whether the other side closed the connection. */
  closed = false;
  readonly #fd: OwnedFd;
  readonly #descriptors: Descriptors;
  readonly #in = takeBuffer();
  #filled = 0;
  #sendAt = 0;
  #sendEnd = 0;
  /** Where the batch ends; up to `#sendEnd` it may be sent now. */
  #batchEnd = 0;
  #fds = new Int32Array(0);

  constructor(fd: OwnedFd, descriptors: Descriptors) {
    this.#fd = fd;
    this.#descriptors = descriptors;
  }

  /** Bytes of a batch that the socket did not take yet. */
  get pending(): number {
    return this.#batchEnd - this.#sendAt;
  }

  /** Bytes of a message that has not come whole. */
  get unread(): number {
    return this.#filled;
  }

  /**
   * Sends the first `end` bytes of `out`, with descriptors at the first of
   * them; what is behind `cut` waits for the next `flush`.
   */
  send(end: number, labels: readonly number[], cut = end): void {
    if (this.pending > 0) throw new Error("a batch is still under way");
    this.#sendAt = 0;
    this.#sendEnd = cut;
    this.#batchEnd = end;
    this.#fds = Int32Array.from(
      labels,
      (label) => this.#descriptors.get(label),
    );
    this.flush();
  }

  /** Goes on sending. @returns whether all of it is sent, or never will be */
  flush(): boolean {
    while (this.#sendAt < this.#sendEnd) {
      const sent = sendMessage(
        this.#fd.number,
        this.out,
        this.#sendAt,
        this.#sendEnd - this.#sendAt,
        this.#fds,
        0,
        this.#fds.length,
      );
      if (sent === -EAGAIN) return false;
      if (sent < 0) {
        this.#sendAt = this.#sendEnd = this.#batchEnd;
        return true;
      }
      this.#sendAt += sent;
      this.#fds = new Int32Array(0);
    }
    const isDone = this.#sendEnd === this.#batchEnd;
    this.#sendEnd = this.#batchEnd;
    return isDone;
  }

  /** Reads all that is there. @returns whether there was anything */
  receive(handle: FrameHandler): boolean {
    let any = false;
    while (!this.closed) {
      const count = receiveMessage(
        this.#fd.number,
        this.#in,
        this.#filled,
        SIZE - this.#filled,
        receivedFds,
      );
      if (count === -EAGAIN) return any;
      any = true;
      if (count <= 0) {
        this.closed = true;
        return any;
      }
      for (let i = 0; i < receivedFdCount(); i++) {
        this.labels.push(takeLabel(receivedFds[i] ?? -1));
      }
      this.#filled += count;
      this.#deliver(handle);
    }
    return any;
  }

  #deliver(handle: FrameHandler): void {
    const { words, bytes } = this.#in;
    let at = 0;
    while (this.#filled - at >= 8) {
      const size = (words[(at >> 2) + 1] ?? 0) >>> 16;
      // a message of an impossible size ends the delivery: its handler throws
      if (this.#filled - at < size) break;
      handle(words, bytes, at >> 2, size);
      at += size;
    }
    bytes.copyWithin(0, at, this.#filled);
    this.#filled -= at;
  }

  close(): void {
    this.closed = true;
    this.#fd[Symbol.dispose]();
  }

  /** Closes the connection and gives the memory back; must be called once. */
  [Symbol.dispose](): void {
    this.close();
    spare.push(this.#in, this.out);
  }
}
