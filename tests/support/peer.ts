/**
 * A scripted Wayland peer: it says what the scenario tells it to, right or wrong, and writes down what it hears, one line a
 * message, as `wl_surface@3.enter(wl_output@5)`.
 */
import { closeFd, type OwnedFd } from "../../ffi/fd.ts";
import { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import {
  receivedFdCount,
  receiveMessage,
  sendMessage,
} from "../../ffi/socket_message.ts";
import {
  type Argument,
  findEvent,
  findInterface,
  findRequest,
  getInterface,
  type Interface,
  type Message,
} from "../../protocols/tables.ts";

/** What a scenario writes for an argument; an fd is closed after it was sent, an object or new id is a number. */
export type Value = number | string | null | Uint8Array;

const SIZE = 1 << 17;

/** One end of a socket pair. */
export class Peer implements Disposable {
  readonly #fd: OwnedFd;
  readonly #sends: "requests" | "events";
  readonly #buffer = new PinnedBuffer(SIZE);
  readonly #out = new PinnedBuffer(SIZE);
  readonly #fds = new Int32Array(256);
  readonly #noFds = new Int32Array(0);
  #filled = 0;
  /** Interfaces of the objects by id, as both sides have said. */
  readonly objects = new Map<number, Interface>([
    [1, getInterface("wl_display")],
  ]);
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

  constructor(fd: OwnedFd, sends: "requests" | "events") {
    this.#fd = fd;
    this.#sends = sends;
  }

  /** Sends `interface.message` to the object `id`. */
  say(id: number, fullName: string, ...values: Value[]): void {
    const fds: number[] = [];
    this.bytes(this.#encode(id, this.#find(fullName), values, fds), fds);
  }

  /** The bytes that `say` would send; descriptors are the caller's business. */
  encode(id: number, fullName: string, ...values: Value[]): Uint8Array {
    return this.#encode(id, this.#find(fullName), values, []);
  }

  /** Sends bytes as they are, with descriptors, which are closed here then. */
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

  /** The first descriptor that came and was not yet taken; the caller closes it. */
  takeFd(): number {
    const fd = this.receivedFds.shift();
    if (fd === undefined) throw new Error("no descriptor came");
    return fd;
  }

  /** What was heard since the last time. */
  heard(): string[] {
    this.listen();
    return this.lines.splice(0);
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.deaf = true;
    this.#fd[Symbol.dispose]();
    this.receivedFds.splice(0).forEach(closeFd);
    this.#buffer.free();
    this.#out.free();
  }

  #find(fullName: string): Message {
    const message = this.#sends === "requests"
      ? findRequest(fullName)
      : findEvent(fullName);
    if (message === null) throw new TypeError(`no message ${fullName}`);
    return message;
  }

  #encode(
    id: number,
    message: Message,
    values: Value[],
    fds: number[],
  ): Uint8Array {
    const words: number[] = [];
    const pushBytes = (bytes: Uint8Array): void => {
      const padding = new Uint8Array((bytes.length + 3) & ~3);
      padding.set(bytes);
      words.push(bytes.length, ...new Int32Array(padding.buffer));
    };
    const pushString = (text: string): void =>
      pushBytes(new TextEncoder().encode(text + "\0"));
    const rest = [...values];
    const next = (): Value => {
      const value = rest.shift();
      if (value === undefined) {
        throw new TypeError(`${message.fullName} has more arguments`);
      }
      return value;
    };
    for (const argument of message.arguments) {
      const value = next();
      if (argument.type === "fd") fds.push(descriptor(value));
      else if (argument.type === "new_id" && argument.interface === null) {
        const type = String(value);
        pushString(type);
        words.push(Number(next()));
        const newId = Number(next());
        words.push(newId);
        this.#know(newId, findInterface(type));
      } else if (value instanceof Uint8Array) pushBytes(value);
      else if (typeof value === "string") pushString(value);
      else {
        words.push(Number(value));
        if (argument.type === "new_id") {
          this.#know(Number(value), argument.target);
        }
      }
    }
    if (rest.length > 0) {
      throw new TypeError(`${message.fullName} has fewer arguments`);
    }
    const size = 8 + words.length * 4;
    const encoded = Int32Array.from([
      id,
      size << 16 | message.opcode,
      ...words,
    ]);
    return new Uint8Array(encoded.buffer);
  }

  #know(id: number, type: Interface | null): void {
    if (type !== null) this.objects.set(id >>> 0, type);
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
    const type = this.objects.get(id);
    const messages = this.#sends === "requests" ? type?.events : type?.requests;
    const message = messages?.[opcode];
    if (message === undefined) {
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
          return object === 0
            ? "nil"
            : `${this.objects.get(object)?.name ?? "?"}@${object}`;
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
          return `new ${target?.name}${version}@${newId}`;
        }
      }
    });
    this.lines.push(`${type?.name}@${id}.${message.name}(${told.join(", ")})`);
  }
}

function descriptor(value: Value): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new TypeError(`${value} is not a descriptor`);
}
