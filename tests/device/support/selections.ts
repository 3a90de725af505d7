/**
 * Scripts for selections: what a client and a compositor say to each other
 * before data flow through a pipe.
 */
import assert from "node:assert/strict";
import { OwnedFd, readFd, setNonBlocking, writeFd } from "../../../ffi/fd.ts";
import { EAGAIN } from "../../../ffi/errno.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import { join } from "../../support/words.ts";
import { type DeviceClient, DeviceWorld } from "./device_world.ts";

const MIME = "text/plain";
const OFFER = 0xff00_0000;

const clipboard = {
  manager: [4, "wl_data_device_manager", 3],
  createSource: "wl_data_device_manager.create_data_source",
  getDevice: "wl_data_device_manager.get_data_device",
  source: "wl_data_source",
  device: "wl_data_device",
  offer: "wl_data_offer",
} as const;

const primary = {
  manager: [10, "zwp_primary_selection_device_manager_v1", 1],
  createSource: "zwp_primary_selection_device_manager_v1.create_source",
  getDevice: "zwp_primary_selection_device_manager_v1.get_device",
  source: "zwp_primary_selection_source_v1",
  device: "zwp_primary_selection_device_v1",
  offer: "zwp_primary_selection_offer_v1",
} as const;

/**
 * The ways in which data cross: the global that each begins with, and what is
 * made of it.
 */
const kinds = {
  clipboard,
  "drag and drop": clipboard,
  "primary selection": primary,
  "GTK's primary selection": {
    manager: [10, "gtk_primary_selection_device_manager", 1],
    createSource: "gtk_primary_selection_device_manager.create_source",
    getDevice: "gtk_primary_selection_device_manager.get_device",
    source: "gtk_primary_selection_source",
    device: "gtk_primary_selection_device",
    offer: "gtk_primary_selection_offer",
  },
} as const;

/** What data are copied, dragged or selected by. */
export type SelectionKind = keyof typeof kinds;

type Kind = (typeof kinds)[SelectionKind];

/**
 * Both ends of a transfer as the two applications have them; they are closed
 * together.
 */
export class TransferEnds implements Disposable {
  readonly reader: OwnedFd;
  readonly writer: OwnedFd;
  readonly #world: DeviceWorld;

  constructor(world: DeviceWorld, reader: OwnedFd, writer: OwnedFd) {
    this.#world = world;
    this.reader = reader;
    this.writer = writer;
  }

  /**
   * The one application writes as much as the pipe takes, and all that follows
   * happens.
   *
   * @returns how much, or the negative error number
   */
  write(bytes: Uint8Array<ArrayBuffer>): number {
    const count = fill(this.writer, bytes);
    this.#world.settle();
    return count;
  }

  /** The one application closes its end, and all that follows happens. */
  end(): void {
    this.writer[Symbol.dispose]();
    this.#world.settle();
  }

  /** The other application reads what is there. `ended`: it ends here. */
  read(limit = Infinity): { bytes: Uint8Array; ended: boolean } {
    return drain(this.reader, limit);
  }

  /** Moves data until their end has come out: what came out. */
  transfer(data: Uint8Array<ArrayBuffer>): Uint8Array {
    const out: Uint8Array[] = [];
    let written = 0;
    for (let turn = 0; turn < 100_000; turn++) {
      if (written < data.length) {
        const count = fill(this.writer, data.subarray(written));
        assert.ok(count >= 0, `writing failed: ${count}`);
        written += count;
      }
      if (written === data.length) this.writer[Symbol.dispose]();
      this.#world.settle();
      const { bytes, ended } = this.read();
      out.push(bytes);
      if (ended) return join(...out);
      if (bytes.length === 0) this.#world.pass(1);
    }
    throw new Error(`the transfer does not end after ${written} bytes`);
  }

  /** Fails unless data come out as they went in, and then their end. */
  assertArrives(data: Uint8Array<ArrayBuffer>): void {
    assertSameBytes(this.transfer(data), data);
  }

  [Symbol.dispose](): void {
    this.reader[Symbol.dispose]();
    this.writer[Symbol.dispose]();
  }
}

