/**
 * The tables of every known interface: what a relay needs to check, patch and
 * decode each message. The generated text of an interface is parsed when the
 * interface is first asked for, so start-up costs nothing for the others.
 *
 * Grammar of a table, one line each: `version firstIndex`; requests `>name` and
 * events `<name`, followed by `@since` where it is not 1, by `!` for a
 * destructor and by the arguments `name:type`; enums `#name`, followed by `|`
 * for bit fields, and `value=name` entries. Types are i(nt) u(int) f(ixed)
 * s(tring) a(rray) o(bject) n(ew_id) h(andle of a file), followed by `?` if
 * nullable, `=interface`, `#interface.enum` and `/kind` of an fd or
 * `/direction` of a wl_buffer.
 */

import { BUFFER_DIRECTIONS, FD_KINDS } from "./fd_kind.ts";
import type { BufferDirection, FdKind } from "./fd_kind.ts";
import type {
  Argument,
  ArgumentType,
  Enumeration,
  Interface,
  Message,
} from "./interface.ts";
import type {
  EventName,
  InterfaceName,
  RequestName,
} from "./generated/messages.ts";
import { TABLES } from "./generated/tables.ts";

export type { BufferDirection, FdKind } from "./fd_kind.ts";
export type {
  Argument,
  ArgumentType,
  Enumeration,
  Interface,
  Message,
} from "./interface.ts";
export { MESSAGE_COUNT } from "./generated/tables.ts";

/** A 32-bit word: int, uint or fixed. */
export const OP_WORD = 0;
/** A string: its length with the final zero, then its bytes, padded. */
export const OP_STRING = 1;
/** A string that may be null: length 0. */
export const OP_STRING_NULLABLE = 2;
/** An array: its length, then its bytes, padded. */
export const OP_ARRAY = 3;
/** The id of an object. */
export const OP_OBJECT = 4;
/** The id of an object, or 0. */
export const OP_OBJECT_NULLABLE = 5;
/** The id of a new object of a known interface. */
export const OP_NEW_ID = 6;
/**
 * A string (the interface), a word (the version) and the id of a new object.
 */
export const OP_NEW_ID_UNTYPED = 7;
/** A file descriptor: no bytes. */
export const OP_FD = 8;

const HEADER_BYTES = 8;
const WORD_BYTES = 4;

const interfaces = new Map<string, InterfaceTable>();
const requests = new Map<string, Message>();
const events = new Map<string, Message>();

/** Finds an interface; null when no protocol file defines it. */
export function findInterface(name: string): Interface | null {
  const known = interfaces.get(name);
  if (known !== undefined) {
    return known;
  }
  const text = Object.hasOwn(TABLES, name) ? TABLES[name] : undefined;
  if (text === undefined) {
    return null;
  }
  const table = new InterfaceTable(name, text);
  interfaces.set(name, table);
  return table;
}

/** Gives a known interface. */
export function getInterface(name: InterfaceName): Interface {
  return findInterface(name) ?? missing("interface", name);
}

/** Lists all known interfaces, sorted. */
export function interfaceNames(): readonly string[] {
  return Object.keys(TABLES);
}

/** Finds a request by its full name, such as "wl_surface.attach". */
export function findRequest(fullName: string): Message | null {
  return findMessage(fullName, true);
}

/** Finds an event by its full name, such as "wl_surface.enter". */
export function findEvent(fullName: string): Message | null {
  return findMessage(fullName, false);
}

/** Gives a known request. */
export function getRequest(name: RequestName): Message {
  const known = requests.get(name);
  if (known !== undefined) return known;
  const found = findRequest(name) ?? missing("request", name);
  requests.set(name, found);
  return found;
}

/** Gives a known event. */
export function getEvent(name: EventName): Message {
  const known = events.get(name);
  if (known !== undefined) return known;
  const found = findEvent(name) ?? missing("event", name);
  events.set(name, found);
  return found;
}

/** Finds an enum by its full name, such as "wl_shm.format". */
export function findEnumeration(fullName: string): Enumeration | null {
  const [owner, name] = splitName(fullName);
  return findInterface(owner)?.enums.get(name) ?? null;
}

function findMessage(fullName: string, isRequest: boolean): Message | null {
  const [owner, name] = splitName(fullName);
  const table = findInterface(owner);
  const messages = isRequest ? table?.requests : table?.events;
  return messages?.find((message) => message.name === name) ?? null;
}

function splitName(fullName: string): [string, string] {
  const dot = fullName.indexOf(".");
  return [fullName.slice(0, dot), fullName.slice(dot + 1)];
}

function missing(what: string, name: string): never {
  throw new Error(
    `Cannot use ${what} ${name}: protocols/generated/ is out of date; run \`deno task generate\``,
  );
}

class InterfaceTable implements Interface {
  readonly name: string;
  readonly version: number;
  readonly requests: readonly Message[];
  readonly events: readonly Message[];
  readonly destroyRequest: Message | null;
  readonly #enumLines: readonly string[];
  #enums: ReadonlyMap<string, Enumeration> | null = null;

  constructor(name: string, text: string) {
    const lines = text.split("\n");
    const [version, firstIndex] = (lines[0] ?? "").split(" ").map(Number);
    if (version === undefined || firstIndex === undefined) {
      throw new Error(`Cannot read the table of ${name}: "${lines[0]}"`);
    }
    this.name = name; // read by the messages' constructors
    const requests: Message[] = [];
    const events: Message[] = [];
    const enumLines: string[] = [];
    let index = firstIndex;
    for (const line of lines) {
      if (line.startsWith(">")) {
        requests.push(new MessageTable(this, line, requests.length, index++));
      } else if (line.startsWith("<")) {
        events.push(new MessageTable(this, line, events.length, index++));
      } else if (line.startsWith("#")) {
        enumLines.push(line);
      }
    }
    this.version = version;
    this.requests = requests;
    this.events = events;
    this.destroyRequest =
      requests.find((message) =>
        message.destructor && message.arguments.length === 0
      ) ?? null;
    this.#enumLines = enumLines;
  }

