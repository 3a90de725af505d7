/**
 * Gives memory back after a burst.
 *
 * V8 keeps what its heap grew to, blocked or not (measured: 160 MB stayed, a
 * last-resort collection brought 44 MB and took 27 ms), so a proxy that a
 * hundred clients have left would stay as large as they made it. Other clients
 * wait meanwhile, so it is done only where there is something to gain, and not
 * after every program that looked at the clipboard. The collector is exposed to
 * programs by V8's `--expose-gc`, which the executable is compiled with;
 * without it nothing happens here.
 */
import type { Loop, Timer } from "../../loop/loop.ts";

/** How long it must be quiet after a burst, in milliseconds. */
const QUIET_MS = 3_000;
/** How long a collection is put off while bursts go on, in milliseconds. */
const MAX_DELAY_MS = 30_000;
/** What the heap must have grown by since the last collection, in bytes. */
const MIN_GROWTH_BYTES = 1024 * 1024;

/** The heap that is looked after. */
export interface Heap {
  /** Bytes that it takes from the system. */
  size(): number;
  /** Frees what can be freed. */
  collect(): void;
}

/**
 * Collects once after each burst that made the heap grow, when no other has
 * come for a while.
 */
export class IdleHeap implements Disposable {
  readonly #loop: Loop;
  readonly #heap: Heap;
  /** What the last collection left. */
  #left: number;
  #timer: Timer | null = null;
  #first = 0;
  #last = 0;

  /** @param heap V8's unless a test says otherwise */
  constructor(loop: Loop, heap: Heap = v8Heap) {
    this.#loop = loop;
    this.#heap = heap;
    this.#left = heap.size();
  }

  /**
   * To be called when something ended that may have left much behind: a client,
   * or a flood.
   */
  burst(): void {
    this.#last = this.#loop.now;
    if (this.#timer !== null) return;
    this.#first = this.#last;
    this.#wait(QUIET_MS);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  #wait(milliseconds: number): void {
    this.#timer = this.#loop.after(milliseconds, () => this.#look());
  }

  #look(): void {
    this.#timer = null;
    const { now } = this.#loop;
    const quiet = now - this.#last;
    if (quiet < QUIET_MS && now - this.#first < MAX_DELAY_MS) {
      this.#wait(QUIET_MS - quiet);
    } else if (this.#heap.size() >= this.#left + MIN_GROWTH_BYTES) {
      this.#heap.collect();
      this.#left = this.#heap.size();
    }
  }
}

const v8Heap: Heap = {
  size: () => Deno.memoryUsage().heapTotal,
  collect: collectAll,
};

function collectAll(): void {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect !== "function") return;
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
