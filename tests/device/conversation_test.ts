/**
 * Many clients at once, on hosts that confuse their fences, deliver in pieces
 * or take their time.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { MAX_CLIENTS } from "../../src/host/virtgpu/host.ts";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { paces } from "../emulator/worker.ts";
import { CompositorScript } from "./support/compositor_script.ts";
import { type DeviceClient, DeviceWorld } from "./support/device_world.ts";

/**
 * Asks all clients' compositors `rounds` times, two questions at once, and
 * counts the answers.
 */
function askAll(
  world: DeviceWorld,
  clients: readonly DeviceClient[],
  rounds: number,
): number[] {
  using compositors = new DisposableStack();
  const scripts = clients.map(({ host }) =>
    compositors.use(new CompositorScript(host))
  );
  const answers = clients.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    for (const { client } of clients) {
      for (const id of [3 + 2 * round, 4 + 2 * round]) {
        client.say(1, "wl_display.sync", { callback: id });
      }
    }
    const wanted = 2 * (round + 1);
    for (let turn = 0; turn < 500; turn++) {
      world.loop.turn(0);
      // One compositor at a time answers, so that its fence comes alone.
      scripts[turn % scripts.length]?.obey();
      if (turn % 16 === 0) world.loop.pass(1, () => world.loop.turn(0));
      for (const [index, { client }] of clients.entries()) {
        answers[index] = (answers[index] ?? 0) +
          client.heard().filter((line) => line.includes("done")).length;
      }
      if (answers.every((answer) => answer >= wanted)) break;
    }
  }
  return answers;
}

for (const rutabaga of rutabagas) {
  for (const pace of paces) {
    for (const dataDelay of [0, 2]) {
      Deno.test(`${rutabaga}, QEMU's fences, ${pace}, data ${dataDelay} ms late: of eight clients none stalls`, () => {
        const profile = hostProfile(rutabaga, "stock");
        using world = new DeviceWorld({ profile, pace });
        const clients = Array.from({ length: 8 }, () => world.addReady());
        world.faults.dataDelay = dataDelay;
        const answers = askAll(world, clients, 25);
        assert.deepEqual(answers, new Array(8).fill(50));
        for (const { context, ended } of clients) {
          assert.equal(ended, false);
          assert.equal(context.worker?.polls, 1);
        }
        world.assertSound();
      });
    }
  }

  for (const limit of [1, 5, 100]) {
    Deno.test(`${rutabaga}: in pieces of ${limit} bytes, descriptors find their messages`, () => {
      const profile = hostProfile(rutabaga, "fixed");
      using world = new DeviceWorld({ profile });
      const client = world.addReady();
      client.addKeyboard();
      world.faults.receiveLimit = limit;
      world.faults.descriptorsEarly = limit === 100;
      for (const size of [10, 20, 5000]) {
        const memory = createMemfd("keymap", size);
        client.host.keymap(4, memory.release(), size);
        client.host.say(4, "wl_keyboard.repeat_info", { rate: size, delay: 2 });
      }
      world.settle();
      assert.deepEqual(
        client.client.heard(),
        [10, 20, 5000].flatMap((size) => [
          `wl_keyboard@4.keymap(1, fd, ${size})`,
          `wl_keyboard@4.repeat_info(${size}, 2)`,
        ]),
      );
      for (const expected of [10, 20, 5000]) {
        const fd = client.client.takeFd();
        assert.equal(Deno.statSync(`/proc/self/fd/${fd}`).size, expected);
        closeFd(fd);
      }
    });
  }
}

/** As many clients as one machine should have, all of which are heard. */
function assertAllSpeak(world: DeviceWorld): void {
  const clients = Array.from({ length: MAX_CLIENTS }, () => world.addReady());
  for (const { client } of clients) {
    client.say(1, "wl_display.sync", { callback: 3 });
  }
  world.settle();
  for (const { host } of clients) assert.equal(host.heard().length, 1);
  assert.equal(world.machine.queue.stalls, 0);
  assert.deepEqual(world.machine.violations, []);
}

for (const fences of ["fixed", "stock"] as const) {
  Deno.test(`fences ${fences}: ${MAX_CLIENTS} clients on one machine all speak`, () => {
    using world = new DeviceWorld({ profile: hostProfile("0.1.85", fences) });
    assertAllSpeak(world);
  });
}

Deno.test(`after 20 connections that died in silence, and left their places in the queue taken, ${MAX_CLIENTS} clients all speak`, () => {
  using world = new DeviceWorld({ profile: hostProfile("0.1.85", "fixed") });
  const dying = Array.from({ length: 20 }, () => world.addReady());
  for (const { client, context } of dying) {
    context.worker?.kill();
    client.say(1, "wl_display.sync", { callback: 3 });
  }
  world.pass(40_000);
  for (const { ended } of dying) assert.equal(ended, true);
  assert.equal(world.machine.commandsKept, 20);
  assertAllSpeak(world);
});
