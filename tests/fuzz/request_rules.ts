/**
 * What a server demands of requests: libwayland-server's rules, stricter where
 * a relay promises more (ids without gaps, and none again before `delete_id`).
 * The client's view uses them to know what its own bytes deserve, the host's to
 * judge the relay.
 */
import type { Argument, Message } from "../../protocols/tables.ts";
import { DEVICE_LABEL } from "./descriptors.ts";
import { Fault, type Heard } from "./heard.ts";
import { type Candidate, MessageRules } from "./message_rules.ts";
import type { FuzzObject, View } from "./view.ts";

/** Codes of wl_display.error. */
const INVALID_OBJECT = 0;
const INVALID_METHOD = 1;
/** wl_shm.error.invalid_fd. */
const INVALID_FD = 2;
/**
 * Names from here on are the relay's own; between the two are its stand-ins for
 * globals of the host.
 */
export const FIRST_OWN_NAME = 0xfffffff0;
export const LAST_ALIAS_NAME = 0xfffffffc;

/** Judges requests and keeps the view up to date. */
export class RequestRules extends MessageRules {
  readonly #isClient: boolean;
  #destroyed = 0;

  constructor(view: View, whose: "client" | "host") {
    super(view, INVALID_METHOD);
    this.#isClient = whose === "client";
  }

  protected override target(id: number): FuzzObject | Fault {
    const target = this.view.objects.get(id);
    // what an event destroyed is there until its id is free
    return target !== undefined && !target.destroyedByClient
      ? target
      : new Fault(
        `a request to ${target ?? `the unknown ${id >>> 0}`}`,
        1,
        INVALID_OBJECT,
      );
  }

  protected override find(
    target: FuzzObject,
    opcode: number,
  ): Message | undefined {
    const message = target.interface.requests[opcode];
    return message !== undefined && message.since <= target.version
      ? message
      : undefined;
  }

  /**
   * What was destroyed is the host's to refuse, as long as the host has not
   * said that its id is free.
   */
  protected override isNameable(object: FuzzObject): boolean {
    return object.alive || (object.id > 0 && object.inert === "no");
  }

  protected override checkNewId(
    id: number,
    { target, message }: Candidate,
    argument: Argument | undefined,
  ): Fault | null {
    if (!this.view.isFreeLow(id)) {
      // what the host does not know is free for the relay before its client
      // hears of it
      const before = this.view.objects.get(id);
      const isCertain = before === undefined || before.alive ||
        before.inert === "no";
      return this.fault(`${message.fullName} makes ${id >>> 0}`, isCertain);
    }
    return argument?.interface === null && this.shape.untypedInterface === null
      ? new Fault("an unknown interface", target.id, INVALID_OBJECT)
      : null;
  }

  protected override check(candidate: Candidate): Fault | null {
    const { target, message, words, at, labels: [label] } = candidate;
    switch (message.fullName) {
      case "wl_shm.create_pool":
        return this.#isClient && label !== undefined && label >= DEVICE_LABEL
          ? new Fault("a pool of a device", target.id, INVALID_FD)
          : null;
      case "wl_registry.bind":
        return this.#checkBind(target, (words[at + 2] ?? 0) >>> 0);
      default:
        return null;
    }
  }

  #checkBind(target: FuzzObject, name: number): Fault | null {
    const { untypedName, untypedVersion } = this.shape;
    const global = this.view.globals.get(name) ??
      this.view.removedGlobals.get(name);
    if (
      global !== undefined && untypedName === global.interface &&
      untypedVersion > 0 && untypedVersion <= global.version
    ) return null;
    return new Fault(
      `bind of ${name} as ${untypedName} at ${untypedVersion}`,
      target.id,
      INVALID_OBJECT,
    );
  }

  protected override enter(heard: Heard): Heard {
    const { message, target, words, named, created } = heard;
    const isBind = message.fullName === "wl_registry.bind";
    for (const object of created) {
      if (object.interface.name === "wl_registry") object.inert = "yes";
      else {
        object.inert = isBind
          ? this.#bindInertness((words[1] ?? 0) >>> 0)
          : this.#inertness(heard);
      }
    }
    if (message.destructor) this.#destroy(target);
    // the only one that destroys another object than its own
    const [registry] = named;
    if (message.fullName === "wl_fixes.destroy_registry" && registry) {
      this.#destroy(registry);
    }
    return heard;
  }

  /** Whether the host hears of the bind of a global. */
  #bindInertness(name: number): FuzzObject["inert"] {
    if (name > LAST_ALIAS_NAME) return "yes";
    // a stand-in may come and go under one name
    if (name >= FIRST_OWN_NAME) return "maybe";
    return this.view.globals.has(name) ? "no" : "yes";
  }

  /**
   * A message that must name what the host does not know is kept from it, too.
   */
  #inertness(
    { target, message, named, namedArgument }: Heard,
  ): FuzzObject["inert"] {
    const needed = named.filter((object, i) =>
      object !== null &&
      message.arguments[namedArgument[i] ?? -1]?.nullable === false
    );
    const all = [target, ...needed].map((object) => object?.inert);
    if (all.includes("yes")) return "yes";
    return all.includes("maybe") ? "maybe" : "no";
  }

  #destroy(target: FuzzObject): void {
    target.destroyedByClient = true;
    target.destroyedAt = ++this.#destroyed;
    this.view.destroy(target);
  }
}
