/**
 * All objects of a relay: the table of pairs, seen from both sides, and which
 * names are valid on each.
 */
import { getInterface, type Interface } from "../../protocols/tables.ts";
import { DISPLAY, FIRST_SERVER_ID } from "../wayland/wire.ts";
import { Entry, type EventListener } from "./entry.ts";
import { IdAllocator, ObjectTable } from "./object_table.ts";

const FIRST_CLIENT_ID = 2;

/** The pairs, by either id. */
export class Objects {
  readonly client = new ObjectTable();
  readonly host = new ObjectTable();
  /** `wl_display`, which has the id 1 on both sides. */
  readonly display = new Entry(DISPLAY, DISPLAY, getInterface("wl_display"), 1);
  readonly #hostIds = new IdAllocator(FIRST_CLIENT_ID);
  readonly #clientIds = new IdAllocator(FIRST_SERVER_ID);

  constructor() {
    this.client.set(DISPLAY, this.display);
    this.host.set(DISPLAY, this.display);
  }

  /** Enters an object of the client under the id that the client gave it. */
  addClientHalf(entry: Entry): void {
    this.client.set(entry.clientId, entry);
  }

  /** Gives an object the host half that it lacks. */
  addHostHalf(entry: Entry): void {
    entry.hostId = this.#hostIds.allocate();
    this.host.set(entry.hostId, entry);
  }

  /** An object on the host that the client does not know of. */
  addHostObject(
    type: Interface,
    version: number,
    listener: EventListener,
  ): Entry {
    const entry = new Entry(0, 0, type, version);
    entry.listener = listener;
    this.addHostHalf(entry);
    return entry;
  }

  /**
   * Enters an object that the host made. The host never says when it forgets
   * one, so its id may come again; the object that had it before stays with the
   * client as an inert one until the client destroys it.
   */
  addHostAllocated(entry: Entry): void {
    const before = this.host.get(entry.hostId);
    if (before !== null) before.hostId = 0;
    this.host.set(entry.hostId, entry);
  }

  /** Names a host-made object for the client. */
  nameForClient(entry: Entry): void {
    entry.clientId = this.#clientIds.allocate();
    this.client.set(entry.clientId, entry);
  }

  /**
   * Frees the client's id: after the relay sent `delete_id`, or at once where
   * the server's side gave the id.
   */
  dropClientHalf(entry: Entry): void {
    const id = entry.clientId;
    if (this.client.get(id) === entry) this.client.delete(id);
    if (id < 0) this.#clientIds.free(id);
    entry.clientId = 0;
    entry.destroyed = true;
  }

  /**
   * Frees the host's id after the host's `delete_id`; only then may the id be
   * used again.
   */
  dropHostHalf(entry: Entry): void {
    this.host.delete(entry.hostId);
    this.#hostIds.free(entry.hostId);
    entry.hostId = 0;
  }
}
