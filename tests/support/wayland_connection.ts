/**
 * A connection to a compositor by hand: requests are written word by word and
 * events read as they come.
 *
 * It shares nothing with the project's relay but the system calls: what is
 * tested must not be what drives the test.
 */
import { EAGAIN } from "../../ffi/errno.ts";
import type { OwnedFd } from "../../ffi/fd.ts";
import { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import { receiveMessage, sendMessage } from "../../ffi/socket_message.ts";
import { connectUnix } from "../../ffi/unix_socket.ts";
import { delay } from "./wait.ts";

const DISPLAY = 1;
const REGISTRY = 2;

/** A global that the compositor announces. */
interface Global {
  readonly name: number;
  readonly interface: string;
  readonly version: number;
}

/** An open connection whose globals are known. */
export class WaylandConnection implements Disposable {
  readonly #socket: OwnedFd;
  readonly #buffer = new PinnedBuffer(4096);
  readonly #receivedFds = new Int32Array(253);
  readonly #globals: Global[] = [];
  #pending = new Uint8Array();
  #lastId = REGISTRY;

  constructor(socket: OwnedFd) {
    this.#socket = socket;
  }

  /** Connects to the compositor whose socket is at `path`. */
  static async open(path: string): Promise<WaylandConnection> {
    const connection = new WaylandConnection(connectUnix(path));
    await connection.request(DISPLAY, 1, [REGISTRY]); // get_registry
    await connection.roundTrip();
    return connection;
  }

  /** Binds version 1 of a global. @returns its object id */
  async bind(wanted: string): Promise<number> {
    const global = this.#globals.find((candidate) =>
      candidate.interface === wanted
    );
    if (global === undefined) {
      throw new Error(
        `Cannot bind ${wanted}: this compositor does not have it`,
      );
    }
    const id = this.newId();
    await this.request(REGISTRY, 0, [
      global.name,
      ...encodeString(wanted),
      1,
      id,
    ]);
    return id;
  }

  /** An object id that was never used. */
  newId(): number {
    return ++this.#lastId;
  }

  /**
   * Sends a request, with a file descriptor where it has one; that stays the
   * caller's.
   */
  async request(
    object: number,
    opcode: number,
    words: readonly number[],
    fd?: OwnedFd,
  ): Promise<void> {
    const message = Int32Array.of(
      object,
      ((8 + words.length * 4) << 16) | opcode,
      ...words,
    );
    this.#buffer.words.set(message);
    const fds = fd === undefined ? new Int32Array() : Int32Array.of(fd.number);
    for (let sent = 0; sent < message.byteLength;) {
      const fdCount = sent === 0 ? fds.length : 0;
      const length = message.byteLength - sent;
      const count = sendMessage(
        this.#socket.number,
        this.#buffer,
        sent,
        length,
        fds,
        0,
        fdCount,
      );
      if (count === -EAGAIN) await delay(1);
      else if (count < 0) {
        throw new Error(`Cannot send to the compositor: error ${-count}`);
      } else sent += count;
    }
  }

  /** Waits until the compositor has done what was requested so far. */
  async roundTrip(): Promise<void> {
    const callback = this.newId();
    await this.request(DISPLAY, 0, [callback]); // sync
    while (!this.#dispatchUntil(callback)) {
      const count = receiveMessage(
        this.#socket.number,
        this.#buffer,
        0,
        this.#buffer.size,
        this.#receivedFds,
      );
      if (count === -EAGAIN) {
        await delay(1);
        continue;
      }
      if (count <= 0) {
        throw new Error(`The compositor closed the connection: ${count}`);
      }
      const joined = new Uint8Array(this.#pending.length + count);
      joined.set(this.#pending);
      joined.set(this.#buffer.bytes.subarray(0, count), this.#pending.length);
      this.#pending = joined;
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
    this.#buffer.free();
  }

  /** Takes the events that are complete; true once `callback` is done. */
  #dispatchUntil(callback: number): boolean {
    let done = false;
    while (this.#pending.length >= 8) {
      const view = new DataView(
        this.#pending.buffer,
        this.#pending.byteOffset,
        this.#pending.byteLength,
      );
      const size = view.getUint16(6, true);
      if (this.#pending.length < size) break;
      const object = view.getUint32(0, true);
      const opcode = view.getUint16(4, true);
      if (object === DISPLAY && opcode === 0) {
        throw new Error(
          `The compositor reports an error: ${decodeString(view, 16)}`,
        );
      }
      if (object === REGISTRY && opcode === 0) {
        const name = view.getUint32(8, true);
        this.#globals.push({
          name,
          interface: decodeString(view, 12),
          version: view.getUint32(size - 4, true),
        });
      }
      if (object === callback) done = true;
      this.#pending = this.#pending.slice(size);
    }
    return done;
  }
}

/**
 * A string argument as words: its length with the closing zero, then its bytes,
 * padded.
 */
function encodeString(text: string): number[] {
  const bytes = new Uint8Array(Math.ceil((text.length + 1) / 4) * 4);
  new TextEncoder().encodeInto(text, bytes);
  return [text.length + 1, ...new Uint32Array(bytes.buffer)];
}

function decodeString(view: DataView<ArrayBuffer>, offset: number): string {
  const length = view.getUint32(offset, true) - 1;
  return new TextDecoder().decode(
    new Uint8Array(view.buffer, view.byteOffset + offset + 4, length),
  );
}
