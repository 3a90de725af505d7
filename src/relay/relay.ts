/**
 * A relay: one client, one connection to a host, and what stands between them.
 *
 * It owns both endpoints. Nothing is shared between relays but tables, so whatever goes wrong here ends this client and no
 * other: what its bytes, or the host's, do wrong is answered by a `wl_display.error`, said in the log, and then both ends
 * are closed.
 */
import type {
  EventName,
  InterfaceName,
  RequestName,
} from "../../protocols/generated/messages.ts";
import {
  type FdKind,
  getEvent,
  getInterface,
  getRequest,
} from "../../protocols/tables.ts";
import type { Endpoint } from "../host/endpoint.ts";
import type { MessageTrace } from "../log/trace.ts";
import type { Loop } from "../loop/loop.ts";
import type { Policy } from "../policy/policy.ts";
import { ClientError, HostError } from "../wayland/protocol_error.ts";
import { displayError } from "../wayland/wire.ts";
import type { RelayParts } from "./direction.ts";
import type { Entry, EventListener } from "./entry.ts";
import {
  clientDoesNotRead,
  clientLeft,
  type Ending,
  endingOf,
  hostFailed,
  hostLeft,
  isDefect,
} from "./ending.ts";
import { EventPump } from "./events.ts";
import {
  type EventValues,
  type Feature,
  type FeatureRelay,
  FeatureSet,
  type RequestValues,
} from "./feature.ts";
import { GuardedLoop } from "./guarded_loop.ts";
import {
  backlog,
  hasCaughtUp,
  HOLD_LIMIT,
  isSlow,
  uncarried,
} from "./limits.ts";
import { Hold } from "./hold.ts";
import { Liveness, type LivenessListener } from "./liveness.ts";
import { Objects } from "./objects.ts";
import { Registry, registryFeature } from "./registry.ts";
import { RequestPump } from "./requests.ts";
import { Sender } from "./sender.ts";

/** How long the last words to either side may take, in milliseconds. */
const LAST_WORDS = 5_000;

/** Where a relay writes what people should know. */
export interface RelayLog {
  warning(text: string): void;
  info(text: string): void;
}

/** What all relays of one kind have in common: made once. */
export interface RelaySettings {
  readonly loop: Loop;
  readonly policy: Policy;
  readonly features: FeatureSet;
  /** Is told when a relay has ended or a flood is over, which may leave much garbage behind. */
  readonly memory: { burst(): void };
}

/** The features of a relay, with the registry in front. */
export function relayFeatures(features: readonly Feature[]): FeatureSet {
  const registry: Feature = registryFeature((relay) => {
    if (relay instanceof Relay) return relay.registry;
    throw new TypeError(
      "Cannot open the registry feature: it belongs to a Relay",
    );
  });
  return new FeatureSet([registry, ...features]);
}

