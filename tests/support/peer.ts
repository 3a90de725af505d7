/**
 * One end of a connection, as a test plays it: it says what the test tells it
 * to, and writes down what it hears.
 */
import assert from "node:assert/strict";
import { closeFd, type OwnedFd } from "../../ffi/fd.ts";
import { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import {
  receivedFdCount,
  receiveMessage,
  sendMessage,
} from "../../ffi/socket_message.ts";
import {
  type Argument,
  findInterface,
  getInterface,
  type Interface,
  type Message,
} from "../../protocols/tables.ts";
import {
  type ObjectName,
  type Packed,
  packMessage,
  type Spoken,
} from "./spoken.ts";

const SIZE = 1 << 17;
/** Ids of objects that the host makes begin here. */
const FIRST_HOST_ID = 0xff00_0000;

/** An object, as both sides have said. */
interface KnownObject {
  readonly type: Interface;
  readonly name: string;
}

/**
 * A scripted client or host.
 *
 * @typeParam Messages the arguments of what this side says, by full name
 */
export abstract class Peer<Messages> implements Disposable {
  readonly #fd: OwnedFd;
  readonly #settle: () => void;
  readonly #buffer = new PinnedBuffer(SIZE);
  readonly #out = new PinnedBuffer(SIZE);
  readonly #fds = new Int32Array(256);
  readonly #noFds = new Int32Array(0);
  #filled = 0;
  readonly #objects = new Map<number, KnownObject>();
  /** What was heard and not yet asked for. */
  readonly lines: string[] = [];
  /** Descriptors that came and were not yet taken; closed with the peer. */
  readonly receivedFds: number[] = [];
  /** How many descriptors came at once, each time that some came. */
  readonly fdBatches: number[] = [];
  /** Whether a message was whole before its descriptors were here. */
  fdsWereLate = false;
  #fdsReceived = 0;
  #fdsOwed = 0;
  /** The arrays of all that was heard. */
  readonly arrays: Uint8Array[] = [];
  /** The last message that was heard, byte by byte. */
  lastMessage = new Uint8Array(0);
  /** Whether the other side closed the connection. */
  closed = false;
  /** Whether the descriptors that it sends stay open here. */
  keepsFds = false;
  /** Whether it reads nothing, as a process that is stopped. */
  deaf = false;

  constructor(fd: OwnedFd, settle: () => void = () => {}) {
    this.#fd = fd;
    this.#settle = settle;
    this.#objects.set(1, {
      type: getInterface("wl_display"),
      name: "wl_display@1",
    });
  }

  /** Sends `interface.message` to an object. */
  say<Name extends keyof Messages & string>(
    object: ObjectName,
    name: Name,
    ...values: Spoken<Messages[Name]>
  ): void {
    const { bytes, fds } = this.pack(object, name, ...values);
    for (const fd of fds) {
      if (fd < 0) throw new TypeError(`${fd} is not a descriptor`);
    }
    this.bytes(bytes, fds);
  }

  /**
   * The bytes that `say` would send; the test sends descriptors beside them.
   */
  encode<Name extends keyof Messages & string>(
    object: ObjectName,
    name: Name,
    ...values: Spoken<Messages[Name]>
  ): Uint8Array {
    return this.pack(object, name, ...values).bytes;
  }

  /** What `say` would send. */
  pack<Name extends keyof Messages & string>(
    object: ObjectName,
    name: Name,
    ...values: Spoken<Messages[Name]>
  ): Packed {
    const message = this.findSpoken(name);
    if (message === null) throw new TypeError(`there is no message ${name}`);
    const id = this.idOf(object);
    const known = this.#objects.get(id >>> 0);
    if (known !== undefined && known.type !== message.interface) {
      throw new TypeError(`${known.name} has no ${name}`);
    }
    const packed = packMessage(
      id,
      message,
      new Map(Object.entries(values[0] ?? {})),
      (named) => this.idOf(named),
    );
    const { made } = packed;
    if (made !== null) this.#know(made.id, findInterface(made.type));
    return packed;
  }

  /**
   * Sends bytes as they are, right or wrong, with descriptors, which are closed
   * here then.
   */
  bytes(bytes: Uint8Array, fds: readonly number[] = []): void {
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(SIZE, bytes.length - at);
      this.#out.bytes.set(bytes.subarray(at, at + length));
      const carried = at === 0 ? Int32Array.from(fds) : this.#noFds;
      const sent = sendMessage(
        this.#fd.number,
        this.#out,
        0,
        length,
        carried,
        0,
        carried.length,
      );
      if (sent < 0) throw new Error(`cannot send: ${sent}`);
      at += sent;
    }
    if (!this.keepsFds) fds.forEach(closeFd);
  }

  /** Sends as much as the socket takes; returns how much. */
  tryBytes(bytes: Uint8Array): number {
    this.#out.bytes.set(bytes.subarray(0, SIZE));
    const length = Math.min(bytes.length, SIZE);
    return Math.max(
      0,
      sendMessage(this.#fd.number, this.#out, 0, length, this.#noFds, 0, 0),
    );
  }

  /** Reads all that is there, unless it is deaf. */
  listen(): void {
    if (this.deaf) return;
    for (;;) {
      const room = SIZE - this.#filled;
      const count = receiveMessage(
        this.#fd.number,
        this.#buffer,
        this.#filled,
        room,
        this.#fds,
      );
      if (count <= 0) {
        if (count === 0 || count === -104) this.closed = true;
        return;
      }
      if (receivedFdCount() > 0) this.fdBatches.push(receivedFdCount());
      this.#fdsReceived += receivedFdCount();
      for (let i = 0; i < receivedFdCount(); i++) {
        this.receivedFds.push(this.#fds[i] ?? -1);
      }
      this.#filled += count;
      this.#parse();
    }
  }

  /**
   * The first descriptor that came and was not yet taken; the caller closes it.
   */
  takeFd(): number {
    const fd = this.receivedFds.shift();
    if (fd === undefined) throw new Error("no descriptor came");
    return fd;
  }

  /**
   * What was heard since the last time, one line for each message, such as
   * `wl_surface@3.enter(wl_output@5)`. In a world with one client everything
   * happens first that is still to happen.
   *
   * A test knows the names of all objects:
   * - What the client has made has the id that the client gave it, on both
   *   sides: `wl_surface@3`.
   * - What the host has made has the id of the side that hears it:
   *   `wl_data_offer@4278190080`. The protocol decides which id the relay
   *   gives the client.
   * - What the relay has made on the host for itself is counted for each
   *   interface, in the order in which the host hears of it: `wl_buffer#1`.
   */
  heard(): string[] {
    this.#settle();
    this.listen();
    return this.lines.splice(0);
  }

  /** Fails unless exactly these lines were heard since the last time. */
  mustHear(...lines: readonly string[]): void {
    assert.deepEqual(this.heard(), lines);
  }

  /** Fails if anything was heard since the last time. */
  mustHearNothing(): void {
    this.mustHear();
  }

  /** The name of the first object of an interface that there is. */
  find(type: string): string {
    for (const known of this.#objects.values()) {
      if (known.type.name === type) return known.name;
    }
    throw new Error(`nobody has made a ${type}`);
  }

  /** The id of an object on this side's wire. */
  idOf(object: ObjectName): number {
    if (typeof object === "object") return this.wireId(object.id);
    if (typeof object === "number") return this.wireId(object);
    for (const [id, { name }] of this.#objects) if (name === object) return id;
    throw new Error(`there is no ${object}`);
  }

  [Symbol.dispose](): void {
    this.deaf = true;
    this.#fd[Symbol.dispose]();
    this.receivedFds.splice(0).forEach(closeFd);
    this.#buffer.free();
    this.#out.free();
  }

  /** A message that this side says; null: there is none. */
  protected abstract findSpoken(fullName: string): Message | null;

  /** The messages that this side hears. */
  protected abstract heardOf(type: Interface): readonly Message[];

  /** The id on the wire of an object for which a test writes a number. */
  protected abstract wireId(number: number): number;

  /** What an object is called from now on. */
  protected abstract nameOf(id: number, type: string): string;

  /** An id means nothing any more. */
  protected forget(id: number): void {
    this.#objects.delete(id);
  }

  #know(id: number, type: Interface | null): void {
    if (type === null) return;
    this.#objects.set(id >>> 0, {
      type,
      name: this.nameOf(id >>> 0, type.name),
    });
  }

  #parse(): void {
    const { bytes, words } = this.#buffer;
    let at = 0;
    while (this.#filled - at >= 8) {
      const size = (words[(at >> 2) + 1] ?? 0) >>> 16;
      if (size < 8 || this.#filled - at < size) break;
      this.lastMessage = bytes.slice(at, at + size);
      this.#line(at >> 2, size);
      at += size;
    }
    bytes.copyWithin(0, at, this.#filled);
    this.#filled -= at;
  }

  #line(start: number, size: number): void {
    const { bytes, words } = this.#buffer;
    const id = (words[start] ?? 0) >>> 0;
    const opcode = (words[start + 1] ?? 0) & 0xffff;
    const known = this.#objects.get(id);
    const message = known && this.heardOf(known.type)[opcode];
    if (known === undefined || message === undefined) {
      this.lines.push(`?@${id}.${opcode} (${size} bytes)`);
      return;
    }
    this.#fdsOwed += message.fdCount;
    if (this.#fdsOwed > this.#fdsReceived) this.fdsWereLate = true;
    let at = start + 2;
    const text = (): string => {
      const length = words[at] ?? 0;
      const from = (at + 1) << 2;
      at += 1 + ((length + 3) >> 2);
      return length === 0 ? "nil" : JSON.stringify(
        new TextDecoder().decode(bytes.subarray(from, from + length - 1)),
      );
    };
    const told = message.arguments.map((argument: Argument): string => {
      switch (argument.type) {
        case "fd":
          return "fd";
        case "string":
          return text();
        case "array": {
          const length = words[at] ?? 0;
          const from = (at + 1) << 2;
          this.arrays.push(bytes.slice(from, from + length));
          at += 1 + ((length + 3) >> 2);
          return `array[${length}]`;
        }
        case "int":
        case "fixed":
          return String(words[at++]);
        case "uint":
          return String((words[at++] ?? 0) >>> 0);
        case "object": {
          const object = (words[at++] ?? 0) >>> 0;
          if (object === 0) return "nil";
          return this.#objects.get(object)?.name ?? `?@${object}`;
        }
        case "new_id": {
          let target = argument.target;
          let version = "";
          if (argument.interface === null) {
            target = findInterface(JSON.parse(text()));
            version = ` v${words[at++]}`;
          }
          const newId = (words[at++] ?? 0) >>> 0;
          this.#know(newId, target);
          const { name } = this.#objects.get(newId) ?? { name: `?@${newId}` };
          return `new ${name.replace(/(?=[@#])/, version)}`;
        }
      }
    });
    this.lines.push(`${known.name}.${message.name}(${told.join(", ")})`);
  }
}

/** Whether the host's side gives this id. */
export function isHostId(id: number): boolean {
  return id >>> 0 >= FIRST_HOST_ID;
}
