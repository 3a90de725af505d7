/**
 * What a server demands of requests: libwayland-server's rules, stricter where a relay promises more (ids without gaps, and
 * none again before `delete_id`). The client's view uses them to know what its own bytes deserve, the host's to judge the relay.
 */
import type { Interface, Message } from "../../protocols/tables.ts";
import { DEVICE_LABEL } from "./descriptors.ts";
import { comparableWords, Fault, type Heard, takeLabels } from "./heard.ts";
import { Shape } from "./shape.ts";
import type { FuzzObject, View } from "./view.ts";

/** Codes of wl_display.error. */
const INVALID_OBJECT = 0;
const INVALID_METHOD = 1;
/** wl_shm.error.invalid_fd. */
const INVALID_FD = 2;
const NONE: FuzzObject[] = [];
/** Names from here on are the relay's own; between the two are its stand-ins for globals of the host. */
export const FIRST_OWN_NAME = 0xfffffff0;
export const LAST_ALIAS_NAME = 0xfffffffc;

/** Judges requests and keeps the view up to date. */
export class RequestRules {
  readonly #view: View;
  readonly #isClient: boolean;
  readonly #shape = new Shape();
  #destroyed = 0;

  constructor(view: View, whose: "client" | "host") {
    this.#view = view;
    this.#isClient = whose === "client";
  }

  /** @param labels of the descriptors that are there; those of the message are taken out */
  apply(
    words: Int32Array,
    bytes: Uint8Array,
    at: number,
    size: number,
    labels: number[],
  ): Heard | Fault {
    if (size < 8 || size > 4096 || size % 4 !== 0) {
      return new Fault(`a message of ${size} bytes`);
    }
    const id = words[at] ?? 0;
    const target = this.#view.objects.get(id);
    // what an event destroyed is there until its id is free
    if (target === undefined || target.destroyedByClient) {
      return new Fault(
        `a request to ${target ?? `the unknown ${id >>> 0}`}`,
        1,
        INVALID_OBJECT,
      );
    }
    const message = target.interface.requests[(words[at + 1] ?? 0) & 0xffff];
    if (message === undefined || message.since > target.version) {
      return new Fault(`${target} has no such request: ${message?.name}`);
    }
    const wrong = this.#shape.walk(message, words, bytes, at, size);
    if (wrong !== null) {
      // with two faults in one message either may be named
      const isOnly = this.#shape.untypedName === "";
      const why = `${target}.${message.name}: ${wrong}`;
      return new Fault(why, 1, INVALID_METHOD, isOnly);
    }
    const named = this.#named(message, words, at);
    if (named instanceof Fault) return named;
    const newIds = this.#checkNewIds(target, message, words, at);
    if (newIds !== null) return newIds;
    if (labels.length < message.fdCount) {
      return new Fault(`${target}.${message.name}: a descriptor is missing`);
    }
    if (
      this.#isClient && message.fullName === "wl_shm.create_pool" &&
      (labels[0] ?? DEVICE_LABEL) >= DEVICE_LABEL
    ) return new Fault("a pool of a device", id, INVALID_FD);
    const global = message.fullName === "wl_registry.bind"
      ? this.#checkBind(target, (words[at + 2] ?? 0) >>> 0)
      : "no";
    if (global instanceof Fault) return global;
    const created = this.#create(target, message, named, words, at, global);
    if (message.destructor) this.#destroy(target);
    this.#applySpecial(message, named);
    return {
      message,
      target,
      words: comparableWords(words, at, size, this.#shape),
      named,
      namedArgument: this.#shape.objectArgument.slice(),
      created,
      labels: takeLabels(labels, message.fdCount) ?? [],
    };
  }

  #named(
    message: Message,
    words: Int32Array,
    at: number,
  ): (FuzzObject | null)[] | Fault {
    const { objectAt, objectArgument } = this.#shape;
    const named: (FuzzObject | null)[] = [];
    for (let i = 0; i < objectAt.length; i++) {
      const id = words[at + (objectAt[i] ?? 0)] ?? 0;
      const object = this.#view.objects.get(id);
      if (id === 0) {
        named.push(null);
        continue;
      }
      if (object === undefined || !isStillNamed(object)) {
        return new Fault(
          `${message.fullName} names ${object ?? `the unknown ${id >>> 0}`}`,
          1,
          INVALID_METHOD,
          object?.inert !== "maybe",
        );
      }
      const wanted = message.arguments[objectArgument[i] ?? 0]?.interface;
      if (
        wanted !== null && wanted !== undefined &&
        object.interface.name !== wanted
      ) return new Fault(`${message.fullName} takes ${object} for a ${wanted}`);
      named.push(object);
    }
    return named;
  }

