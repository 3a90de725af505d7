/**
 * What a feature is: behaviour beyond forwarding, for a few messages by name.
 *
 * Everything that no feature names is forwarded by table, without a line of
 * code. All relays share a feature; what it keeps for one of them is the state
 * that `open` makes.
 */
import type { ObjectHandle } from "../../protocols/arguments.ts";
import type {
  EventArguments,
  EventName,
  InterfaceName,
  RequestArguments,
  RequestName,
} from "../../protocols/generated/messages.ts";
import {
  type FdKind,
  findEvent,
  findRequest,
  type Message,
} from "../../protocols/tables.ts";
import type { Carrier, Endpoint } from "../host/endpoint.ts";
import type { Policy } from "../policy/policy.ts";
import type { ArgumentRecord, Entry, EventListener } from "./entry.ts";
import type { RelayLoop } from "./guarded_loop.ts";

/** Which way messages go: requests from the client to the host, events back. */
export type Direction = "requests" | "events";

/** What becomes of a message. */
export type Verdict =
  /** It goes on as it came. */
  | "forward"
  /** It goes on with the values that the record has now. */
  | "rewrite"
  /**
   * It and its descriptors are the feature's, and so are its new objects, which
   * have no host half.
   */
  | "take"
  /**
   * This direction stops before the message, unconsumed, until `resume`, at
   * most one second. The relay then asks all features again, from the first of
   * the list on.
   */
  | "hold";

/**
 * Arguments as a relay has them: objects are entries, and a handler may change
 * what it rewrites.
 */
type Values<Arguments> = {
  -readonly [Name in keyof Arguments]: Arguments[Name] extends
    ObjectHandle | null ? (null extends Arguments[Name] ? Entry | null : Entry)
    : Arguments[Name];
};

/** Arguments of all requests, by full name. */
export type RequestValues = {
  [Name in RequestName]: Values<RequestArguments[Name]>;
};
/** Arguments of all events, by full name. */
export type EventValues = { [Name in EventName]: Values<EventArguments[Name]> };

/**
 * Written as methods, whose parameters TypeScript compares both ways, so that
 * features of different states fit one list.
 */
type Handler<State, Record> = {
  handle(state: State, entry: Entry, values: Record): Verdict;
}["handle"];

export type RequestHandlers<State> = {
  readonly [Name in RequestName]?: Handler<State, RequestValues[Name]>;
};
export type EventHandlers<State> = {
  readonly [Name in EventName]?: Handler<State, EventValues[Name]>;
};

/**
 * Checks a client's descriptor, borrowed, or -1 where it is missing; throws to
 * refuse it.
 */
type DescriptorCheck<State> = {
  check(state: State, entry: Entry, fd: number): void;
}["check"];

/**
 * Behaviour for a few messages. A handler's record is valid until it returns.
 */
export interface Feature<State = unknown> {
  readonly name: string;
  /**
   * Whether it has anything to do with this carrier; without this method,
   * always.
   */
  appliesTo?(carrier: Carrier): boolean;
  /**
   * Makes what the feature keeps for one relay; disposed of with the relay
   * where it is `Disposable`.
   */
  open(relay: FeatureRelay): State;
  /**
   * Is called once, when the host's globals are known and nothing was read of
   * the client yet.
   */
  globalsKnown?(state: State): void;
  readonly requests: RequestHandlers<State>;
  readonly events: EventHandlers<State>;
  /**
   * Checks the descriptors of these kinds in requests, before anything else is
   * done; one feature at most for each kind.
   */
  readonly descriptors?: {
    readonly [Kind in FdKind]?: DescriptorCheck<State>;
  };
}

