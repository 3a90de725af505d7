/**
 * A guest that speaks the protocol by hand and trusts the host: it shows what
 * the emulated device does, and what becomes of a program without defences.
 */
import { PinnedBuffer } from "../../../ffi/pinned_buffer.ts";
import type { Mapping } from "../../../ffi/mapping.ts";
import type { BlobNames } from "../../../src/virtgpu/device.ts";
import { EmulatedDevice } from "../../emulator/emulated_device.ts";
import type { Machine } from "../../emulator/machine.ts";
import { ScriptedMachine, type ScriptedOptions } from "./scripted_machine.ts";

/** A fourcc code that an image of bytes has. */
export const R8 = 0x20203852;

/** A message of the host. */
export interface HostMessage {
  readonly cmd: number;
  /** RECEIVE: how many identifiers it states. READ: the pipe. */
  readonly first: number;
  /** RECEIVE: bytes of data. READ: hang-up. */
  readonly second: number;
  /** The 32-bit words of the page. */
  readonly words: readonly number[];
  readonly page: Uint8Array;
  /** RECEIVE: the data as text. */
  readonly text: string;
  /** RECEIVE: what is stated of the first identifier. */
  readonly identifier: { id: number; type: number; size: number };
}

export class RawGuest implements Disposable {
  readonly device: EmulatedDevice;
  readonly queryPage: Mapping;
  readonly channel: Mapping;
  readonly queryHandle: number;
  readonly #buffer = new PinnedBuffer(1 << 16);
  readonly #handles: number[];
  readonly #slots: number;

  constructor(machine: Machine) {
    this.#slots = machine.profile.identifiers;
    this.device = new EmulatedDevice(machine);
    this.device.contextInit({ capset: 5, rings: 2, polledRings: 2 });
    const pages = [0, 1].map(() => {
      const blob = this.device.createBlob({
        memory: "guest",
        size: machine.pageSize,
        blobId: 0,
        mappable: true,
      });
      if (blob === null) throw new Error("no memory");
      const mapping = this.device.map(blob.handle, machine.pageSize, "write");
      return { ...blob, mapping };
    });
    const [query, channel] = pages;
    if (query === undefined || channel === undefined) {
      throw new Error("no page");
    }
    this.queryPage = query.mapping;
    this.channel = channel.mapping;
    this.queryHandle = query.handle;
    this.#handles = pages.map(({ handle }) => handle);
    this.submit([1 | 20 << 16, 0, query.resource, channel.resource, 1]);
  }

  submit(
    words: readonly number[],
    data: Uint8Array = new Uint8Array(),
    ring = -1,
    handle = 0,
  ): void {
    const bytes = new Uint8Array(Int32Array.from(words).buffer);
    this.#buffer.bytes.set(bytes);
    this.#buffer.bytes.set(data, bytes.length);
    const length = bytes.length + data.length;
    this.device.executeBuffer(this.#buffer, 0, length, ring, handle);
  }

  poll(): void {
    this.submit([3 | 16 << 16, 0, 0, 0], new Uint8Array(), 1);
  }

  /** Asks for an image, and waits for the answer. @returns its words */
  query(width: number, height: number, fourcc: number): readonly number[] {
    this.submit(
      [2 | 24 << 16, 0, width, height, fourcc, 0x11],
      new Uint8Array(),
      0,
      this.queryHandle,
    );
    if (!this.device.wait(this.queryHandle, "none")) {
      throw new Error("no answer");
    }
    return wordsOf(this.queryPage.bytes.slice(0, 64));
  }

  /** Has memory of the host, which must be there. */
  hostBlob(size: number, blobId: number, mappable = true): BlobNames {
    const blob = this.device.createBlob({
      memory: "host3d",
      size,
      blobId,
      mappable,
    });
    if (blob === null) throw new Error("no memory");
    return blob;
  }

  /** Sends bytes with identifiers, in the host's dialect or another. */
  send(
    data: Uint8Array,
    identifiers: readonly (readonly [id: number, type: number])[] = [],
    slots = this.#slots,
  ): void {
    const words = new Array<number>(4 + 3 * slots).fill(0);
    words[0] = 4 | (words.length * 4 + data.length) << 16;
    words[2] = identifiers.length;
    words[3] = data.length;
    identifiers.forEach(([id, type], i) => {
      words[4 + i] = id | 0;
      words[4 + slots + i] = type;
    });
    this.submit(words, data);
  }

  write(pipe: number, data: Uint8Array, hangUp: 0 | 1 = 0): void {
    this.submit(
      [7 | (24 + data.length) << 16, 0, pipe, hangUp, data.length, 0],
      data,
    );
  }

  /** What the page has now, whether or not there was an event. */
  look(): HostMessage {
    const page = this.channel.bytes.slice();
    const words = wordsOf(page);
    const [, , first = 0, second = 0] = words;
    const [id = 0, type = 0, size = 0] = [0, 1, 2].map((row) =>
      words[4 + row * this.#slots]
    );
    const data = 16 + 12 * this.#slots;
    const text = new TextDecoder().decode(page.subarray(data, data + second));
    const identifier = { id, type, size };
    return { cmd: page[0] ?? 0, first, second, words, page, text, identifier };
  }

  [Symbol.dispose](): void {
    this.queryPage[Symbol.dispose]();
    this.channel[Symbol.dispose]();
    for (const handle of this.#handles) this.device.closeHandle(handle);
    this.device[Symbol.dispose]();
    this.#buffer.free();
  }
}

function wordsOf(bytes: Uint8Array<ArrayBuffer>): readonly number[] {
  return [...new Uint32Array(bytes.buffer)];
}

/** A machine with such a guest, whose compositor is a script. */
export class RawWorld extends ScriptedMachine {
  readonly guest: RawGuest;

  constructor(options: ScriptedOptions = {}) {
    super(options);
    this.guest = new RawGuest(this.machine);
  }

  /** A guest's compositor says something, with descriptors. */
  tell(text: string, fds: readonly number[] = [], connection = 0): void {
    this.peer(connection).bytes(new TextEncoder().encode(text), fds);
    this.settle();
  }

  /** The guest asks for the next message. @returns how many events there are */
  poll(): number {
    this.guest.poll();
    this.settle();
    return this.guest.device.readEvents();
  }

  override [Symbol.dispose](): void {
    this.guest[Symbol.dispose]();
    super[Symbol.dispose]();
  }
}