/**
 * A client with a seat, a manager and a data device, and a compositor that
 * knows them.
 */
export class Selections {
  readonly #world: DeviceWorld;
  readonly client: DeviceClient;
  readonly #kind: Kind;
  /** The host's offer, as the client knows it. */
  readonly offer: string;
  /** The client's source. */
  readonly source: string;

  constructor(
    world: DeviceWorld,
    client = world.addReady(),
    kind: SelectionKind = "clipboard",
  ) {
    this.#world = world;
    this.client = client;
    this.#kind = kinds[kind];
    const { manager, device, source, offer, createSource, getDevice } =
      this.#kind;
    const [name, type, version] = manager;
    const { client: application, host } = client;
    client.bind(3, "wl_seat", 8, 3);
    client.bind(name, type, version, 4);
    application.say(4, getDevice, { id: 5, seat: 3 });
    application.say(4, createSource, { id: 6 });
    application.say(6, `${source}.offer`, { "mime_type": MIME });
    if (kind === "drag and drop") this.#drag();
    else {
      application.say(5, `${device}.set_selection`, { source: 6, serial: 1 });
    }
    world.settle();
    if (device === "wl_data_device") {
      host.say(5, `${device}.data_offer`, { id: OFFER });
    } else host.say(5, `${device}.data_offer`, { offer: OFFER });
    host.say(OFFER, `${offer}.offer`, { "mime_type": MIME });
    if (kind === "drag and drop") this.#enter();
    else host.say(5, `${device}.selection`, { id: OFFER });
    world.settle();
    this.offer = application.find(offer);
    this.source = host.find(source);
    client.forget();
  }

