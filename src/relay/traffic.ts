/**
 * What moves between the two ends of a relay, and which of them has to wait.
 *
 * Messages go on as they come. A direction stands still while a feature holds
 * it, and requests do while the host owes many answers. The relay does not read
 * from the client while its requests stand still, nor while much waits for the
 * host; it gives up a client that does not read its events.
 */
import { ClientError, HostError } from "../wayland/protocol_error.ts";
import { DISPLAY, displayError } from "../wayland/wire.ts";
import type { PumpParts } from "./pump_parts.ts";
import {
  clientDoesNotRead,
  clientLeft,
  type Ending,
  hostFailed,
  hostLeft,
} from "./ending.ts";
import type { EventPump } from "./events.ts";
import type { Direction, FeatureRelay } from "./feature.ts";
import { Hold } from "./hold.ts";
import {
  backlog,
  hasCaughtUp,
  HOLD_TIMEOUT_MS,
  isSlow,
  uncarried,
} from "./limits.ts";
import { Liveness, type LivenessListener } from "./liveness.ts";
import type { RequestPump } from "./requests.ts";

/** What traffic reports to its relay. */
export interface TrafficListener {
  /** One of the ends has ended, or is given up. */
  ended(ending: Ending): void;
  /** Moving messages threw an error. */
  failed(error: unknown): void;
  /** The host has taken most of what waited for it. */
  caughtUp(): void;
}

/**
 * Both directions. Disposing of it moves nothing more; the endpoints are their
 * owner's.
 */
export class Traffic implements LivenessListener, Disposable {
  readonly #relay: PumpParts & FeatureRelay;
  readonly #requests: RequestPump;
  readonly #events: EventPump;
  readonly #listener: TrafficListener;
  readonly #liveness: Liveness;
  readonly #requestsHold: Hold;
  readonly #eventsHold: Hold;
  #hostIsSlow = false;
  #hostOwes = false;
  #over = false;

  constructor(
    relay: PumpParts & FeatureRelay,
    requests: RequestPump,
    events: EventPump,
    listener: TrafficListener,
  ) {
    this.#relay = relay;
    this.#requests = requests;
    this.#events = events;
    this.#listener = listener;
    this.#requestsHold = this.#holdOf("requests", requests);
    this.#eventsHold = this.#holdOf("events", events);
    this.#liveness = new Liveness(relay, relay.loop, relay.host, this);
  }

  /** Starts to read from the host. */
  attachHost(): void {
    this.#relay.host.attach({
      received: () => {
        this.#liveness.received();
        this.#run("events");
        this.#goOn();
      },
      sent: () => this.#hostSent(),
      alive: () => this.#liveness.received(),
      cutOff: (text) => this.#relay.warn(text),
      ask: (answered) => this.#ask(answered),
      ended: (reason) => this.#hostEnded(reason),
    });
  }

  /** Starts to read from the client, when the host's globals are known. */
  attachClient(): void {
    this.#liveness.globalsKnown();
    this.#relay.client.attach({
      received: () => this.#run("requests"),
      sent: () => {},
      ended: (reason) => this.#listener.ended(clientLeft(reason)),
    });
  }

  /** Goes on with a direction that was held. */
  resume(direction: Direction): void {
    const hold = direction === "requests"
      ? this.#requestsHold
      : this.#eventsHold;
    if (hold.end()) this.#run(direction);
  }

  silent(milliseconds: number): void {
    const seconds = Math.round(milliseconds / 1000);
    this.#listener.ended(
      hostFailed(`the compositor did not answer for ${seconds} s`),
    );
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#requestsHold[Symbol.dispose]();
    this.#eventsHold[Symbol.dispose]();
    this.#liveness[Symbol.dispose]();
  }

  #run(direction: Direction): void {
    if (this.#over) return;
    try {
      if (direction === "requests") this.#moveRequests();
      else this.#moveEvents();
    } catch (error) {
      this.#listener.failed(error);
    }
  }

  #moveRequests(): void {
    const { client, host } = this.#relay;
    if (this.#requestsHold.isHeld) return;
    const progress = this.#requests.run();
    if (progress === "held") {
      this.#requestsHold.begin();
      client.pause();
      this.#checkBacklog();
      return;
    }
    this.#hostOwes = progress === "metered";
    const text = this.#hostOwes ? null : uncarried(client);
    if (text !== null) {
      throw new ClientError(DISPLAY, displayError.implementation, text);
    }
    this.#checkBacklog();
    if (this.#over) return;
    this.#hostIsSlow = this.#hostIsSlow || isSlow(host);
    this.#readClientOrNot();
  }

  #moveEvents(): void {
    if (!this.#eventsHold.isHeld && this.#events.run() === "held") {
      this.#eventsHold.begin();
    }
    const text = this.#eventsHold.isHeld ? null : uncarried(this.#relay.host);
    if (text !== null) throw new HostError(text);
    this.#checkBacklog();
  }

  /** Gives up a client that does not read what it is sent. */
  #checkBacklog(): void {
    const { client, host } = this.#relay;
    const waiting = backlog(client, this.#eventsHold.isHeld ? host : null);
    if (waiting !== null) this.#listener.ended(clientDoesNotRead(waiting));
  }

  #hostSent(): void {
    try {
      this.#liveness.sent();
      if (this.#hostIsSlow && hasCaughtUp(this.#relay.host)) {
        this.#hostIsSlow = false;
        this.#listener.caughtUp();
        this.#readClientOrNot();
      }
      this.#goOn();
    } catch (error) {
      this.#listener.failed(error);
    }
  }

  #ask(answered: () => void): void {
    if (this.#over) return;
    try {
      this.#relay.afterAnswers(answered);
    } catch (error) {
      this.#listener.failed(error);
    }
  }

  #hostEnded(reason: string | null): void {
    // What the host sent before goes to the client, its reason perhaps among
    // it, and there is nothing to wait for.
    while (this.#eventsHold.isHeld && !this.#over) {
      this.#events.stopWaiting();
      this.resume("events");
    }
    this.#listener.ended(hostLeft(reason));
  }

  /**
   * Moves the requests that waited for the host's answers, where they need to
   * no longer.
   */
  #goOn(): void {
    if (this.#hostOwes) this.#run("requests");
  }

  #readClientOrNot(): void {
    const { client } = this.#relay;
    if (this.#requestsHold.isHeld || this.#hostIsSlow || this.#hostOwes) {
      client.pause();
    } else client.resume();
  }

  /**
   * Makes the hold of one direction, which lets the message go on without what
   * its feature waits for after a while.
   */
  #holdOf(
    direction: Direction,
    pump: RequestPump | EventPump,
  ): Hold {
    return new Hold(this.#relay.loop, () => {
      this.#relay.warn(
        `forwarded a message after waiting ${
          HOLD_TIMEOUT_MS / 1000
        } s for a GPU fence, a free buffer or an answer of the compositor`,
      );
      pump.stopWaiting();
      this.resume(direction);
    });
  }
}
