/**
 * The fuzzer's client: says what a client may say, at random, and judges every
 * event that the relay sends it.
 */
import type { Policy } from "../../src/policy/policy.ts";
import { Announcements } from "./announcements.ts";
import { EventRules } from "./event_rules.ts";
import { FuzzFailure } from "./failure.ts";
import type { Heard } from "./heard.ts";
import { type Conversation, FuzzPeer } from "./peer.ts";
import { RequestChoice } from "./request_choice.ts";
import { RequestRules } from "./request_rules.ts";
import type { FuzzObject } from "./view.ts";
import type { Wire } from "./wire.ts";

/** The `wl_display.error` that the client got. */
export interface ReceivedError {
  /** Null where the object does not belong to the client. */
  readonly object: FuzzObject | null;
  readonly code: number;
}

export class ClientPeer extends FuzzPeer {
  override readonly rules = new RequestRules(this.view, "client");
  readonly announcements: Announcements;
  error: ReceivedError | null = null;
  protected override readonly heardRules: EventRules;
  readonly #choice: RequestChoice;
  readonly #unsettled: FuzzObject[] = [];
  readonly #unsureNames = new Set<number>();

  constructor(wire: Wire, conversation: Conversation, policy: Policy) {
    super("client", wire, conversation);
    const { random, likesBuffers } = conversation;
    this.heardRules = new EventRules(this.view, "client", !likesBuffers);
    this.announcements = new Announcements(this.view, policy);
    this.#choice = new RequestChoice(
      random,
      this.view,
      this.writer,
      this.announcements,
      likesBuffers,
    );
  }

  override writeOne(): number {
    const { at, labels: { length } } = this.writer;
    const size = this.#choice.write();
    this.say(at, size, this.writer.labels.length - length);
    return size;
  }

  override writeUnsaid(): number {
    return this.#choice.writeUnsaid();
  }

  protected override enter(heard: Heard): void {
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
      if (source !== null) this.conversation.events.dragged(target, source);
    }
    this.conversation.requests.sent(heard);
  }

  /**
   * To be called when the relay has seen all that was sent, and answered it.
   */
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
   * Objects that the host does not know are deleted by the relay itself, and at
   * once: it has then seen all that was destroyed before, and nothing may be
   * heard of that any more.
   */
  #relayHasSeen({ destroyedAt }: FuzzObject): void {
    let kept = 0;
    for (const object of this.#unsettled) {
      if (object.destroyedAt < destroyedAt) object.settled = true;
      else this.#unsettled[kept++] = object;
    }
    this.#unsettled.length = kept;
  }

  /**
   * The host has removed a global: what is under way may reach it, or be kept
   * from it.
   */
  hostRemoved(name: number): void {
    this.#unsureNames.add(name);
    for (const object of this.view.objects.values()) {
      if (object.peer === null && object.inert === "no") object.inert = "maybe";
    }
  }

  protected override take(
    heard: Heard,
    words: Int32Array,
    bytes: Uint8Array,
    at: number,
  ): void {
    switch (heard.message.fullName) {
      case "wl_display.error":
        this.hasHeardLast = true;
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
    const wrong = this.conversation.events.arrived(heard);
    if (wrong !== null) {
      throw new FuzzFailure(`on its way to the client: ${wrong}`);
    }
  }
}
