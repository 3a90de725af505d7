/**
 * What a client demands of events: libwayland-client's rules. The host's view
 * uses them to know what its own bytes deserve; the client's, where they are
 * stricter, to judge the relay.
 */
import type { Message } from "../../protocols/tables.ts";
import type { Fault, Heard } from "./heard.ts";
import { type Candidate, MessageRules } from "./message_rules.ts";
import type { FuzzObject, View } from "./view.ts";

/**
 * wl_display.error.implementation: what the client is told whatever the host
 * did wrong.
 */
const IMPLEMENTATION = 3;

/** Judges events and keeps the view up to date. */
export class EventRules extends MessageRules {
  readonly #judgesRelay: boolean;
  readonly #keepsIds: boolean;

  /**
   * @param keepsIds whether the relay may delete only what the host did, or
   * does not know
   */
  constructor(view: View, whose: "client" | "host", keepsIds = true) {
    super(view, IMPLEMENTATION);
    this.#keepsIds = keepsIds;
    this.#judgesRelay = whose === "client";
  }

  protected override target(id: number): FuzzObject | Fault {
    return this.view.objects.get(id) ??
      this.fault(`an event of the unknown ${id >>> 0}`);
  }

  protected override find(
    target: FuzzObject,
    opcode: number,
  ): Message | undefined {
    return target.interface.events[opcode];
  }

  protected override isNameable(): boolean {
    return true;
  }

  protected override checkNewId(
    id: number,
    { message }: Candidate,
  ): Fault | null {
    const isPossible = this.#judgesRelay
      ? this.view.isFreeHigh(id)
      : this.view.isDenseHigh(id);
    return isPossible
      ? null
      : this.fault(`${message.fullName} makes ${id >>> 0}`);
  }

  protected override check(candidate: Candidate): Fault | null {
    const late = this.#judgesRelay ? this.#judge(candidate) : null;
    if (late !== null) return late;
    const { message, words, at } = candidate;
    return message.fullName === "wl_display.delete_id"
      ? this.#checkDelete(words[at + 2] ?? 0)
      : null;
  }

  /** What the relay must not let through although a host may say it. */
  #judge({ target, message, named }: Candidate): Fault | null {
    if (target.settled) {
      return this.fault(
        `${message.name} of ${target}, which the relay knows to be destroyed`,
      );
    }
    if (message.since > target.version) {
      return this.fault(
        `${message.fullName} came to version ${target.version} of it`,
      );
    }
    const free = named.find((object) =>
      object !== null && object.id < 0 && object.settled
    );
    return free === undefined ? null : this.fault(
      `${message.fullName} names ${free}, whose id the relay knows to be free`,
    );
  }

  #checkDelete(id: number): Fault | null {
    const object = this.view.objects.get(id);
    if (object === undefined || id <= 1) {
      return this.fault(`it deletes the unknown ${id >>> 0}`);
    }
    if (!this.#judgesRelay) {
      return object.interface.name === "wl_registry"
        ? this.fault("it deletes the relay's registry")
        : null;
    }
    if (!this.#keepsIds || object.peer?.deleted === true) return null;
    if (object.inert === "no") {
      return this.fault(`it deletes ${object} before the host did`);
    }
    return object.alive
      ? this.fault(`it deletes ${object}, which is in use`)
      : null;
  }

  protected override enter(heard: Heard): Heard {
    const { message, target, words } = heard;
    if (message.destructor) this.view.destroy(target);
    if (message.fullName !== "wl_display.delete_id") return heard;
    const deleted = this.view.objects.get(words[1] ?? 0) ?? null;
    if (deleted !== null) {
      deleted.deleted = true;
      this.view.forget(deleted);
    }
    // its id is another one on the other side
    words[1] = 0;
    return { ...heard, named: [deleted] };
  }
}
