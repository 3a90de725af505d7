/**
 * Requests: from the client to the host.
 *
 * This is the hot path. A message that is only forwarded is checked and copied
 * from one queue into the other, word by word, with its ids translated on the
 * way; nothing is allocated for it but the entries of objects that it creates.
 * What a server would refuse is refused here in libwayland's words, so that a
 * client sees the same error as without a relay.
 */
import {
  type Argument,
  findInterface,
  type Message,
  OP_ARRAY,
  OP_FD,
  OP_NEW_ID,
  OP_OBJECT,
  OP_OBJECT_NULLABLE,
  OP_STRING,
  OP_STRING_NULLABLE,
  OP_WORD,
} from "../../protocols/tables.ts";
import { ClientError } from "../wayland/protocol_error.ts";
import type { Queue } from "../wayland/queue.ts";
import {
  DISPLAY,
  displayError,
  endOfArray,
  endOfString,
  HEADER_SIZE,
  MAX_MESSAGE_BYTES,
} from "../wayland/wire.ts";
import {
  type ArgumentReader,
  isKnownTo,
  newIdType,
  readArguments,
  takeFds,
} from "./arguments.ts";
import {
  checkFds,
  decide,
  discardFds,
  forgetCreated,
  moveFds,
  type Progress,
  type PumpParts,
  skipFds,
} from "./pump_parts.ts";
import { type ArgumentRecord, Entry } from "./entry.ts";
import { MAX_OBJECTS } from "./object_table.ts";
import {
  badOpcode,
  badSize,
  invalidObject,
  tooManyObjects,
  usedTwice,
} from "./refusals.ts";

/**
 * Where the new ids of the message under way go, in words. Shared by all pumps
 * of this direction: typed arrays are expensive to allocate, and messages are
 * processed one at a time.
 */
const newIdAt = new Int32Array(8);

/** Moves requests. Errors of the client are thrown as `ClientError`. */
export class RequestPump implements ArgumentReader {
  readonly incoming: Queue;
  readonly #parts: PumpParts;
  readonly #drop: (entry: Entry) => void;
  /** The object that the current message is sent to, for errors. */
  #entry: Entry;
  /** Whether the message in front was seen before and held. */
  #again = false;
  /** Whether the next message goes on even where a feature would hold it. */
  #impatient = false;
  /**
   * Objects that the current message creates, where it was read as a record.
   */
  readonly #created: Entry[] = [];

  /**
   * @param drop ends an object that only the client knew, and tells the client
   * that its id is free
   */
  constructor(parts: PumpParts, drop: (entry: Entry) => void) {
    this.incoming = parts.client.incoming;
    this.#parts = parts;
    this.#drop = drop;
    this.#entry = parts.objects.display;
  }

  /**
   * Lets the message that is held go on, whatever a feature still waits for.
   */
  stopWaiting(): void {
    this.#impatient = true;
  }

