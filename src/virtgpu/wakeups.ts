/**
 * Wakes channels whose fence was signalled too early.
 *
 * QEMU, as of 10.2, compares the ring of a fence but not its context when one
 * is signalled, so a message on one channel signals the fences of all others.
 * Such a channel finds its page empty. It must not POLL again, since the host
 * still has its first POLL and would answer both, the second over the first. So
 * it checks its page from time to time until something stands there.
 *
 * One timer serves all channels: every millisecond while there is traffic, then
 * every 16, and after some seconds as often as a hundredth of a processor
 * allows. On hardware that is as often as before; in an emulated machine, where
 * a wake-up costs milliseconds, it is a few times a second.
 */

import { processorMilliseconds } from "../../ffi/clock.ts";
import type { Loop, Timer } from "../loop/loop.ts";

/**
 * How long to wait for the next check, by the time since the last traffic; all
 * in milliseconds.
 */
const PACES = [
  { until: 100, wait: 1 },
  { until: 10_000, wait: 16 },
] as const;
/**
 * After that the least and the most; between them it is what keeps to the
 * share.
 */
const IDLE = { least: 16, most: 500 } as const;
/**
 * The part of a processor that checks may take while nothing happens; they
 * should take less than a hundredth.
 */
const SHARE = 0.005;

/** A channel that waits without a fence. */
export interface Unfenced {
  /** Checks its page; calls `remove` when it has what it waited for. */
  look(): void;
}

/** The timer, for all channels of a loop. */
export class Wakeups implements Disposable {
  readonly #loop: Loop;
  readonly #waiting = new Set<Unfenced>();
  #timer: Timer | null = null;
  readonly #processor: () => number;
  #due = 0;
  #lastTraffic = 0;
  /** Processor time at the last check. */
  #used = 0;
  /** Processor time that the last check used, with the wake-up for it. */
  #cost = 0;

  /**
   * @param processor milliseconds that this process has kept processors busy
   */
  constructor(loop: Loop, processor: () => number = processorMilliseconds) {
    this.#loop = loop;
    this.#processor = processor;
  }

  /** How many channels wait without a fence. */
  get count(): number {
    return this.#waiting.size;
  }

  /** Checks the page of `channel` from now on. */
  add(channel: Unfenced): void {
    this.#waiting.add(channel);
    this.#schedule();
  }

  /** Stops checking it. */
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
    const wait = PACES.find(({ until }) => quiet < until)?.wait ??
      Math.min(IDLE.most, Math.max(IDLE.least, this.#cost / SHARE));
    if (this.#timer !== null) {
      if (this.#due <= now + wait) return;
      this.#timer[Symbol.dispose]();
    }
    this.#due = now + wait;
    this.#timer = this.#loop.after(wait, this.#tick);
  }

  readonly #tick = (): void => {
    this.#timer = null;
    const used = this.#processor();
    this.#cost = used - this.#used;
    this.#used = used;
    for (const channel of this.#waiting) channel.look();
    if (this.#waiting.size > 0) this.#schedule();
  };
}
