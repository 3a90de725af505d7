/**
 * One client's pieces of host memory of one kind: those in use, and those that
 * the next buffer may reuse.
 */
import type { RelayLoop } from "../../guarded_loop.ts";
import type { MemoryBudget, Piece, Shortage } from "./memory_budget.ts";
import { MemoryCache } from "./memory_cache.ts";

/** The owner of a piece ends it exactly once, by `recycle` or `discard`. */
export class PieceStore<T extends Piece> implements Disposable {
  readonly #budget: MemoryBudget;
  readonly #onFree: (piece: T) => void;
  readonly #used = new Set<T>();
  readonly #cache: MemoryCache<T>;

  /** @param onFree tells the host that a piece ends, while the client lives */
  constructor(
    loop: RelayLoop,
    budget: MemoryBudget,
    onFree: (piece: T) => void,
  ) {
    this.#budget = budget;
    this.#onFree = onFree;
    this.#cache = new MemoryCache(loop, (piece) => this.#free(piece));
  }

  /**
   * A piece that fits, with any contents, or why there is none.
   *
   * @param bytes about as large as `make` makes it
   * @param make asks the host, and returns null where that has no room
   */
  obtain(
    bytes: number,
    fits: (piece: T) => boolean,
    make: () => T | null,
  ): T | Shortage {
    const piece = this.#cache.take(fits) ??
      this.#budget.obtain(bytes, make, () => this.#cache.freeAll());
    if (typeof piece !== "string") this.#used.add(piece);
    return piece;
  }

  /** Keeps a piece that neither we nor the host use any more. */
  recycle(piece: T): void {
    if (this.#used.delete(piece)) this.#cache.add(piece);
  }

  /** Frees a piece that the host may still use. */
  discard(piece: T): void {
    if (this.#used.delete(piece)) this.#free(piece);
  }

  /** Frees all of it, without a word to the host. */
  [Symbol.dispose](): void {
    for (const piece of this.#used) this.#giveBack(piece);
    for (const piece of this.#cache.takeAll()) this.#giveBack(piece);
    this.#used.clear();
  }

  #free(piece: T): void {
    this.#onFree(piece);
    this.#giveBack(piece);
  }

  #giveBack({ memory }: T): void {
    this.#budget.giveBack(memory.size);
    memory[Symbol.dispose]();
  }
}
