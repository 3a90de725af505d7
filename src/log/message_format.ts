/**
 * A message as text, in the style of libwayland's WAYLAND_DEBUG, with names in
 * place of enum values: `wl_data_offer@9.set_actions(copy|move, move)`.
 *
 * The bytes come from strangers and were not checked: nothing outside of the
 * message is read, nothing is thrown, and what is wrong with it stands in the
 * text.
 */

import {
  type Argument,
  type Enumeration,
  findEnumeration,
  findInterface,
  type Message,
  OP_ARRAY,
  OP_FD,
  OP_NEW_ID,
  OP_NEW_ID_UNTYPED,
  OP_OBJECT,
  OP_OBJECT_NULLABLE,
  OP_STRING,
  OP_STRING_NULLABLE,
} from "../../protocols/tables.ts";
import { quoteBytes } from "./escape.ts";

const HEADER_BYTES = 8;
/** How many bytes of an array are shown. */
const MAX_ARRAY_BYTES = 16;

/**
 * The message as `interface@id.name(arguments)`.
 *
 * @param objectId the object that it is for, unsigned.
 * @param words what holds the message, header and all, from `wordOffset` on.
 * @param size of the message in bytes, as its sender says.
 * @param available how many of these bytes there are, from `wordOffset` on;
 * fewer where a log record was cut.
 */
export function formatMessage(
  message: Message,
  objectId: number,
  words: Int32Array,
  wordOffset: number,
  size: number,
  available = size,
): string {
  const decoder = new ArgumentDecoder(words, wordOffset, size, available);
  const text = `${message.interface.name}@${objectId}.${message.name}(${
    decoder.decode(message)
  }`;
  return text + ")";
}

/** Reads the arguments of one message, one after the other. */
class ArgumentDecoder {
  readonly #words: Int32Array;
  /** The index of the next word. */
  #at: number;
  /** One past the last word. */
  readonly #end: number;
  readonly #size: number;
  readonly #isCut: boolean;
  /** Why decoding stopped, or null. */
  #fault: string | null = null;

  constructor(
    words: Int32Array,
    wordOffset: number,
    size: number,
    available: number,
  ) {
    this.#words = words;
    this.#size = size;
    const bytes = Math.max(0, Math.min(size, available));
    this.#end = Math.min(wordOffset + (bytes >>> 2), words.length);
    this.#at = Math.min(wordOffset + HEADER_BYTES / 4, this.#end);
    this.#isCut = bytes < size;
  }

  /** All arguments, separated by commas. */
  decode(message: Message): string {
    if (this.#size < HEADER_BYTES || this.#size % 4 !== 0) {
      return `malformed: ${this.#size} bytes long`;
    }
    const { ops, arguments: definitions } = message;
    let text = "";
    for (let i = 0; i < ops.length; i++) {
      const definition = definitions[i];
      if (definition === undefined) break;
      const value = this.#decodeArgument(ops[i] ?? -1, definition);
      const separator = text === "" ? "" : ", ";
      if (this.#fault !== null) return text + separator + this.#fault;
      text += separator + value;
    }
    if (this.#at < this.#end && !this.#isCut) {
      const separator = text === "" ? "" : ", ";
      text += `${separator}malformed: ${
        (this.#end - this.#at) * 4
      } bytes too many`;
    }
    return text;
  }

  #decodeArgument(op: number, definition: Argument): string {
    switch (op) {
      case OP_FD:
        return "fd";
      case OP_STRING:
      case OP_STRING_NULLABLE:
        return this.#decodeString(definition);
      case OP_ARRAY:
        return this.#decodeArray(definition);
      case OP_OBJECT:
      case OP_OBJECT_NULLABLE:
        return formatObject(definition.interface, this.#word(definition));
      case OP_NEW_ID:
        return formatNewObject(definition.interface, this.#word(definition));
      case OP_NEW_ID_UNTYPED:
        return this.#decodeUntypedNewId(definition);
      default:
        return formatNumber(definition, this.#word(definition));
    }
  }

  /** The next word, signed; 0 with a fault where there is none. */
  #word(definition: Argument): number {
    if (this.#at >= this.#end) {
      this.#fault ??= this.#isCut
        ? "… cut to fit the log ring"
        : `malformed: ends before its argument "${definition.name}"`;
      return 0;
    }
    return this.#words[this.#at++] ?? 0;
  }

  /**
   * The length of the next string or array, whose bytes are all there; else 0
   * with a fault.
   */
  #length(definition: Argument): number {
    const length = this.#word(definition) >>> 0;
    const left = (this.#end - this.#at) * 4;
    if (length <= left) return length;
    this.#fault ??= this.#isCut
      ? "… cut to fit the log ring"
      : `malformed: its argument "${definition.name}" has ${length} bytes where ${left} are left`;
    return 0;
  }

  #bytes(): Uint8Array {
    return new Uint8Array(
      this.#words.buffer,
      this.#words.byteOffset,
      this.#words.byteLength,
    );
  }

  #decodeString(definition: Argument): string {
    const length = this.#length(definition);
    if (length === 0) return "nil";
    const bytes = this.#bytes();
    const start = this.#at * 4;
    const last = start + length - 1;
    this.#at += (length + 3) >>> 2;
    return bytes[last] === 0
      ? quoteBytes(bytes, start, last)
      : quoteBytes(bytes, start, last + 1) + " (malformed: no zero at its end)";
  }

