/** The objects of one side by id, and the allocator of ids. */
import { FIRST_SERVER_ID } from "../wayland/wire.ts";
import type { Entry } from "./entry.ts";

/**
 * Live objects that one connection may have; libwayland would allow 15 million.
 */
export const MAX_OBJECTS = 262144;

/**
 * Two dense arrays, since ids are dense on both sides: those of the client's
 * range, and those of the server's, which read as negative numbers.
 */
export class ObjectTable {
  readonly #low: (Entry | null)[] = [null];
  readonly #high: (Entry | null)[] = [];
  /** Objects in the table. */
  count = 0;

  /** The object of that id, or null. Any number is safe. */
  get(id: number): Entry | null {
    if (id >= 0) return (id < this.#low.length ? this.#low[id] : null) ?? null;
    const index = id - FIRST_SERVER_ID;
    return (index >= 0 && index < this.#high.length
      ? this.#high[index]
      : null) ?? null;
  }

  /**
   * Whether the client may give this id to a new object: free, and without a
   * gap after the highest that was used.
   */
  isFreeLow(id: number): boolean {
    return id > 0 &&
      (id === this.#low.length ||
        (id < this.#low.length && this.#low[id] === null));
  }

  /**
   * Whether the server may give this id to a new object. It may take an id
   * again that nobody told its client to be free.
   */
  isPossibleHigh(id: number): boolean {
    return id < 0 && id >= FIRST_SERVER_ID &&
      id - FIRST_SERVER_ID <= this.#high.length;
  }

  /**
   * Enters an object under an id that `isFreeLow`, `isPossibleHigh` or an
   * `IdAllocator` gave.
   */
  set(id: number, entry: Entry): void {
    const table = id >= 0 ? this.#low : this.#high;
    const index = id >= 0 ? id : id - FIRST_SERVER_ID;
    while (table.length < index) table.push(null);
    if (index === table.length) table.push(entry);
    else {
      if (table[index] !== null) this.count--;
      table[index] = entry;
    }
    this.count++;
  }

  /** Takes an object out. */
  delete(id: number): void {
    const table = id >= 0 ? this.#low : this.#high;
    const index = id >= 0 ? id : id - FIRST_SERVER_ID;
    if (index < 0 || index >= table.length || table[index] === null) return;
    table[index] = null;
    this.count--;
  }
}

/**
 * Gives ids of one range without gaps, first those that came back. libwayland
 * refuses a gap on either side.
 */
export class IdAllocator {
  readonly #free: number[] = [];
  #next: number;

  /** @param first the lowest id of the range, as read from an `Int32Array` */
  constructor(first: number) {
    this.#next = first;
  }

  allocate(): number {
    return this.#free.pop() ?? this.#next++;
  }

  free(id: number): void {
    this.#free.push(id);
  }
}
