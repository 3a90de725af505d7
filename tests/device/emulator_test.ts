/**
 * The emulated device does what a real one was seen to do, also where that is
 * unkind.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import { type Fences, hostProfile } from "../emulator/host_profile.ts";
import { message } from "../support/words.ts";
import { memoryFile } from "../support/descriptors.ts";
import { R8, RawGuest, RawWorld } from "./support/raw_guest.ts";
import { ScriptedMachine } from "./support/scripted_machine.ts";

const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes);
const SYNC = message(1, 0, 2);
const SYNC_HEARD = ["wl_display@1.sync(new wl_callback@2)"];

/** What was seen of the releases. */
const seen = [
  { rutabaga: "0.1.2", slots: 4, pipeType: 4, tellsEnd: 0, mapsReadOnly: 1 },
  { rutabaga: "0.1.71", slots: 28, pipeType: 1, tellsEnd: 0, mapsReadOnly: 1 },
  { rutabaga: "0.1.85", slots: 28, pipeType: 4, tellsEnd: 1, mapsReadOnly: 0 },
] as const;

for (const { rutabaga, slots, pipeType, tellsEnd, mapsReadOnly } of seen) {
  const profile = hostProfile(rutabaga, "fixed");

  Deno.test(`${rutabaga}: bytes cross, one message for each POLL`, () => {
    using world = new RawWorld({ profile });
    const { guest } = world;
    guest.send(text("12345678"));
    assert.deepEqual(world.peer().heard(), [], "no whole message");
    world.tell("hello");
    assert.equal(guest.device.readEvents(), 0, "nothing is read without POLL");
    assert.equal(world.poll(), 1);
    assert.equal(guest.look().text, "hello");
    world.tell("again");
    assert.equal(guest.device.readEvents(), 0);
    assert.equal(guest.look().text, "hello", "the page is stable");
    world.poll();
    assert.equal(guest.look().text, "again");
  });

  Deno.test(`${rutabaga}: what one dialect sends is something else in the other`, () => {
    using world = new RawWorld({ profile });
    world.guest.send(SYNC, [], slots === 28 ? 4 : 28);
    assert.notDeepEqual(world.peer().heard(), SYNC_HEARD);
  });

  Deno.test(`${rutabaga}: a SEND that the host finds wrong is dropped, and the guest hears nothing`, () => {
    using world = new RawWorld({ profile });
    const { guest, machine } = world;
    const blob = guest.device.createBlob({
      memory: "guest",
      size: 4096,
      blobId: 0,
      mappable: true,
    });
    assert.ok(blob !== null);
    guest.send(text("12345678"), [[blob.resource, 1]]);
    guest.send(text("12345678"), [[999, 1]]);
    guest.send(text("12345678"), [[1, 4]]);
    assert.equal(machine.log.length, 3);
    guest.device.closeHandle(blob.handle);
    world.settle();
    assert.equal(machine.contexts.get(1)?.sent.commands, 0);
  });

  Deno.test(`${rutabaga}: a wrong guess of a pipe's id spends the id`, () => {
    using world = new RawWorld({ profile });
    for (const id of [0x8000_0002, 0x8000_0001, 0x8000_0003]) {
      world.guest.send(SYNC, [[id, 3]]);
    }
    world.peer().listen();
    assert.equal(world.peer().receivedFds.length, 1);
  });

  Deno.test(`${rutabaga}: a pipe's reading end kills the worker, and SENDs go on as if nothing were`, () => {
    using world = new RawWorld({ profile });
    const { reader, writer } = createPipe();
    world.poll();
    world.tell("x", [reader.release()]);
    assert.equal(world.guest.device.readEvents(), 0);
    assert.equal(world.machine.contexts.get(1)?.worker?.isDead, true);
    world.guest.send(SYNC);
    assert.equal(world.peer().heard().length, 1);
    writer[Symbol.dispose]();
  });

  Deno.test(`${rutabaga}: a written pipe is named as this host names it, and carries data`, () => {
    using world = new RawWorld({ profile });
    const { reader, writer } = createPipe();
    using _reader = reader;
    world.poll();
    world.tell("x", [writer.release()]);
    const { identifier: { id, type, size }, first } = world.guest.look();
    assert.equal(first, 1);
    assert.deepEqual([type, size], [pipeType, 0]);
    world.guest.write(id, text("data"), 1);
    const written = Deno.readTextFileSync(`/proc/self/fd/${reader.number}`);
    assert.equal(written, "data");
  });

  Deno.test(`${rutabaga}: received memory is claimed once, and mapped as this host maps it`, () => {
    using world = new RawWorld({ profile });
    const { guest, guest: { device } } = world;
    world.poll();
    world.tell("x", [memoryFile(1434)]);
    const { id, type, size } = guest.look().identifier;
    assert.deepEqual([type, size], [1, 1434]);
    const one = guest.hostBlob(1434, id);
    const other = guest.hostBlob(1434, id);
    device.map(one.handle, 4096, "read")[Symbol.dispose]();
    const refused = { code: "EINVAL" };
    assert.throws(() => device.map(other.handle, 4096, "read"), refused);
    device.map(one.handle, 4096, "write")[Symbol.dispose]();
    assert.equal(world.machine.violations.length, mapsReadOnly);
    device.closeHandle(one.handle);
    device.closeHandle(other.handle);
  });

  Deno.test(`${rutabaga}: the compositor's end is told as this host tells it`, () => {
    using world = new RawWorld({ profile });
    world.peer()[Symbol.dispose]();
    for (let i = 0; i < 3; i++) {
      assert.equal(world.poll(), tellsEnd);
    }
    if (tellsEnd === 0) return;
    const { cmd, first, second } = world.guest.look();
    assert.deepEqual([cmd, first, second], [5, 0, 0]);
  });

  Deno.test(`${rutabaga}: more descriptors than slots are counted and lost`, () => {
    using world = new RawWorld({ profile });
    const fds = Array.from({ length: slots + 1 }, () => memoryFile());
    world.poll();
    world.tell("x", fds);
    assert.equal(world.guest.look().first, slots + 1);
    assert.equal(world.machine.census().hostDescriptors, slots);
  });
}

