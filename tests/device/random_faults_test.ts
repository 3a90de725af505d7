/**
 * Faults at random, while clients draw, paste and leave: no internal error, no
 * harm to the client beside them, nothing left behind.
 */
import assert from "node:assert/strict";
import { Faults } from "../emulator/faults.ts";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { drain, fill, noise, Selections } from "./support/selections.ts";
import { Windows } from "./support/windows.ts";

/** Numbers that follow from a seed: each call gives one below `limit`. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed * 2_654_435_761 >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 0x1_0000_0000 * limit);
  };
}

/** Sets something, so that a client has to bear it but may end of it. */
function disturb(faults: Faults, random: (limit: number) => number): void {
  Object.assign(faults, new Faults());
  switch (random(9)) {
    case 0:
      faults.windowBytes = 65_536 * random(4);
      break;
    case 1:
      faults.failedQueries = random(3);
      break;
    case 2:
      faults.shortImages = random(3);
      break;
    case 3:
      faults.refusedBlobs = random(3);
      break;
    case 4:
      faults.fenceDelay = random(5);
      break;
    case 5:
      faults.dataDelay = random(5);
      break;
    case 6:
      faults.receiveLimit = 1 + random(40);
      break;
    case 7:
      faults.readLimit = 1 + random(5000);
      faults.descriptorsEarly = true;
      break;
    case 8:
      faults.droppedWrites = random(2);
      break;
  }
}

for (const rutabaga of rutabagas) {
  for (const fences of ["fixed", "stock"] as const) {
    Deno.test(`${rutabaga}, fences ${fences}: whatever fails, nothing fails with it`, () => {
      for (let seed = 1; seed <= 4; seed++) {
        const faults = new Faults();
        const profile = hostProfile(rutabaga, fences);
        using world = new DeviceWorld({ profile, faults });
        using beside = new Windows(world);
        const steady = beside.open(40, 30);
        const before = world.machine.census();
        const random = randomFrom(seed);
        for (let round = 0; round < 3; round++) {
          Object.assign(faults, new Faults());
          beside.pass(200);
          using windows = new Windows(world);
          const selections = new Selections(world);
          const window = windows.open(10 + random(300), 10 + random(200));
          for (let step = 0; step < 10; step++) {
            disturb(faults, random);
            windows.show(window, step);
            using ends = selections.paste();
            const { reader, writer } = ends;
            fill(writer, noise(random(20_000)));
            world.settle();
            drain(reader);
            const copy = selections.offerTo();
            using _reader = copy.reader;
            using _writer = copy.writer;
            fill(copy.writer, noise(random(20_000)));
            world.pass(random(30));
            windows.settle();
          }
          windows.client.client[Symbol.dispose]();
          selections.client.client[Symbol.dispose]();
          window.memory[Symbol.dispose]();
          window.file[Symbol.dispose]();
          world.pass(100);
        }
        Object.assign(faults, new Faults());
        beside.pass(5000);
        const said = world.clients.flatMap(({ log }) => log);
        assert.ok(!said.join().includes("internal"), said.join("\n"));
        assert.deepEqual(world.machine.violations, []);
        assert.equal(world.machine.queue.stalls, 0);
        assert.deepEqual(world.machine.census(), before, `seed ${seed}`);
        beside.show(steady, seed);
        assert.equal(beside.compositor.pixels()[0], seed);
        beside.close(steady);
      }
    });
  }
}
