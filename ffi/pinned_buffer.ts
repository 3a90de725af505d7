/**
 * Memory with a known address, for sends and receives at any offset without
 * making a view or a pointer per call.
 */

import { addressOf } from "./address.ts";

const PAGE = 4096;

/**
 * A buffer of whole pages whose address is known. Zeroed; pages that were never
 * touched cost nothing.
 */
export class PinnedBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same memory as 32-bit words. */
  readonly words: Int32Array<ArrayBuffer>;
  /** Size in bytes, as it was made. */
  readonly size: number;
  /**
   * Address of the first byte. Not to be used after `free`; the functions that
   * use it compare with `bytes.length`.
   */
  readonly address: number;

  /** @param size in bytes, a multiple of 4096. */
  constructor(size: number) {
    if (size <= 0 || size % PAGE !== 0) {
      throw new RangeError(
        `Cannot make a buffer of ${size} bytes: not a multiple of ${PAGE}`,
      );
    }
    const memory = new ArrayBuffer(size);
    this.bytes = new Uint8Array(memory);
    this.words = new Int32Array(memory);
    this.size = size;
    this.address = addressOf(this.bytes);
  }

  /**
   * Gives the memory back at once, without waiting for the garbage collector.
   * `bytes` and `words` are empty afterwards.
   */
  free(): void {
    if (!this.bytes.buffer.detached) this.bytes.buffer.transfer(0);
  }
}
