/**
 * What is done where there is no memory for what a client draws: it is said, and surfaces look again later.
 *
 * A client may wait for a frame callback before it commits again, and a host sends none to a window that shows nothing.
 */
import type { Timer } from "../../loop/loop.ts";
import type { FeatureRelay } from "../feature.ts";
import {
  type MemoryAllowance,
  MOST_BYTES,
  MOST_PIECES,
  type Shortage,
} from "./memory_allowance.ts";

/** How often memory is looked for, in milliseconds. */
const RETRY_TIME = 1_000;
/** How many surfaces look for it in one turn of the loop. */
const RETRIES_PER_TURN = 64;
/** How long the log hears nothing more of shortages of one kind, in milliseconds. */
const SILENCE = 60_000;

const MEBIBYTE = 1024 * 1024;

/** Who looks again. */
export interface Retrying {
  /** Shows what was missed, where there is memory for it now; then it is to be forgotten. */
  retry(): void;
}

/** One client's. */
export class Shortages implements Disposable {
  readonly #relay: Pick<FeatureRelay, "loop" | "warn">;
  readonly #allowance: MemoryAllowance;
  readonly #retrying = new Set<Retrying>();
  /** Those that are still to look in this round. */
  #round: Retrying[] = [];
  #timer: Timer | null = null;
  /** When a shortage of a kind was last said, by the loop's clock. */
  readonly #said = new Map<Shortage, number>();

  constructor(
    relay: Pick<FeatureRelay, "loop" | "warn">,
    allowance: MemoryAllowance,
  ) {
    this.#relay = relay;
    this.#allowance = allowance;
  }

  /**
   * Says in the log what there is no memory for, unless that was said not long ago.
   *
   * @param what for example "a buffer of 8x8 pixels"
   * @param result what becomes of it
   */
  say(shortage: Shortage, what: string, result: string): void {
    const { now } = this.#relay.loop;
    const before = this.#said.get(shortage) ?? -Infinity;
    if (now < before + SILENCE) return;
    this.#said.set(shortage, now);
    this.#relay.warn(`${reason(shortage)} ${what}; ${result}`);
  }

  /** Has a surface look again, every second until it is forgotten. */
  add(one: Retrying): void {
    if (this.#retrying.has(one)) return;
    this.#retrying.add(one);
    this.#timer ??= this.#relay.loop.after(RETRY_TIME, () => this.#begin());
  }

  /** Forgets a surface that looks no more. */
  forget(one: Retrying): void {
    this.#retrying.delete(one);
    if (this.#retrying.size === 0) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    this.#round = [];
    this.#retrying.clear();
  }

  #begin(): void {
    // taken from its end, so that those that wait longest are the first
    this.#round = [...this.#retrying].reverse();
    this.#goOn();
  }

  #goOn(): void {
    this.#timer = null;
    for (let looks = 0; looks < RETRIES_PER_TURN; looks++) {
      if (this.#allowance.isSpent) break;
      const one = this.#round.pop();
      if (one === undefined) break;
      if (this.#retrying.has(one)) one.retry();
    }
    if (this.#retrying.size === 0) return;
    const wait = this.#round.length > 0 ? 0 : RETRY_TIME;
    this.#timer = this.#relay.loop.after(wait, () => {
      if (this.#round.length > 0) this.#goOn();
      else this.#begin();
    });
  }
}

function reason(shortage: Shortage): string {
  switch (shortage) {
    case "host":
      return "the host has no memory left for";
    case "client":
      return `the application has ${MOST_PIECES} pieces of the host's memory or nearly ${
        MOST_BYTES / MEBIBYTE
      } MiB, which is the most that one may have, so there is none for`;
    case "surface":
      return "the compositor holds all buffers that it gets of one surface, and releases none, so there is none for";
  }
}
