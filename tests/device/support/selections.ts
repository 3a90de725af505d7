/** Scripts for selections: what a client and a compositor say to each other before data flow through a pipe. */
import assert from "node:assert/strict";
import { OwnedFd, readFd, setNonBlocking, writeFd } from "../../../ffi/fd.ts";
import { EAGAIN } from "../../../ffi/errno.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import type { Peer } from "../../scenario/support/peer.ts";
import type { DeviceClient, DeviceWorld } from "./device_world.ts";

const MIME = "text/plain";
const OFFER = 0xff00_0000;
/** Opcode of wl_data_offer.receive. */
const RECEIVE = 1;

/** A client with a seat, a manager and a data device, and a compositor that knows them. */
export class Selections {
  readonly #world: DeviceWorld;
  readonly client: DeviceClient;
  readonly #offer: number;
  readonly #source: number;

  constructor(world: DeviceWorld, client = world.addReady()) {
    this.#world = world;
    this.client = client;
    client.bind(3, "wl_seat", 8, 3);
    client.bind(4, "wl_data_device_manager", 3, 4);
    client.client.say(4, "wl_data_device_manager.get_data_device", 5, 3);
    client.client.say(4, "wl_data_device_manager.create_data_source", 6);
    client.client.say(6, "wl_data_source.offer", MIME);
    client.client.say(5, "wl_data_device.set_selection", 6, 1);
    world.settle();
    const device = objectOf(client.host, "wl_data_device");
    client.host.say(device, "wl_data_device.data_offer", OFFER);
    client.host.say(OFFER, "wl_data_offer.offer", MIME);
    client.host.say(device, "wl_data_device.selection", OFFER);
    world.settle();
    this.#offer = objectOf(client.client, "wl_data_offer");
    this.#source = objectOf(client.host, "wl_data_source");
    client.forget();
  }

  /** The client asks for the host's selection; nothing is sent yet. The end that it reads from. */
  ask(): OwnedFd {
    const { reader, writer } = createPipe();
    setNonBlocking(reader.number);
    this.client.client.say(
      this.#offer,
      "wl_data_offer.receive",
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
      size << 16 | RECEIVE,
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
      "wl_data_source.send",
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
function objectOf(peer: Peer, type: string): number {
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
