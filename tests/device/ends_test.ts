/**
 * Whatever ends, ends for the client that it belongs to, with the reason, and
 * for no other.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { addSeals, createMemfd, F_SEAL_WRITE } from "../../ffi/memfd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import { Faults } from "../emulator/faults.ts";
import {
  hostProfile,
  type Rutabaga,
  rutabagas,
} from "../emulator/host_profile.ts";
import { type DeviceClient, DeviceWorld } from "./support/device_world.ts";

/** Fails unless a client still speaks with its compositor, both ways. */
function assertAlive(world: DeviceWorld, { client, host }: DeviceClient): void {
  client.say(1, "wl_display.sync", { callback: client.nextId });
  world.settle();
  const answers = host.answerSyncs(host.heard(), 5);
  assert.ok(answers > 0, "the compositor has heard it");
  world.settle();
  assert.ok(client.heard().some((line) => line.includes("done(5)")));
}

/** Two clients, of which something is to happen to the first. */
function twoClients(
  options: ConstructorParameters<typeof DeviceWorld>[0] = {},
): { world: DeviceWorld; victim: DeviceClient; other: DeviceClient } {
  const world = new DeviceWorld(options);
  return { world, victim: world.addReady(), other: world.addReady() };
}

/**
 * Lets time pass in which the second client is asked from time to time, so that
 * it has no silence of its own.
 */
function passWithOther(
  world: DeviceWorld,
  other: DeviceClient,
  milliseconds: number,
): void {
  for (let passed = 0; passed < milliseconds; passed += 4000) {
    world.pass(4000);
    assertAlive(world, other);
  }
}

const isSilent = (rutabaga: Rutabaga): boolean => rutabaga !== "0.1.85";

