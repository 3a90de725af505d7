/** The fuzzer's client: says what a client may say, at random, and judges every event that the relay sends it. */
import { getInterface, type Message } from "../../protocols/tables.ts";
import type { Policy } from "../../src/policy/policy.ts";
import {
  Announcements,
  OLD_PRIMARY_SELECTION,
  PRIMARY_SELECTION,
} from "./announcements.ts";
import { EventRules } from "./event_rules.ts";
import { FuzzFailure } from "./failure.ts";
import { Fault, type Heard } from "./heard.ts";
import { MessageWriter } from "./message_writer.ts";
import type { EventPassage, RequestPassage } from "./passage.ts";
import type { Random } from "./random.ts";
import { FIRST_OWN_NAME, RequestRules } from "./request_rules.ts";
import { type FuzzObject, type Global, View } from "./view.ts";
import type { FrameHandler, Wire } from "./wire.ts";

/** With more objects than this the client rather destroys than creates. */
const MANY_OBJECTS = 200;
const FEW_OBJECTS = 30;

/** The `wl_display.error` that the client got. */
export interface ReceivedError {
  /** Null where the object is none of the client's. */
  readonly object: FuzzObject | null;
  readonly code: number;
}

/** One client. */
export class ClientPeer {
  readonly view = new View();
  readonly wire: Wire;
  readonly writer: MessageWriter;
  readonly announcements: Announcements;
  readonly rules = new RequestRules(this.view, "client");
  /** Labels of descriptors that were sent and belong to no message yet. */
  readonly sentLabels: number[] = [];
  error: ReceivedError | null = null;
  /** Set where the client said what its view cannot follow: what it hears is not judged any more then. */
  isLost = false;
  readonly #usesOtherName: boolean;
  readonly #likesDescriptors: boolean;
  readonly #random: Random;
  readonly #requests: RequestPassage;
  readonly #events: EventPassage;
  readonly #note: (who: string, heard: Heard) => void;
  readonly #eventRules = new EventRules(this.view, "client");
  readonly #unsettled: FuzzObject[] = [];
  readonly #unsureNames = new Set<number>();
  readonly #frame: FrameHandler;

  constructor(
    random: Random,
    wire: Wire,
    policy: Policy,
    requests: RequestPassage,
    events: EventPassage,
    note: (who: string, heard: Heard) => void,
  ) {
    this.#random = random;
    this.#usesOtherName = random.chance(50);
    this.#likesDescriptors = random.chance(10);
    this.wire = wire;
    this.writer = new MessageWriter(wire.out);
    this.announcements = new Announcements(this.view, policy);
    this.#requests = requests;
    this.#events = events;
    this.#note = note;
    this.#frame = (words, bytes, at, size) =>
      this.#heard(words, bytes, at, size);
  }

  /** Reads and judges all that came. @returns whether anything came */
  listen(): boolean {
    return this.wire.receive(this.#frame);
  }

  /** Sends legal requests, in one piece or in two. @returns how many */
  sendBatch(most: number): number {
    const { writer, wire } = this;
    if (wire.pending > 0) return 0;
    writer.reset();
    let count = 0;
    for (let i = 0; i < most && writer.hasRoom; i++) {
      if (this.writeOne() > 0) count++;
    }
    const end = writer.at << 2;
    if (end > 0) {
      const cut = this.#random.chance(10) ? 1 + this.#random.below(end) : end;
      wire.send(end, writer.labels, cut);
    }
    return count;
  }

  /** Writes one legal request and enters it into the view. @returns its bytes; 0 where none was found */
  writeOne(): number {
    const { writer } = this;
    const at = writer.at;
    const labels = writer.labels.length;
    const size = this.#writeRandom();
    if (size === 0) return 0;
    this.sentLabels.push(...writer.labels.slice(labels));
    const heard = this.rules.apply(
      writer.words,
      writer.bytes,
      at,
      size,
      this.sentLabels,
    );
    if (heard instanceof Fault) {
      throw new FuzzFailure(`the fuzzer's own client is wrong: ${heard.why}`);
    }
    this.said(heard);
    return size;
  }

  /** Writes a legal request that is not said, so that it can be spoiled. @returns its bytes; 0 where none was found */
  writeUnsaid(): number {
    const random = this.#random;
    if (random.chance(10)) return this.#writeBind();
    const target = random.pick(this.view.live);
    const { requests } = target.interface;
    if (requests.length === 0) return 0;
    return this.writer.random(random, this.view, target, random.pick(requests));
  }

  /** Enters a request that the relay must take. */
  said(heard: Heard): void {
    this.#note("client says", heard);
    const { message, target, named, created, words } = heard;
    if (message.destructor) this.#unsettled.push(target);
    if (message.fullName === "wl_registry.bind") {
      const [made] = created;
      const name = (words[1] ?? 0) >>> 0;
      if (made?.inert === "no" && this.#unsureNames.has(name)) {
        made.inert = "maybe";
      }
    }
    if (
      message.fullName === "wl_data_device.start_drag" &&
      target.inert === "yes"
    ) {
      const source = named[0] ?? null;
      if (source !== null) this.#events.cancelled.add(source);
    }
    this.#requests.sent(heard);
  }

  /** To be called when the relay has seen all that was sent, and answered it. */
  settle(): void {
    for (const object of this.view.objects.values()) {
      if (!object.destroyedByClient) continue;
      object.settled = true;
      if (object.id > 0 && object.inert === "yes" && !this.isLost) {
        throw new FuzzFailure(`the id of ${object} is never given back`);
      }
    }
    this.#unsettled.length = 0;
  }

  /**
   * Objects that the host does not know are deleted by the relay itself, and at once: it has then seen all that was destroyed
   * before, and nothing may be heard of that any more.
   */
  #relayHasSeen({ destroyedAt }: FuzzObject): void {
    let kept = 0;
    for (const object of this.#unsettled) {
      if (object.destroyedAt < destroyedAt) object.settled = true;
      else this.#unsettled[kept++] = object;
    }
    this.#unsettled.length = kept;
  }

