/**
 * Rate-limits warnings that a client can trigger at will: at most one of each
 * kind per minute.
 */
import type { FeatureRelay } from "./feature.ts";

/**
 * After a warning, how long others of its kind are dropped, in milliseconds.
 */
const INTERVAL_MS = 60_000;

/** The warnings about one client. */
export class RateLimitedWarnings<Kind extends string> {
  readonly #relay: Pick<FeatureRelay, "loop" | "warn">;
  /** When a kind was last written, by the loop's clock. */
  readonly #written = new Map<Kind, number>();

  constructor(relay: Pick<FeatureRelay, "loop" | "warn">) {
    this.#relay = relay;
  }

  /**
   * Writes the warning to the log, unless one of its kind was written less than
   * a minute ago.
   */
  warn(kind: Kind, text: string): void {
    const { now } = this.#relay.loop;
    const before = this.#written.get(kind) ?? -Infinity;
    if (now < before + INTERVAL_MS) return;
    this.#written.set(kind, now);
    this.#relay.warn(text);
  }
}