for (const rutabaga of rutabagas) {
  for (const fences of ["fixed", "stock"] as const) {
    const profile = hostProfile(rutabaga, fences);

    Deno.test(`${profile.name}: a compositor's connection that closes ends its client, ${isSilent(rutabaga) ? "within 40 s" : "at once"}`, () => {
      const { world, victim, other } = twoClients({ profile });
      using _world = world;
      victim.host[Symbol.dispose]();
      world.settle();
      // With QEMU's fences a page is looked at from time to time.
      world.pass(20);
      if (isSilent(rutabaga)) {
        victim.client.say(1, "wl_display.sync", { callback: 3 });
        world.settle();
        assert.equal(victim.ended, false);
        passWithOther(world, other, 40_000);
      }
      assert.equal(victim.ended, true);
      const [line] = victim.client.heard();
      assert.match(line ?? "", /wl_display@1.error\(.*compositor/);
      assertAlive(world, other);
      assert.equal(world.machine.contexts.size, 1);
    });

    Deno.test(`${profile.name}: a worker that dies ends its client after a silence of 30 s`, () => {
      const { world, victim, other } = twoClients({ profile });
      using _world = world;
      const { reader, writer } = createPipe();
      victim.host.bytes(new Uint8Array(8), [reader.release()]);
      writer[Symbol.dispose]();
      world.settle();
      assert.equal(victim.context.worker?.isDead, true);
      victim.client.say(1, "wl_display.sync", { callback: 3 });
      world.settle();
      passWithOther(world, other, 40_000);
      assert.equal(victim.ended, true);
      assert.match(victim.log.join(), /did not answer for \d+ s/);
      assertAlive(world, other);
    });
  }
}

Deno.test("a context that was never connected ends its client after a silence of 30 s", () => {
  const faults = new Faults();
  using world = new DeviceWorld({ faults });
  const other = world.addReady();
  faults.failedInits = 1;
  const victim = world.addClient();
  passWithOther(world, other, 40_000);
  assert.equal(victim.ended, true);
  assert.match(victim.log.join(), /did not answer for \d+ s/);
  assertAlive(world, other);
});

Deno.test("descriptors that the host lost end the client that they were for", () => {
  const { world, victim, other } = twoClients();
  using _world = world;
  const fds = Array.from(
    { length: 29 },
    () => createMemfd("test", 10).release(),
  );
  const partOfMessage = Int32Array.of(1, 12 << 16 | 1);
  victim.host.bytes(new Uint8Array(partOfMessage.buffer), fds);
  world.settle();
  assert.equal(victim.ended, true);
  assert.match(victim.log.join(), /descriptor/);
  assertAlive(world, other);
});

Deno.test("a SEND that the host drops ends in the compositor's error, with the right words, for that client", () => {
  const faults = new Faults();
  const { world, victim, other } = twoClients({ faults });
  using _world = world;
  victim.bind(1, "wl_compositor", 6, 3);
  victim.forget();
  faults.droppedSends = 1;
  victim.client.say(3, "wl_compositor.create_surface", { id: 4 });
  world.settle();
  assert.deepEqual(victim.host.heard(), []);
  victim.client.say(4, "wl_surface.commit");
  world.settle();
  assert.equal(victim.host.heard().length, 1);
  // What a compositor says to a message for an object that it does not know.
  victim.host.error(1, 0, "invalid object 4");
  victim.host[Symbol.dispose]();
  world.settle();
  assert.equal(victim.ended, true);
  assert.match(victim.client.heard().join(), /invalid object 4/);
  assertAlive(world, other);
});

Deno.test("a client that is killed in the midst of everything leaves nothing", () => {
  using world = new DeviceWorld();
  const other = world.addReady();
  const before = world.machine.census();
  for (let step = 0; step < 4; step++) {
    const client = world.addClient();
    if (step > 0) world.settle();
    if (step > 1) client.greet();
    if (step > 2) {
      client.host.bytes(new Uint8Array(8).fill(1), [
        createMemfd("test", 100).release(),
      ]);
    }
    client.client[Symbol.dispose]();
    world.settle();
    passWithOther(world, other, 40_000);
    assert.deepEqual(world.machine.census(), before, `step ${step}`);
  }
  assertAlive(world, other);
});

for (const rutabaga of rutabagas) {
  Deno.test(`${rutabaga}: a keymap is copied into a sealed file, and the host's is given back`, () => {
    using world = new DeviceWorld({ profile: hostProfile(rutabaga, "fixed") });
    const client = world.addReady();
    client.addKeyboard(3, 4);
    const before = world.machine.census();
    const text = "xkb_keymap { };\0".repeat(500);
    for (let i = 0; i < 3; i++) {
      const memory = createMemfd("keymap", text.length);
      Deno.writeTextFileSync(`/proc/self/fd/${memory.number}`, text);
      addSeals(memory.number, F_SEAL_WRITE);
      client.host.keymap(4, memory.release(), text.length);
      world.settle();
      const fd = client.client.receivedFds.shift() ?? -1;
      assert.equal(Deno.readTextFileSync(`/proc/self/fd/${fd}`), text);
      assert.throws(() => Deno.truncateSync(`/proc/self/fd/${fd}`, 1));
      closeFd(fd);
    }
    assert.deepEqual(world.machine.census(), before);
    assert.deepEqual(world.machine.violations, []);
    assert.deepEqual(world.machine.log, []);
  });
}

Deno.test("a keymap that the device does not give costs the client its keymap and nothing else", () => {
  const faults = new Faults();
  using world = new DeviceWorld({ faults });
  const client = world.addReady();
  client.addKeyboard(3, 4);
  const before = world.machine.census();
  for (
    const begin of [
      (): number => faults.refusedBlobs = 1,
      (): number => faults.windowBytes = 0,
    ]
  ) {
    begin();
    const keymap = createMemfd("keymap", 5000).release();
    client.host.keymap(4, keymap, 5000);
    world.settle();
    const fd = client.client.receivedFds.shift() ?? -1;
    assert.ok(Deno.statSync(`/proc/self/fd/${fd}`).size >= 5000);
    closeFd(fd);
    assertAlive(world, client);
  }
  faults.windowBytes = 1 << 30;
  assert.equal(world.machine.census().handles, before.handles);
});
