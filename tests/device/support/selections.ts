/** Scripts for selections: what a client and a compositor say to each other before data flow through a pipe. */
import assert from "node:assert/strict";
import { OwnedFd, readFd, setNonBlocking, writeFd } from "../../../ffi/fd.ts";
import { EAGAIN } from "../../../ffi/errno.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import type { Peer } from "../../support/peer.ts";
import type { DeviceClient, DeviceWorld } from "./device_world.ts";

const MIME = "text/plain";
const OFFER = 0xff00_0000;

/** One of the ways in which data cross. */
interface Kind {
  /** The global that it begins with. */
  readonly manager: readonly [name: number, type: string, version: number];
  readonly source: string;
  readonly makeSource: string;
  readonly device: string;
  readonly makeDevice: string;
  readonly offer: string;
  /** Opcode of the offer's `receive`. */
  readonly receive: number;
}

const clipboard: Kind = {
  manager: [4, "wl_data_device_manager", 3],
  source: "wl_data_source",
  makeSource: "create_data_source",
  device: "wl_data_device",
  makeDevice: "get_data_device",
  offer: "wl_data_offer",
  receive: 1,
};

const primary: Kind = {
  manager: [10, "zwp_primary_selection_device_manager_v1", 1],
  source: "zwp_primary_selection_source_v1",
  makeSource: "create_source",
  device: "zwp_primary_selection_device_v1",
  makeDevice: "get_device",
  offer: "zwp_primary_selection_offer_v1",
  receive: 0,
};

const kinds = {
  clipboard,
  "drag and drop": clipboard,
  "primary selection": primary,
  "GTK's primary selection": {
    ...primary,
    manager: [10, "gtk_primary_selection_device_manager", 1],
    source: "gtk_primary_selection_source",
    device: "gtk_primary_selection_device",
    offer: "gtk_primary_selection_offer",
  },
} as const satisfies Record<string, Kind>;

/** What data are copied, dragged or selected by. */
export type SelectionKind = keyof typeof kinds;

/** A client with a seat, a manager and a data device, and a compositor that knows them. */
export class Selections {
  readonly #world: DeviceWorld;
  readonly client: DeviceClient;
  readonly #kind: Kind;
  readonly #offer: number;
  readonly #source: number;

  constructor(
    world: DeviceWorld,
    client = world.addReady(),
    kind: SelectionKind = "clipboard",
  ) {
    this.#world = world;
    this.client = client;
    this.#kind = kinds[kind];
    const { manager, device, source, offer, makeDevice, makeSource } =
      this.#kind;
    const [, type] = manager;
    const application = client.client;
    client.bind(3, "wl_seat", 8, 3);
    client.bind(...manager, 4);
    application.say(4, `${type}.${makeDevice}`, 5, 3);
    application.say(4, `${type}.${makeSource}`, 6);
    application.say(6, `${source}.offer`, MIME);
    if (kind === "drag and drop") this.#drag();
    else application.say(5, `${device}.set_selection`, 6, 1);
    world.settle();
    const hostDevice = objectOf(client.host, device);
    client.host.say(hostDevice, `${device}.data_offer`, OFFER);
    client.host.say(OFFER, `${offer}.offer`, MIME);
    if (kind === "drag and drop") this.#enter(hostDevice);
    else client.host.say(hostDevice, `${device}.selection`, OFFER);
    world.settle();
    this.#offer = objectOf(application, offer);
    this.#source = objectOf(client.host, source);
    client.forget();
  }