  /** The client begins to drag its source out of a surface (8). */
  #drag(): void {
    const { client } = this;
    client.bind(1, "wl_compositor", 6, 7);
    client.client.say(7, "wl_compositor.create_surface", { id: 8 });
    client.client.say(6, "wl_data_source.set_actions", { "dnd_actions": 1 });
    client.client.say(5, "wl_data_device.start_drag", {
      source: 6,
      origin: 8,
      icon: null,
      serial: 1,
    });
  }

  /** The host's application drags something over the surface. */
  #enter(): void {
    const { host } = this.client;
    host.say(OFFER, "wl_data_offer.source_actions", { "source_actions": 1 });
    host.say(5, "wl_data_device.enter", {
      serial: 2,
      surface: 8,
      x: 256,
      y: 256,
      id: OFFER,
    });
    host.say(OFFER, "wl_data_offer.action", { "dnd_action": 1 });
  }

  /** What the host's application drags is dropped, and the client takes it. */
  dropOnClient(): void {
    const { client, host } = this.client;
    client.say(this.offer, "wl_data_offer.accept", {
      serial: 2,
      "mime_type": MIME,
    });
    client.say(this.offer, "wl_data_offer.set_actions", {
      "dnd_actions": 1,
      "preferred_action": 1,
    });
    this.#world.settle();
    host.say(5, "wl_data_device.drop");
    host.say(5, "wl_data_device.leave");
    this.#world.settle();
  }

  /** The client has all of what was dropped. */
  finishDrop(): void {
    const { client } = this.client;
    client.say(this.offer, "wl_data_offer.finish");
    client.say(this.offer, "wl_data_offer.destroy");
    this.#world.settle();
  }

  /** What the client drags is dropped on the host. */
  dropOnHost(): void {
    const { host } = this.client;
    host.say(this.source, "wl_data_source.target", { "mime_type": MIME });
    host.say(this.source, "wl_data_source.action", { "dnd_action": 1 });
    host.say(this.source, "wl_data_source.dnd_drop_performed");
    this.#world.settle();
  }

  /**
   * The client asks for the host's selection; nothing is sent yet. The end that
   * it reads from.
   */
  ask(): OwnedFd {
    const { reader, writer } = createPipe();
    setNonBlocking(reader.number);
    this.client.client.say(this.offer, `${this.#kind.offer}.receive`, {
      "mime_type": MIME,
      fd: writer.release(),
    });
    return reader;
  }

  /**
   * The client asks for the host's selection, and the compositor has heard of
   * it.
   */
  paste(): TransferEnds {
    return this.answered(this.ask());
  }

  /** The client asks several times in one piece. */
  askTogether(times: number): OwnedFd[] {
    const pipes = Array.from({ length: times }, () => createPipe());
    const { client } = this.client;
    const name = `${this.#kind.offer}.receive` as const;
    const values = { "mime_type": MIME, fd: -1 };
    const message = client.encode(this.offer, name, values);
    client.bytes(
      join(...pipes.map(() => message)),
      pipes.map(({ writer }) => writer.release()),
    );
    return pipes.map(({ reader }) => {
      setNonBlocking(reader.number);
      return reader;
    });
  }

  /** Both ends of what was asked for, once the compositor has heard of it. */
  answered(reader: OwnedFd): TransferEnds {
    return new TransferEnds(this.#world, reader, this.takeAsked());
  }

  /** The descriptor that the compositor's side was given to write to. */
  takeAsked(): OwnedFd {
    return writingEnd(this.#world, this.client.host);
  }

  /**
   * The host asks for the client's selection. The end that it reads from, and
   * the one that the client writes to.
   */
  offerTo(readerWaits: "waits" | "non-blocking" = "waits"): TransferEnds {
    const reader = this.askClient(readerWaits);
    const writer = writingEnd(this.#world, this.client.client);
    return new TransferEnds(this.#world, reader, writer);
  }

  /**
   * The host asks for the client's selection; nothing is received yet. The end
   * that it reads from.
   */
  askClient(readerWaits: "waits" | "non-blocking" = "waits"): OwnedFd {
    const { reader, writer } = createPipe();
    setNonBlocking(reader.number);
    if (readerWaits === "non-blocking") setNonBlocking(writer.number);
    this.client.host.say(this.source, `${this.#kind.source}.send`, {
      "mime_type": MIME,
      fd: writer.release(),
    });
    return reader;
  }
}

/** A peer of a transfer, which receives descriptors. */
interface Receiver {
  readonly receivedFds: number[];
}

/**
 * The next descriptor that a peer receives, at once or, from a slow host, in a
 * second.
 */
export function arrived(world: DeviceWorld, { receivedFds }: Receiver): number {
  world.settle();
  for (let i = 0; i < 100 && receivedFds.length === 0; i++) world.pass(10);
  const fd = receivedFds.shift();
  assert.ok(fd !== undefined, "a descriptor has arrived");
  return fd;
}

/** The same where it is an end to write to. */
export function writingEnd(world: DeviceWorld, peer: Receiver): OwnedFd {
  const fd = arrived(world, peer);
  setNonBlocking(fd);
  return new OwnedFd(fd);
}

/** A machine whose first client has the clipboard. */
export class ClipboardWorld extends DeviceWorld {
  readonly selections: Selections = new Selections(this);
  readonly client: DeviceClient = this.selections.client;

  /** The client asks for the host's selection. */
  paste(): TransferEnds {
    return this.selections.paste();
  }

  /** The host asks for the client's selection. */
  copy(readerWaits?: "waits" | "non-blocking"): TransferEnds {
    return this.selections.offerTo(readerWaits);
  }
}

/** Reads what is there. `ended`: it ends here. */
export function drain(
  fd: OwnedFd,
  limit = Infinity,
): { bytes: Uint8Array; ended: boolean } {
  const pieces: Uint8Array[] = [];
  for (let room = limit; room > 0;) {
    const chunk = new Uint8Array(Math.min(room, 1 << 16));
    const count = readFd(fd.number, chunk);
    if (count === -EAGAIN) break;
    if (count <= 0) return { bytes: join(...pieces), ended: true };
    pieces.push(chunk.subarray(0, count));
    room -= count;
  }
  return { bytes: join(...pieces), ended: false };
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

/** Fails where bytes differ, and says where instead of showing them. */
export function assertSameBytes(
  actual: Uint8Array,
  expected: Uint8Array,
): void {
  assert.equal(actual.length, expected.length, "bytes");
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  assert.equal(at, -1, "position of the first wrong byte");
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
