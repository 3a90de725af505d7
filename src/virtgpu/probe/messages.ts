/**
 * Wayland's wire format, as far as the probe needs it: an object, a size and
 * an opcode, and words.
 */

const MAX_BYTES = 3744;

/** Messages to be sent. */
export class MessageBuffer {
  readonly #words = new Uint32Array(MAX_BYTES / 4);
  #count = 0;

  /** Adds a message whose arguments are words. */
  add(object: number, opcode: number, words: readonly number[]): void {
    this.#words[this.#count] = object;
    this.#words[this.#count + 1] = (8 + 4 * words.length) << 16 | opcode;
    this.#words.set(words, this.#count + 2);
    this.#count += 2 + words.length;
  }

  /** Adds `wl_registry.bind`. */
  addBind(
    registry: number,
    global: number,
    name: string,
    version: number,
    id: number,
  ): void {
    const length = name.length + 1;
    const text = new Uint8Array((length + 3) & ~3);
    new TextEncoder().encodeInto(name, text);
    const words = new Uint32Array(text.buffer);
    this.add(registry, 0, [global, length, ...words, version, id]);
  }

  /** All messages that were added; valid until the next is added. */
  take(): Uint8Array {
    const bytes = new Uint8Array(this.#words.buffer, 0, 4 * this.#count);
    this.#count = 0;
    return bytes;
  }
}

/** An event, its arguments as words. */
export interface ProbeEvent {
  readonly object: number;
  readonly opcode: number;
  readonly words: Uint32Array;
}

/** Events that were received, in pieces of any size. */
export class EventLog {
  /** Names of the globals, by their interface. */
  readonly globals = new Map<string, number>();
  #bytes = new Uint8Array(0);

  append(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#bytes.length + bytes.length);
    all.set(this.#bytes);
    all.set(bytes, this.#bytes.length);
    this.#bytes = all;
  }

  /** The next whole event, or null. */
  next(): ProbeEvent | null {
    if (this.#bytes.length < 8) return null;
    const header = new Uint32Array(this.#bytes.slice(0, 8).buffer);
    const [object = 0, word = 0] = header;
    const size = Math.max(8, word >>> 16);
    if (this.#bytes.length < size) return null;
    const words = new Uint32Array(this.#bytes.slice(8, size & ~3).buffer);
    this.#bytes = this.#bytes.slice(size);
    return { object, opcode: word & 0xffff, words };
  }

  /** Keeps what `wl_registry.global` says: a name, a string, a version. */
  addGlobal(name: number, words: Uint32Array): void {
    const text = new Uint8Array(words.slice(2).buffer);
    const length = Math.max(0, (words[1] ?? 0) - 1);
    this.globals.set(new TextDecoder().decode(text.subarray(0, length)), name);
  }
}
