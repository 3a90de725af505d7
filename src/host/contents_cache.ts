/**
 * Keeps what was made of a file's contents. A compositor sends all clients the
 * same few files, so the next client gets what the one before it got.
 */

interface Kept<Value> {
  readonly contents: Uint8Array;
  readonly value: Value;
}

/** Owns the values that were used last, each found by equal contents. */
export class ContentsCache<Value extends Disposable> implements Disposable {
  readonly #capacity: number;
  /** The values that were used last come last. */
  readonly #kept: Kept<Value>[] = [];

  /** @param capacity how many values are kept */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Number of values that are kept. */
  get count(): number {
    return this.#kept.length;
  }

  /** The value of these contents, borrowed, or null. */
  find(contents: Uint8Array): Value | null {
    const index = this.#kept.findIndex((kept) =>
      isEqual(kept.contents, contents)
    );
    const [found] = index < 0 ? [] : this.#kept.splice(index, 1);
    if (found === undefined) return null;
    this.#kept.push(found);
    return found.value;
  }

  /**
   * Takes over a value, and disposes of the one that was unused for longest
   * where there are too many.
   *
   * @param contents not copied; the caller must not change them
   */
  add(contents: Uint8Array, value: Value): void {
    this.#kept.push({ contents, value });
    if (this.#kept.length > this.#capacity) {
      this.#kept.shift()?.value[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    for (const { value } of this.#kept) value[Symbol.dispose]();
    this.#kept.length = 0;
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length &&
    one.every((byte, index) => byte === other[index]);
}
