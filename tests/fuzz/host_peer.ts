/**
 * The fuzzer's host: says what a compositor may say, at random, and judges
 * every request that the relay sends it.
 */
import {
  findInterface,
  getInterface,
  interfaceNames,
  type Message,
} from "../../protocols/tables.ts";
import { everyMessage } from "../support/every_message.ts";
import { EventRules } from "./event_rules.ts";
import { FuzzFailure } from "./failure.ts";
import type { Heard } from "./heard.ts";
import { type Conversation, FuzzPeer } from "./peer.ts";
import { FIRST_OWN_NAME, RequestRules } from "./request_rules.ts";
import type { FuzzObject } from "./view.ts";
import type { Wire } from "./wire.ts";

/** More objects than this the host does not make. */
const MANY_OBJECTS = 60;
const GREETING = ["wl_display.get_registry", "wl_display.sync"] as const;

/** Interfaces that nothing but a bind makes. */
export const GLOBAL_NAMES = namesOfGlobals();

export class HostPeer extends FuzzPeer {
  override readonly rules = new EventRules(this.view, "host");
  /** The relay's registry, once it has asked for it. */
  registry: FuzzObject | null = null;
  /** Whether the globals were announced. */
  isKnown = false;
  protected override readonly heardRules = new RequestRules(this.view, "host");
  readonly #onRemoved: (name: number) => void;
  readonly #pendingDeletes: FuzzObject[] = [];
  #globalsKnown = 0;
  #greetingDone: FuzzObject | null = null;
  #nextName = 1;
  #madeCount = 0;

  /** @param onRemoved is told before a global is removed */
  constructor(
    wire: Wire,
    conversation: Conversation,
    onRemoved: (name: number) => void,
  ) {
    super("host", wire, conversation);
    this.#onRemoved = onRemoved;
  }

  override writeOne(): number {
    const start = this.writer.at;
    if (!this.isKnown) this.#announceAll();
    else this.#writeRandom();
    return (this.writer.at - start) << 2;
  }

  protected override enter(heard: Heard): void {
    this.#madeCount += heard.created.length;
    const { message, target, named } = heard;
    if (message.destructor) this.#deleteLater(target);
    switch (message.fullName) {
      case "wl_display.delete_id": {
        const [object] = named;
        const place = this.#pendingDeletes.findIndex((one) => one === object);
        if (place >= 0) this.#pendingDeletes.splice(place, 1);
        break;
      }
      case "wl_registry.global":
        this.#saidGlobal(heard);
        break;
      case "wl_registry.global_remove":
        this.#saidRemove(heard);
        break;
    }
    this.conversation.events.sent(heard);
  }

  override writeUnsaid(): number {
    const { random } = this.conversation;
    const { view, writer } = this;
    if (random.chance(10)) {
      return writer.message(1, 1, random.pick(view.live).id);
    }
    const makers = random.chance(10)
      ? view.live.filter(({ interface: type }) => MAKERS.has(type.name))
      : [];
    const target = random.pick(makers.length > 0 ? makers : view.live);
    const { events } = target.interface;
    if (events.length === 0) return 0;
    const message = random.pick(events);
    const { at } = writer;
    const size = writer.random(random, view, target, message);
    if (message.arguments[0]?.type === "new_id" && random.chance(50)) {
      // an id that is in use, or one too far
      const made = view.live.filter((object) => object.id < 0);
      writer.words[at + 2] = made.length > 0 && random.chance(80)
        ? random.pick(made).id
        : view.chooseHigh(false) + random.below(2);
    }
    return size;
  }

  #deleteLater(object: FuzzObject): void {
    if (object.id < 0 || this.#pendingDeletes.includes(object)) return;
    this.#pendingDeletes.push(object);
  }

