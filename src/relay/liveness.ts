/**
 * Whether the host still answers.
 *
 * After 5 s without an answer the relay sends a `sync` as a ping; after 30 s
 * the host is considered dead. Time in which the proxy itself did not run says
 * nothing about the host, and does not count: the machine was suspended, or the
 * process was stopped.
 */
import type { Endpoint } from "../host/endpoint.ts";
import type { Timer } from "../loop/loop.ts";
import type { FeatureRelay } from "./feature.ts";
import type { RelayLoop } from "./guarded_loop.ts";

/**
 * Silence after unanswered requests until the relay sends a ping, in
 * milliseconds.
 */
const PING_AFTER_MS = 5_000;
/**
 * Silence after unanswered requests until the host is considered dead, in
 * milliseconds.
 */
export const DEAD_AFTER_MS = 30_000;

/** What the relay does about a dead host. */
export interface LivenessListener {
  /** The host answered nothing for so long that it is considered dead. */
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
  /**
   * When the oldest request that nothing came after was sent; 0 where all is
   * answered.
   */
  #unansweredSince = 0;
  #pinged = false;
  #areGlobalsKnown = false;

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

  /**
   * To be called whenever something came. Until the host's globals are known
   * there is always an answer missing.
   */
  received(): void {
    this.#unansweredSince = this.#isExpectingMore() ? this.#loop.now : 0;
    if (!this.#pinged) return;
    // The timer is set for the time when the host is considered dead: the next
    // ping would be late.
    this.#pinged = false;
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    if (!this.#areGlobalsKnown) this.#wait(PING_AFTER_MS);
  }

  /** To be called when the host's globals are known. */
  globalsKnown(): void {
    this.#areGlobalsKnown = true;
    this.#unansweredSince = 0;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  /**
   * Whether more must come, so that silence means something. Where nobody
   * reports that a host is gone, what it sent may be half of an answer: the
   * relay sends one ping after each time of traffic, or a client that waits for
   * the other half would wait forever.
   */
  #isExpectingMore(): boolean {
    if (!this.#areGlobalsKnown) return true;
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
