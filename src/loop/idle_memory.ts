/**
 * Gives memory back after a burst.
 *
 * V8 keeps what its heap grew to, blocked or not (measured: 160 MB stayed, a last-resort collection brought 44 MB and took 27 ms), so a
 * proxy that a hundred clients have left would stay as large as they made it. The collector is exposed to programs by V8's
 * `--expose-gc`, which the executable is compiled with; without it nothing happens here.
 */
import type { Loop, Timer } from "./loop.ts";

/** How long it must be quiet after a burst, in milliseconds. */
const QUIET = 3_000;
/** How long a collection is put off while bursts go on, in milliseconds. */
const LATEST = 30_000;

/** Collects once after each burst, when nothing has happened for a while. */
export class IdleMemory implements Disposable {
  readonly #loop: Loop;
  readonly #collect: () => void;
  #timer: Timer | null = null;
  #first = 0;
  #last = 0;

  /** @param collect frees what can be freed; V8's collector unless a test says otherwise */
  constructor(loop: Loop, collect: () => void = collectAll) {
    this.#loop = loop;
    this.#collect = collect;
  }

  /** To be called when something ended that may have left much behind: a client, or a flood. */
  burst(): void {
    this.#last = this.#loop.now;
    if (this.#timer !== null) return;
    this.#first = this.#last;
    this.#wait(QUIET);
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
    if (quiet < QUIET && now - this.#first < LATEST) this.#wait(QUIET - quiet);
    else this.#collect();
  }
}

function collectAll(): void {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect !== "function") return;
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
