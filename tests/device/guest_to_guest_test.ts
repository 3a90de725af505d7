/**
 * Copies between applications of one machine, which go through pipes of the
 * host, and would stop the machine where those are full.
 */
import assert from "node:assert/strict";
import { MAX_QUEUED_BYTES } from "../../src/virtgpu/pipes/pipe_sink.ts";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { Faults } from "../emulator/faults.ts";
import { message } from "../support/words.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { connect } from "./support/guest_copy.ts";
import {
  assertArrives,
  assertSameBytes,
  drain,
  fill,
  join,
  noise,
  Selections,
} from "./support/selections.ts";

for (const rutabaga of rutabagas) {
  for (const fences of ["fixed", "stock"] as const) {
    for (const delay of [0, 1]) {
      for (const which of ["another", "the same"] as const) {
        Deno.test(`${rutabaga}, fences ${fences} and ${delay} ms late: 2 MB go from one application to ${which}, and the machine goes on`, () => {
          const faults = new Faults();
          using world = new DeviceWorld({
            profile: hostProfile(rutabaga, fences),
            faults,
          });
          const from = new Selections(world);
          const to = which === "another" ? new Selections(world) : from;
          const before = world.machine.census();
          using ends = connect(world, from, to);
          faults.fenceDelay = delay;
          assertArrives(world, ends, noise(2_000_000));
          assert.equal(world.machine.queue.stalls, 0);
          world.pass(1000);
          assert.deepEqual(world.machine.census(), before);
        });
      }
    }
  }
}

Deno.test("a copy to an application of the machine that does not read it ends as one of the host's does, and others go on", () => {
  using world = new DeviceWorld();
  const other = world.addReady();
  const from = new Selections(world);
  const to = new Selections(world);
  using ends = connect(world, from, to);
  const { writer } = ends;
  const data = noise(1 << 16);
  let written = 0;
  for (let i = 0; i < 30_000 && written < MAX_QUEUED_BYTES + 2_000_000; i++) {
    written += fill(writer, data);
    world.pass(1);
  }
  assert.ok(written >= MAX_QUEUED_BYTES + 2_000_000, "the rest is thrown away");
  assert.equal(world.machine.queue.stalls, 0);
  assert.ok(
    to.client.log.some((text) => text.includes("cut off a paste")),
  );
  other.client.say(1, "wl_display.sync", { callback: 3 });
  world.settle();
  assert.match(other.host.heard().at(-1) ?? "", /wl_display@1.sync/);
});

Deno.test("a copy goes on when the application of the machine that was to get it has ended", () => {
  using world = new DeviceWorld();
  const from = new Selections(world);
  const to = new Selections(world);
  using ends = connect(world, from, to);
  const { writer } = ends;
  fill(writer, noise(40_000));
  world.pass(100);
  to.client.client[Symbol.dispose]();
  world.settle();
  let written = 0;
  for (let i = 0; i < 100 && written >= 0; i++) {
    written = fill(writer, noise(60_000));
    world.pass(100);
  }
  assert.equal(world.machine.queue.stalls, 0);
  assert.equal(from.client.ended, false);
});

Deno.test("what an application has written before it ends arrives whole", () => {
  for (const size of [1, 50_000, 65_536]) {
    using world = new DeviceWorld();
    const before = world.machine.census();
    const from = new Selections(world);
    using ends = from.offerTo();
    const { reader, writer } = ends;
    const data = noise(size);
    assert.equal(fill(writer, data), size);
    writer[Symbol.dispose]();
    from.client.client[Symbol.dispose]();
    const out: Uint8Array[] = [];
    for (let ended = false; !ended;) {
      world.pass(10);
      const drained = drain(reader);
      out.push(...drained.bytes);
      ended = drained.ended;
    }
    assertSameBytes(join(out), data);
    world.pass(10);
    assert.deepEqual(world.machine.census(), before);
  }
});

Deno.test("an application's connection ends a second after it, where somebody else keeps its pipe open", () => {
  using world = new DeviceWorld();
  const before = world.machine.census();
  const from = new Selections(world);
  using ends = from.offerTo();
  const { reader, writer } = ends;
  const data = noise(10_000);
  fill(writer, data);
  from.client.client[Symbol.dispose]();
  world.settle();
  world.pass(900);
  assertSameBytes(join(drain(reader).bytes), data);
  assert.notDeepEqual(world.machine.census(), before);
  from.client.host.bytes(message(1, 1, 77));
  world.pass(200);
  assert.equal(drain(reader).ended, true);
  assert.deepEqual(world.machine.census(), before);
});
