/**
 * Wakes channels whose fence was signalled too early.
 *
 * QEMU, as of 10.2, compares the ring of a fence but not its context when one is
 * signalled, so a message on one channel signals the fences of all others. Such
 * a channel finds its page empty. It must not POLL again, since the host still
 * has its first POLL and would answer both, the second over the first: it looks
 * at its page from time to time until something stands there.
 *
 * One timer serves all channels: every millisecond while there is traffic, more
 * slowly when there is none.
 */

import type { Loop, Timer } from "../loop/loop.ts";

/** Milliseconds between looks while there is traffic. */
const FAST = 1;
/** Milliseconds between looks otherwise. */
const SLOW = 16;
/** How long after the last traffic the looks are fast, in milliseconds. */
const FAST_FOR = 100;

/** Who waits without a fence. */
export interface Unfenced {
  /** Looks at its page; calls `remove` when it has what it waited for. */
  look(): void;
}

/** The timer, for all channels of a loop. */
export class Wakeups implements Disposable {
  readonly #loop: Loop;
  readonly #waiting = new Set<Unfenced>();
  #timer: Timer | null = null;
  #due = 0;
  #lastTraffic = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** How many channels wait without a fence. */
  get count(): number {
    return this.#waiting.size;
  }

  /** Looks for `channel` from now on. */
  add(channel: Unfenced): void {
    this.#waiting.add(channel);
    this.#schedule();
  }

  /** Looks no more. */
  remove(channel: Unfenced): void {
    this.#waiting.delete(channel);
  }

  /** Something was sent or received, so that answers are to be expected. */
  traffic(): void {
    this.#lastTraffic = this.#loop.now;
    if (this.#waiting.size > 0) this.#schedule();
  }

  [Symbol.dispose](): void {
    this.#waiting.clear();
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  #schedule(): void {
    const { now } = this.#loop;
    const wait = now - this.#lastTraffic < FAST_FOR ? FAST : SLOW;
    if (this.#timer !== null) {
      if (this.#due <= now + wait) return;
      this.#timer[Symbol.dispose]();
    }
    this.#due = now + wait;
    this.#timer = this.#loop.after(wait, this.#tick);
  }

  readonly #tick = (): void => {
    this.#timer = null;
    for (const channel of this.#waiting) channel.look();
    if (this.#waiting.size > 0) this.#schedule();
  };
}
