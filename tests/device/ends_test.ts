/**
 * Whatever ends, ends for the client that it belongs to, with the reason, and
 * for no other.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { F_SEAL_WRITE } from "../../ffi/memfd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import { hostProfiles, releases } from "../emulator/host_profile.ts";
import { memoryFile } from "../support/descriptors.ts";
import {
  type DeviceClient,
  DeviceWorld,
  type DeviceWorldOptions,
} from "./support/device_world.ts";

/** Two clients, of which something is to happen to the first. */
class TwoClients extends DeviceWorld {
  readonly victim: DeviceClient;
  readonly other: DeviceClient;

  constructor(options: DeviceWorldOptions = {}) {
    super(options);
    this.victim = this.addReady();
    this.other = this.addReady();
  }
}

/**
 * Lets time pass in which another client is asked from time to time, so that it
 * has no silence of its own.
 */
function passWithOther(
  world: DeviceWorld,
  other: DeviceClient,
  milliseconds: number,
): void {
  for (let passed = 0; passed < milliseconds; passed += 4000) {
    world.pass(4000);
    other.assertAlive();
  }
}

for (const profile of hostProfiles) {
  const isSilent = profile.end === "silent";

  Deno.test(`${profile.name}: a compositor's connection that closes ends its client, ${isSilent ? "within 40 s" : "at once"}`, () => {
    using world = new TwoClients({ profile });
    const { victim, other } = world;
    victim.host[Symbol.dispose]();
    world.settle();
    // With QEMU's fences a page is looked at from time to time.
    world.pass(20);
    if (isSilent) {
      victim.client.say(1, "wl_display.sync", { callback: 3 });
      world.settle();
      assert.equal(victim.ended, false);
      passWithOther(world, other, 40_000);
    }
    assert.equal(victim.ended, true);
    const [line] = victim.client.heard();
    assert.match(line ?? "", /wl_display@1.error\(.*compositor/);
    other.assertAlive();
    assert.equal(world.machine.contexts.size, 1);
  });

  Deno.test(`${profile.name}: a worker that dies ends its client after a silence of 30 s`, () => {
    using world = new TwoClients({ profile });
    const { victim, other } = world;
    const { reader, writer } = createPipe();
    victim.host.bytes(new Uint8Array(8), [reader.release()]);
    writer[Symbol.dispose]();
    world.settle();
    assert.equal(victim.context.worker?.isDead, true);
    victim.client.say(1, "wl_display.sync", { callback: 3 });
    passWithOther(world, other, 40_000);
    assert.equal(victim.ended, true);
    assert.match(victim.log.join(), /did not answer for \d+ s/);
    other.assertAlive();
  });
}

Deno.test("a context that was never connected ends its client after a silence of 30 s", () => {
  using world = new DeviceWorld();
  const other = world.addReady();
  world.faults.failedInits = 1;
  const victim = world.addClient();
  passWithOther(world, other, 40_000);
  assert.equal(victim.ended, true);
  assert.match(victim.log.join(), /did not answer for \d+ s/);
  other.assertAlive();
});

Deno.test("descriptors that the host lost end the client that they were for", () => {
  using world = new TwoClients();
  const { victim, other } = world;
  const fds = Array.from({ length: 29 }, () => memoryFile());
  const partOfMessage = Int32Array.of(1, 12 << 16 | 1);
  victim.host.bytes(new Uint8Array(partOfMessage.buffer), fds);
  world.settle();
  assert.equal(victim.ended, true);
  assert.match(victim.log.join(), /descriptor/);
  other.assertAlive();
});

Deno.test("a SEND that the host drops ends in the compositor's error, with the right words, for that client", () => {
  using world = new TwoClients();
  const { victim, other } = world;
  victim.bind(1, "wl_compositor", 6, 3);
  victim.forget();
  world.faults.droppedSends = 1;
  victim.client.say(3, "wl_compositor.create_surface", { id: 4 });
  assert.deepEqual(victim.told(), []);
  victim.client.say(4, "wl_surface.commit");
  assert.equal(victim.told().length, 1);
  // What a compositor says to a message for an object that it does not know.
  victim.host.error(1, 0, "invalid object 4");
  victim.host[Symbol.dispose]();
  assert.match(victim.heard().join(), /invalid object 4/);
  assert.equal(victim.ended, true);
  other.assertAlive();
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
      client.host.bytes(new Uint8Array(8).fill(1), [memoryFile(100)]);
    }
    client.leave();
    passWithOther(world, other, 40_000);
    assert.deepEqual(world.machine.census(), before, `step ${step}`);
  }
});

for (const profile of releases) {
  Deno.test(`${profile.name}: a keymap is copied into a sealed file, and the host's is given back`, () => {
    using world = new DeviceWorld({ profile });
    const client = world.addReady();
    client.addKeyboard();
    const before = world.machine.census();
    const text = "xkb_keymap { };\0".repeat(500);
    for (let i = 0; i < 3; i++) {
      const fd = client.receiveKeymap(text, F_SEAL_WRITE);
      assert.equal(Deno.readTextFileSync(`/proc/self/fd/${fd}`), text);
      assert.throws(() => Deno.truncateSync(`/proc/self/fd/${fd}`, 1));
      closeFd(fd);
    }
    assert.deepEqual(world.machine.census(), before);
    world.assertSound();
  });
}

Deno.test("a keymap that the device does not give costs the client its keymap and nothing else", () => {
  using world = new DeviceWorld();
  const { faults } = world;
  const client = world.addReady();
  client.addKeyboard();
  const before = world.machine.census();
  for (const fault of [{ refusedBlobs: 1 }, { windowBytes: 0 }]) {
    Object.assign(faults, fault);
    const fd = client.receiveKeymap("\0".repeat(5000));
    assert.ok(Deno.statSync(`/proc/self/fd/${fd}`).size >= 5000);
    closeFd(fd);
    client.assertAlive();
  }
  faults.windowBytes = 1 << 30;
  assert.equal(world.machine.census().handles, before.handles);
});