  #decodeArray(definition: Argument): string {
    const length = this.#length(definition);
    const start = this.#at * 4;
    this.#at += (length + 3) >>> 2;
    if (length === 0) return "array[0]";
    const shown = this.#bytes().subarray(
      start,
      start + Math.min(length, MAX_ARRAY_BYTES),
    );
    const rest = length > MAX_ARRAY_BYTES ? "…" : "";
    return `array[${length}: ${shown.toHex()}${rest}]`;
  }

  /**
   * On the wire: the interface's name, its version, the id (wl_registry.bind).
   */
  #decodeUntypedNewId(definition: Argument): string {
    const nameAt = this.#at;
    const name = this.#decodeString(definition);
    const version = this.#word(definition) >>> 0;
    const id = this.#word(definition);
    const object = formatNewObject(this.#knownName(nameAt), id);
    return `${name}, ${version}, ${object}`;
  }

  /**
   * The string whose length stands at word `at`, where it names an interface
   * that is known.
   */
  #knownName(at: number): string | null {
    if (this.#fault !== null) return null;
    const start = (at + 1) * 4;
    const length = (this.#words[at] ?? 0) >>> 0;
    // longer than the longest interface's name
    if (length < 2 || length > 128) return null;
    let name = "";
    const bytes = this.#bytes();
    for (let i = start; i < start + length - 1; i++) {
      name += String.fromCharCode(bytes[i] ?? 0);
    }
    return findInterface(name) === null ? null : name;
  }
}

function formatObject(interfaceName: string | null, word: number): string {
  return word === 0 ? "nil" : `${interfaceName ?? "object"}@${word >>> 0}`;
}

function formatNewObject(interfaceName: string | null, word: number): string {
  return `new id ${interfaceName ?? "object"}@${word >>> 0}`;
}

function formatNumber(definition: Argument, word: number): string {
  if (definition.type === "fixed") return String(word / 256);
  const number = definition.type === "uint" ? word >>> 0 : word;
  if (definition.enumeration === null) return String(number);
  const enumeration = findEnumeration(definition.enumeration);
  if (enumeration === null) return String(number);
  return enumeration.bitfield
    ? formatBitfield(enumeration, number)
    : enumeration.entries.get(number) ?? String(number);
}

/**
 * Names of all bits that are set, joined by `|`; bits without a name in
 * hexadecimal.
 */
function formatBitfield(enumeration: Enumeration, number: number): string {
  const whole = enumeration.entries.get(number);
  if (whole !== undefined || number === 0) return whole ?? "0";
  let rest = number;
  let text = "";
  for (const [value, name] of enumeration.entries) {
    if (value !== 0 && (number & value) === value && (rest & value) !== 0) {
      rest &= ~value;
      text += text === "" ? name : "|" + name;
    }
  }
  if (rest === 0) return text;
  const unnamed = "0x" + (rest >>> 0).toString(16);
  return text === "" ? unnamed : `${text}|${unnamed}`;
}
