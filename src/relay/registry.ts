/**
 * Answers the client's registries, and offers the globals that it may have.
 *
 * The relay has one registry on the host, and makes all others from what that
 * one knows: in an order that toolkits can live with, with the globals that the
 * policy allows, at versions that both sides and we understand, and with
 * globals of our own. A global keeps the name that the host gave it; names of
 * our globals count down from the top.
 *
 * Sources: wayland.xml (wl_registry, wl_fixes); libwayland-server's
 * `registry_bind` for the errors.
 */
import type { InterfaceName } from "../../protocols/generated/messages.ts";
import {
  findInterface,
  getInterface,
  type Message,
} from "../../protocols/tables.ts";
import { carriedVersion } from "../policy/carried_version.ts";
import { CLIPBOARD, type Policy } from "../policy/policy.ts";
import type { Carrier } from "../host/endpoint.ts";
import { ClientError, HostError } from "../wayland/protocol_error.ts";
import { DISPLAY, displayError } from "../wayland/wire.ts";
import type { ArgumentRecord, Entry, EventListener } from "./entry.ts";
import type {
  Feature,
  FeatureRelay,
  RequestValues,
  Verdict,
} from "./feature.ts";

/** A global as clients see it. */
export interface Offer {
  readonly name: number;
  readonly interface: string;
  readonly version: number;
  /**
   * The global of the host that it stands for, or null for a global of the
   * relay itself.
   */
  readonly host: HostGlobal | null;
}

interface HostGlobal {
  readonly name: number;
  readonly interface: string;
  readonly version: number;
}

/** Names that libwayland gives are small; from here on they are ours. */
const OUR_NAMES = 0xfffffff0;
const FIXES_NAME = 0xfffffffe;
const CLIPBOARD_NAME = 0xfffffffd;
const ALIAS_NAMES = 0xfffffff1;

/**
 * Globals that a host may have at a time: each new one is compared with all
 * others.
 */
export const MAX_GLOBALS = 4096;

/**
 * GTK 3 makes its data devices when it first hears of a seat, so the managers
 * of clipboard and primary selection must be known by then, or evince crashes
 * (reference: wayland-proxy-virtwl's relay). Outputs come last, as compositors
 * do it.
 */
const RANKS = new Map([["wl_seat", 1], ["wl_output", 2]]);

/**
 * The registry announces globals of a lower rank first; within a rank they keep
 * the host's order.
 */
function announcementRank(global: string): number {
  return RANKS.get(global) ?? 0;
}

/** Removed globals whose late binds are still answered. */
const MAX_REMOVALS = 256;

/**
 * Two protocols that are the same but for their names, so that an old client
 * gets along with a new host and a new client with an old one. Messages of
 * these interfaces have equal places and signatures; only `bind` says the name.
 */
const PRIMARY_SELECTIONS = [
  "zwp_primary_selection_device_manager_v1",
  "gtk_primary_selection_device_manager",
] as const;

/** The globals of one relay, and the client's registries. */
export class Registry implements EventListener {
  readonly #relay: FeatureRelay;
  readonly #carrier: Carrier;
  readonly #onKnown: () => void;
  /**
   * Lists, in the host's order: every client has its own, and they are cheaper
   * to fill than maps.
   */
  readonly #offers: Offer[] = [];
  readonly #removed = new Map<number, Offer>();
  /** What the host has, whether or not it is offered. */
  readonly #hostGlobals: HostGlobal[] = [];
  readonly #registries: Entry[] = [];
  #hostRegistry: Entry | null = null;

  /** @param onKnown is called once, when the host's globals are known */
  constructor(relay: FeatureRelay, carrier: Carrier, onKnown: () => void) {
    this.#relay = relay;
    this.#carrier = carrier;
    this.#onKnown = onKnown;
  }

  /** The first requests to any host: `get_registry` and `sync`. */
  start(display: Entry): void {
    const registry = this.#relay.createHostObject("wl_registry", 1, this);
    this.#hostRegistry = registry;
    this.#relay.sendRequest(display, "wl_display.get_registry", { registry });
    this.#relay.afterAnswers(() => this.#hostIsKnown());
  }

