/** What the fuzzer's client says next: any legal request, by its taste. */
import { getInterface, type Message } from "../../protocols/tables.ts";
import type { InterfaceName } from "../../protocols/generated/messages.ts";
import {
  type Announcements,
  OLD_PRIMARY_SELECTION,
  PRIMARY_SELECTION,
} from "./announcements.ts";
import type { MessageWriter } from "./message_writer.ts";
import type { Random } from "../support/random.ts";
import { FIRST_OWN_NAME } from "./request_rules.ts";
import type { FuzzObject, Global, View } from "./view.ts";

/** With more objects than this the client rather destroys than creates. */
const MANY_OBJECTS = 200;
const FEW_OBJECTS = 30;

/**
 * What a client does that draws into shared memory: the more often, the more
 * often it is here.
 */
const DRAWING: readonly (readonly [InterfaceName, string])[] = [
  ["wl_compositor", "create_surface"],
  ["wl_shm", "create_pool"],
  ["wl_shm_pool", "create_buffer"],
  ["wl_shm_pool", "create_buffer"],
  ["wl_shm_pool", "resize"],
  ["wl_surface", "attach"],
  ["wl_surface", "attach"],
  ["wl_surface", "attach"],
  ["wl_surface", "damage"],
  ["wl_surface", "damage_buffer"],
  ["wl_surface", "set_buffer_scale"],
  ["wl_surface", "frame"],
  ["wl_surface", "commit"],
  ["wl_surface", "commit"],
  ["wl_surface", "commit"],
  ["wl_buffer", "destroy"],
  ["wl_shm_pool", "destroy"],
];

/** Writes requests; the view is not told of them. */
export class RequestChoice {
  readonly #random: Random;
  readonly #view: View;
  readonly #writer: MessageWriter;
  readonly #announcements: Announcements;
  readonly #likesBuffers: boolean;
  readonly #likesDescriptors: boolean;
  readonly #usesOtherName: boolean;

  constructor(
    random: Random,
    view: View,
    writer: MessageWriter,
    announcements: Announcements,
    likesBuffers: boolean,
  ) {
    this.#random = random;
    this.#view = view;
    this.#writer = writer;
    this.#announcements = announcements;
    this.#likesBuffers = likesBuffers;
    this.#likesDescriptors = random.chance(10);
    this.#usesOtherName = random.chance(50);
  }

  /** Writes a legal request. @returns its bytes; 0 where none was found */
  write(): number {
    const view = this.#view;
    const writer = this.#writer;
    const random = this.#random;
    const registryCount = this.#announcements.registries.length;
    if (registryCount === 0 || (registryCount < 5 && random.below(300) === 0)) {
      return this.#write(view.display, "get_registry");
    }
    if (view.live.length < FEW_OBJECTS ? random.chance(40) : random.chance(3)) {
      return this.#writeBind();
    }
    if (random.below(50) === 0) return this.#writeProbe();
    if (this.#likesBuffers && random.chance(70)) return this.#writeDrawing();
    const target = this.#chooseTarget();
    const { requests, destroyRequest } = target.interface;
    if (target === view.display) {
      return random.chance(20) ? this.#write(target, "sync") : 0;
    }
    if (requests.length === 0 || target.interface.name === "wl_registry") {
      return 0;
    }
    const destroys = view.live.length > MANY_OBJECTS && destroyRequest !== null;
    const message = destroys ? destroyRequest : this.#choose(requests);
    return this.#isSensible(target, message)
      ? writer.random(random, view, target, message)
      : 0;
  }

  /** Some clients use what comes with descriptors most of the time. */
  #chooseTarget(): FuzzObject {
    const view = this.#view;
    if (this.#likesDescriptors && this.#random.chance(60)) {
      const pools = view.liveOf(getInterface("wl_shm"));
      if (pools.length > 0) return this.#random.pick(pools);
    }
    if (this.#random.below(20) === 0) {
      const made = view.live.filter((object) => object.id < 0);
      if (made.length > 0) return this.#random.pick(made);
    }
    return this.#random.pick(view.live);
  }

  #choose(requests: readonly Message[]): Message {
    const message = this.#random.pick(requests);
    if (!this.#likesDescriptors) return message;
    return requests.find((one) => one.fdCount > 0) ?? message;
  }

  /**
   * Makes or destroys an object that the relay answers at once; see
   * `#relayHasSeen`.
   */
  #writeProbe(): number {
    const view = this.#view;
    const [probe] = view.liveOf(getInterface("wl_fixes"));
    if (probe !== undefined) return this.#write(probe, "destroy");
    const fixes = [...view.globals.values()].find((global) =>
      global.interface === "wl_fixes"
    );
    return fixes === undefined ? 0 : this.#bind(fixes);
  }

  #isSensible(target: FuzzObject, message: Message): boolean {
    if (message.since > target.version) return false;
    if (message.destructor && this.#view.live.length < FEW_OBJECTS) {
      return this.#random.chance(30);
    }
    // whether the relay or the host answers would depend on the order of things
    if (message.fullName === "wl_data_device.start_drag") {
      return target.inert !== "maybe";
    }
    return true;
  }

  #write(target: FuzzObject, name: string): number {
    const message = target.interface.requests.find((request) =>
      request.name === name
    );
    return message === undefined || message.since > target.version
      ? 0
      : this.#writer.random(this.#random, this.#view, target, message);
  }

  #writeBind(): number {
    const view = this.#view;
    const random = this.#random;
    const isLate = random.below(20) === 0 && view.removedGlobals.size > 0;
    const known = isLate ? view.removedGlobals : view.globals;
    const globals = [...known.values()].filter((global) =>
      this.#isMine(global)
    );
    return globals.length === 0 ? 0 : this.#bind(random.pick(globals));
  }

  #bind(global: Global): number {
    const random = this.#random;
    const { registries } = this.#announcements;
    if (registries.length === 0) return 0;
    return this.#writer.message(
      random.pick(registries).id,
      0,
      global.name,
      global.interface,
      1 + random.below(global.version),
      this.#view.chooseLow(random.chance(80)),
    );
  }

  /**
   * A client uses the primary selection under one name only; the offers of its
   * devices could not be told apart otherwise.
   */
  #isMine({ name, interface: type }: Global): boolean {
    if (type !== PRIMARY_SELECTION && type !== OLD_PRIMARY_SELECTION) {
      return true;
    }
    return name >= FIRST_OWN_NAME === this.#usesOtherName;
  }

  /** A step of drawing, or what has to come before it. */
  #writeDrawing(): number {
    const random = this.#random;
    const [type, name] = random.pick(DRAWING);
    const targets = this.#view.liveOf(getInterface(type));
    if (targets.length > 0) {
      return this.#write(random.pick(targets), name);
    }
    const global = [...this.#view.globals.values()].find((one) =>
      one.interface === type
    );
    return global === undefined ? 0 : this.#bind(global);
  }

  /**
   * Writes a legal request that is not said, so that it can be spoiled.
   *
   * @returns its bytes; 0 where none was found
   */
  writeUnsaid(): number {
    const random = this.#random;
    if (random.chance(10)) return this.#writeBind();
    const target = random.pick(this.#view.live);
    const { requests } = target.interface;
    if (requests.length === 0) return 0;
    return this.#writer.random(
      random,
      this.#view,
      target,
      random.pick(requests),
    );
  }
}
