/**
 * The errors for bad requests, in libwayland-server's words and with its error
 * codes.
 */
import type { Message } from "../../protocols/tables.ts";
import { ClientError } from "../wayland/protocol_error.ts";
import {
  DISPLAY,
  displayError,
  HEADER_SIZE,
  MAX_MESSAGE_BYTES,
} from "../wayland/wire.ts";
import type { Entry } from "./entry.ts";
import { MAX_OBJECTS } from "./object_table.ts";

/** The request is for an object that does not exist, or not any more. */
export function invalidObject(id: number): ClientError {
  return new ClientError(
    DISPLAY,
    displayError.invalidObject,
    `invalid object ${id >>> 0}`,
  );
}

/** The request names one new object twice. */
export function usedTwice({ clientId }: Entry): ClientError {
  return new ClientError(
    DISPLAY,
    displayError.invalidMethod,
    `object id ${clientId} is used twice in one message`,
  );
}

/** The size in the header is impossible. */
export function badSize(size: number): ClientError {
  const why = size > MAX_MESSAGE_BYTES
    ? `message length ${size} exceeds ${MAX_MESSAGE_BYTES}`
    : `message length ${size} is not a multiple of 4 from ${HEADER_SIZE} on`;
  return new ClientError(DISPLAY, displayError.invalidMethod, why);
}

/** The interface has no such request, or not at the object's version. */
export function badOpcode(
  entry: Entry,
  opcode: number,
  message: Message | undefined,
): ClientError {
  const { interface: { name, requests }, version } = entry;
  const why = message === undefined
    ? `${opcode} >= ${requests.length}`
    : `since ${version} < ${message.since}`;
  return new ClientError(
    DISPLAY,
    displayError.invalidMethod,
    `invalid method ${opcode} (${why}), object ${name}#${entry.clientId >>> 0}`,
  );
}

/** The client has as many objects as it may. */
export function tooManyObjects(): ClientError {
  return noMemory(`more than ${MAX_OBJECTS} objects`);
}

/** The client has used up what it may have of something. */
export function noMemory(why: string): ClientError {
  return new ClientError(
    DISPLAY,
    displayError.noMemory,
    `no memory: ${why}`,
  );
}