Deno.test("a paste comes as READs, and its end as one of its own", () => {
  using world = new RawWorld();
  const { guest } = world;
  guest.poll();
  guest.send(text("12345678"), [[0x8000_0001, 3]]);
  world.settle();
  world.peer().listen();
  const pipe = world.peer().takeFd();
  Deno.writeFileSync(`/proc/self/fd/${pipe}`, text("pasted"));
  world.settle();
  assert.equal(guest.device.readEvents(), 1);
  const { cmd, first, second, page } = guest.look();
  assert.deepEqual([cmd, first, second], [6, 0x8000_0001, 0]);
  assert.equal(new TextDecoder().decode(page.subarray(24, 30)), "pasted");
  closeFd(pipe);
  world.poll();
  const last = guest.look();
  assert.deepEqual([last.cmd, last.second, last.words[4]], [6, 1, 0]);
  assert.equal(world.machine.census().hostDescriptors, 0);
});

Deno.test("a query that fails leaves the page as it was", () => {
  using world = new RawWorld();
  const { guest } = world;
  const ask = (fourcc: number): readonly (number | undefined)[] => {
    guest.queryPage.bytes.fill(0, 0, 64);
    const words = guest.query(1000, 1, fourcc);
    return [words[12], words[10]];
  };
  assert.deepEqual(ask(R8), [2, 4096]);
  world.faults.failedQueries = 1;
  assert.equal(ask(R8)[0], 0);
  assert.equal(ask(R8)[0], 3);
  assert.equal(ask(0x1234)[0], 0);
});

Deno.test("memory lives as long as a name, a mapping or an exported descriptor of it", () => {
  using world = new RawWorld();
  const { guest, guest: { device }, machine } = world;
  guest.query(4096, 1, R8);
  const before = machine.census();
  const blob = guest.hostBlob(4096, 2);
  const fd = device.primeHandleToFd(blob.handle);
  device.closeHandle(blob.handle);
  assert.equal(machine.census().dmaBufs, 1);
  const mapping = device.mapPrime(fd.number, 4096, "write");
  const again = device.primeFdToHandle(fd.number);
  assert.ok(again !== null);
  assert.equal(device.primeFdToHandle(fd.number), again);
  assert.equal(device.resourceInfo(again).resource, blob.resource);
  device.closeHandle(again);
  fd[Symbol.dispose]();
  assert.equal(machine.census().window, 4096);
  mapping[Symbol.dispose]();
  assert.deepEqual(machine.census(), before);
});

Deno.test("mappings by the node keep the compositor's connection open, those of exported memory do not", () => {
  using world = new ScriptedMachine();
  const guest = new RawGuest(world.machine);
  guest.device[Symbol.dispose]();
  world.peer().listen();
  assert.equal(world.peer().closed, false);
  guest.queryPage[Symbol.dispose]();
  guest.channel[Symbol.dispose]();
  world.peer().listen();
  assert.equal(world.peer().closed, true);
  const left = Object.values(world.machine.census());
  assert.deepEqual(new Set(left), new Set([0]));
});

Deno.test("a compositor that does not read stops the whole machine", () => {
  using world = new RawWorld();
  using other = new RawGuest(world.machine);
  const syncs = new Uint8Array(3000);
  for (let at = 0; at < syncs.length; at += 12) syncs.set(SYNC, at);
  for (let i = 0; i < 400; i++) world.guest.send(syncs);
  assert.equal(world.machine.queue.stalls, 1);
  other.send(SYNC);
  world.settle();
  assert.deepEqual(world.peer(1).heard(), []);
  const sink = world.peer(0);
  do sink.listen(); while (world.loop.turn(0) > 0);
  assert.deepEqual(world.peer(1).heard(), SYNC_HEARD);
});

/**
 * Eight contexts whose compositor has two messages under way to each, and
 * guests that trust their fences. Returns how many of them lost one.
 */
function confusedGuests(fences: Fences): number {
  using world = new ScriptedMachine({ profile: hostProfile("0.1.85", fences) });
  using guests = new DisposableStack();
  const messages = 40;
  const all = Array.from({ length: 8 }, (_, index) => ({
    guest: guests.use(new RawGuest(world.machine)),
    peer: world.peer(index),
    said: 0,
    heard: 0,
  }));
  for (const { guest } of all) guest.poll();
  for (let turn = 0; turn < 40 * messages; turn++) {
    const speaker = all[turn % all.length];
    while (
      speaker !== undefined && speaker.said < messages &&
      speaker.said - speaker.heard < 2
    ) {
      speaker.peer.bytes(text(`${speaker.said++}`));
      world.loop.turn(0);
    }
    for (const client of all) {
      if (client.guest.device.readEvents() === 0) continue;
      // A page that says again what it said before is stale.
      if (client.guest.look().text === `${client.heard}`) client.heard++;
      client.guest.poll();
    }
  }
  return all.filter(({ heard }) => heard < messages).length;
}

Deno.test("guests that trust QEMU's fences lose messages, and only with QEMU's", () => {
  assert.equal(confusedGuests("fixed"), 0);
  assert.ok(confusedGuests("stock") > 0);
});
