/**
 * One C struct of fixed size, made once and used for every call.
 */

import { addressOf, pointerTo } from "./address.ts";

/** The struct's memory, as 32-bit words, with its address. */
export class StructWords {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly pointer: Deno.PointerObject;
  readonly address: number;

  /** @param size in bytes, a multiple of 4. */
  constructor(size: number) {
    this.words = new Uint32Array(size / 4);
    this.pointer = pointerTo(this.words);
    this.address = addressOf(this.words);
  }
}
