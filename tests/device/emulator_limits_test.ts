/**
 * The emulated device's limits are those of a real one: places in its queue,
 * blobs that are shown, and one lock for a connection's items.
 */
import assert from "node:assert/strict";
import { readFd } from "../../ffi/fd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import type { BlobNames } from "../../src/virtgpu/device.ts";
import { hostProfile } from "../emulator/host_profile.ts";
import { paces } from "../emulator/worker.ts";
import { message } from "../support/words.ts";
import { memoryFile } from "../support/descriptors.ts";
import { R8, RawGuest, RawWorld } from "./support/raw_guest.ts";

const sync = message(1, 0, 2);

Deno.test("polls keep places in the device's queue, and when none is left everybody stands still until one is answered", () => {
  using world = new RawWorld();
  using guests = new DisposableStack();
  const { guest: last, machine: { queue } } = world;
  const all = Array.from(
    { length: 63 },
    () => guests.use(new RawGuest(world.machine)),
  );
  for (const guest of all) guest.poll();
  const [first, second] = all;
  first?.send(sync);
  assert.equal(world.peer(1).heard().length, 1, "there is a place left");
  last.poll();
  assert.equal(queue.isStuck, false, "nobody wants one yet");
  first?.send(sync);
  second?.send(sync);
  world.settle();
  assert.deepEqual([queue.isStuck, queue.stalls], [true, 1]);
  assert.deepEqual([1, 2].flatMap((i) => world.peer(i).heard()), []);
  world.tell("hello", [], 40);
  assert.deepEqual([queue.isStuck, queue.stalls], [false, 1]);
  assert.equal([1, 2].flatMap((i) => world.peer(i).heard()).length, 2);
});

for (const fences of ["fixed", "stock"] as const) {
  const whose = fences === "fixed" ? "one of its number" : "any connection";
  Deno.test(`fences ${fences}: the poll of a connection that died in silence keeps its place until ${whose} is answered`, () => {
    const profile = hostProfile("0.1.85", fences);
    using world = new RawWorld({ profile });
    const { guest: other, machine } = world;
    const dying = new RawGuest(machine);
    dying.poll();
    machine.contexts.get(2)?.worker?.kill();
    dying[Symbol.dispose]();
    assert.equal(machine.commandsKept, 1, "its end frees nothing");
    other.poll();
    world.tell("hello");
    assert.equal(machine.commandsKept, fences === "fixed" ? 1 : 0);
    using next = new RawGuest(machine);
    assert.equal(next.device.context, 2, "the kernel gives the number again");
    next.poll();
    world.tell("hello", [], 2);
    assert.equal(machine.commandsKept, 0);
  });
}

Deno.test("the poll of a connection that ends in order gives its place back", () => {
  using world = new RawWorld();
  const guest = new RawGuest(world.machine);
  guest.poll();
  assert.equal(world.machine.commandsKept, 1);
  guest[Symbol.dispose]();
  assert.equal(world.machine.commandsKept, 0);
});

/** The compositor gives the guest a pipe to write to: the pipe's number. */
function givePipe(world: RawWorld, writer: number): number {
  world.guest.poll();
  world.tell("x", [writer]);
  world.guest.device.readEvents();
  return world.guest.look().identifier.id;
}

/**
 * A guest asks for a paste, and the compositor has the end that is written to.
 */
function askForPaste(world: RawWorld, guest: RawGuest, index: number): number {
  guest.send(sync, [[0x8000_0001, 3]]);
  world.peer(index).listen();
  return world.peer(index).takeFd();
}

/** How many pieces a pipe of 16 pages takes. */
const PIPE_PIECES = 16;

function writePieces(guest: RawGuest, pipe: number, count: number): void {
  for (let i = 0; i < count; i++) guest.write(pipe, new Uint8Array(4072));
}

Deno.test("while a WRITE waits its connection receives bytes, and no descriptor", () => {
  using world = new RawWorld();
  const { guest } = world;
  const { reader, writer } = createPipe();
  using _reader = reader;
  const pipe = givePipe(world, writer.release());
  guest.poll();
  writePieces(guest, pipe, PIPE_PIECES + 1);
  assert.equal(world.machine.queue.isStuck, true);
  world.tell("bytes");
  assert.equal(guest.look().text, "bytes");

  readFd(reader.number, new Uint8Array(4072));
  world.settle();
  guest.poll();
  writePieces(guest, pipe, 1);
  assert.equal(world.machine.queue.isStuck, true);
  world.tell("file", [memoryFile(10)]);
  assert.equal(guest.look().text, "bytes", "the page is as it was");
  readFd(reader.number, new Uint8Array(4072));
  world.settle();
  assert.equal(guest.look().text, "file");
  assert.equal(guest.look().first, 1);
});

for (const pace of paces) {
  Deno.test(`${pace}: a WRITE to a full pipe that its own connection reads never ends`, () => {
    using world = new RawWorld({ pace });
    const { guest } = world;
    const pipe = givePipe(world, askForPaste(world, guest, 0));
    guest.poll();
    world.settle();
    writePieces(guest, pipe, PIPE_PIECES + 1);
    for (let i = 0; i < 20; i++) world.pass(1000);
    assert.equal(world.machine.queue.isStuck, true);
    assert.equal(guest.device.readEvents(), 0);
  });

  Deno.test(`${pace}: a WRITE to a full pipe that another connection reads ends if that one has a POLL, and never if its POLL comes behind it`, () => {
    using world = new RawWorld({ pace });
    const { guest } = world;
    using other = new RawGuest(world.machine);
    const { queue } = world.machine;
    const pipe = givePipe(world, askForPaste(world, other, 1));
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
  using world = new RawWorld({ profile });
  const { guest, guest: { device } } = world;
  guest.query(4096, 1, R8);
  const make = (mappable: boolean): BlobNames =>
    guest.hostBlob(4096, 2, mappable);
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
