/**
 * The emulated device's limits are those of a real one: places in its queue,
 * blobs that are shown, and one lock for a connection's items.
 */
import assert from "node:assert/strict";
import { readFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import type { BlobNames } from "../../src/virtgpu/device.ts";
import { hostProfile } from "../emulator/host_profile.ts";
import { paces } from "../emulator/worker.ts";
import { RawGuest } from "./support/raw_guest.ts";
import { ScriptedMachine } from "./support/scripted_machine.ts";

const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes);
const word = (page: Uint8Array, index: number): number =>
  new DataView(page.buffer).getUint32(index * 4, true);
/** What a RECEIVE on a guest's page brought. */
const received = (guest: RawGuest): string => {
  const { page, second } = guest.look();
  return new TextDecoder().decode(page.subarray(352, 352 + second));
};

/** Opens connections that each wait for a message. */
function openPolling(
  world: ScriptedMachine,
  guests: DisposableStack,
  count: number,
): RawGuest[] {
  return Array.from({ length: count }, () => {
    const guest = guests.use(new RawGuest(world.machine));
    guest.poll();
    return guest;
  });
}

const sync = new Uint8Array(Int32Array.of(1, 12 << 16, 2).buffer);

Deno.test("polls keep places in the device's queue, and when none is left everybody stands still until one is answered", () => {
  using world = new ScriptedMachine();
  using guests = new DisposableStack();
  const { queue } = world.machine;
  const [first, second] = openPolling(world, guests, 63);
  const last = guests.use(new RawGuest(world.machine));
  first?.send(sync);
  assert.equal(world.peer(0).heard().length, 1, "there is a place left");
  last.poll();
  assert.equal(queue.isStuck, false, "nobody wants one yet");
  first?.send(sync);
  second?.send(sync);
  world.settle();
  assert.deepEqual([queue.isStuck, queue.stalls], [true, 1]);
  assert.deepEqual([0, 1].flatMap((i) => world.peer(i).heard()), []);
  world.peer(40).bytes(text("hello"));
  world.settle();
  assert.deepEqual([queue.isStuck, queue.stalls], [false, 1]);
  assert.equal([0, 1].flatMap((i) => world.peer(i).heard()).length, 2);
});

for (const fences of ["fixed", "stock"] as const) {
  const whose = fences === "fixed" ? "one of its number" : "any connection";
  Deno.test(`fences ${fences}: the poll of a connection that died in silence keeps its place until ${whose} is answered`, () => {
    const profile = hostProfile("0.1.85", fences);
    using world = new ScriptedMachine({ profile });
    using guests = new DisposableStack();
    const { machine } = world;
    const other = guests.use(new RawGuest(machine));
    const dying = new RawGuest(machine);
    dying.poll();
    machine.contexts.get(2)?.worker?.kill();
    dying[Symbol.dispose]();
    assert.equal(machine.commandsKept, 1, "its end frees nothing");
    other.poll();
    world.peer(0).bytes(text("hello"));
    world.settle();
    assert.equal(machine.commandsKept, fences === "fixed" ? 1 : 0);
    const next = guests.use(new RawGuest(machine));
    assert.equal(next.device.context, 2, "the kernel gives the number again");
    next.poll();
    world.peer(2).bytes(text("hello"));
    world.settle();
    assert.equal(machine.commandsKept, 0);
  });
}

Deno.test("the poll of a connection that ends in order gives its place back", () => {
  using world = new ScriptedMachine();
  const guest = new RawGuest(world.machine);
  guest.poll();
  assert.equal(world.machine.commandsKept, 1);
  guest[Symbol.dispose]();
  assert.equal(world.machine.commandsKept, 0);
});

/**
 * The compositor gives a guest, its first connection, a pipe to write to: the
 * pipe's number.
 */
function givePipe(
  world: ScriptedMachine,
  guest: RawGuest,
  writer: number,
): number {
  guest.poll();
  world.peer().bytes(text("x"), [writer]);
  world.settle();
  guest.device.readEvents();
  return word(guest.look().page, 4);
}

/**
 * A guest asks for a paste, and the compositor has the end that is written to.
 */