  /**
   * Moves all whole messages, as long as the host does not owe too many
   * answers.
   */
  run(): Progress {
    const { incoming } = this;
    const { objects, handlers, metering, trace } = this.#parts;
    const { words } = incoming;
    for (;;) {
      if (metering !== null) {
        metering.ask();
        if (metering.isFull) return "metered";
      }
      if (incoming.tail - incoming.head < HEADER_SIZE) break;
      const at = incoming.head >> 2;
      const id = words[at] ?? 0;
      const second = words[at + 1] ?? 0;
      const size = second >>> 16;
      if (
        size < HEADER_SIZE || size > MAX_MESSAGE_BYTES || (size & 3) !== 0
      ) throw badSize(size);
      if (incoming.tail - incoming.head < size) break;
      const entry = objects.client.get(id);
      if (entry === null || entry.destroyed) {
        throw invalidObject(id);
      }
      this.#entry = entry;
      const message = entry.interface.requests[second & 0xffff];
      if (message === undefined || message.since > entry.version) {
        throw badOpcode(entry, second & 0xffff, message);
      }
      if (trace !== null && !this.#again) {
        trace.message("client", "received", message, id >>> 0, words, at, size);
      }
      if (message.fdCount > 0) checkFds(this.#parts, entry, message);
      const overridden = handlers[message.index];
      if (overridden === undefined || overridden === null) {
        this.#forward(entry, message, at, size);
      } else if (!this.#consult(entry, message, at, size)) {
        this.#again = true;
        return "held";
      }
      this.#again = false;
      incoming.consume(size);
    }
    return "idle";
  }

  object(id: number, message: Message, argument: Argument): Entry | null {
    const object = this.#parts.objects.client.get(id);
    if (object === null) {
      return this.malformed(message, `object ${id >>> 0} is unknown`);
    }
    if (argument.target !== null && object.interface !== argument.target) {
      return this.malformed(message, `${object} is no ${argument.interface}`);
    }
    return object;
  }

  newObject(
    id: number,
    type: string | null,
    version: number,
    message: Message,
  ): Entry {
    const { client } = this.#parts.objects;
    if (!client.isFreeLow(id)) {
      return this.malformed(
        message,
        `${id >>> 0} is not a valid new object id`,
      );
    }
    if (client.count >= MAX_OBJECTS) throw tooManyObjects();
    const found = type === null ? null : findInterface(type);
    if (found === null) {
      throw new ClientError(
        this.#entry.clientId,
        displayError.invalidObject,
        `invalid global ${type}: no such interface`,
      );
    }
    const entry = new Entry(id, 0, found, version);
    this.#created.push(entry);
    return entry;
  }

  malformed(message: Message, why: string): never {
    const { interface: { name }, clientId } = this.#entry;
    throw new ClientError(
      DISPLAY,
      displayError.invalidMethod,
      `invalid arguments for ${name}#${clientId >>> 0}.${message.name}: ${why}`,
    );
  }

  /**
   * Lets the features decide.
   *
   * @returns false where one of them holds the message
   */
  #consult(entry: Entry, message: Message, at: number, size: number): boolean {
    const created = this.#created;
    forgetCreated(created);
    const values = readArguments(this, message, entry.version, at);
    const verdict = decide(
      this.#parts,
      entry,
      message,
      values,
      this.#impatient,
    );
    if (verdict === "hold") return false;
    this.#impatient = false;
    switch (verdict) {
      case "forward":
        this.#forward(entry, message, at, size);
        break;
      case "rewrite":
        this.#rewrite(entry, message, values);
        break;
      case "take":
        for (const made of created) this.#enter(made);
        skipFds(this.#parts.client, message.fdCount);
        if (message.destructor) this.#destroyed(entry);
        break;
    }
    forgetCreated(created);
    return true;
  }

  #forward(entry: Entry, message: Message, at: number, size: number): void {
    const { host, trace } = this.#parts;
    const out = host.outgoing;
    out.reserve(size);
    const source = this.incoming.words;
    const target = out.words;
    const start = out.tail >> 2;
    target[start] = entry.hostId;
    target[start + 1] = source[at + 1] ?? 0;
    if (message.plain) {
      if (size !== message.minimumSize) {
        this.malformed(
          message,
          `it has ${size} bytes, not ${message.minimumSize}`,
        );
      }
      const count = size >> 2;
      for (let i = 2; i < count; i++) target[start + i] = source[at + i] ?? 0;
      if (entry.hostId !== 0) out.tail += size;
    } else if (this.#translate(entry, message, at, size)) {
      out.tail += size;
    }
    if (out.length === 0) out.consume(0);
    if (entry.hostId !== 0) {
      host.touch();
      if (trace !== null && out.tail >> 2 > start) {
        trace.message(
          "host",
          "sent",
          message,
          entry.hostId >>> 0,
          target,
          start,
          size,
        );
      }
    }
    if (message.destructor) this.#destroyed(entry);
  }