  event(_entry: Entry, message: Message, values: ArgumentRecord): void {
    const name = Number(values["name"]);
    if (message.name === "global_remove") this.#hostRemoved(name);
    else {this.#hostOffers({
        name,
        interface: String(values["interface"]),
        version: Number(values["version"]),
      });}
  }

  /** `wl_display.get_registry`: announces all that is there. */
  add(registry: Entry): Verdict {
    this.#registries.push(registry);
    const offers = this.#offers.toSorted((a, b) =>
      announcementRank(a.interface) - announcementRank(b.interface)
    );
    for (const offer of offers) this.#announce(registry, offer);
    return "take";
  }

  /** `wl_fixes.destroy_registry`. */
  remove(registry: Entry): void {
    const place = this.#registries.indexOf(registry);
    if (place < 0) {
      throw new ClientError(
        DISPLAY,
        displayError.invalidObject,
        `${registry} is not a registry of this client`,
      );
    }
    this.#registries.splice(place, 1);
    this.#relay.dropClientObject(registry);
  }

  /** `wl_registry.bind`. */
  bind(registry: Entry, values: RequestValues["wl_registry.bind"]): Verdict {
    const { name, id, interface: wanted, version } = values;
    const present = byName(this.#offers, name);
    const offer = present ?? this.#removed.get(name) ?? null;
    if (offer === null) {
      throw invalidBind(registry, `invalid global ${wanted} (${name})`);
    }
    if (wanted !== offer.interface) {
      throw invalidBind(
        registry,
        `invalid interface for global ${name}: have ${offer.interface}, wanted ${wanted}`,
      );
    }
    if (version === 0 || version > offer.version) {
      throw invalidBind(
        registry,
        `invalid version for global ${wanted} (${name}): have ${offer.version}, wanted ${version}`,
      );
    }
    // The client could not know yet that it is gone: what it gets is inert, and
    // dies quietly.
    if (present === null) return "take";
    if (offer.host !== null && this.#hostRegistry !== null) {
      this.#relay.addHostHalf(id);
      this.#relay.sendRequest(this.#hostRegistry, "wl_registry.bind", {
        name: offer.host.name,
        interface: offer.host.interface,
        version,
        id,
      });
    }
    return "take";
  }

  /**
   * Binds a global of the host that is offered, at most at the version that is
   * offered; null where there is none.
   */
  bindForRelay(
    type: InterfaceName,
    version: number,
    listener: EventListener,
  ): Entry | null {
    for (const offer of this.#offers) {
      if (offer.host === null || offer.interface !== type) continue;
      const bound = Math.min(version, offer.version);
      return this.#bindHost(offer.host.name, type, bound, listener);
    }
    return null;
  }

  /**
   * Binds a global that the host has at this version, or a later one, whether
   * or not it is offered; null where there is none.
   */
  bindHost(
    type: InterfaceName,
    version: number,
    listener: EventListener,
  ): Entry | null {
    for (const global of this.#hostGlobals) {
      if (global.interface !== type || global.version < version) continue;
      return this.#bindHost(global.name, type, version, listener);
    }
    return null;
  }

  #bindHost(
    name: number,
    type: InterfaceName,
    version: number,
    listener: EventListener,
  ): Entry | null {
    const registry = this.#hostRegistry;
    if (registry === null) return null;
    const id = this.#relay.createHostObject(type, version, listener);
    this.#relay.sendRequest(registry, "wl_registry.bind", {
      name,
      interface: type,
      version,
      id,
    });
    return id;
  }

  #hostIsKnown(): void {
    this.#offerOurs();
    this.#onKnown();
  }

  #hostOffers(global: HostGlobal): void {
    if (global.name >= OUR_NAMES) return;
    if (byName(this.#hostGlobals, global.name) !== null) return;
    const { policy } = this.#relay;
    const type = findInterface(global.interface);
    if (type === null) return;
    if (this.#hostGlobals.length >= MAX_GLOBALS) {
      throw new HostError(`it announced more than ${MAX_GLOBALS} globals`);
    }
    this.#hostGlobals.push(global);
    const allowed = Math.min(
      global.version,
      type.version,
      capOf(global.interface, policy),
    );
    if (allowed === 0 || isOurs(global.interface, policy)) return;
    const carried = carriedVersion(type, allowed, this.#carrier);
    if (carried === 0) return;
    this.#add({
      name: global.name,
      interface: global.interface,
      version: carried,
      host: global,
    });
    this.#addAlias(global);
  }

  #hostRemoved(name: number): void {
    if (name >= OUR_NAMES) return;
    removeByName(this.#hostGlobals, name);
    this.#removeOffer(name);
    for (const offer of [...this.#offers]) {
      if (offer.host !== null && offer.host.name === name) {
        this.#removeOffer(offer.name);
      }
    }
  }

  #removeOffer(name: number): void {
    const offer = removeByName(this.#offers, name);
    if (offer === null) return;
    this.#removed.set(name, offer);
    if (this.#removed.size > MAX_REMOVALS) {
      for (const oldest of this.#removed.keys()) {
        this.#removed.delete(oldest);
        break;
      }
    }
    for (const registry of this.#registries) {
      this.#relay.sendEvent(registry, "wl_registry.global_remove", { name });
    }
  }

  /**
   * The primary selection under its other name, where the host has only one of
   * the two.
   */
  #addAlias(global: HostGlobal): void {
    const place = PRIMARY_SELECTIONS.findIndex((name) =>
      name === global.interface
    );
    const alias = PRIMARY_SELECTIONS[1 - place];
    if (place < 0 || alias === undefined) return;
    if (capOf(alias, this.#relay.policy) === 0) return;
    if (this.#offers.some((offer) => offer.interface === alias)) {
      return;
    }
    this.#add({
      name: ALIAS_NAMES + place,
      interface: alias,
      version: 1,
      host: global,
    });
  }

  #offerOurs(): void {
    const { policy } = this.#relay;
    const { version } = getInterface("wl_fixes");
    if (policy.cap("wl_fixes") > 0) {
      this.#add({
        name: FIXES_NAME,
        interface: "wl_fixes",
        version,
        host: null,
      });
    }
    if (policy.inertClipboard) {
      this.#add({
        name: CLIPBOARD_NAME,
        interface: CLIPBOARD,
        version: 3,
        host: null,
      });
    }
  }

  #add(offer: Offer): void {
    // A real global takes the place of an alias that stood in for it.
    const alias = this.#offers.find((other) =>
      other.name >= OUR_NAMES && other.interface === offer.interface
    );
    if (alias !== undefined) this.#removeOffer(alias.name);
    this.#offers.push(offer);
    this.#removed.delete(offer.name);
    for (const registry of this.#registries) this.#announce(registry, offer);
  }

  #announce(registry: Entry, offer: Offer): void {
    const { name, interface: type, version } = offer;
    this.#relay.sendEvent(registry, "wl_registry.global", {
      name,
      interface: type,
      version,
    });
  }
}

