/** The fuzzer's client: says what a client may say, at random, and judges every event that the relay sends it. */
import type { Policy } from "../../src/policy/policy.ts";
import { Announcements } from "./announcements.ts";
import { sendBatch } from "./batch.ts";
import { EventRules } from "./event_rules.ts";
import { FuzzFailure } from "./failure.ts";
import { Fault, type Heard } from "./heard.ts";
import { MessageWriter } from "./message_writer.ts";
import type { EventPassage, RequestPassage } from "./passage.ts";
import type { Random } from "./random.ts";
import { RequestChoice } from "./request_choice.ts";
import { RequestRules } from "./request_rules.ts";
import { type FuzzObject, View } from "./view.ts";
import type { FrameHandler, Wire } from "./wire.ts";

/** The `wl_display.error` that the client got. */
export interface ReceivedError {
  /** Null where the object does not belong to the client. */
  readonly object: FuzzObject | null;
  readonly code: number;
}

/** One client. */
export class ClientPeer {
  readonly view = new View();
  readonly wire: Wire;
  readonly writer: MessageWriter;
  readonly announcements: Announcements;
  /** What to say next. */
  readonly choice: RequestChoice;
  readonly rules = new RequestRules(this.view, "client");
  /** Labels of descriptors that were sent and belong to no message yet. */
  readonly sentLabels: number[] = [];
  error: ReceivedError | null = null;
  /** Set where the client said what its view cannot follow: what it hears is not judged any more then. */
  isLost = false;
  readonly #random: Random;
  readonly #requests: RequestPassage;
  readonly #events: EventPassage;
  readonly #note: (who: string, heard: Heard) => void;
  readonly #eventRules: EventRules;
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
    likesBuffers: boolean,
  ) {
    this.#eventRules = new EventRules(this.view, "client", !likesBuffers);
    this.#random = random;
    this.wire = wire;
    this.writer = new MessageWriter(wire.out);
    this.announcements = new Announcements(this.view, policy);
    this.choice = new RequestChoice(
      random,
      this.view,
      this.writer,
      this.announcements,
      likesBuffers,
    );
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
    return sendBatch(this, this.#random, most);
  }

  /** Writes one legal request and enters it into the view. @returns its bytes; 0 where none was found */
  writeOne(): number {
    const { writer } = this;
    const at = writer.at;
    const labels = writer.labels.length;
    const size = this.choice.write();
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
    if (message.fullName === "wl_data_device.start_drag") {
      const source = named[0] ?? null;
      if (source !== null) this.#events.dragged(target, source);
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
