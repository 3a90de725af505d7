/**
 * Copies between applications of one machine, which go through pipes of the
 * host, and would stop the machine where those are full.
 */
import assert from "node:assert/strict";
import { MAX_QUEUED_BYTES } from "../../src/virtgpu/pipes/pipe_sink.ts";
import { hostProfiles } from "../emulator/host_profile.ts";
import { message } from "../support/words.ts";
import { GuestCopyWorld } from "./support/guest_copy.ts";
import { DeviceWorld } from "./support/device_world.ts";
import {
  assertSameBytes,
  fill,
  noise,
  Selections,
} from "./support/selections.ts";

for (const profile of hostProfiles) {
  for (const delay of [0, 1]) {
    for (const which of ["another", "the same"] as const) {
      Deno.test(`${profile.name} and ${delay} ms late: 2 MB go from one application to ${which}, and the machine goes on`, () => {
        using world = new GuestCopyWorld({ profile }, which);
        const before = world.machine.census();
        using ends = world.copy();
        world.faults.fenceDelay = delay;
        ends.assertArrives(noise(2_000_000));
        assert.equal(world.machine.queue.stalls, 0);
        world.pass(1000);
        assert.deepEqual(world.machine.census(), before);
      });
    }
  }
}

Deno.test("a copy to an application of the machine that does not read it ends as one of the host's does, and others go on", () => {
  using world = new GuestCopyWorld();
  const other = world.addReady();
  using ends = world.copy();
  const data = noise(1 << 16);
  let written = 0;
  for (let i = 0; i < 30_000 && written < MAX_QUEUED_BYTES + 2_000_000; i++) {
    written += fill(ends.writer, data);
    world.pass(1);
  }
  assert.ok(written >= MAX_QUEUED_BYTES + 2_000_000, "the rest is thrown away");
  assert.equal(world.machine.queue.stalls, 0);
  const { log } = world.to.client;
  assert.ok(log.some((text) => text.includes("cut off a paste")));
  other.assertAlive();
});

Deno.test("a copy goes on when the application of the machine that was to get it has ended", () => {
  using world = new GuestCopyWorld();
  using ends = world.copy();
  fill(ends.writer, noise(40_000));
  world.pass(100);
  world.to.client.leave();
  let written = 0;
  for (let i = 0; i < 100 && written >= 0; i++) {
    written = fill(ends.writer, noise(60_000));
    world.pass(100);
  }
  assert.equal(world.machine.queue.stalls, 0);
  assert.equal(world.from.client.ended, false);
});

Deno.test("what an application has written before it ends arrives whole", () => {
  for (const size of [1, 50_000, 65_536]) {
    using world = new DeviceWorld();
    const before = world.machine.census();
    const from = new Selections(world);
    using ends = from.offerTo();
    const data = noise(size);
    assert.equal(fill(ends.writer, data), size);
    ends.writer[Symbol.dispose]();
    from.client.client[Symbol.dispose]();
    assertSameBytes(ends.transfer(noise(0)), data);
    world.pass(10);
    assert.deepEqual(world.machine.census(), before);
  }
});

Deno.test("an application's connection ends a second after it, where somebody else keeps its pipe open", () => {
  using world = new DeviceWorld();
  const before = world.machine.census();
  const from = new Selections(world);
  using ends = from.offerTo();
  const data = noise(10_000);
  fill(ends.writer, data);
  from.client.leave();
  world.pass(900);
  assertSameBytes(ends.read().bytes, data);
  assert.notDeepEqual(world.machine.census(), before);
  from.client.host.bytes(message(1, 1, 77));
  world.pass(200);
  assert.equal(ends.read().ended, true);
  assert.deepEqual(world.machine.census(), before);
});
