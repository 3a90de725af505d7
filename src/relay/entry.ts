/** One object of a connection, as the relay knows it: its id on either side. */
import type { Interface, Message } from "../../protocols/tables.ts";

/**
 * int, uint and fixed (raw 24.8) are numbers; an fd is the endpoint's unopened
 * handle, or a descriptor in what we send.
 */
export type ArgumentValue = number | string | null | Uint8Array | Entry;

/**
 * Arguments by the names of the protocol. An untyped new id adds `interface`
 * and `version`.
 */
export type ArgumentRecord = { [name: string]: ArgumentValue };

/**
 * Takes the events of an object that only the relay knows, such as its registry
 * or a ping.
 */
export interface EventListener {
  /** `values` is valid during the call. */
  event(entry: Entry, message: Message, values: ArgumentRecord): void;
}

/**
 * A pair of ids, or one half of it.
 *
 * Ids are as read from an `Int32Array`: those that the server's side allocates
 * are negative. An object of the client that the host does not know has no host
 * half (`hostId` 0): a registry, or something inert. One that the relay made on
 * the host for itself has no client half (`clientId` 0).
 */
export class Entry {
  /**
   * The client's id, or 0. It stays reserved until the relay has sent
   * `delete_id`.
   */
  clientId: number;
  /** The host's id, or 0. */
  hostId: number;
  /** The interface as the client knows it. */
  readonly interface: Interface;
  readonly version: number;
  /**
   * Whether the client destroyed it, so that it may not be used any more; the
   * relay drops events that are on their way.
   */
  destroyed = false;
  /**
   * What the feature that owns objects of this interface knows about this one;
   * found again by its class.
   */
  record: object | null = null;
  /** Takes the events of an object without a client half. */
  listener: EventListener | null = null;

  constructor(
    clientId: number,
    hostId: number,
    type: Interface,
    version: number,
  ) {
    this.clientId = clientId;
    this.hostId = hostId;
    this.interface = type;
    this.version = version;
  }

  /** `interface@id` by the client's id, for people. */
  toString(): string {
    return `${this.interface.name}@${this.clientId >>> 0}`;
  }
}