  #saidGlobal({ words }: Heard): void {
    const name = (words[1] ?? 0) >>> 0;
    const length = words[2] ?? 0;
    const bytes = new Uint8Array(words.buffer, words.byteOffset + 12, length);
    const type = new TextDecoder().decode(bytes.subarray(0, length - 1));
    const version = (words[3 + ((length + 3) >> 2)] ?? 0) >>> 0;
    if (name >= FIRST_OWN_NAME) return;
    // which of the two counts depends on the policy
    if (this.view.globals.has(name)) this.isLost = true;
    this.view.globals.set(name, { name, interface: type, version });
  }

  #saidRemove({ words }: Heard): void {
    const name = (words[1] ?? 0) >>> 0;
    const global = this.view.globals.get(name);
    if (global === undefined) return;
    this.#onRemoved(name);
    this.view.globals.delete(name);
    this.view.removedGlobals.set(name, global);
  }

  #writeRandom(): void {
    const { random } = this.conversation;
    if (this.#pendingDeletes.length > 0 && random.chance(60)) {
      this.#writeDelete();
      return;
    }
    if (random.below(100) === 0) {
      this.#writeGlobal();
      return;
    }
    if (random.below(200) === 0) {
      this.#removeGlobal();
      return;
    }
    const memory = this.conversation.likesBuffers && random.chance(20)
      ? this.view.liveOf(getInterface("wl_shm"))
      : [];
    const target = random.pick(memory.length > 0 ? memory : this.view.live);
    const { events } = target.interface;
    if (
      events.length === 0 || target.id === 1 || target === this.registry
    ) return;
    const message = random.pick(events);
    if (this.#isSensible(target, message)) this.#writeEvent(target, message);
  }

  #isSensible(target: FuzzObject, message: Message): boolean {
    if (message.since > target.version) return false;
    // a request that is under way to what an event destroyed would be a
    // client's error
    if (message.destructor && target.interface.requests.length > 0) {
      return false;
    }
    if (message.arguments.some((argument) => argument.type === "new_id")) {
      return this.view.live.length < MANY_OBJECTS * 3 ||
        this.#madeCount < MANY_OBJECTS;
    }
    return true;
  }

  #writeEvent(target: FuzzObject, message: Message): void {
    const { writer } = this;
    const at = writer.at;
    const labels = writer.labels.length;
    const size = writer.random(
      this.conversation.random,
      this.view,
      target,
      message,
    );
    this.say(at, size, writer.labels.length - labels);
  }

  #writeDelete(): void {
    const place = this.conversation.random.below(this.#pendingDeletes.length);
    const [object] = this.#pendingDeletes.splice(place, 1);
    if (object === undefined) return;
    this.say(this.writer.at, this.writer.message(1, 1, object.id));
  }

  #announceAll(): void {
    const { writer } = this;
    const done = this.#greetingDone;
    if (this.registry === null || done === null) return;
    if (this.conversation.likesBuffers) {
      for (const type of ["wl_compositor", "wl_shm"]) this.#writeGlobal(type);
    }
    const count = this.conversation.random.below(40);
    for (let i = 0; i < count; i++) this.#writeGlobal();
    this.say(writer.at, writer.message(done.id, 0, 0));
    this.isKnown = true;
  }

  #writeGlobal(wanted: string | null = null): void {
    const { random } = this.conversation;
    const { writer, registry } = this;
    if (registry === null) return;
    const type = wanted !== null
      ? wanted
      : random.chance(3)
      ? "zz_unknown_v1"
      : random.chance(40)
      ? random.pick(COMMON)
      : random.pick(GLOBAL_NAMES);
    const version = 1 +
      random.below((findInterface(type)?.version ?? 3) + 2);
    const name = this.#nextName;
    this.#nextName += 1 + random.below(3);
    this.say(writer.at, writer.message(registry.id, 0, name, type, version));
  }

  #removeGlobal(): void {
    const { writer, registry, view } = this;
    const name = this.conversation.random.below(this.#nextName);
    const global = view.globals.get(name);
    if (registry === null || global === undefined) return;
    this.say(writer.at, writer.message(registry.id, 1, name));
  }

  protected override take(heard: Heard): void {
    const { message, target } = heard;
    const greeting = GREETING[this.#globalsKnown];
    if (greeting !== undefined) {
      this.#greet(heard, greeting);
      return;
    }
    if (message.destructor) this.#deleteLater(target);
    const wrong = this.conversation.requests.arrived(heard);
    if (wrong !== null && !this.isLost) {
      throw new FuzzFailure(`on its way to the host: ${wrong}`);
    }
  }

  #greet({ message, created }: Heard, greeting: string): void {
    if (message.fullName !== greeting) {
      throw new FuzzFailure(`the relay greets with ${message.fullName}`);
    }
    const [made] = created;
    if (made === undefined) return;
    if (this.#globalsKnown === 0) this.registry = made;
    else this.#greetingDone = made;
    this.#globalsKnown++;
  }
}

/** Interfaces with an event that makes an object. */
const MAKERS = new Set(
  everyMessage().filter((message) =>
    !message.isRequest &&
    message.arguments.some((argument) => argument.type === "new_id")
  ).map((event) => event.interface.name),
);

/** Globals that bring most of what a relay does. */
const COMMON = [
  "wl_compositor",
  "wl_shm",
  "wl_seat",
  "wl_output",
  "wl_data_device_manager",
  "xdg_wm_base",
  "zwp_tablet_manager_v2",
  "zwp_linux_dmabuf_v1",
  "zwp_primary_selection_device_manager_v1",
  "wp_presentation",
  "wl_fixes",
] as const;

function namesOfGlobals(): readonly string[] {
  const made = new Set<string | null>(["wl_display"]);
  for (const message of everyMessage()) {
    for (const argument of message.arguments) {
      if (argument.type === "new_id") made.add(argument.interface);
    }
  }
  return interfaceNames().filter((name) => !made.has(name));
}