  #checkNewIds(
    target: FuzzObject,
    message: Message,
    words: Int32Array,
    at: number,
  ): Fault | null {
    const { newIdAt, newIdArgument, untypedInterface } = this.#shape;
    for (let i = 0; i < newIdAt.length; i++) {
      const id = words[at + (newIdAt[i] ?? 0)] ?? 0;
      if (!this.#view.isFreeLow(id)) {
        // what the host does not know is free for the relay before its client hears of it
        const before = this.#view.objects.get(id);
        const isCertain = before === undefined || before.alive ||
          before.inert === "no";
        return new Fault(
          `${message.fullName} makes ${id >>> 0}`,
          1,
          INVALID_METHOD,
          isCertain,
        );
      }
      const argument = message.arguments[newIdArgument[i] ?? 0];
      if (argument?.interface === null && untypedInterface === null) {
        return new Fault("an unknown interface", target.id, INVALID_OBJECT);
      }
    }
    return null;
  }

  /** @returns whether the host hears of it */
  #checkBind(target: FuzzObject, name: number): Fault | FuzzObject["inert"] {
    const { untypedName, untypedVersion } = this.#shape;
    const present = this.#view.globals.get(name);
    const global = present ?? this.#view.removedGlobals.get(name);
    if (global === undefined) {
      return new Fault(`bind of ${name}`, target.id, INVALID_OBJECT);
    }
    if (untypedName !== global.interface) {
      return new Fault(
        `bind of ${name} as ${untypedName}`,
        target.id,
        INVALID_OBJECT,
      );
    }
    if (untypedVersion === 0 || untypedVersion > global.version) {
      return new Fault(
        `bind of ${name} at ${untypedVersion}`,
        target.id,
        INVALID_OBJECT,
      );
    }
    if (name > LAST_ALIAS_NAME) return "yes";
    // a stand-in may come and go under one name
    if (name >= FIRST_OWN_NAME) return "maybe";
    return present === undefined ? "yes" : "no";
  }

  /** A message that must name what the host does not know is kept from it, too. */
  #inertness(
    target: FuzzObject,
    message: Message,
    named: readonly (FuzzObject | null)[],
  ): FuzzObject["inert"] {
    const { objectArgument } = this.#shape;
    const needed = named.filter((object, i) =>
      object !== null &&
      message.arguments[objectArgument[i] ?? -1]?.nullable === false
    );
    const all = [target, ...needed].map((object) => object?.inert);
    if (all.includes("yes")) return "yes";
    return all.includes("maybe") ? "maybe" : "no";
  }

  #create(
    target: FuzzObject,
    message: Message,
    named: readonly (FuzzObject | null)[],
    words: Int32Array,
    at: number,
    global: FuzzObject["inert"],
  ): FuzzObject[] {
    const { newIdAt, newIdArgument, untypedInterface, untypedVersion } =
      this.#shape;
    if (newIdAt.length === 0) return NONE;
    const created: FuzzObject[] = [];
    for (let i = 0; i < newIdAt.length; i++) {
      const argument = message.arguments[newIdArgument[i] ?? 0];
      const typed: Interface | null = argument?.target ?? null;
      const type = typed ?? untypedInterface;
      if (type === null) continue;
      const version = typed === null ? untypedVersion : target.version;
      const object = this.#view.add(
        words[at + (newIdAt[i] ?? 0)] ?? 0,
        type,
        version,
      );
      object.inert = typed === null ? global : this.#inertness(
        target,
        message,
        named,
      );
      if (type.name === "wl_registry") object.inert = "yes";
      created.push(object);
    }
    return created;
  }

  #destroy(target: FuzzObject): void {
    target.destroyedByClient = true;
    target.destroyedAt = ++this.#destroyed;
    this.#view.destroy(target);
  }

  /** `wl_fixes` is the only one that destroys another object than its own. */
  #applySpecial(
    message: Message,
    named: readonly (FuzzObject | null)[],
  ): void {
    if (message.fullName !== "wl_fixes.destroy_registry") return;
    const registry = named[0] ?? null;
    if (registry !== null) this.#destroy(registry);
  }
}

/** What was destroyed is the host's to refuse, as long as the host has not said that its id is free. */
function isStillNamed(object: FuzzObject): boolean {
  return object.alive || (object.id > 0 && object.inert === "no");
}
