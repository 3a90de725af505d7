/**
 * Events: from the host to the client.
 *
 * Mirrors requests.ts and is just as hot; it differs in three ways: the ids of
 * destroyed objects are still in use here, objects that the host makes get
 * names for the client, and a message about what the client no longer knows is
 * absorbed together with what it brings.
 */
import {
  type Argument,
  findInterface,
  type Interface,
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
import { HostError } from "../wayland/protocol_error.ts";
import type { Queue } from "../wayland/queue.ts";
import {
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
  decide,
  discardFds,
  forgetCreated,
  moveFds,
  type Progress,
  type PumpParts,
  skipFds,
} from "./pump_parts.ts";
import { readDisplayEvent } from "./display_events.ts";
import { type ArgumentRecord, Entry } from "./entry.ts";
import { MAX_OBJECTS } from "./object_table.ts";

const EMPTY: readonly Entry[] = [];

/**
 * Where the new ids of the message under way go, in words. Shared by all pumps
 * of this direction: typed arrays are expensive to allocate, and messages are
 * processed one at a time.
 */
const newIdAt = new Int32Array(8);

/**
 * Moves events. Errors of the host are thrown as `HostError`, and its last
 * word, if it says one, as `HostRefusal`.
 */
export class EventPump implements ArgumentReader {
  readonly incoming: Queue;
  readonly #parts: PumpParts;
  readonly #onDeleted: (entry: Entry) => void;
  #entry: Entry;
  #again = false;
  #impatient = false;
  /** Objects that the current message brings, where it was read as a record. */
  readonly #created: Entry[] = [];

  /** @param onDeleted takes `wl_display.delete_id` */
  constructor(parts: PumpParts, onDeleted: (entry: Entry) => void) {
    this.incoming = parts.host.incoming;
    this.#parts = parts;
    this.#onDeleted = onDeleted;
    this.#entry = parts.objects.display;
  }

  /**
   * Lets the message that is held go on, whatever a feature still waits for.
   */
  stopWaiting(): void {
    this.#impatient = true;
  }

  /** Moves all whole messages. */
  run(): Progress {
    const { incoming } = this;
    const { objects, handlers, trace } = this.#parts;
    const { words } = incoming;
    while (incoming.tail - incoming.head >= HEADER_SIZE) {
      const at = incoming.head >> 2;
      const id = words[at] ?? 0;
      const second = words[at + 1] ?? 0;
      const size = second >>> 16;
      if (
        size < HEADER_SIZE || size > MAX_MESSAGE_BYTES || (size & 3) !== 0
      ) {
        throw new HostError(`a message of ${size} bytes came`);
      }
      if (incoming.tail - incoming.head < size) break;
      const entry = objects.host.get(id);
      if (entry === null) {
        throw new HostError(`an event of the unknown object ${id >>> 0} came`);
      }
      this.#entry = entry;
      const message = entry.interface.events[second & 0xffff];
      if (message === undefined) {
        throw new HostError(
          `${entry.interface.name}#${id >>> 0} has no event ${second & 0xffff}`,
        );
      }
      if (trace !== null && !this.#again) {
        trace.message("host", "received", message, id >>> 0, words, at, size);
      }
      const overridden = handlers[message.index];
      if (entry === objects.display) {
        this.#onDeleted(readDisplayEvent(this, objects, message, at));
      } else if (
        entry.clientId === 0 || entry.destroyed || message.since > entry.version
      ) {
        this.#absorb(entry, message, at, size);
      } else if (overridden === undefined || overridden === null) {
        this.#forward(entry, message, at, size, EMPTY);
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
    const object = this.#parts.objects.host.get(id);
    if (object === null) {
      return this.malformed(message, `object ${id >>> 0} is unknown`);
    }
    const { target } = argument;
    if (target !== null && object.interface !== target) {
      return this.malformed(
        message,
        `object ${
          id >>> 0
        } is a ${object.interface.name}, not a ${target.name}`,
      );
    }
    return object.clientId === 0 && argument.nullable ? null : object;
  }

  newObject(
    id: number,
    type: string | null,
    version: number,
    message: Message,
  ): Entry {
    const entry = this.#newEntry(
      id,
      type === null ? null : findInterface(type),
      version,
      message,
    );
    this.#created.push(entry);
    return entry;
  }

  malformed(message: Message, why: string): never {
    throw new HostError(
      `${this.#entry.interface.name}#${
        this.#entry.hostId >>> 0
      }.${message.name} is malformed: ${why}`,
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
        this.#forward(entry, message, at, size, created);
        break;
      case "rewrite":
        this.#rewrite(entry, message, values);
        break;
      case "take":
        for (const made of created) this.#parts.objects.addHostAllocated(made);
        skipFds(this.#parts.host, message.fdCount);
        break;
    }
    forgetCreated(created);
    return true;
  }

  #forward(
    entry: Entry,
    message: Message,
    at: number,
    size: number,
    created: readonly Entry[],
  ): void {
    const { client, trace } = this.#parts;
    const out = client.outgoing;
    out.reserve(size);
    const source = this.incoming.words;
    const target = out.words;
    const start = out.tail >> 2;
    target[start] = entry.clientId;
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
    } else if (!this.#translate(message, at, size, created)) {
      if (out.length === 0) out.consume(0);
      return;
    }
    out.tail += size;
    client.touch();
    if (trace !== null) {
      trace.message(
        "client",
        "sent",
        message,
        entry.clientId >>> 0,
        target,
        start,
        size,
      );
    }
  }

  /**
   * Checks the arguments and writes them after `tail` of the client's queue;
   * then names what is new, and moves the descriptors.
   *
   * @returns false where the event is about an object that the client no longer
   * knows; what it brings is absorbed then
   */
  #translate(
    message: Message,
    at: number,
    size: number,
    created: readonly Entry[],
  ): boolean {
    const { incoming } = this;
    const { client } = this.#parts;
    const out = client.outgoing;
    const { words: source, bytes } = incoming;
    const { words: target } = out;
    const { ops } = message;
    const end = at + (size >> 2);
    let from = at + 2;
    let to = (out.tail >> 2) + 2;
    let newIds = 0;
    let known = true;
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
          let clientId = 0;
          if (word !== 0) {
            const argument = message.arguments[i];
            const object = argument === undefined
              ? null
              : this.object(word, message, argument);
            if (object !== null) clientId = object.clientId;
          } else if (op === OP_OBJECT) {
            return this.malformed(message, "an object is null");
          }
          if (clientId === 0 && op === OP_OBJECT) known = false;
          target[to++] = clientId;
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
    if (newIds > 0) this.#bring(message, target, newIds, created, known);
    if (!known) discardFds(this.#parts.host, message.fdCount);
    else if (message.fdCount > 0) {
      moveFds(this.#parts.host, this.#parts.client, message);
    }
    return known;
  }

  /**
   * Enters the objects that a message brings; where the client is not told of
   * it, they are destroyed on the host.
   */
  #bring(
    message: Message,
    target: Int32Array,
    count: number,
    created: readonly Entry[],
    known: boolean,
  ): void {
    const { objects } = this.#parts;
    for (let i = 0; i < count; i++) {
      const place = newIdAt[i] ?? 0;
      const made = created[i] ??
        this.#newEntry(
          target[place] ?? 0,
          newIdType(message, i),
          this.#entry.version,
          message,
        );
      objects.addHostAllocated(made);
      if (known) {
        objects.nameForClient(made);
        target[place] = made.clientId;
      } else {
        this.#destroyOnHost(made);
      }
    }
  }

  #newEntry(
    id: number,
    type: Interface | null,
    version: number,
    message: Message,
  ): Entry {
    const { host } = this.#parts.objects;
    if (type === null || !host.isPossibleHigh(id)) {
      return this.malformed(message, `${id >>> 0} cannot be a new object`);
    }
    if (host.count >= MAX_OBJECTS) {
      throw new HostError(`it made more than ${MAX_OBJECTS} objects`);
    }
    return new Entry(0, id, type, version);
  }

  /**
   * An event that the client cannot understand, because it does not know the
   * object, or knows an older version of it: the object's listener takes it, if
   * it has one. The object's end it takes once, whatever a host repeats.
   * libwayland drops the events of what was destroyed without reserving the ids
   * in them, so passing them on would put the server's ids out of step; one
   * that is too new has no handler in the client, which would abort.
   */
  #absorb(entry: Entry, message: Message, at: number, size: number): void {
    const created = this.#created;
    const again = message.destructor && entry.destroyed;
    const listener = again ? null : entry.listener;
    if (message.plain) {
      if (size !== message.minimumSize) {
        this.malformed(
          message,
          `it has ${size} bytes, not ${message.minimumSize}`,
        );
      }
      if (listener === null) return;
    }
    forgetCreated(created);
    const values = readArguments(this, message, entry.version, at);
    for (const made of created) this.#parts.objects.addHostAllocated(made);
    if (listener === null) {
      discardFds(this.#parts.host, message.fdCount);
      for (const made of created) this.#destroyOnHost(made);
    } else {
      skipFds(this.#parts.host, message.fdCount);
      if (message.destructor) entry.destroyed = true;
      listener.event(entry, message, values);
    }
    forgetCreated(created);
  }

  /**
   * Destroys what nobody wants, where its interface has a way to. The host may
   * go on sending events to it.
   */
  #destroyOnHost(entry: Entry): void {
    const request = entry.interface.destroyRequest;
    entry.destroyed = true;
    if (request === null || request.since > entry.version) return;
    this.#parts.sender.send("host", entry, request, {});
  }

  #rewrite(entry: Entry, message: Message, values: ArgumentRecord): void {
    const { objects, host, sender } = this.#parts;
    const known = isKnownTo("client", message, values);
    for (const made of this.#created) {
      objects.addHostAllocated(made);
      if (known) objects.nameForClient(made);
      else this.#destroyOnHost(made);
    }
    takeFds(host, message, values, known);
    if (!known) return;
    sender.send("client", entry, message, values);
  }
}
