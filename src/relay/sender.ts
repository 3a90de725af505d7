/**
 * Sends messages that the relay writes itself rather than forwards, and reports
 * them to the trace.
 */
import { getEvent, type Message } from "../../protocols/tables.ts";
import type { Endpoint } from "../host/endpoint.ts";
import type { MessageTrace } from "../log/trace.ts";
import { DISPLAY } from "../wayland/wire.ts";
import { type Side, writeMessage } from "./arguments.ts";
import type { ArgumentRecord, Entry } from "./entry.ts";
import type { Metering } from "./metering.ts";

const deleteId = getEvent("wl_display.delete_id");
const deleteIdSize = deleteId.minimumSize;

/** Writes to the client and to the host. */
export class Sender {
  readonly #client: Endpoint;
  readonly #host: Endpoint;
  readonly #trace: MessageTrace | null;
  readonly #metering: Metering | null;

  constructor(
    client: Endpoint,
    host: Endpoint,
    trace: MessageTrace | null,
    metering: Metering | null,
  ) {
    this.#client = client;
    this.#host = host;
    this.#trace = trace;
    this.#metering = metering;
  }

  /**
   * Sends a message of `entry`, which has an id on that side. Descriptors among
   * the values are the queue's from now on.
   *
   * @throws {RangeError} where it would be longer than 4096 bytes
   */
  send(
    side: Side,
    entry: Entry,
    message: Message,
    values: ArgumentRecord,
  ): void {
    const endpoint = side === "client" ? this.#client : this.#host;
    const { outgoing } = endpoint;
    const id = side === "client" ? entry.clientId : entry.hostId;
    const before = outgoing.length;
    writeMessage(outgoing, side, id, message, values);
    endpoint.touch();
    // An object of the client is destroyed by the client's own request.
    if (message.destructor && entry.clientId === 0) entry.destroyed = true;
    if (this.#trace !== null) {
      const { words, tail, length } = outgoing;
      const size = length - before;
      const start = (tail - size) >> 2;
      this.#trace.message(side, "sent", message, id >>> 0, words, start, size);
    }
    if (side === "host") this.#metering?.ask();
  }

  /**
   * `wl_display.delete_id` to the client, written by hand: it goes with every
   * object that ends.
   */
  deleteId(id: number): void {
    const { outgoing } = this.#client;
    outgoing.reserve(deleteIdSize);
    const { words } = outgoing;
    const start = outgoing.tail >> 2;
    words[start] = DISPLAY;
    words[start + 1] = deleteIdSize << 16 | deleteId.opcode;
    words[start + 2] = id;
    outgoing.tail += deleteIdSize;
    this.#client.touch();
    this.#trace?.message(
      "client",
      "sent",
      deleteId,
      DISPLAY,
      words,
      start,
      deleteIdSize,
    );
  }
}
