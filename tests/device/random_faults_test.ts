/**
 * Faults at random, while clients draw, paste and leave: no internal error, no
 * harm to the client beside them, nothing left behind.
 */
import assert from "node:assert/strict";
import { Faults } from "../emulator/faults.ts";
import { hostProfiles } from "../emulator/host_profile.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { fill, noise, Selections } from "./support/selections.ts";
import { Windows } from "./support/windows.ts";

/** Numbers that follow from a seed: each call gives one below `limit`. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed * 2_654_435_761 >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 0x1_0000_0000 * limit);
  };
}

/** What a client has to bear, but may end of. */
const disturbances: readonly ((
  random: (limit: number) => number,
) => Partial<Faults>)[] = [
  (random) => ({ windowBytes: 65_536 * random(4) }),
  (random) => ({ failedQueries: random(3) }),
  (random) => ({ shortImages: random(3) }),
  (random) => ({ refusedBlobs: random(3) }),
  (random) => ({ fenceDelay: random(5) }),
  (random) => ({ dataDelay: random(5) }),
  (random) => ({ receiveLimit: 1 + random(40) }),
  (random) => ({ readLimit: 1 + random(5000), descriptorsEarly: true }),
  (random) => ({ droppedWrites: random(2) }),
];

for (const profile of hostProfiles) {
  Deno.test(`${profile.name}: whatever fails, nothing fails with it`, () => {
    for (let seed = 1; seed <= 4; seed++) {
      using world = new DeviceWorld({ profile });
      const { faults } = world;
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
          const disturb = disturbances[random(disturbances.length)];
          Object.assign(faults, new Faults(), disturb?.(random));
          windows.show(window, step);
          using paste = selections.paste();
          paste.write(noise(random(20_000)));
          paste.read();
          using copy = selections.offerTo();
          fill(copy.writer, noise(random(20_000)));
          world.pass(random(30));
          windows.settle();
        }
        windows.client.client[Symbol.dispose]();
        selections.client.client[Symbol.dispose]();
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
    }
  });
}
