/**
 * What the relay does where there is no memory for what a client draws: it
 * warns, and surfaces retry later.
 *
 * They do not wait for the client's next commit: a client may wait for a frame
 * callback before that, and a host sends none to a window that shows nothing.
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

/** How often a surface retries, in milliseconds. */
const RETRY_INTERVAL_MS = 1_000;
/** How many surfaces retry in one turn of the loop. */
const RETRIES_PER_TURN = 64;

const GIBIBYTE = 1024 ** 3;

/** A surface that has missed a frame. */
export interface Retryable {
  /**
   * Shows the missed frame, where there is memory for it now, and then calls
   * `forget`.
   *
   * @returns why there is no memory; null where there is, or where it did not
   * try
   */
  retry(): Shortage | null;
}

/** The surfaces of one client that retry. */
export class MemoryRetries implements Disposable {
  readonly #loop: FeatureRelay["loop"];
  readonly #budget: MemoryBudget;
  readonly #warnings: RateLimitedWarnings<Shortage>;
  /** In the order in which they retry. */
  readonly #retrying = new Set<Retryable>();
  /** Those that have not retried yet in this round, the next one last. */
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
   * Warns of a shortage, at most once per minute for each kind.
   *
   * @param what lacks memory, for example "a buffer of 8x8 pixels"
   * @param result what the relay does about it
   */
  report(shortage: Shortage, what: string, result: string): void {
    this.#warnings.warn(shortage, `${describe(shortage, what)}; ${result}`);
  }

  /**
   * Has a surface retry until `forget`: every second, or, while the host has no
   * memory, when its turn has come.
   */
  add(one: Retryable): void {
    if (this.#retrying.has(one)) return;
    this.#retrying.add(one);
    if (this.#timer === null) this.#wait(RETRY_INTERVAL_MS);
  }

  /** Forgets a surface that need not retry any more. */
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
    // pop takes the last one
    this.#round = [...this.#retrying].reverse();
    this.#goOn();
  }

  #goOn(): void {
    for (let retries = 0; retries < RETRIES_PER_TURN; retries++) {
      if (this.#budget.isSpent) break;
      const one = this.#round.pop();
      if (one === undefined) break;
      if (!this.#retrying.has(one)) continue;
      const shortage = one.retry();
      // it is the last one of the next round
      if (this.#retrying.delete(one)) this.#retrying.add(one);
      // the host has no memory for the others either, and everybody waits while
      // the relay asks it
      if (shortage === "host") this.#round = [];
    }
    if (this.#retrying.size === 0) return;
    this.#wait(this.#round.length > 0 ? 0 : RETRY_INTERVAL_MS);
  }

  #wait(milliseconds: number): void {
    // a surface that was added during the round has set the timer already
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#loop.after(milliseconds, () => {
      this.#timer = null;
      if (this.#round.length > 0) this.#goOn();
      else this.#begin();
    });
  }
}

function describe(shortage: Shortage, what: string): string {
  switch (shortage) {
    case "host":
      return `out of host memory for ${what}: the host has none left`;
    case "client":
      return `out of host memory for ${what}: this application has reached its limit (${MAX_PIECES} blocks or ${
        MAX_BYTES / GIBIBYTE
      } GiB)`;
    case "surface":
      return `no buffer is free for ${what}: the compositor holds all buffers of the surface and releases none`;
  }
}
