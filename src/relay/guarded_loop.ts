/**
 * The loop, as one relay uses it: an error that its timers and watches throw
 * ends that relay, and not the loop, which all relays share.
 */
import type { Loop, Source, Timer, Watch } from "../loop/loop.ts";

/** What a relay and its features need of the loop. */
export type RelayLoop = Pick<Loop, "now" | "after" | "watch">;

/** Catches what callbacks of one relay throw. */
export class GuardedLoop implements RelayLoop {
  readonly #loop: RelayLoop;
  readonly #onError: (error: unknown) => void;

  /** @param onError takes what a callback threw */
  constructor(loop: RelayLoop, onError: (error: unknown) => void) {
    this.#loop = loop;
    this.#onError = onError;
  }

  get now(): number {
    return this.#loop.now;
  }

  after(milliseconds: number, callback: () => void): Timer {
    return this.#loop.after(milliseconds, () => this.#attempt(callback));
  }

  watch(fd: number, source: Source): Watch {
    return this.#loop.watch(fd, {
      ready: (readable, writable, hangup) =>
        this.#attempt(() => source.ready(readable, writable, hangup)),
    });
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#onError(error);
    }
  }
}