function byName<Named extends { readonly name: number }>(
  list: readonly Named[],
  name: number,
): Named | null {
  for (const named of list) if (named.name === name) return named;
  return null;
}

function removeByName<Named extends { readonly name: number }>(
  list: Named[],
  name: number,
): Named | null {
  const place = list.findIndex((named) => named.name === name);
  return list.splice(place, place < 0 ? 0 : 1)[0] ?? null;
}

/**
 * The version that the policy allows; it knows the primary selection by the
 * standard name.
 */
function capOf(global: string, policy: Policy): number {
  const [standard, old] = PRIMARY_SELECTIONS;
  if (global !== old || policy.cap(old) > 0) return policy.cap(global);
  return policy.isDenied(old) ? 0 : policy.cap(standard);
}

/**
 * Globals that the relay answers itself, so that the host's are not offered.
 */
function isOurs(global: string, policy: Policy): boolean {
  return global === "wl_fixes" ||
    (global === CLIPBOARD && policy.inertClipboard);
}

/** The error of libwayland-server for a bind that cannot be. */
function invalidBind(registry: Entry, why: string): ClientError {
  return new ClientError(registry.clientId, displayError.invalidObject, why);
}

/** The messages that the registry answers; the first feature of every relay. */
export function registryFeature(
  registryOf: (relay: FeatureRelay) => Registry,
): Feature<Registry> {
  return {
    name: "registry",
    open: registryOf,
    requests: {
      "wl_display.get_registry": (registry, _display, { registry: made }) =>
        registry.add(made),
      "wl_registry.bind": (registry, entry, values) =>
        registry.bind(entry, values),
      "wl_fixes.destroy_registry": (registry, _fixes, { registry: doomed }) => {
        registry.remove(doomed);
        return "take";
      },
    },
    events: {},
  };
}