  /** The host has removed a global: what is under way may reach it, or be kept from it. */
  hostRemoved(name: number): void {
    this.#unsureNames.add(name);
    for (const object of this.view.objects.values()) {
      if (object.peer === null && object.inert === "no") object.inert = "maybe";
    }
  }

  #writeRandom(): number {
    const { view, writer } = this;
    const random = this.#random;
    const registryCount = this.announcements.registries.length;
    if (registryCount === 0 || (registryCount < 5 && random.below(300) === 0)) {
      return this.#write(view.display, "get_registry");
    }
    if (view.live.length < FEW_OBJECTS ? random.chance(40) : random.chance(3)) {
      return this.#writeBind();
    }
    if (random.below(50) === 0) return this.#writeProbe();
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
    const { view } = this;
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

  /** Makes or destroys an object that the relay answers at once; see `#relayHasSeen`. */
  #writeProbe(): number {
    const { view, writer } = this;
    const [probe] = view.liveOf(getInterface("wl_fixes"));
    if (probe !== undefined) return this.#write(probe, "destroy");
    const registry = this.announcements.registries[0];
    const fixes = [...view.globals.values()].find((global) =>
      global.interface === "wl_fixes"
    );
    if (registry === undefined || fixes === undefined) return 0;
    writer.begin(registry.id, 0);
    writer.word(fixes.name);
    writer.string(fixes.interface);
    writer.word(fixes.version);
    writer.word(view.chooseLow(true));
    return writer.end();
  }

  #isSensible(target: FuzzObject, message: Message): boolean {
    if (message.since > target.version) return false;
    if (message.destructor && this.view.live.length < FEW_OBJECTS) {
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
    return message === undefined
      ? 0
      : this.writer.random(this.#random, this.view, target, message);
  }

  #writeBind(): number {
    const { view, writer } = this;
    const random = this.#random;
    const registries = this.announcements.registries;
    const isLate = random.below(20) === 0 && view.removedGlobals.size > 0;
    const known = isLate ? view.removedGlobals : view.globals;
    const globals = [...known.values()].filter((global) =>
      this.#isMine(global)
    );
    if (registries.length === 0 || globals.length === 0) return 0;
    const global = random.pick(globals);
    writer.begin(random.pick(registries).id, 0);
    writer.word(global.name);
    writer.string(global.interface);
    writer.word(1 + random.below(global.version));
    writer.word(view.chooseLow(random.chance(80)));
    return writer.end();
  }

  /** A client uses the primary selection under one name only; the offers of its devices could not be told apart otherwise. */
  #isMine({ name, interface: type }: Global): boolean {
    if (type !== PRIMARY_SELECTION && type !== OLD_PRIMARY_SELECTION) {
      return true;
    }
    return name >= FIRST_OWN_NAME === this.#usesOtherName;
  }

  #heard(
    words: Int32Array,
    bytes: Uint8Array,
    at: number,
    size: number,
  ): void {
    if (this.error !== null) {
      throw new FuzzFailure("the client heard something after its error");
    }
    const heard = this.#eventRules.apply(
      words,
      bytes,
      at,
      size,
      this.wire.labels,
    );
    if (heard instanceof Fault) {
      if (this.isLost) {
        this.wire.labels.length = 0;
        return;
      }
      throw new FuzzFailure(`the client heard what is wrong: ${heard.why}`);
    }
    this.#note("client hears", heard);
    switch (heard.message.fullName) {
      case "wl_display.error":
        this.error = {
          object: heard.named[0] ?? null,
          code: words[at + 3] ?? 0,
        };
        if (heard.named[0] === null && !this.isLost) {
          throw new FuzzFailure("the client heard an error of nothing");
        }
        return;
      case "wl_display.delete_id": {
        const [deleted] = heard.named;
        if (deleted?.inert === "yes") this.#relayHasSeen(deleted);
        break;
      }
      case "wl_registry.global":
        if (this.isLost) return;
        this.announcements.announce(heard.target, words, bytes, at);
        break;
      case "wl_registry.global_remove":
        if (this.isLost) return;
        this.announcements.remove(heard.target, (words[at + 2] ?? 0) >>> 0);
        break;
    }
    if (this.isLost) return;
    const wrong = this.#events.arrived(heard);
    if (wrong !== null) {
      throw new FuzzFailure(`on its way to the client: ${wrong}`);
    }
  }
}
