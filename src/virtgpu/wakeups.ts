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
 * slowly when there is none, since each look wakes a processor. (In an emulated
 * machine a wake-up costs 1 ms and more of it: 60 in a second would be 10 %.)
 */

import type { Loop, Timer } from "../loop/loop.ts";

/** How long to wait for the next look, by the time since the last traffic; all in milliseconds. */
const PACES = [
  { until: 100, wait: 1 },
  { until: 10_000, wait: 16 },
] as const;
/** After that. The first event of a window that nobody has touched for so long may be so late. */
const SLOWEST = 250;

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
    const quiet = now - this.#lastTraffic;
    const wait = PACES.find(({ until }) => quiet < until)?.wait ?? SLOWEST;
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
