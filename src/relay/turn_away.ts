/** Tells a client why it cannot be served, in the one way that every client understands, and closes its connection. */
import { getEvent, getInterface } from "../../protocols/tables.ts";
import type { Endpoint } from "../host/endpoint.ts";
import { displayError } from "../wayland/wire.ts";
import { writeMessage } from "./arguments.ts";
import { Entry } from "./entry.ts";

const DISPLAY = 1;
/** A message has room for 4096 bytes, and four of them may make one character. */
const MAX_TEXT_CHARACTERS = 1000;
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
      message: reason.slice(0, MAX_TEXT_CHARACTERS),
    },
  );
  client.finish(LAST_WORDS_TIMEOUT_MS);
}
