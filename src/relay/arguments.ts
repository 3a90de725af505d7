/**
 * Messages as records of named arguments, for the few that a feature overrides.
 * What is only forwarded never becomes a record.
 *
 * There is one record per message, made at its first use and filled again for
 * every call; it is valid until the handler returns.
 */
import {
  type Argument,
  type Interface,
  type Message,
  OP_ARRAY,
  OP_FD,
  OP_NEW_ID,
  OP_NEW_ID_UNTYPED,
  OP_OBJECT,
  OP_OBJECT_NULLABLE,
  OP_STRING,
  OP_STRING_NULLABLE,
  OP_WORD,
} from "../../protocols/tables.ts";
import { closeFd } from "../../ffi/fd.ts";
import type { Endpoint } from "../host/endpoint.ts";
import type { Queue } from "../wayland/queue.ts";
import { decodeText, encodeText, textLength } from "../wayland/text.ts";
import {
  endOfArray,
  endOfString,
  HEADER_SIZE,
  MAX_MESSAGE_BYTES,
  padded,
} from "../wayland/wire.ts";
import { type ArgumentRecord, type ArgumentValue, Entry } from "./entry.ts";

/** How one direction reads the ids and refuses what is malformed. */
export interface ArgumentReader {
  readonly incoming: Queue;
  /** The object that a non-zero id names. */
  object(id: number, message: Message, argument: Argument): Entry | null;
  /**
   * A half pair for a new id, in no table yet. `type` is null where the
   * protocol does not say it.
   */
  newObject(
    id: number,
    type: string | null,
    version: number,
    message: Message,
  ): Entry;
  /** Throws what a malformed message is to this side. */
  malformed(message: Message, why: string): never;
}

const records: (ArgumentRecord | undefined)[] = [];

/**
 * Reads the message that starts at `wordOffset` of `reader.incoming`.
 * Descriptors stay in the queue.
 *
 * @param version of the object that the message is sent to, which new objects
 * inherit
 */
export function readArguments(
  reader: ArgumentReader,
  message: Message,
  version: number,
  wordOffset: number,
): ArgumentRecord {
  const record = records[message.index] ??= {};
  const { words, bytes, fds, fdHead, fdTail } = reader.incoming;
  const end = wordOffset + ((words[wordOffset + 1] ?? 0) >>> 18);
  let at = wordOffset + 2;
  let fdAt = fdHead;
  for (const argument of message.arguments) {
    const { name } = argument;
    if (argument.type === "fd") {
      if (fdAt === fdTail) {
        reader.malformed(message, "a file descriptor is missing");
      }
      record[name] = fds[fdAt++] ?? -1;
      continue;
    }
    if (at >= end) reader.malformed(message, "it is too short");
    const word = words[at] ?? 0;
    switch (argument.type) {
      case "int":
      case "fixed":
        record[name] = word;
        at++;
        break;
      case "uint":
        record[name] = word >>> 0;
        at++;
        break;
      case "string": {
        if (word === 0 && !argument.nullable) {
          reader.malformed(message, `its ${name} is null`);
        }
        const next = endOfString(words, bytes, at, end);
        if (next < 0) reader.malformed(message, `its ${name} is not a string`);
        record[name] = word === 0
          ? null
          : decodeText(bytes, (at + 1) << 2, word - 1);
        at = next;
        break;
      }
      case "array": {
        const next = endOfArray(words, at, end);
        if (next < 0) {
          reader.malformed(message, `its ${name} is longer than the message`);
        }
        record[name] = bytes.slice((at + 1) << 2, ((at + 1) << 2) + word);
        at = next;
        break;
      }
      case "object":
        if (word === 0 && !argument.nullable) {
          reader.malformed(message, `its ${name} is null`);
        }
        record[name] = word === 0
          ? null
          : reader.object(word, message, argument);
        at++;
        break;
      case "new_id": {
        let type = argument.interface;
        let newVersion = version;
        if (type === null) {
          const next = endOfString(words, bytes, at, end);
          if (word === 0 || next < 0 || next + 2 > end) {
            reader.malformed(message, "its interface is not a string");
          }
          type = decodeText(bytes, (at + 1) << 2, word - 1);
          newVersion = (words[next] ?? 0) >>> 0;
          record["interface"] = type;
          record["version"] = newVersion;
          at = next + 1;
        }
        record[name] = reader.newObject(
          words[at] ?? 0,
          type,
          newVersion,
          message,
        );
        at++;
        break;
      }
      default:
        unreachable(argument.type);
    }
  }
  if (at !== end) reader.malformed(message, "it is too long");
  return record;
}

