/**
 * Asks a host for answers, where its endpoint has a meter. The relay sends a
 * `sync` in the midst of what is queued, so that the answers come while there
 * is still something to send.
 */
import type { SendMeter } from "../host/send_meter.ts";
import type { Endpoint } from "../host/endpoint.ts";
import type { FeatureRelay } from "./feature.ts";

/** Asks the host of one relay, as its meter demands. */
export class Metering {
  readonly #relay: Pick<FeatureRelay, "afterAnswers">;
  readonly #host: Endpoint;
  readonly #meter: SendMeter;
  #isAsking = false;

  constructor(
    relay: Pick<FeatureRelay, "afterAnswers">,
    host: Endpoint,
    meter: SendMeter,
  ) {
    this.#relay = relay;
    this.#host = host;
    this.#meter = meter;
  }

  /** Whether the host owes so many answers that the client has to wait. */
  get isFull(): boolean {
    return this.#meter.isFull;
  }

  /**
   * To be called between any two messages to the host: asks for an answer where
   * that is due.
   */
  ask(): void {
    if (this.#isAsking || !this.#meter.isDue) return;
    this.#isAsking = true;
    this.#relay.afterAnswers(this.#answered);
    this.#isAsking = false;
    this.#meter.asked();
  }

  readonly #answered = (): void => {
    this.#meter.answered();
    // what the endpoint could not send before
    if (this.#host.outgoing.length > 0) this.#host.touch();
  };
}