/** One client and its host. */
export class Relay
  implements FeatureRelay, RelayParts, LivenessListener, Disposable {
  readonly client: Endpoint;
  readonly host: Endpoint;
  readonly policy: Policy;
  readonly loop: GuardedLoop;
  readonly objects = new Objects();
  readonly sender: Sender;
  readonly registry: Registry;
  readonly handlers;
  readonly descriptorChecks;
  readonly states: unknown[] = [];
  readonly trace: MessageTrace | null;
  readonly #memory: RelaySettings["memory"];
  readonly #log: RelayLog;
  readonly #onEnd: (relay: Relay) => void;
  readonly #requests: RequestPump;
  readonly #events: EventPump;
  readonly #liveness: Liveness;
  readonly #requestsHold: Hold;
  readonly #eventsHold: Hold;
  #hostIsSlow = false;
  #hostOwes = false;
  #ended = false;

  /**
   * Takes both endpoints and greets the host.
   *
   * @param trace takes every message, or is null where messages are not logged
   * @param onEnd is called once, when the client is gone and both endpoints are closed or closing
   */
  constructor(
    settings: RelaySettings,
    client: Endpoint,
    host: Endpoint,
    log: RelayLog,
    trace: MessageTrace | null,
    onEnd: (relay: Relay) => void,
  ) {
    this.client = client;
    this.host = host;
    this.policy = settings.policy;
    const active = settings.features.for(host.carrier);
    this.handlers = active.handlers;
    this.descriptorChecks = active.descriptorChecks;
    this.trace = trace;
    this.sender = new Sender(client, host, trace);
    this.loop = new GuardedLoop(
      settings.loop,
      (error) => this.#caught(error),
    );
    this.#memory = settings.memory;
    this.#log = log;
    this.#onEnd = onEnd;
    // The client is read from when the host's globals are known, so that its registries can be answered at once.
    this.registry = new Registry(
      this,
      host.carrier,
      () => {
        this.#liveness.greeted();
        active.features.forEach((feature, index) =>
          feature.greeted?.(this.states[index])
        );
        this.#attachClient();
      },
    );
    for (const feature of active.features) {
      this.states.push(feature.open(this));
    }
    this.#requests = new RequestPump(
      this,
      (entry) => this.dropClientObject(entry),
    );
    this.#events = new EventPump(this, (entry) => this.#deleted(entry));
    this.#requestsHold = this.#holdOf("requests", this.#requests);
    this.#eventsHold = this.#holdOf("events", this.#events);
    this.#liveness = new Liveness(
      this,
      this.objects.display,
      this.loop,
      host,
      this,
    );
    this.registry.start(this.objects.display);
    try {
      this.#attachHost();
    } catch (error) {
      // Later, when our maker knows us.
      this.loop.after(0, () => this.#caught(error));
    }
  }

  sendEvent<Name extends EventName>(
    entry: Entry,
    name: Name,
    values: EventValues[Name],
  ): void {
    this.sender.send("client", entry, getEvent(name), values);
  }

  sendRequest<Name extends RequestName>(
    entry: Entry,
    name: Name,
    values: RequestValues[Name],
  ): void {
    this.sender.send("host", entry, getRequest(name), values);
  }

  createHostObject(
    type: InterfaceName,
    version: number,
    listener: EventListener,
  ): Entry {
    return this.objects.addHostObject(getInterface(type), version, listener);
  }

  bindGlobal(
    type: InterfaceName,
    version: number,
    listener: EventListener,
  ): Entry | null {
    return this.registry.bindForRelay(type, version, listener);
  }

  bindHostGlobal(
    type: InterfaceName,
    version: number,
    listener: EventListener,
  ): Entry | null {
    return this.registry.bindHost(type, version, listener);
  }

  afterAnswers(callback: () => void): void {
    const entry = this.createHostObject("wl_callback", 1, { event: callback });
    const { display } = this.objects;
    this.sendRequest(display, "wl_display.sync", { callback: entry });
  }

  addHostHalf(entry: Entry): void {
    this.objects.addHostHalf(entry);
  }

  dropClientObject(entry: Entry): void {
    const id = entry.clientId;
    this.objects.dropClientHalf(entry);
    if (id > 0) this.sender.deleteId(id);
  }

  peekFromClient(handle: number): number {
    return this.client.peek(handle);
  }

  openFromClient(handle: number, kind: FdKind): number {
    return this.client.open(handle, kind);
  }

  discardFromClient(handle: number): void {
    this.client.discard(handle);
  }

  openFromHost(handle: number, kind: FdKind): number {
    return this.host.open(handle, kind);
  }

  discardFromHost(handle: number): void {
    this.host.discard(handle);
  }

  resume(direction: "requests" | "events"): void {
    if (direction === "requests") {
      if (this.#requestsHold.end()) this.#runRequests();
    } else if (this.#eventsHold.end()) {
      this.#runEvents();
    }
  }

  warn(text: string): void {
    this.#log.warning(text);
  }

  inform(text: string): void {
    this.#log.info(text);
  }

  owes(tooMuch: boolean): void {
    this.#hostOwes = tooMuch;
    this.#readClientOrNot();
  }

  silent(milliseconds: number): void {
    const seconds = Math.round(milliseconds / 1000);
    this.#end(hostFailed(`the compositor did not answer for ${seconds} s`));
  }

  /** Ends the relay at once; the client is told why where it can still be. */
  stop(reason: string): void {
    this.#end(hostFailed(reason));
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    this.client[Symbol.dispose]();
    this.host[Symbol.dispose]();
    this.#onEnd(this);
  }

  #attachHost(): void {
    this.host.attach({
      received: () => {
        this.#liveness.received();
        this.#runEvents();
      },
      sent: () => this.#hostSent(),
      ended: (reason) => this.#hostEnded(reason),
    });
  }

  #attachClient(): void {
    this.client.attach({
      received: () => this.#runRequests(),
      sent: () => {},
      ended: (reason) => this.#end(clientLeft(reason)),
    });
  }

  #runRequests(): void {
    try {
      this.#moveRequests();
    } catch (error) {
      this.#caught(error);
    }
  }

  #runEvents(): void {
    try {
      this.#moveEvents();
    } catch (error) {
      this.#caught(error);
    }
  }

  #moveRequests(): void {
    if (this.#requestsHold.isHeld || this.#ended) return;
    if (this.#requests.run() === "held") {
      this.#requestsHold.begin();
      this.client.pause();
      this.#checkBacklog();
      return;
    }
    const text = uncarried(this.client);
    if (text !== null) {
      throw new ClientError(1, displayError.implementation, text);
    }
    this.#checkBacklog();
    if (this.#ended) return;
    this.#liveness.sending();
    this.#hostIsSlow = this.#hostIsSlow || isSlow(this.host);
    this.#readClientOrNot();
  }

  #moveEvents(): void {
    if (this.#ended) return;
    if (!this.#eventsHold.isHeld && this.#events.run() === "held") {
      this.#eventsHold.begin();
    }
    const text = this.#eventsHold.isHeld ? null : uncarried(this.host);
    if (text !== null) throw new HostError(text);
    this.#checkBacklog();
  }

  /** Ends a client that does not read what it is sent. */
  #checkBacklog(): void {
    const waiting = backlog(
      this.client,
      this.#eventsHold.isHeld ? this.host : null,
    );
    if (waiting !== null) this.#end(clientDoesNotRead(waiting));
  }

  /** A hold that goes on without what its feature waits for after a while. */
  #holdOf(
    direction: "requests" | "events",
    pump: RequestPump | EventPump,
  ): Hold {
    return new Hold(this.loop, () => {
      this.#log.warning(
        `what a message waited for did not come within ${HOLD_LIMIT} ms: it goes on without it`,
      );
      pump.stopWaiting();
      this.resume(direction);
    });
  }

  #hostSent(): void {
    this.#liveness.sent();
    if (this.#hostIsSlow && hasCaughtUp(this.host)) {
      this.#hostIsSlow = false;
      this.#memory.burst();
      this.#readClientOrNot();
    }
  }

  #readClientOrNot(): void {
    if (this.#requestsHold.isHeld || this.#hostIsSlow || this.#hostOwes) {
      this.client.pause();
    } else this.client.resume();
  }

  /** What a step of this relay threw ends this relay, and no other. */
  #caught(error: unknown): void {
    const ending = endingOf(error, this.objects);
    if (isDefect(error)) {
      this.#log.warning(`internal error: ${error.stack ?? error.message}`);
    }
    this.#end(ending);
  }

  #deleted(entry: Entry): void {
    // Of the client's objects some end without a request of it, with another object perhaps; of ours none does.
    if (entry.clientId === 0 && !entry.destroyed) {
      throw new HostError(
        `it deleted the proxy's ${entry.interface.name}, which is in use`,
      );
    }
    this.objects.dropHostHalf(entry);
    if (entry.clientId !== 0) this.dropClientObject(entry);
  }

  #hostEnded(reason: string | null): void {
    // What it said before goes to the client, its reason perhaps among it, and nothing is left to wait for.
    while (this.#eventsHold.isHeld && !this.#ended) {
      this.#events.stopWaiting();
      this.resume("events");
    }
    this.#end(hostLeft(reason));
  }

  /** Ends both ends, after everything that was queued and, where there is one, the error as the last word to the client. */
  #end({ reason, error, level }: Ending): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#log[level](`client ended: ${reason}`);
    this.trace?.note(`client ended: ${reason}`);
    if (error !== null) {
      const { display, client } = this.objects;
      this.sendEvent(display, "wl_display.error", {
        object_id: client.get(error.clientId) ?? display,
        code: error.code,
        message: error.text.slice(0, 1000),
      });
    }
    this.#release();
    this.client.finish(LAST_WORDS);
    this.host.finish(LAST_WORDS);
    this.#onEnd(this);
  }

  #release(): void {
    this.#requestsHold[Symbol.dispose]();
    this.#eventsHold[Symbol.dispose]();
    this.#liveness[Symbol.dispose]();
    for (const state of this.states) {
      if (isDisposable(state)) state[Symbol.dispose]();
    }
    this.states.length = 0;
    this.#memory.burst();
  }
}

function isDisposable(value: unknown): value is Disposable {
  return typeof value === "object" && value !== null && Symbol.dispose in value;
}
