/**
 * What one side said and the other must hear: every message once, in order,
 * with the same contents, the ids apart. Pairs of objects are learned on the
 * way.
 */
import { describe, type Heard } from "./heard.ts";
import { FIRST_OWN_NAME } from "./request_rules.ts";
import type { FuzzObject } from "./view.ts";

/** Messages of one direction that are under way. */
abstract class Passage {
  #expected: Heard[] = [];
  #next = 0;
  /** How many were delivered, and how many rightly not. */
  delivered = 0;
  skipped = 0;
  readonly #isFaithful: boolean;

  /**
   * @param isFaithful false: the relay changes what it passes on, so that
   * nothing is compared
   */
  constructor(isFaithful: boolean) {
    this.#isFaithful = isFaithful;
  }

  /** A legal message that goes to the relay. */
  sent(heard: Heard): void {
    if (this.#isFaithful) this.#expected.push(heard);
  }

  /**
   * A message that the relay delivered.
   *
   * @returns what is wrong with that, or null
   */
  arrived(heard: Heard): string | null {
    if (!this.#isFaithful) return null;
    if (this.isOwn(heard) && !this.#isNext(heard)) return null;
    for (;;) {
      const expected = this.#expected[this.#next];
      if (expected === undefined) return `${describe(heard)}: nobody said that`;
      this.#next++;
      if (this.#next > 1000) {
        this.#expected.splice(0, this.#next);
        this.#next = 0;
      }
      if (this.isSame(expected, heard)) {
        this.delivered++;
        return this.link(expected, heard);
      }
      if (!this.maySkip(expected)) {
        return `${describe(heard)} came instead of ${describe(expected)}`;
      }
      this.skip(expected);
    }
  }

  /**
   * Whether somebody said it, and all that was said before it may be skipped.
   */
  #isNext(heard: Heard): boolean {
    for (let i = this.#next; i < this.#expected.length; i++) {
      const expected = this.#expected[i];
      if (expected === undefined) return false;
      if (this.isSame(expected, heard)) return true;
      if (!this.maySkip(expected)) return false;
    }
    return false;
  }

  /**
   * To be called when nothing is under way any more.
   *
   * @returns what is lost, or null
   */
  finish(): string | null {
    for (; this.#next < this.#expected.length; this.#next++) {
      const expected = this.#expected[this.#next];
      if (expected === undefined) break;
      if (!this.maySkip(expected)) return `${describe(expected)} is lost`;
      this.skip(expected);
    }
    this.#expected = [];
    this.#next = 0;
    return null;
  }

  /** Whether the relay says it of its own accord. */
  protected abstract isOwn(heard: Heard): boolean;
  protected abstract maySkip(expected: Heard): boolean;
  /** Whether the other side knows an object, which must then be named to it. */
  protected abstract isKnown(object: FuzzObject): boolean;

  protected isSame(expected: Heard, heard: Heard): boolean {
    const { message, target, named, namedArgument } = expected;
    if (target.peer !== heard.target || !isSameMessage(expected, heard)) {
      return false;
    }
    for (let i = 0; i < named.length; i++) {
      const object = named[i] ?? null;
      const other = heard.named[i] ?? null;
      if (object === null ? other === null : object.peer === other) continue;
      const argument = message.arguments[namedArgument[i] ?? -1];
      if (other !== null || argument?.nullable !== true) return false;
      if (object !== null && this.isKnown(object)) return false;
    }
    return this.isSameData(expected, heard);
  }

  protected isSameData(expected: Heard, heard: Heard): boolean {
    return isEqual(expected.words, heard.words) &&
      isEqual(expected.labels, heard.labels);
  }

  /**
   * Whether a message names what the other side does not know, and cannot be
   * said without.
   */
  protected needsUnknown({ message, named, namedArgument }: Heard): boolean {
    return named.some((object, i) =>
      object !== null && !this.isKnown(object) &&
      message.arguments[namedArgument[i] ?? -1]?.nullable === false
    );
  }

  protected skip(expected: Heard): void {
    this.skipped++;
    for (const object of expected.created) object.inert = "yes";
  }

  protected link(expected: Heard, heard: Heard): string | null {
    for (const [index, object] of expected.created.entries()) {
      const other = heard.created[index];
      if (other === undefined) continue;
      if (object.dropped) return `${object} was destroyed and delivered`;
      object.peer = other;
      other.peer = object;
      object.inert = "no";
      if (object.replaced) other.inert = "maybe";
    }
    return null;
  }
}

/** From the client to the host. */
export class RequestPassage extends Passage {
  /** In front of titles. */
  readonly #tag: string;

  constructor(isFaithful: boolean, tag: string) {
    super(isFaithful);
    this.#tag = tag;
  }

  override sent(heard: Heard): void {
    if (heard.message.fullName === "wl_display.get_registry") return;
    // it is for the relay's own
    if (heard.target.inert === "yes" && !isBind(heard)) return;
    if (isBind(heard) && heard.created[0]?.inert === "yes") return;
    super.sent(heard);
  }

  /** What the client never heard of is destroyed on the host. */
  protected override isOwn({ target, message }: Heard): boolean {
    const isOwn = target.id < 0 && target.peer === null &&
      message === target.interface.destroyRequest;
    if (isOwn) target.dropped = true;
    return isOwn;
  }

  protected override isKnown({ inert }: FuzzObject): boolean {
    return inert === "no";
  }

  protected override isSame(expected: Heard, heard: Heard): boolean {
    return isBind(expected)
      ? isBind(heard) && isSameBind(expected, heard)
      : super.isSame(expected, heard);
  }

  protected override isSameData(expected: Heard, heard: Heard): boolean {
    const isTagged = this.#tag !== "" &&
      expected.message.fullName === "xdg_toplevel.set_title";
    return isTagged || super.isSameData(expected, heard);
  }

  protected override maySkip(expected: Heard): boolean {
    return isBind(expected)
      ? expected.created[0]?.inert !== "no"
      : expected.target.inert !== "no" || this.needsUnknown(expected);
  }
}

/** From the host to the client. */
export class EventPassage extends Passage {
  /**
   * By source, the devices that it was dragged with: the relay cancels the drag
   * of one that the host does not know.
   */
  readonly #drags = new Map<FuzzObject, FuzzObject[]>();

  /** `wl_data_device.start_drag` was said. */
  dragged(device: FuzzObject, source: FuzzObject): void {
    const devices = this.#drags.get(source) ?? [];
    devices.push(device);
    this.#drags.set(source, devices);
  }

  override sent(heard: Heard): void {
    if (heard.message.interface.name !== "wl_registry") super.sent(heard);
  }

  protected override isOwn(heard: Heard): boolean {
    const { message, target, named } = heard;
    switch (message.fullName) {
      case "wl_registry.global":
      case "wl_registry.global_remove":
        return true;
      case "wl_display.delete_id":
        return named[0]?.peer === null;
      case "wl_data_source.cancelled":
        return (this.#drags.get(target) ?? []).some(({ inert }) =>
          inert !== "no"
        );
      default:
        return false;
    }
  }

  protected override isKnown({ peer }: FuzzObject): boolean {
    return peer !== null && (peer.alive || peer.id > 0);
  }

  protected override maySkip(expected: Heard): boolean {
    const { message, target, named } = expected;
    if (target.peer === null || !target.peer.alive) return true;
    if (message.since > target.version) return true;
    if (message.fullName === "wl_display.delete_id") {
      return named[0]?.peer === null;
    }
    return this.needsUnknown(expected);
  }

  protected override skip(_expected: Heard): void {
    this.skipped++;
  }
}

function isBind(heard: Heard): boolean {
  return heard.message.fullName === "wl_registry.bind";
}

/**
 * A stand-in is bound as the global behind it, whose name, and with it the
 * length, is another.
 */
function isSameBind(expected: Heard, heard: Heard): boolean {
  const [made] = expected.created;
  const [other] = heard.created;
  if (made === undefined || made.version !== other?.version) return false;
  const name = (expected.words[1] ?? 0) >>> 0;
  return name < FIRST_OWN_NAME
    ? made.interface === other.interface && expected.words[1] === heard.words[1]
    : canonicalName(made.interface.name) ===
      canonicalName(other.interface.name);
}

function isSameMessage(a: Heard, b: Heard): boolean {
  return a.message === b.message ||
    (a.message.name === b.message.name &&
      canonicalName(a.message.interface.name) ===
        canonicalName(b.message.interface.name));
}

function isEqual(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

/** The primary selection has two names for the same messages. */
function canonicalName(name: string): string {
  return name.replace(
    /^gtk_primary_selection_(device_manager|device|source|offer)$/,
    "zwp_primary_selection_$1_v1",
  );
}