/** What a feature may do to its relay. */
export interface FeatureRelay {
  readonly policy: Policy;
  /** An error that one of its callbacks throws ends this client. */
  readonly loop: RelayLoop;
  readonly host: Pick<
    Endpoint,
    "carrier" | "allocate" | "gpu" | "images" | "exporter"
  >;
  /** Sends the client an event of an object with a client half. */
  sendEvent<Name extends EventName>(
    entry: Entry,
    name: Name,
    values: EventValues[Name],
  ): void;
  /**
   * Sends the host a request of an object with a host half. Descriptors among
   * the values are the relay's from now on.
   */
  sendRequest<Name extends RequestName>(
    entry: Entry,
    name: Name,
    values: RequestValues[Name],
  ): void;
  /**
   * Makes an object on the host that the client does not know. The caller must
   * send the request that creates it next: ids go to the host in their order,
   * and the relay itself may need one after each request.
   */
  createHostObject(
    type: InterfaceName,
    version: number,
    listener: EventListener,
  ): Entry;
  /**
   * Binds a global of the host that clients see, for the relay itself.
   *
   * @returns null where the host has none
   */
  bindGlobal(
    type: InterfaceName,
    version: number,
    listener: EventListener,
  ): Entry | null;
  /**
   * Binds a global of the host for the relay itself, whether or not clients see
   * it.
   *
   * @returns null where the host has none of this version or a later one
   */
  bindHostGlobal(
    type: InterfaceName,
    version: number,
    listener: EventListener,
  ): Entry | null;
  /**
   * Calls back when the host has handled all that was sent so far, and its
   * events about that have arrived.
   */
  afterAnswers(callback: () => void): void;
  /**
   * Gives an object of the client the host half that it lacks. The caller must
   * send the request that creates it next.
   */
  addHostHalf(entry: Entry): void;
  /**
   * Ends an object of the client that the host does not know, and tells the
   * client that its id is free.
   */
  dropClientObject(entry: Entry): void;
  /**
   * The descriptor of a handle in a request that is not taken, borrowed; -1
   * where there is none yet.
   */
  peekFromClient(handle: number): number;
  /** Makes an owned descriptor of a handle in a request that was taken. */
  openFromClient(handle: number, kind: FdKind): number;
  /** Closes a handle of a request that was taken. */
  discardFromClient(handle: number): void;
  /** Makes an owned descriptor of a handle in an event that was taken. */
  openFromHost(handle: number, kind: FdKind): number;
  /** Closes a handle of an event that was taken. */
  discardFromHost(handle: number): void;
  /** Goes on with a direction that was held. */
  resume(direction: Direction): void;
  /**
   * Writes a warning about this client to the log: something that somebody
   * should fix.
   */
  warn(text: string): void;
  /** Writes a line of information about this client to the log. */
  inform(text: string): void;
}

type ErasedHandler = {
  handle(state: unknown, entry: Entry, values: ArgumentRecord): Verdict;
}["handle"];

/**
 * A feature's handler of a message; `feature` is the feature's place in the
 * list.
 */
export interface BoundHandler {
  readonly feature: number;
  readonly handle: ErasedHandler;
}

/**
 * Handlers of a message in list order, at the message's index; null where no
 * feature overrides it.
 */
export type HandlerTable = readonly (readonly BoundHandler[] | null)[];

/** A feature's check of the descriptors of one kind. */
export interface BoundCheck {
  readonly feature: number;
  readonly check: DescriptorCheck<unknown>;
}

/** The checks of descriptors, by their kind. */
export type DescriptorChecks = ReadonlyMap<string, BoundCheck>;

/** A list of features, made once and shared by all relays. */
export class FeatureSet {
  readonly #features: readonly Feature[];
  readonly #known = new WeakMap<Carrier, ActiveFeatures>();

  constructor(features: readonly Feature[]) {
    this.#features = features;
  }

  /**
   * The features that apply to this carrier, which all endpoints of one kind
   * share.
   */
  activeFor(carrier: Carrier): ActiveFeatures {
    const before = this.#known.get(carrier);
    if (before !== undefined) return before;
    const active = new ActiveFeatures(
      this.#features.filter((feature) =>
        feature.appliesTo === undefined || feature.appliesTo(carrier)
      ),
    );
    this.#known.set(carrier, active);
    return active;
  }
}

/** The features of one carrier, with the table of what they override. */
export class ActiveFeatures {
  readonly features: readonly Feature[];
  readonly handlers: HandlerTable;
  readonly descriptorChecks: DescriptorChecks;

  constructor(features: readonly Feature[]) {
    this.features = features;
    const checks = new Map<string, BoundCheck>();
    const table: (BoundHandler[] | null)[] = [];
    const enter = (
      message: Message | null,
      name: string,
      handler: BoundHandler,
    ): void => {
      if (message === null) {
        throw new TypeError(
          `Cannot override ${name}: there is no such message`,
        );
      }
      while (table.length <= message.index) table.push(null);
      (table[message.index] ??= []).push(handler);
    };
    features.forEach((feature, index) => {
      const requests: ErasedHandlers = feature.requests;
      const events: ErasedHandlers = feature.events;
      const descriptors: ErasedChecks = feature.descriptors ?? {};
      for (const [name, handle] of Object.entries(requests)) {
        if (handle !== undefined) {
          enter(findRequest(name), name, { feature: index, handle });
        }
      }
      for (const [kind, check] of Object.entries(descriptors)) {
        if (check === undefined) continue;
        if (checks.has(kind)) {
          throw new TypeError(
            `Cannot check descriptors of the kind ${kind} twice`,
          );
        }
        checks.set(kind, { feature: index, check });
      }
      for (const [name, handle] of Object.entries(events)) {
        if (handle !== undefined) {
          enter(findEvent(name), name, { feature: index, handle });
        }
      }
    });
    this.handlers = table;
    this.descriptorChecks = checks;
  }
}

type ErasedChecks = {
  readonly [kind: string]: DescriptorCheck<unknown> | undefined;
};
type ErasedHandlers = { readonly [name: string]: ErasedHandler | undefined };
