/**
 * Numbers that look random and come again with their seed: sfc32, by Chris
 * Doty-Humphrey.
 */

/** A source of numbers. Equal seeds give equal numbers, on every machine. */
export class Random {
  #a: number;
  #b: number;
  #c = 0x9e3779b9 | 0;
  #counter = 1;

  /** @param stream tells sources of the same seed apart */
  constructor(seed: number, stream = 0) {
    this.#a = seed | 0;
    this.#b = stream | 0;
    for (let i = 0; i < 12; i++) this.word();
  }

  /** Any signed 32-bit number. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21 | this.#c >>> 11) + sum) | 0;
    return sum;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return (this.word() >>> 0) % limit;
  }

  /** True `percent` times of a hundred. */
  chance(percent: number): boolean {
    return (this.word() >>> 0) < percent * 42949672.96;
  }

  /** One of the list, which is not empty. */
  pick<Item>(list: readonly Item[]): Item {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new RangeError("Cannot pick: nothing there");
    return item;
  }

  /** A number to be a length: mostly small, rarely near `limit`. */
  length(limit: number): number {
    const bits = this.below(20);
    const most = bits < 12 ? 8 : bits < 18 ? 64 : limit;
    return this.below(Math.min(most, limit) + 1);
  }

  /** Bytes of any value. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.word();
    return bytes;
  }

  /**
   * A number as programs send them: small, or at the edge of what a word can
   * be.
   */
  number(): number {
    switch (this.below(8)) {
      case 0:
        return this.pick(EDGES);
      case 1:
        return this.word();
      default:
        return this.below(1000);
    }
  }
}

const EDGES = [
  0,
  1,
  -1,
  0x7fffffff,
  -0x80000000,
  0xff000000 | 0,
  0x10000,
  4096,
  256,
];

/** Bytes that are others in every run. */
export function freshBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65536));
  }
  return bytes;
}
