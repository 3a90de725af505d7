/**
 * Tells a client why it cannot be served, in the one way that every client
 * understands, and closes its connection.
 */
import { getEvent, getInterface } from "../../protocols/tables.ts";
import type { Endpoint } from "../host/endpoint.ts";
import { DISPLAY, displayError } from "../wayland/wire.ts";
import { writeMessage } from "./arguments.ts";
import { Entry } from "./entry.ts";
import { cutErrorText } from "./limits.ts";

/** How long it may take to read the reason, in milliseconds. */
const LAST_WORDS_TIMEOUT_MS = 1000;

/** Sends a `wl_display.error` with the reason, and ends the endpoint. */
export function turnAway(client: Endpoint, reason: string): void {
  const display = new Entry(DISPLAY, DISPLAY, getInterface("wl_display"), 1);
  writeMessage(
    client.outgoing,
    "client",
    DISPLAY,
    getEvent("wl_display.error"),
    {
      object_id: display,
      code: displayError.implementation,
      message: cutErrorText(reason),
    },
  );
  client.finish(LAST_WORDS_TIMEOUT_MS);
}