  get enums(): ReadonlyMap<string, Enumeration> {
    this.#enums ??= new Map(
      this.#enumLines.map((line) => {
        const enumeration = parseEnumeration(line);
        return [enumeration.name, enumeration];
      }),
    );
    return this.#enums;
  }
}

class MessageTable implements Message {
  readonly interface: Interface;
  readonly name: string;
  readonly fullName: string;
  readonly opcode: number;
  readonly isRequest: boolean;
  readonly since: number;
  readonly destructor: boolean;
  readonly arguments: readonly Argument[];
  readonly fdKinds: readonly FdKind[];
  readonly fdCount: number;
  readonly minimumSize: number;
  readonly plain: boolean;
  readonly ops: Uint8Array;
  readonly index: number;

  constructor(owner: Interface, line: string, opcode: number, index: number) {
    const [head = "", ...words] = line.split(" ");
    const at = head.indexOf("@");
    this.destructor = head.endsWith("!");
    const end = this.destructor ? head.length - 1 : head.length;
    this.interface = owner;
    this.name = head.slice(1, at < 0 ? end : at);
    this.fullName = `${owner.name}.${this.name}`;
    this.opcode = opcode;
    this.isRequest = head.startsWith(">");
    this.since = at < 0 ? 1 : Number(head.slice(at + 1, end));
    const parsed: Argument[] = [];
    const ops = new Uint8Array(words.length);
    let minimumSize = HEADER_BYTES;
    const fdKinds: FdKind[] = [];
    let plain = true;
    for (const [position, word] of words.entries()) {
      const argument = new ArgumentTable(word);
      const op = operation(argument);
      parsed.push(argument);
      ops[position] = op;
      minimumSize += wireBytes(op);
      if (argument.kind !== null) fdKinds.push(argument.kind);
      plain &&= op === OP_WORD;
    }
    this.arguments = parsed;
    this.ops = ops;
    this.fdKinds = fdKinds;
    this.fdCount = fdKinds.length;
    this.minimumSize = minimumSize;
    this.plain = plain;
    this.index = index;
  }
}

class ArgumentTable implements Argument {
  readonly name: string;
  readonly type: ArgumentType;
  readonly interface: string | null;
  readonly nullable: boolean;
  readonly enumeration: string | null;
  readonly kind: FdKind | null;
  readonly buffer: BufferDirection | null;
  #target: Interface | null = null;

  constructor(word: string) {
    const colon = word.indexOf(":");
    this.name = word.slice(0, colon);
    this.type = typeOf(word.charAt(colon + 1));
    this.nullable = word.charAt(colon + 2) === "?";
    const details = word.slice(colon + (this.nullable ? 3 : 2));
    if (details === "") {
      this.interface =
        this.enumeration =
        this.kind =
        this.buffer =
          null;
      return;
    }
    const [plain = "", mark] = details.split("/");
    const [target = "", enumeration] = plain.split("#");
    this.interface = target === "" ? null : target.slice(1);
    this.enumeration = enumeration ?? null;
    this.kind = FD_KINDS.find((kind) => kind === mark) ?? null;
    this.buffer = BUFFER_DIRECTIONS.find((direction) => direction === mark) ??
      null;
  }

  get target(): Interface | null {
    if (this.#target === null && this.interface !== null) {
      this.#target = findInterface(this.interface);
    }
    return this.#target;
  }
}

function typeOf(letter: string): ArgumentType {
  switch (letter) {
    case "i":
      return "int";
    case "u":
      return "uint";
    case "f":
      return "fixed";
    case "s":
      return "string";
    case "a":
      return "array";
    case "o":
      return "object";
    case "n":
      return "new_id";
    case "h":
      return "fd";
    default:
      throw new Error(`Cannot read a table: unknown type letter "${letter}"`);
  }
}

function operation(argument: Argument): number {
  switch (argument.type) {
    case "int":
    case "uint":
    case "fixed":
      return OP_WORD;
    case "string":
      return argument.nullable ? OP_STRING_NULLABLE : OP_STRING;
    case "array":
      return OP_ARRAY;
    case "object":
      return argument.nullable ? OP_OBJECT_NULLABLE : OP_OBJECT;
    case "new_id":
      return argument.interface === null ? OP_NEW_ID_UNTYPED : OP_NEW_ID;
    case "fd":
      return OP_FD;
  }
}

/** The least that an argument takes on the wire. */
function wireBytes(op: number): number {
  switch (op) {
    case OP_FD:
      return 0;
    case OP_NEW_ID_UNTYPED:
      return 3 * WORD_BYTES;
    default:
      return WORD_BYTES;
  }
}

function parseEnumeration(line: string): Enumeration {
  const [head = "", ...words] = line.split(" ");
  const bitfield = head.endsWith("|");
  const entries = new Map<number, string>();
  for (const word of words) {
    const equals = word.indexOf("=");
    const value = Number(word.slice(0, equals));
    if (!entries.has(value)) {
      entries.set(value, word.slice(equals + 1));
    }
  }
  return {
    name: head.slice(1, bitfield ? -1 : head.length),
    bitfield,
    entries,
  };
}
