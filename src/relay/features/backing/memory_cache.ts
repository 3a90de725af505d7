/**
 * Memory of the host's that nobody uses: kept for a while, because asking for more is dear, and given back at once when there is no room.
 */
import type { Timer } from "../../../loop/loop.ts";
import type { RelayLoop } from "../../guarded_loop.ts";
import type { Piece } from "./memory_budget.ts";

/** Bytes that one client keeps of one kind. */
const MAX_CACHE_BYTES = 64 * 1024 * 1024;
/** How long they are kept, in milliseconds. */
const CACHE_TIMEOUT_MS = 5_000;

interface Unused<T extends Piece> {
  readonly piece: T;
  /** Milliseconds of the loop's clock. */
  readonly since: number;
}

/** Pieces of one kind. */
export class MemoryCache<T extends Piece> implements Disposable {
  readonly #loop: RelayLoop;
  readonly #free: (piece: T) => void;
  /** Those longest unused first. */
  readonly #unused: Unused<T>[] = [];
  #bytes = 0;
  #timer: Timer | null = null;

  /** @param free gives a piece back to the host */
  constructor(loop: RelayLoop, free: (piece: T) => void) {
    this.#loop = loop;
    this.#free = free;
  }

  /** Keeps a piece. */
  add(piece: T): void {
    this.#unused.push({ piece, since: this.#loop.now });
    this.#bytes += piece.memory.size;
    while (this.#bytes > MAX_CACHE_BYTES) this.#freeOldest();
    this.#startTimer();
  }

  /** Takes the piece that was used last, which is the likeliest to be in some cache, of those that fit. */
  take(fits: (piece: T) => boolean): T | null {
    const index = this.#unused.findLastIndex(({ piece }) => fits(piece));
    const [found] = index < 0 ? [] : this.#unused.splice(index, 1);
    if (found === undefined) return null;
    this.#bytes -= found.piece.memory.size;
    return found.piece;
  }

  /** Gives all of it back. @returns whether there was any */
  freeAll(): boolean {
    if (this.#unused.length === 0) return false;
    while (this.#unused.length > 0) this.#freeOldest();
    return true;
  }

  /** Ends it, without a word to the host. @returns what was kept */
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
