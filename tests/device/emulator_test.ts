/**
 * The emulated device does what a real one was seen to do, also where that is
 * unkind.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import {
  type Fences,
  hostProfile,
  type Rutabaga,
  rutabagas,
} from "../emulator/host_profile.ts";
import { type HostMessage, RawGuest } from "./support/raw_guest.ts";
import { ScriptedMachine } from "./support/scripted_machine.ts";

const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes);
const slotsOf = (rutabaga: Rutabaga): number => rutabaga === "0.1.2" ? 4 : 28;
const dataOf = ({ page, second }: HostMessage, slots: number): string =>
  new TextDecoder().decode(
    page.subarray(16 + 12 * slots, 16 + 12 * slots + second),
  );
const word = (page: Uint8Array, index: number): number =>
  new DataView(page.buffer).getUint32(index * 4, true);

for (const rutabaga of rutabagas) {
  const slots = slotsOf(rutabaga);
  const profile = hostProfile(rutabaga, "fixed");

  Deno.test(`${rutabaga}: bytes cross, one message for each POLL`, () => {
    using world = new ScriptedMachine({ profile });
    using guest = new RawGuest(world.machine);
    const peer = world.peer();
    guest.send(text("12345678"), [], slots);
    assert.deepEqual(peer.heard(), [], "no whole message");
    peer.bytes(text("hello"));
    world.settle();
    assert.equal(guest.device.readEvents(), 0, "nothing is read without POLL");
    guest.poll();
    world.settle();
    assert.equal(guest.device.readEvents(), 1);
    assert.equal(dataOf(guest.look(), slots), "hello");
    peer.bytes(text("again"));
    world.settle();
    assert.equal(guest.device.readEvents(), 0);
    assert.equal(dataOf(guest.look(), slots), "hello", "the page is stable");
    guest.poll();
    world.settle();
    assert.equal(dataOf(guest.look(), slots), "again");
  });

  Deno.test(`${rutabaga}: what one dialect sends is something else in the other`, () => {
    using world = new ScriptedMachine({ profile });
    using guest = new RawGuest(world.machine);
    const sync = new Uint8Array(Int32Array.of(1, 12 << 16, 2).buffer);
    guest.send(sync, [], slots === 28 ? 4 : 28);
    assert.notDeepEqual(world.peer().heard(), [
      "wl_display@1.sync(new wl_callback@2)",
    ]);
  });

  Deno.test(`${rutabaga}: a SEND that the host finds wrong is dropped, and the guest hears nothing`, () => {
    using world = new ScriptedMachine({ profile });
    using guest = new RawGuest(world.machine);
    const blob = guest.device.createBlob({
      memory: "guest",
      size: 4096,
      blobId: 0,
      mappable: true,
    });
    assert.ok(blob !== null);
    guest.send(text("12345678"), [[blob.resource, 1]], slots);
    guest.send(text("12345678"), [[999, 1]], slots);
    guest.send(text("12345678"), [[1, 4]], slots);
    assert.equal(world.machine.log.length, 3);
    guest.device.closeHandle(blob.handle);
    world.settle();
    assert.equal(world.machine.contexts.get(1)?.sent.commands, 0);
  });

  Deno.test(`${rutabaga}: a wrong guess of a pipe's id spends the id`, () => {
    using world = new ScriptedMachine({ profile });
    using guest = new RawGuest(world.machine);
    const data = new Uint8Array(Int32Array.of(1, 12 << 16, 2).buffer);
    guest.send(data, [[0x8000_0002, 3]], slots);
    guest.send(data, [[0x8000_0001, 3]], slots);
    guest.send(data, [[0x8000_0003, 3]], slots);
    world.peer().listen();
    assert.equal(world.peer().receivedFds.length, 1);
  });

  Deno.test(`${rutabaga}: a pipe's reading end kills the worker, and SENDs go on as if nothing were`, () => {
    using world = new ScriptedMachine({ profile });
    using guest = new RawGuest(world.machine);
    const { reader, writer } = createPipe();
    guest.poll();
    world.peer().bytes(text("x"), [reader.release()]);
    world.settle();
    assert.equal(guest.device.readEvents(), 0);
    assert.equal(world.machine.contexts.get(1)?.worker?.isDead, true);
    guest.send(
      new Uint8Array(Int32Array.of(1, 12 << 16, 2).buffer),
      [],
      slots,
    );
    assert.equal(world.peer().heard().length, 1);
    writer[Symbol.dispose]();
  });

  Deno.test(`${rutabaga}: a written pipe is named as this host names it, and carries data`, () => {
    using world = new ScriptedMachine({ profile });
    using guest = new RawGuest(world.machine);
    using ends = new DisposableStack();
    const { reader, writer } = createPipe();
    ends.use(reader);
    guest.poll();
    world.peer().bytes(text("x"), [writer.release()]);
    world.settle();
    const { page, first } = guest.look();
    assert.equal(first, 1);
    const [id, type, size] = [4, 4 + slots, 4 + 2 * slots].map((at) =>
      word(page, at)
    );
    assert.deepEqual([type, size], [rutabaga === "0.1.71" ? 1 : 4, 0]);
    guest.write(id ?? 0, text("data"), 1);
    const bytes = Deno.readFileSync(`/proc/self/fd/${reader.number}`);
    assert.equal(new TextDecoder().decode(bytes), "data");
  });

  Deno.test(`${rutabaga}: received memory is claimed once, and mapped as this host maps it`, () => {
    using world = new ScriptedMachine({ profile });
    using guest = new RawGuest(world.machine);
    const memory = createMemfd("test", 1434);
    guest.poll();
    world.peer().bytes(text("x"), [memory.release()]);
    world.settle();
    const { page } = guest.look();
    const [blobId, type, size] = [4, 4 + slots, 4 + 2 * slots].map((at) =>
      word(page, at)
    );
    assert.deepEqual([type, size], [1, 1434]);
    const request = {
      memory: "host3d",
      size: 1434,
      blobId: blobId ?? 0,
      mappable: true,
    } as const;
    const one = guest.device.createBlob(request);
    const other = guest.device.createBlob(request);
    assert.ok(one !== null && other !== null);
    guest.device.map(one.handle, 4096, "read")[Symbol.dispose]();
    assert.throws(() => guest.device.map(other.handle, 4096, "read"), {
      code: "EINVAL",
    });
    guest.device.map(one.handle, 4096, "write")[Symbol.dispose]();
    assert.equal(
      world.machine.violations.length,
      rutabaga === "0.1.85" ? 0 : 1,
    );
    guest.device.closeHandle(one.handle);
    guest.device.closeHandle(other.handle);
  });

  Deno.test(`${rutabaga}: the compositor's end is told as this host tells it`, () => {
    using world = new ScriptedMachine({ profile });
    using guest = new RawGuest(world.machine);
    world.peer()[Symbol.dispose]();
    for (let i = 0; i < 3; i++) {
      guest.poll();
      world.settle();
      assert.equal(
        guest.device.readEvents(),
        rutabaga === "0.1.85" ? 1 : 0,
      );
    }
    if (rutabaga === "0.1.85") {
      assert.deepEqual(
        [guest.look().cmd, guest.look().first, guest.look().second],
        [5, 0, 0],
      );
    }
  });

  Deno.test(`${rutabaga}: more descriptors than slots are counted and lost`, () => {
    using world = new ScriptedMachine({ profile });
    using guest = new RawGuest(world.machine);
    const fds = Array.from(
      { length: slots + 1 },
      () => createMemfd("test", 1).release(),
    );
    guest.poll();
    world.peer().bytes(text("x"), fds);
    world.settle();
    assert.equal(guest.look().first, slots + 1);
    assert.equal(world.machine.census().hostDescriptors, slots);
  });
}

Deno.test("a paste comes as READs, and its end as one of its own", () => {
  using world = new ScriptedMachine();
  using guest = new RawGuest(world.machine);
  guest.poll();
  guest.send(text("12345678"), [[0x8000_0001, 3]]);
  world.settle();
  world.peer().listen();
  const [pipe] = world.peer().receivedFds.splice(0);
  assert.ok(pipe !== undefined);
  Deno.writeFileSync(`/proc/self/fd/${pipe}`, text("pasted"));
  world.settle();
  assert.equal(guest.device.readEvents(), 1);
  const { cmd, first, second, page } = guest.look();
  assert.deepEqual([cmd, first, second], [6, 0x8000_0001, 0]);
  assert.equal(new TextDecoder().decode(page.subarray(24, 30)), "pasted");
  closeFd(pipe);
  guest.poll();
  world.settle();
  assert.deepEqual([guest.look().cmd, guest.look().second], [6, 1]);
  assert.equal(word(guest.look().page, 4), 0);
  assert.equal(world.machine.census().hostDescriptors, 0);
});

Deno.test("a query that fails leaves the page as it was", () => {
  using world = new ScriptedMachine();
  using guest = new RawGuest(world.machine);
  const query = (fourcc: number): number => {
    guest.query.bytes.fill(0, 0, 64);
    guest.submit(
      [2 | 24 << 16, 0, 1000, 1, fourcc, 0x11],
      new Uint8Array(),
      0,
      guest.queryHandle,
    );
    assert.ok(guest.device.wait(guest.queryHandle, "none"));
    return word(guest.query.bytes.slice(), 12);
  };
  const r8 = 0x20203852;
  assert.equal(query(r8), 2);
  assert.equal(word(guest.query.bytes.slice(), 10), 4096);
  world.machine.faults.failedQueries = 1;
  assert.equal(query(r8), 0);
  assert.equal(query(r8), 3);
  assert.equal(query(0x1234), 0);
});

Deno.test("memory lives as long as a name, a mapping or an exported descriptor of it", () => {
  using world = new ScriptedMachine();
  using guest = new RawGuest(world.machine);
  const { device } = guest;
  guest.submit(
    [2 | 24 << 16, 0, 4096, 1, 0x20203852, 0x11],
    new Uint8Array(),
    0,
    guest.queryHandle,
  );
  const before = world.machine.census();
  const blob = device.createBlob({
    memory: "host3d",
    size: 4096,
    blobId: 2,
    mappable: true,
  });
  assert.ok(blob !== null);
  const fd = device.primeHandleToFd(blob.handle);
  device.closeHandle(blob.handle);
  assert.equal(world.machine.census().dmaBufs, 1);
  const mapping = device.mapPrime(fd.number, 4096, "write");
  const again = device.primeFdToHandle(fd.number);
  assert.ok(again !== null);
  assert.equal(device.primeFdToHandle(fd.number), again);
  assert.equal(device.resourceInfo(again).resource, blob.resource);
  device.closeHandle(again);
  fd[Symbol.dispose]();
  assert.equal(world.machine.census().window, 4096);
  mapping[Symbol.dispose]();
  assert.deepEqual(world.machine.census(), before);
});

Deno.test("mappings by the node keep the compositor's connection open, those of exported memory do not", () => {
  using world = new ScriptedMachine();
  const guest = new RawGuest(world.machine);
  guest.device[Symbol.dispose]();
  world.peer().listen();
  assert.equal(world.peer().closed, false);
  guest.query[Symbol.dispose]();
  guest.channel[Symbol.dispose]();
  world.peer().listen();
  assert.equal(world.peer().closed, true);
  assert.deepEqual(
    new Set(Object.values(world.machine.census())),
    new Set([0]),
  );
});

Deno.test("a compositor that does not read stops the whole machine", () => {
  using world = new ScriptedMachine();
  using one = new RawGuest(world.machine);
  using other = new RawGuest(world.machine);
  const sync = Int32Array.of(1, 12 << 16, 2);
  const syncs = Int32Array.from(
    { length: 750 },
    (_, i) => sync[i % sync.length] ?? 0,
  );
  for (let i = 0; i < 400; i++) one.send(new Uint8Array(syncs.buffer));
  assert.equal(world.machine.queue.stalls, 1);
  other.send(new Uint8Array(Int32Array.of(1, 12 << 16, 2).buffer));
  world.settle();
  assert.deepEqual(world.peer(1).heard(), []);
  const sink = world.peer(0);
  do sink.listen(); while (world.loop.turn(0) > 0);
  assert.deepEqual(world.peer(1).heard(), [
    "wl_display@1.sync(new wl_callback@2)",
  ]);
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
      if (dataOf(client.guest.look(), 28) === `${client.heard}`) client.heard++;
      client.guest.poll();
    }
  }
  return all.filter(({ heard }) => heard < messages).length;
}

Deno.test("guests that trust QEMU's fences lose messages, and only with QEMU's", () => {
  assert.equal(confusedGuests("fixed"), 0);
  assert.ok(confusedGuests("stock") > 0);
});