  /**
   * Checks the arguments and writes them after `tail` of the host's queue, and
   * then, when nothing is wrong with them, creates the objects and moves the
   * descriptors.
   *
   * @returns false where the message cannot go to the host, because it is about
   * an object that the host does not know; what the message creates is unknown
   * to the host as well
   */
  #translate(
    entry: Entry,
    message: Message,
    at: number,
    size: number,
  ): boolean {
    const { incoming } = this;
    const { host } = this.#parts;
    const out = host.outgoing;
    const { words: source, bytes } = incoming;
    const { words: target } = out;
    const { ops } = message;
    const end = at + (size >> 2);
    let from = at + 2;
    let to = (out.tail >> 2) + 2;
    let newIds = 0;
    let known = entry.hostId !== 0;
    for (let i = 0; i < ops.length; i++) {
      const op = ops[i];
      if (op === OP_FD) continue;
      if (from >= end) this.malformed(message, "it is too short");
      const word = source[from] ?? 0;
      switch (op) {
        case OP_WORD:
          target[to++] = word;
          from++;
          break;
        case OP_OBJECT:
        case OP_OBJECT_NULLABLE: {
          if (word === 0) {
            if (op === OP_OBJECT) this.malformed(message, "an object is null");
            target[to++] = 0;
          } else {
            const argument = message.arguments[i];
            const object = argument === undefined
              ? null
              : this.object(word, message, argument);
            const hostId = object === null ? 0 : object.hostId;
            if (hostId === 0 && op === OP_OBJECT) known = false;
            target[to++] = hostId;
          }
          from++;
          break;
        }
        case OP_NEW_ID:
          newIdAt[newIds++] = to;
          target[to++] = word;
          from++;
          break;
        case OP_STRING:
        case OP_STRING_NULLABLE:
        case OP_ARRAY: {
          if (op === OP_STRING && word === 0) {
            this.malformed(message, "a string is null");
          }
          const next = op === OP_ARRAY
            ? endOfArray(source, from, end)
            : endOfString(source, bytes, from, end);
          if (next < 0) {
            this.malformed(
              message,
              "a string or array does not fit its length",
            );
          }
          while (from < next) target[to++] = source[from++] ?? 0;
          break;
        }
        default:
          this.malformed(message, "its new object has no known interface");
      }
    }
    if (from !== end) this.malformed(message, "it is too long");
    if (incoming.fdCount < message.fdCount) {
      this.malformed(message, "a file descriptor is missing");
    }
    for (let i = 0; i < newIds; i++) this.#create(entry, message, i, known);
    if (!known) discardFds(this.#parts.client, message.fdCount);
    else if (message.fdCount > 0) {
      moveFds(this.#parts.client, this.#parts.host, message);
    }
    return known;
  }

  /**
   * Creates the object of the message's new id number `index`, and names it to
   * the host where the host gets the message.
   */
  #create(entry: Entry, message: Message, index: number, known: boolean): void {
    const { objects, host: { outgoing: { words } } } = this.#parts;
    const place = newIdAt[index] ?? 0;
    let made = this.#created[index];
    if (made === undefined) {
      const type = newIdType(message, index);
      const id = words[place] ?? 0;
      if (type === null || !objects.client.isFreeLow(id)) {
        return this.malformed(
          message,
          `${id >>> 0} is not a valid new object id`,
        );
      }
      made = new Entry(id, 0, type, entry.version);
    }
    this.#enter(made);
    if (known) {
      objects.addHostHalf(made);
      words[place] = made.hostId;
    }
  }

  #enter(made: Entry): void {
    const { objects } = this.#parts;
    if (objects.client.count >= MAX_OBJECTS) throw tooManyObjects();
    if (!objects.client.isFreeLow(made.clientId)) {
      throw usedTwice(made);
    }
    objects.addClientHalf(made);
  }

  #rewrite(entry: Entry, message: Message, values: ArgumentRecord): void {
    const { objects, client, sender } = this.#parts;
    const known = entry.hostId !== 0 && isKnownTo("host", message, values);
    for (const made of this.#created) {
      this.#enter(made);
      if (known) objects.addHostHalf(made);
    }
    takeFds(client, message, values, known);
    if (!known) {
      if (message.destructor) this.#destroyed(entry);
      return;
    }
    sender.send("host", entry, message, values);
    if (message.destructor) this.#destroyed(entry);
  }

  /**
   * The client destroyed an object: its id stays reserved until the host, if it
   * knows the object, says that it is gone.
   */
  #destroyed(entry: Entry): void {
    entry.destroyed = true;
    if (entry.clientId < 0) this.#parts.objects.dropClientHalf(entry);
    else if (entry.hostId === 0 && entry.clientId > 0) this.#drop(entry);
  }
}