function askForPaste(
  world: ScriptedMachine,
  guest: RawGuest,
  index: number,
): number {
  guest.send(sync, [[0x8000_0001, 3]]);
  world.peer(index).listen();
  const [writer] = world.peer(index).receivedFds.splice(0);
  assert.ok(writer !== undefined);
  return writer;
}

/** How many pieces a pipe of 16 pages takes. */
const PIPE_PIECES = 16;

function writePieces(guest: RawGuest, pipe: number, count: number): void {
  for (let i = 0; i < count; i++) guest.write(pipe, new Uint8Array(4072));
}

Deno.test("while a WRITE waits its connection receives bytes, and no descriptor", () => {
  using world = new ScriptedMachine();
  using guest = new RawGuest(world.machine);
  const { reader, writer } = createPipe();
  using _reader = reader;
  const pipe = givePipe(world, guest, writer.release());
  guest.poll();
  writePieces(guest, pipe, PIPE_PIECES + 1);
  assert.equal(world.machine.queue.isStuck, true);
  world.peer().bytes(text("bytes"));
  world.settle();
  assert.equal(received(guest), "bytes");

  readFd(reader.number, new Uint8Array(4072));
  world.settle();
  guest.poll();
  writePieces(guest, pipe, 1);
  assert.equal(world.machine.queue.isStuck, true);
  const file = createMemfd("keymap", 10).release();
  world.peer().bytes(text("file"), [file]);
  world.settle();
  assert.equal(received(guest), "bytes", "the page is as it was");
  readFd(reader.number, new Uint8Array(4072));
  world.settle();
  assert.equal(received(guest), "file");
  assert.equal(guest.look().first, 1);
});

for (const pace of paces) {
  Deno.test(`${pace}: a WRITE to a full pipe that its own connection reads never ends`, () => {
    using world = new ScriptedMachine({ pace });
    using guest = new RawGuest(world.machine);
    const pipe = givePipe(world, guest, askForPaste(world, guest, 0));
    guest.poll();
    world.settle();
    writePieces(guest, pipe, PIPE_PIECES + 1);
    for (let i = 0; i < 20; i++) world.pass(1000);
    assert.equal(world.machine.queue.isStuck, true);
    assert.equal(guest.device.readEvents(), 0);
  });

  Deno.test(`${pace}: a WRITE to a full pipe that another connection reads ends if that one has a POLL, and never if its POLL comes behind it`, () => {
    using world = new ScriptedMachine({ pace });
    using guest = new RawGuest(world.machine);
    using other = new RawGuest(world.machine);
    const { queue } = world.machine;
    const pipe = givePipe(world, guest, askForPaste(world, other, 1));
    other.poll();
    writePieces(guest, pipe, PIPE_PIECES + 1);
    assert.equal(queue.isStuck, true);
    world.settle();
    assert.equal(queue.isStuck, false);
    assert.equal(other.device.readEvents(), 1);
    assert.equal(other.look().cmd, 6);
    writePieces(guest, pipe, 1);
    other.poll();
    for (let i = 0; i < 20; i++) world.pass(1000);
    assert.equal(queue.isStuck, true);
    assert.equal(other.device.readEvents(), 0);
  });
}

Deno.test("QEMU shows a limited number of blobs: beyond it they can be made and sent, and not mapped", () => {
  const profile = { ...hostProfile("0.1.85", "fixed"), mappedBlobs: 2 };
  using world = new ScriptedMachine({ profile });
  using guest = new RawGuest(world.machine);
  const { device } = guest;
  guest.submit(
    [2 | 24 << 16, 0, 4096, 1, 0x20203852, 0x11],
    new Uint8Array(),
    0,
    guest.queryHandle,
  );
  const make = (mappable: boolean): BlobNames => {
    const size = 4096;
    const blob = device.createBlob({
      memory: "host3d",
      size,
      blobId: 2,
      mappable,
    });
    assert.ok(blob !== null);
    return blob;
  };
  const hidden = make(false);
  const [one, , third] = [make(true), make(true), make(true)];
  for (const { handle } of [hidden, third]) {
    assert.throws(() => device.map(handle, 4096, "write"), { code: "EINVAL" });
  }
  guest.send(sync, [[third.resource, 1]]);
  world.peer().listen();
  assert.equal(world.peer().receivedFds.length, 1);
  device.closeHandle(one.handle);
  device.map(make(true).handle, 4096, "write")[Symbol.dispose]();
});
