/**
 * A relay: one client, one connection to a host, and what stands between them.
 *
 * It owns both endpoints. Relays share nothing but tables, so an error here
 * ends this client and no other: the relay answers what the client's or the
 * host's bytes do wrong with a `wl_display.error`, logs it, and closes both
 * ends.
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
import { HostError } from "../wayland/protocol_error.ts";
import type { PumpParts } from "./pump_parts.ts";
import type { Entry, EventListener } from "./entry.ts";
import { type Ending, endingOf, hostFailed, isDefect } from "./ending.ts";
import { EventPump } from "./events.ts";
import {
  type Direction,
  type EventValues,
  type Feature,
  type FeatureRelay,
  FeatureSet,
  type RequestValues,
} from "./feature.ts";
import { GuardedLoop } from "./guarded_loop.ts";
import { cutErrorText } from "./limits.ts";
import { Metering } from "./metering.ts";
import { Objects } from "./objects.ts";
import { Registry, registryFeature } from "./registry.ts";
import { RequestPump } from "./requests.ts";
import { Sender } from "./sender.ts";
import { Traffic, type TrafficListener } from "./traffic.ts";

/** How long the last words to either side may take, in milliseconds. */
const LAST_WORDS_TIMEOUT_MS = 5_000;

/** The log, as a relay writes to it. */
export interface RelayLog {
  warning(text: string): void;
  info(text: string): void;
}

/** What all relays of one kind share: made once. */
export interface RelaySettings {
  readonly loop: Loop;
  readonly policy: Policy;
  readonly features: FeatureSet;
  /**
   * Hears when a relay has ended or a flood is over, which may leave much
   * garbage.
   */
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

/** Joins one client to its host. */
export class Relay
  implements FeatureRelay, PumpParts, TrafficListener, Disposable {
  readonly client: Endpoint;
  readonly host: Endpoint;
  readonly policy: Policy;
  readonly loop: GuardedLoop;
  readonly objects = new Objects();
  readonly sender: Sender;
  readonly metering: Metering | null;
  readonly registry: Registry;
  readonly handlers;
  readonly descriptorChecks;
  readonly states: unknown[] = [];
  readonly trace: MessageTrace | null;
  readonly #memory: RelaySettings["memory"];
  readonly #log: RelayLog;
  readonly #onEnd: (relay: Relay) => void;
  readonly #traffic: Traffic;
  #ended = false;

  /**
   * Takes over both endpoints and sends the host its first requests.
   *
   * @param trace takes every message, or is null where messages are not logged
   * @param onEnd is called once, when the client is gone and both endpoints are
   * closed or closing
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
    const active = settings.features.activeFor(host.carrier);
    this.handlers = active.handlers;
    this.descriptorChecks = active.descriptorChecks;
    this.trace = trace;
    const { meter } = host;
    this.metering = meter === null ? null : new Metering(this, host, meter);
    this.sender = new Sender(client, host, trace, this.metering);
    this.loop = new GuardedLoop(
      settings.loop,
      (error) => this.failed(error),
    );
    this.#memory = settings.memory;
    this.#log = log;
    this.#onEnd = onEnd;
    // The relay reads from the client when it knows the host's globals, so that
    // it can answer the client's registries at once.
    this.registry = new Registry(
      this,
      host.carrier,
      () => {
        active.features.forEach((feature, index) =>
          feature.globalsKnown?.(this.states[index])
        );
        this.#traffic.attachClient();
      },
    );
    for (const feature of active.features) {
      this.states.push(feature.open(this));
    }
    this.#traffic = new Traffic(
      this,
      new RequestPump(this, (entry) => this.dropClientObject(entry)),
      new EventPump(this, (entry) => this.#deleted(entry)),
      this,
    );
    this.registry.start(this.objects.display);
    try {
      this.#traffic.attachHost();
    } catch (error) {
      // Later, when the caller has this relay.
      this.loop.after(0, () => this.failed(error));
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

  resume(direction: Direction): void {
    this.#traffic.resume(direction);
  }

  warn(text: string): void {
    this.#log.warning(text);
  }

  inform(text: string): void {
    this.#log.info(text);
  }

  /** Ends the relay at once; the client gets the reason where it still can. */
  stop(reason: string): void {
    this.ended(hostFailed(reason));
  }

  caughtUp(): void {
    this.#memory.burst();
  }

  /**
   * Ends this relay, and no other, because of an error that a step of it threw.
   */
  failed(error: unknown): void {
    const ending = endingOf(error, this.objects);
    if (isDefect(error)) {
      this.#log.warning(`internal error: ${error.stack ?? error.message}`);
    }
    this.ended(ending);
  }

  /**
   * Closes both ends, after everything that was queued and, where there is one,
   * the error as the last word to the client.
   */
  ended({ reason, error, level }: Ending): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#log[level](`client ended: ${reason}`);
    this.trace?.note(`client ended: ${reason}`);
    if (error !== null) {
      const { display, client } = this.objects;
      this.sendEvent(display, "wl_display.error", {
        object_id: client.get(error.clientId) ?? display,
        code: error.code,
        message: cutErrorText(error.text),
      });
    }
    this.#release();
    this.client.finish(LAST_WORDS_TIMEOUT_MS);
    this.host.finish(LAST_WORDS_TIMEOUT_MS);
    this.#onEnd(this);
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    this.client[Symbol.dispose]();
    this.host[Symbol.dispose]();
    this.#onEnd(this);
  }

  #deleted(entry: Entry): void {
    // Some objects of the client end without a request of it, with another
    // object perhaps; none of ours does.
    if (entry.clientId === 0 && !entry.destroyed) {
      throw new HostError(
        `it deleted the proxy's ${entry.interface.name}, which is in use`,
      );
    }
    this.objects.dropHostHalf(entry);
    if (entry.clientId !== 0) this.dropClientObject(entry);
  }

  #release(): void {
    this.#traffic[Symbol.dispose]();
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