/** Bytes that `values` take as a message, header included. */
export function encodedSize(message: Message, values: ArgumentRecord): number {
  let size = HEADER_SIZE;
  for (const { name, type, interface: target } of message.arguments) {
    if (type === "fd") continue;
    size += 4;
    if (type === "string" || type === "array") {
      size += padded(byteLength(values[name] ?? null, type === "string"));
    } else if (type === "new_id" && target === null) {
      size += 8 + padded(byteLength(values["interface"] ?? null, true));
    }
  }
  return size;
}

/**
 * The interface of a message's new id number `index`, or null where the message
 * leaves it open.
 */
export function newIdType(message: Message, index: number): Interface | null {
  let seen = 0;
  for (const argument of message.arguments) {
    if (argument.type === "new_id" && seen++ === index) return argument.target;
  }
  return null;
}

/** Which of an entry's two ids a message is written with. */
export type Side = "client" | "host";

/**
 * Whether that side can get the message: it knows every object among `values`
 * that may not be null.
 */
export function isKnownTo(
  side: Side,
  message: Message,
  values: ArgumentRecord,
): boolean {
  for (const { name, type, nullable } of message.arguments) {
    if (type !== "object" || nullable) continue;
    if (idOn(side, values[name] ?? null) === 0) return false;
  }
  return true;
}

/**
 * Takes the handles of a message out of the queue of the endpoint that received
 * it, and puts the descriptors themselves into `values` instead. One that a
 * feature has put there replaces the one that came.
 *
 * @param wanted false: the message goes nowhere, so all are closed
 */
export function takeFds(
  from: Endpoint,
  message: Message,
  values: ArgumentRecord,
  wanted: boolean,
): void {
  for (const { name, kind } of message.arguments) {
    if (kind === null) continue;
    const handle = from.incoming.shiftFd();
    const value = values[name];
    const isReplaced = value !== handle;
    if (wanted && !isReplaced) values[name] = from.open(handle, kind);
    else from.discard(handle);
    if (!wanted && isReplaced && typeof value === "number") closeFd(value);
  }
}

/**
 * Appends a message to a queue. Descriptors among `values` are the queue's from
 * now on.
 *
 * @throws {RangeError} where the message would be longer than 4096 bytes;
 * nothing is appended and nothing taken then
 */
export function writeMessage(
  queue: Queue,
  side: Side,
  id: number,
  message: Message,
  values: ArgumentRecord,
): void {
  const size = encodedSize(message, values);
  if (size > MAX_MESSAGE_BYTES) {
    throw new RangeError(
      `Cannot send ${message.fullName}: it would have ${size} bytes, more than 4096`,
    );
  }
  queue.reserve(size);
  const { words } = queue;
  const start = queue.tail >> 2;
  words[start] = id;
  words[start + 1] = size << 16 | message.opcode;
  let at = start + 2;
  for (let i = 0; i < message.arguments.length; i++) {
    const argument = message.arguments[i];
    if (argument === undefined) break;
    const value = values[argument.name] ?? null;
    switch (message.ops[i]) {
      case OP_WORD:
        words[at++] = typeof value === "number" ? value : 0;
        break;
      case OP_OBJECT:
      case OP_OBJECT_NULLABLE:
      case OP_NEW_ID:
        words[at++] = idOn(side, value);
        break;
      case OP_STRING:
      case OP_STRING_NULLABLE:
      case OP_ARRAY:
        at = writeBytes(queue, at, value);
        break;
      case OP_NEW_ID_UNTYPED: {
        const version = values["version"] ?? 1;
        at = writeBytes(queue, at, values["interface"] ?? null);
        words[at++] = typeof version === "number" ? version : 1;
        words[at++] = idOn(side, value);
        break;
      }
      case OP_FD:
        if (typeof value === "number" && argument.kind !== null) {
          queue.pushFd(value, argument.kind);
        }
        break;
    }
  }
  queue.tail += size;
}

function idOn(side: Side, value: ArgumentValue): number {
  if (!(value instanceof Entry)) return 0;
  return side === "client" ? value.clientId : value.hostId;
}

function byteLength(value: ArgumentValue, isString: boolean): number {
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== "string") return 0;
  return textLength(value) + (isString ? 1 : 0);
}

/**
 * Writes a string with its final zero, or an array, and returns the word after
 * it.
 */
function writeBytes(queue: Queue, at: number, value: ArgumentValue): number {
  const { words, bytes } = queue;
  const start = (at + 1) << 2;
  let length = 0;
  if (typeof value === "string") {
    length = encodeText(value, bytes, start);
    bytes[start + length++] = 0;
  } else if (value instanceof Uint8Array) {
    bytes.set(value, start);
    length = value.length;
  }
  words[at] = length;
  bytes.fill(0, start + length, start + padded(length));
  return at + 1 + (padded(length) >> 2);
}

function unreachable(value: never): never {
  throw new TypeError(`unexpected ${value}`);
}
