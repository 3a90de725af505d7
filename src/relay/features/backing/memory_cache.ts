/**
 * Caches free host memory for five seconds, because allocating is slow, and
 * releases it when the host runs out.
 */
import type { Timer } from "../../../loop/loop.ts";
import type { RelayLoop } from "../../guarded_loop.ts";
import type { Piece } from "./memory_budget.ts";

/** Bytes that the cache of one client and kind holds. */
const MAX_CACHE_BYTES = 64 * 1024 * 1024;
/** How long it holds them, in milliseconds. */
const CACHE_TIMEOUT_MS = 5_000;

interface Unused<T extends Piece> {
  readonly piece: T;
  /** Milliseconds of the loop's clock. */
  readonly since: number;
}

/** The free pieces of one client and kind. */
export class MemoryCache<T extends Piece> implements Disposable {
  readonly #loop: RelayLoop;
  readonly #free: (piece: T) => void;
  /** The longest unused first. */
  readonly #unused: Unused<T>[] = [];
  #bytes = 0;
  #timer: Timer | null = null;

  /** @param free gives a piece back to the host */
  constructor(loop: RelayLoop, free: (piece: T) => void) {
    this.#loop = loop;
    this.#free = free;
  }

  /** Adds a free piece. */
  add(piece: T): void {
    this.#unused.push({ piece, since: this.#loop.now });
    this.#bytes += piece.memory.size;
    while (this.#bytes > MAX_CACHE_BYTES) this.#freeOldest();
    this.#startTimer();
  }

  /**
   * Takes, of the pieces that fit, the one used last: most of it may still be
   * in the processor's cache.
   */
  take(fits: (piece: T) => boolean): T | null {
    const index = this.#unused.findLastIndex(({ piece }) => fits(piece));
    const [found] = index < 0 ? [] : this.#unused.splice(index, 1);
    if (found === undefined) return null;
    this.#bytes -= found.piece.memory.size;
    return found.piece;
  }

  /** Frees all pieces. @returns whether there were any */
  freeAll(): boolean {
    if (this.#unused.length === 0) return false;
    while (this.#unused.length > 0) this.#freeOldest();
    return true;
  }

  /** Ends the cache without freeing. @returns its pieces */
  takeAll(): readonly T[] {
    this[Symbol.dispose]();
    this.#bytes = 0;
    return this.#unused.splice(0).map(({ piece }) => piece);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  #freeOldest(): void {
    const oldest = this.#unused.shift();
    if (oldest === undefined) return;
    this.#bytes -= oldest.piece.memory.size;
    this.#free(oldest.piece);
  }

  #startTimer(): void {
    const oldest = this.#unused[0];
    if (this.#timer !== null || oldest === undefined) return;
    const wait = oldest.since + CACHE_TIMEOUT_MS - this.#loop.now;
    this.#timer = this.#loop.after(wait, () => {
      this.#timer = null;
      this.#freeOld();
      this.#startTimer();
    });
  }

  #freeOld(): void {
    const limit = this.#loop.now - CACHE_TIMEOUT_MS;
    while ((this.#unused[0]?.since ?? Infinity) <= limit) this.#freeOldest();
  }
}
