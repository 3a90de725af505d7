/** Warnings that a client could call forth without end: of one kind the log has one in a minute. */
import type { FeatureRelay } from "./feature.ts";

/** How long the log hears nothing more of one kind, in milliseconds. */
const INTERVAL_MS = 60_000;

/** One client's. */
export class RateLimitedWarnings<Kind extends string> {
  readonly #relay: Pick<FeatureRelay, "loop" | "warn">;
  /** When a kind was last written, by the loop's clock. */
  readonly #written = new Map<Kind, number>();

  constructor(relay: Pick<FeatureRelay, "loop" | "warn">) {
    this.#relay = relay;
  }

  /** Writes it to the log, unless one of its kind was written not long ago. */
  warn(kind: Kind, text: string): void {
    const { now } = this.#relay.loop;
    const before = this.#written.get(kind) ?? -Infinity;
    if (now < before + INTERVAL_MS) return;
    this.#written.set(kind, now);
    this.#relay.warn(text);
  }
}
