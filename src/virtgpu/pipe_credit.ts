/**
 * Copies from one application of this machine to another, through the host.
 *
 * The host's compositor gives the pipe that the host has made for a reader here
 * to a writer here. A WRITE into it while it is full stops the device's thread
 * until the host has read from it, which it does when a POLL asks for that; and
 * the POLL waits for the same thread. The machine would stand still for ever. So
 * a writer goes no further ahead of what has arrived than the pipe has room for.
 *
 * Nobody says which reader a writer writes to. It is one whose pipe was there
 * before, and of which nothing had arrived; where several are, all must have
 * room. One that gets nothing for seconds, although the host is asked, is
 * another one: the writer's reader is then an application of the host.
 */

import type { Loop, Timer } from "../loop/loop.ts";

/** WRITEs ahead of what has arrived. Each takes one of a pipe's 16 places at most, and a READ may leave one half empty. */
const MOST_AHEAD = 12;
/** Milliseconds after which a reader that got nothing is another one. */
const PATIENCE = 2_000;

/** A pipe that the host reads for us, until its end. */
export interface Arrival {
  /** Bytes that came. */
  readonly received: number;
  /** Whether the host is not asked for anything at present. */
  readonly isPaused: boolean;
}

/** All of a machine, whichever connection they belong to. */
export class Arrivals {
  readonly #open = new Set<Arrival>();
  readonly #waiting = new Set<() => void>();

  /** A pipe is there. */
  add(arrival: Arrival): void {
    this.#open.add(arrival);
  }

  /** Something came through it. */
  changed(): void {
    // those who go on waiting are in the set again
    for (const resume of [...this.#waiting]) resume();
  }

  /** It is gone. */
  delete(arrival: Arrival): void {
    if (this.#open.delete(arrival)) this.changed();
  }

  /** Whether it is there. */
  has(arrival: Arrival): boolean {
    return this.#open.has(arrival);
  }

  /** Those through which nothing came. */
  untouched(): Arrival[] {
    return [...this.#open].filter(({ received }) => received === 0);
  }

  /** Has `resume` called when something changes. */
  wait(resume: () => void): void {
    this.#waiting.add(resume);
  }

  /** Not any more. */
  stopWaiting(resume: () => void): void {
    this.#waiting.delete(resume);
  }
}

/** What one writer may do. */
export class PipeCredit {
  readonly #loop: Loop;
  readonly #arrivals: Arrivals;
  /** The pipes that may be the one, with what had arrived when it was last looked. */
  readonly #candidates = new Map<Arrival, number>();
  /** Up to where the WRITEs go that may still be in the pipe. */
  readonly #ends: number[] = [];
  readonly #resume: () => void;
  #sent = 0;
  #timer: Timer | null = null;

  /** @param resume is called after `wait`, when there is room */
  constructor(loop: Loop, arrivals: Arrivals, resume: () => void) {
    this.#loop = loop;
    this.#arrivals = arrivals;
    this.#resume = resume;
    for (const arrival of arrivals.untouched()) {
      this.#candidates.set(arrival, 0);
    }
  }

  /** Whether the pipe has room for a WRITE. */
  get hasRoom(): boolean {
    let arrived = Infinity;
    for (const candidate of this.#candidates.keys()) {
      // more came than was written: somebody else writes there
      if (
        !this.#arrivals.has(candidate) || candidate.received > this.#sent
      ) this.#candidates.delete(candidate);
      else arrived = Math.min(arrived, candidate.received);
    }
    if (this.#candidates.size === 0) return true;
    while ((this.#ends[0] ?? Infinity) <= arrived) this.#ends.shift();
    return this.#ends.length < MOST_AHEAD;
  }

  /** A WRITE went out. */
  wrote(bytes: number): void {
    this.#sent += bytes;
    if (this.#candidates.size > 0) this.#ends.push(this.#sent);
  }

  /** Has `resume` called, once, unless `stopWaiting` comes before. */
  wait(): void {
    if (this.#timer !== null) return;
    this.#arrivals.wait(this.#look);
    this.#startTimer();
  }

  /** There is room, or nothing to write any more. */
  stopWaiting(): void {
    this.#arrivals.stopWaiting(this.#look);
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  #startTimer(): void {
    for (const candidate of this.#candidates.keys()) {
      this.#candidates.set(candidate, candidate.received);
    }
    this.#timer = this.#loop.after(PATIENCE, this.#loseHope);
  }

  readonly #look = (): void => {
    if (!this.hasRoom) return;
    this.stopWaiting();
    this.#resume();
  };

  readonly #loseHope = (): void => {
    this.#timer = null;
    for (const [candidate, before] of this.#candidates) {
      if (candidate.received === before && !candidate.isPaused) {
        this.#candidates.delete(candidate);
      }
    }
    if (this.hasRoom) this.#look();
    else this.#startTimer();
  };
}