  /** The client begins to drag its source out of a surface (8). */
  #drag(): void {
    const { client } = this;
    client.bind(1, "wl_compositor", 6, 7);
    client.client.say(7, "wl_compositor.create_surface", 8);
    client.client.say(6, "wl_data_source.set_actions", 1);
    client.client.say(5, "wl_data_device.start_drag", 6, 8, null, 1);
  }

  /** The host's application drags something over the surface. */
  #enter(device: number): void {
    const { host } = this.client;
    const surface = objectOf(host, "wl_surface");
    host.say(OFFER, "wl_data_offer.source_actions", 1);
    host.say(device, "wl_data_device.enter", 2, surface, 256, 256, OFFER);
    host.say(OFFER, "wl_data_offer.action", 1);
  }

  /** What the host's application drags is dropped, and the client takes it. */
  dropOnClient(): void {
    const { client, host } = this.client;
    const device = objectOf(host, "wl_data_device");
    client.say(this.#offer, "wl_data_offer.accept", 2, MIME);
    client.say(this.#offer, "wl_data_offer.set_actions", 1, 1);
    this.#world.settle();
    host.say(device, "wl_data_device.drop");
    host.say(device, "wl_data_device.leave");
    this.#world.settle();
  }

  /** The client has all of what was dropped. */
  finishDrop(): void {
    const { client } = this.client;
    client.say(this.#offer, "wl_data_offer.finish");
    client.say(this.#offer, "wl_data_offer.destroy");
    this.#world.settle();
  }

  /** What the client drags is dropped on the host. */
  dropOnHost(): void {
    const { host } = this.client;
    host.say(this.#source, "wl_data_source.target", MIME);
    host.say(this.#source, "wl_data_source.action", 1);
    host.say(this.#source, "wl_data_source.dnd_drop_performed");
    this.#world.settle();
  }

  /** The client asks for the host's selection; nothing is sent yet. The end that it reads from. */
  ask(): OwnedFd {
    const { reader, writer } = createPipe();
    setNonBlocking(reader.number);
    this.client.client.say(
      this.#offer,
      `${this.#kind.offer}.receive`,
      MIME,
      writer.release(),
    );
    return reader;
  }

  /** The client asks several times in one piece. */
  askTogether(times: number): OwnedFd[] {
    const pipes = Array.from({ length: times }, () => createPipe());
    const mime = new TextEncoder().encode(`${MIME}\0`);
    const size = 12 + ((mime.length + 3) & ~3);
    const message = new Uint8Array(size);
    message.set(mime, 12);
    new Int32Array(message.buffer).set([
      this.#offer,
      size << 16 | this.#kind.receive,
      mime.length,
    ]);
    this.client.client.bytes(
      join(pipes.map(() => message)),
      pipes.map(({ writer }) => writer.release()),
    );
    return pipes.map(({ reader }) => {
      setNonBlocking(reader.number);
      return reader;
    });
  }

  /** The descriptor that the compositor's side was given to write to. */
  takeAsked(): OwnedFd {
    const fd = this.#arrived(this.client.host);
    assert.ok(fd !== undefined, "the compositor has received a descriptor");
    setNonBlocking(fd);
    return new OwnedFd(fd);
  }

  /** The host asks for the client's selection. The end that it reads from, and the one that the client writes to. */
  offerTo(readerWaits: "waits" | "non-blocking" = "waits"): {
    readonly reader: OwnedFd;
    readonly writer: OwnedFd;
  } {
    const reader = this.askClient(readerWaits);
    const fd = this.#arrived(this.client.client);
    assert.ok(fd !== undefined, "the client has received a descriptor");
    setNonBlocking(fd);
    return { reader, writer: new OwnedFd(fd) };
  }

  /** The host asks for the client's selection; nothing is received yet. The end that it reads from. */
  askClient(readerWaits: "waits" | "non-blocking" = "waits"): OwnedFd {
    const { reader, writer } = createPipe();
    setNonBlocking(reader.number);
    if (readerWaits === "non-blocking") setNonBlocking(writer.number);
    this.client.host.say(
      this.#source,
      `${this.#kind.source}.send`,
      MIME,
      writer.release(),
    );
    return reader;
  }

  /** The next descriptor that a peer receives, at once or, from a slow host, in a second. */
  #arrived(peer: Peer): number | undefined {
    this.#world.settle();
    for (let i = 0; i < 100 && peer.receivedFds.length === 0; i++) {
      this.#world.pass(10);
    }
    return peer.receivedFds.shift();
  }
}

/** The id of the only object of a type. */
export function objectOf(peer: Peer, type: string): number {
  for (const [id, { name }] of peer.objects) if (name === type) return id;
  throw new Error(`nobody has made a ${type}`);
}

/** Reads what is there. `ended`: it ends here. */
export function drain(
  fd: OwnedFd,
  limit = Infinity,
): { bytes: Uint8Array[]; ended: boolean } {
  const bytes: Uint8Array[] = [];
  for (let room = limit; room > 0;) {
    const chunk = new Uint8Array(Math.min(room, 1 << 16));
    const count = readFd(fd.number, chunk);
    if (count === -EAGAIN) return { bytes, ended: false };
    if (count <= 0) return { bytes, ended: true };
    bytes.push(chunk.slice(0, count));
    room -= count;
  }
  return { bytes, ended: false };
}

/** Writes as much as the pipe takes: how much, or the negative error number. */
export function fill(fd: OwnedFd, bytes: Uint8Array<ArrayBuffer>): number {
  let written = 0;
  while (written < bytes.length) {
    const count = writeFd(fd.number, bytes.subarray(written));
    if (count === -EAGAIN) break;
    if (count < 0) return count;
    written += count;
  }
  return written;
}

/** Moves data through a transfer until its end has come out: what came out. */
export function transfer(
  world: DeviceWorld,
  writer: OwnedFd,
  reader: OwnedFd,
  data: Uint8Array<ArrayBuffer>,
): Uint8Array {
  const out: Uint8Array[] = [];
  let written = 0;
  for (let turn = 0; turn < 100_000; turn++) {
    if (written < data.length) {
      const count = fill(writer, data.subarray(written));
      assert.ok(count >= 0, `writing failed: ${count}`);
      written += count;
      if (written === data.length) writer[Symbol.dispose]();
    }
    if (data.length === 0) writer[Symbol.dispose]();
    world.settle();
    const { bytes, ended } = drain(reader);
    out.push(...bytes);
    if (ended) return join(out);
    if (bytes.length === 0) world.pass(1);
  }
  throw new Error(`the transfer does not end after ${written} bytes`);
}

/** Fails where bytes differ, and says where instead of showing them. */
export function assertSameBytes(
  actual: Uint8Array,
  expected: Uint8Array,
): void {
  assert.equal(actual.length, expected.length, "bytes");
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  assert.equal(at, -1, "position of the first wrong byte");
}

/** Pieces in one. */
export function join(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(
    pieces.reduce((size, { length }) => size + length, 0),
  );
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Bytes of all values, which do not repeat soon. */
export function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = 12345;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    bytes[i] = state >>> 16;
  }
  return bytes;
}
