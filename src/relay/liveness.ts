/**
 * Whether the host still answers.
 *
 * A host that answers nothing for long is asked by a ping, a `sync` of the relay's own; one that is silent after that is dead. Time in
 * which the proxy itself did not run says nothing about the host, and counts for nothing: a machine that was suspended, or a stopped process.
 */
import type { Endpoint } from "../host/endpoint.ts";
import type { Timer } from "../loop/loop.ts";
import type { FeatureRelay } from "./feature.ts";
import type { RelayLoop } from "./guarded_loop.ts";

/** Silence after unanswered requests until the host is asked, in milliseconds. */
const PING_AFTER_MS = 5_000;
/** Silence after unanswered requests until the host counts as dead, in milliseconds. */
export const DEAD_AFTER_MS = 30_000;

/** What the relay does about it. */
export interface LivenessListener {
  /** The host is dead. */
  silent(milliseconds: number): void;
}

/** Watches over one host. */
export class Liveness implements Disposable {
  readonly #relay: FeatureRelay;
  readonly #loop: RelayLoop;
  readonly #host: Endpoint;
  readonly #listener: LivenessListener;
  #timer: Timer | null = null;
  /** When the timer expires. */
  #due = 0;
  /** When the oldest request that nothing came after was sent; 0 where all is answered. */
  #unansweredSince = 0;
  #pinged = false;
  #isGreeted = false;

  constructor(
    relay: FeatureRelay,
    loop: RelayLoop,
    host: Endpoint,
    listener: LivenessListener,
  ) {
    this.#relay = relay;
    this.#loop = loop;
    this.#host = host;
    this.#listener = listener;
  }

  /** To be called whenever something was sent. */
  sent(): void {
    if (this.#unansweredSince === 0) this.#unansweredSince = this.#loop.now;
    if (this.#timer === null) this.#wait(PING_AFTER_MS);
  }

  /** To be called whenever something came. Until the host's globals are known there is always an answer missing. */
  received(): void {
    this.#unansweredSince = this.#isExpectingMore() ? this.#loop.now : 0;
    if (!this.#pinged) return;
    // The timer is set for the host's death: the next ping would be late.
    this.#pinged = false;
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    if (!this.#isGreeted) this.#wait(PING_AFTER_MS);
  }

  /** To be called when the host's globals are known. */
  globalsKnown(): void {
    this.#isGreeted = true;
    this.#unansweredSince = 0;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  /**
   * Whether silence from now on says something. Where nobody tells that a host is gone, what it sent may be half of an answer: it
   * is asked once after each time of traffic, or a client that waits for the other half would wait for ever.
   */
  #isExpectingMore(): boolean {
    if (!this.#isGreeted) return true;
    return this.#host.endsSilently === true && this.#timer !== null &&
      !this.#pinged;
  }

  #look(): void {
    this.#timer = null;
    if (this.#unansweredSince === 0) return;
    const { now } = this.#loop;
    if (now - this.#due >= PING_AFTER_MS) {
      // so late that we did not run
      this.#unansweredSince = now;
      this.#pinged = false;
    }
    const silence = now - this.#unansweredSince;
    if (silence >= DEAD_AFTER_MS) {
      this.#listener.silent(silence);
      return;
    }
    if (silence >= PING_AFTER_MS && !this.#pinged) {
      this.#pinged = true;
      this.#relay.afterAnswers(() => {});
    }
    const next = silence < PING_AFTER_MS ? PING_AFTER_MS : DEAD_AFTER_MS;
    // in short steps, so that each tells whether we ran
    this.#wait(Math.min(PING_AFTER_MS, Math.max(1, next - silence)));
  }

  #wait(milliseconds: number): void {
    this.#due = this.#loop.now + milliseconds;
    this.#timer = this.#loop.after(milliseconds, () => this.#look());
  }
}
