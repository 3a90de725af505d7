/** A host that a test plays: a compositor, as far as it speaks. */
import type { OwnedFd } from "../../ffi/fd.ts";
import type { EventArguments } from "../../protocols/generated/messages.ts";
import {
  findEvent,
  type Interface,
  type Message,
} from "../../protocols/tables.ts";
import { isHostId, Peer } from "./peer.ts";
import type { ObjectName } from "./spoken.ts";

/** `wl_keyboard.keymap_format.xkb_v1` */
const XKB_V1 = 1;

/** Globals of a host: a name, an interface and a version. */
export type Globals = readonly (readonly [number, string, number])[];

/**
 * Which id the client gave an object of the host; 0 where the client does not
 * know it.
 */
export type ClientIds = (hostId: number) => number;

/**
 * It says events. A test calls the client's objects by the client's ids and the
 * relay's by their names; where there is no relay in between, host and client
 * have the same ids.
 */
export class ScriptedHost extends Peer<EventArguments> {
  readonly #clientIds: ClientIds | null;
  readonly #idOfClients = new Map<number, number>();
  /** How many objects of an interface the relay has made for itself. */
  readonly #counts = new Map<string, number>();

  constructor(
    fd: OwnedFd,
    clientIds?: ClientIds | null,
    settle?: () => void,
  ) {
    super(fd, settle);
    this.#clientIds = clientIds ?? null;
  }

  /** Tells a relay, which has just connected, all globals. */
  greet(globals: Globals): void {
    this.heard();
    for (const global of globals) this.announce(...global);
    this.answer(this.find("wl_callback"));
  }

  /** Says that there is a global. */
  announce(name: number, type: string, version: number): void {
    this.listen();
    const values = { name, interface: type, version };
    this.say(this.find("wl_registry"), "wl_registry.global", values);
  }

  /** Says that a global is gone. */
  withdraw(name: number): void {
    const registry = this.find("wl_registry");
    this.say(registry, "wl_registry.global_remove", { name });
  }

  /** Refuses what the client has done, which ends its connection. */
  error(object: ObjectName, code: number, message: string): void {
    this.say(1, "wl_display.error", { "object_id": object, code, message });
  }

  keymap(keyboard: ObjectName, fd: number, size: number): void {
    this.say(keyboard, "wl_keyboard.keymap", { format: XKB_V1, fd, size });
  }

  /** Says that an object's id is free. */
  deleteId(object: ObjectName): void {
    const id = this.idOf(object);
    this.say(1, "wl_display.delete_id", { id });
    this.forget(id);
  }

  /** Answers a `wl_display.sync` or a frame's callback, which is gone then. */
  answer(callback: ObjectName, callbackData = 0): void {
    this.say(callback, "wl_callback.done", { "callback_data": callbackData });
    this.deleteId(callback);
  }

  /**
   * Answers every `wl_display.sync` among the lines that it has heard, the
   * relay's own as well.
   *
   * @returns how many there are
   */
  answerSyncs(lines: readonly string[], callbackData = 0): number {
    const syncs = lines.flatMap((line) =>
      /\.sync\(new (.*)\)$/.exec(line)?.slice(1) ?? []
    );
    for (const callback of syncs) this.answer(callback, callbackData);
    return syncs.length;
  }

  protected override findSpoken(fullName: string): Message | null {
    return findEvent(fullName);
  }

  protected override heardOf({ requests }: Interface): readonly Message[] {
    return requests;
  }

  protected override wireId(number: number): number {
    if (this.#clientIds === null || number === 1 || isHostId(number)) {
      return number;
    }
    const id = this.#idOfClients.get(number);
    if (id === undefined) throw new Error(`the client has no object ${number}`);
    return id;
  }

  protected override nameOf(id: number, type: string): string {
    const clientId = isHostId(id) ? id : this.#clientIds?.(id) ?? id;
    if (clientId !== 0) {
      this.#idOfClients.set(clientId, id);
      return `${type}@${clientId}`;
    }
    const count = (this.#counts.get(type) ?? 0) + 1;
    this.#counts.set(type, count);
    return `${type}#${count}`;
  }
}
