/**
 * A guest that speaks the protocol by hand and trusts the host: it shows what
 * the emulated device does, and what becomes of a program without defences.
 */
import { PinnedBuffer } from "../../../ffi/pinned_buffer.ts";
import type { Mapping } from "../../../ffi/mapping.ts";
import { EmulatedDevice } from "../../emulator/emulated_device.ts";
import type { Machine } from "../../emulator/machine.ts";

/** A message of the host. */
export interface HostMessage {
  readonly cmd: number;
  /** RECEIVE: how many identifiers it states. READ: the pipe. */
  readonly first: number;
  /** RECEIVE: bytes of data. READ: hang-up. */
  readonly second: number;
  readonly page: Uint8Array;
}

/** One context. */
export class RawGuest implements Disposable {
  readonly device: EmulatedDevice;
  readonly query: Mapping;
  readonly channel: Mapping;
  readonly queryHandle: number;
  readonly #buffer = new PinnedBuffer(1 << 16);
  readonly #handles: number[];

  /** Opens the device and connects. */
  constructor(machine: Machine) {
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
    this.query = query.mapping;
    this.channel = channel.mapping;
    this.queryHandle = query.handle;
    this.#handles = pages.map(({ handle }) => handle);
    this.submit([1 | 20 << 16, 0, query.resource, channel.resource, 1]);
  }

  /** Submits words, and bytes behind them. */
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

  /** Asks for the next message. */
  poll(): void {
    this.submit([3 | 16 << 16, 0, 0, 0], new Uint8Array(), 1);
  }

  /** Sends bytes with identifiers, in a dialect. */
  send(
    data: Uint8Array,
    identifiers: readonly (readonly [id: number, type: number])[] = [],
    slots = 28,
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

  /** Writes to a pipe of the host. */
  write(pipe: number, data: Uint8Array, hangUp: 0 | 1 = 0): void {
    this.submit(
      [7 | (24 + data.length) << 16, 0, pipe, hangUp, data.length, 0],
      data,
    );
  }

  /** What the page has now, whether or not there was an event. */
  look(): HostMessage {
    const page = this.channel.bytes.slice();
    const view = new DataView(page.buffer);
    const [first, second] = [view.getUint32(8, true), view.getUint32(12, true)];
    return { cmd: page[0] ?? 0, first, second, page };
  }

  [Symbol.dispose](): void {
    this.query[Symbol.dispose]();
    this.channel[Symbol.dispose]();
    for (const handle of this.#handles) this.device.closeHandle(handle);
    this.device[Symbol.dispose]();
    this.#buffer.free();
  }
}
