/**
 * What is done where there is no memory for what a client draws: it is said, and surfaces look again later.
 *
 * A client may wait for a frame callback before it commits again, and a host sends none to a window that shows nothing.
 */
import type { Timer } from "../../../loop/loop.ts";
import type { FeatureRelay } from "../../feature.ts";
import {
  MAX_BYTES,
  MAX_PIECES,
  type MemoryBudget,
  type Shortage,
} from "./memory_budget.ts";
import { RateLimitedWarnings } from "../../rate_limited_warnings.ts";

/** How often memory is looked for, in milliseconds. */
const RETRY_INTERVAL_MS = 1_000;
/** How many surfaces look for it in one turn of the loop. */
const RETRIES_PER_TURN = 64;

const MEBIBYTE = 1024 * 1024;

/** Who looks again. */
export interface Retryable {
  /**
   * Shows what was missed, where there is memory for it now; then it is to be forgotten.
   *
   * @returns why there is none, or null where there is some, or it was not looked for
   */
  retry(): Shortage | null;
}

/** One client's. */
export class MemoryRetries implements Disposable {
  readonly #loop: FeatureRelay["loop"];
  readonly #budget: MemoryBudget;
  readonly #warnings: RateLimitedWarnings<Shortage>;
  /** In the order in which they are to look. */
  readonly #retrying = new Set<Retryable>();
  /** Those that are still to look in this round. */
  #round: Retryable[] = [];
  #timer: Timer | null = null;

  constructor(
    relay: Pick<FeatureRelay, "loop" | "warn">,
    budget: MemoryBudget,
  ) {
    this.#loop = relay.loop;
    this.#warnings = new RateLimitedWarnings(relay);
    this.#budget = budget;
  }

  /**
   * Says in the log what there is no memory for, unless that was said not long ago.
   *
   * @param what for example "a buffer of 8x8 pixels"
   * @param result what becomes of it
   */
  say(shortage: Shortage, what: string, result: string): void {
    this.#warnings.warn(shortage, `${reason(shortage)} ${what}; ${result}`);
  }

  /** Has a surface look again until it is forgotten: every second, or, while the host has nothing, when its turn has come. */
  add(one: Retryable): void {
    if (this.#retrying.has(one)) return;
    this.#retrying.add(one);
    if (this.#timer === null) this.#wait(RETRY_INTERVAL_MS);
  }

  /** Forgets a surface that looks no more. */
  forget(one: Retryable): void {
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
    // it is taken from its end
    this.#round = [...this.#retrying].reverse();
    this.#goOn();
  }

  #goOn(): void {
    for (let looks = 0; looks < RETRIES_PER_TURN; looks++) {
      if (this.#budget.isSpent) break;
      const one = this.#round.pop();
      if (one === undefined) break;
      if (!this.#retrying.has(one)) continue;
      const shortage = one.retry();
      // behind all others
      if (this.#retrying.delete(one)) this.#retrying.add(one);
      // it has nothing for the others either, and each look makes everybody wait for its answer
      if (shortage === "host") this.#round = [];
    }
    if (this.#retrying.size === 0) return;
    this.#wait(this.#round.length > 0 ? 0 : RETRY_INTERVAL_MS);
  }

  #wait(milliseconds: number): void {
    // one that came in the midst of a round waits already
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#loop.after(milliseconds, () => {
      this.#timer = null;
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
      return `the application has ${MAX_PIECES} pieces of the host's memory or nearly ${
        MAX_BYTES / MEBIBYTE
      } MiB, which is the most that one may have, so there is none for`;
    case "surface":
      return "the compositor holds all buffers that it gets of one surface, and releases none, so there is none for";
  }
}
