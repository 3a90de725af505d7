/**
 * What a client demands of events: libwayland-client's rules. The host's view uses them to know what its own bytes deserve; the
 * client's, where they are stricter, to judge the relay.
 */
import type { Message } from "../../protocols/tables.ts";
import { comparableWords, Fault, type Heard, takeLabels } from "./heard.ts";
import { Shape } from "./shape.ts";
import type { FuzzObject, View } from "./view.ts";

/** wl_display.error.implementation: what the client is told whatever the host did wrong. */
const IMPLEMENTATION = 3;
const NONE: FuzzObject[] = [];

/** Judges events and keeps the view up to date. */
export class EventRules {
  readonly #view: View;
  readonly #judgesRelay: boolean;
  readonly #keepsIds: boolean;
  readonly #shape = new Shape();

  /** @param keepsIds whether the relay may delete only what the host did, or does not know */
  constructor(view: View, whose: "client" | "host", keepsIds = true) {
    this.#view = view;
    this.#keepsIds = keepsIds;
    this.#judgesRelay = whose === "client";
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
      return fault(`a message of ${size} bytes`);
    }
    const id = words[at] ?? 0;
    const target = this.#view.objects.get(id);
    if (target === undefined) {
      return fault(`an event of the unknown ${id >>> 0}`);
    }
    const message = target.interface.events[(words[at + 1] ?? 0) & 0xffff];
    if (message === undefined) return fault(`${target} has no such event`);
    const wrong = this.#shape.walk(message, words, bytes, at, size);
    if (wrong !== null) return fault(`${target}.${message.name}: ${wrong}`);
    const named = this.#named(message, words, at);
    if (named instanceof Fault) return named;
    if (this.#judgesRelay) {
      const late = this.#judge(target, message, named);
      if (late !== null) return late;
    }
    const { newIdAt } = this.#shape;
    for (const place of newIdAt) {
      const made = words[at + place] ?? 0;
      const isPossible = this.#judgesRelay
        ? this.#view.isFreeHigh(made)
        : this.#view.isDenseHigh(made);
      if (!isPossible) return fault(`${message.fullName} makes ${made >>> 0}`);
    }
    if (labels.length < message.fdCount) {
      return fault(`${target}.${message.name}: a descriptor is missing`);
    }
    const comparable = comparableWords(words, at, size, this.#shape);
    if (message.fullName === "wl_display.delete_id") {
      const deleted = this.#deleteId(words[at + 2] ?? 0);
      if (deleted instanceof Fault) return deleted;
      comparable[1] = 0;
      named.push(deleted);
    }
    const created = this.#create(target, message, words, at);
    if (message.destructor) this.#view.destroy(target);
    return {
      message,
      target,
      words: comparable,
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
      if (id === 0) {
        named.push(null);
        continue;
      }
      const object = this.#view.objects.get(id);
      // the object of an error may be gone
      if (object === undefined && target(message, objectArgument[i]) === null) {
        named.push(null);
        continue;
      }
      if (object === undefined) {
        return fault(`${message.fullName} names the unknown ${id >>> 0}`);
      }
      const wanted = target(message, objectArgument[i]);
      if (wanted !== null && object.interface.name !== wanted) {
        return fault(`${message.fullName} takes ${object} for a ${wanted}`);
      }
      named.push(object);
    }
    return named;
  }

  /** What the relay must not let through although a host may say it. */
  #judge(
    target: FuzzObject,
    message: Message,
    named: readonly (FuzzObject | null)[],
  ): Fault | null {
    if (target.settled) {
      return fault(
        `${message.name} of ${target}, which the relay knows to be destroyed`,
      );
    }
    if (message.since > target.version) {
      return fault(
        `${message.fullName} came to version ${target.version} of it`,
      );
    }
    for (const object of named) {
      if (object !== null && object.id < 0 && object.settled) {
        return fault(
          `${message.fullName} names ${object}, whose id the relay knows to be free`,
        );
      }
    }
    return null;
  }

  #deleteId(id: number): FuzzObject | Fault {
    const object = this.#view.objects.get(id);
    if (object === undefined || id <= 1) {
      return fault(`it deletes the unknown ${id >>> 0}`);
    }
    if (!this.#judgesRelay) {
      if (object.interface.name === "wl_registry") {
        return fault("it deletes the relay's registry");
      }
    } else if (!this.#keepsIds) {
      object.deleted = true;
    } else if (object.inert === "no" && object.peer?.deleted !== true) {
      return fault(`it deletes ${object} before the host did`);
    } else if (object.alive && object.peer?.deleted !== true) {
      return fault(`it deletes ${object}, which is in use`);
    }
    object.deleted = true;
    this.#view.forget(object);
    return object;
  }

  #create(
    target: FuzzObject,
    message: Message,
    words: Int32Array,
    at: number,
  ): FuzzObject[] {
    const { newIdAt, newIdArgument } = this.#shape;
    if (newIdAt.length === 0) return NONE;
    const created: FuzzObject[] = [];
    for (let i = 0; i < newIdAt.length; i++) {
      const type = message.arguments[newIdArgument[i] ?? 0]?.target ?? null;
      if (type === null) continue;
      const id = words[at + (newIdAt[i] ?? 0)] ?? 0;
      this.#replace(id);
      created.push(this.#view.add(id, type, target.version));
    }
    return created;
  }

  /** A host that takes an id which its client still uses leaves that one behind with an object that nobody answers. */
  #replace(id: number): void {
    const before = this.#view.objects.get(id);
    if (before === undefined || !before.alive || this.#judgesRelay) return;
    before.replaced = true;
    if (before.peer !== null) before.peer.inert = "maybe";
  }
}

function target(message: Message, argument: number | undefined): string | null {
  return message.arguments[argument ?? -1]?.interface ?? null;
}

function fault(why: string): Fault {
  return new Fault(why, 1, IMPLEMENTATION);
}
