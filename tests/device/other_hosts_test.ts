/**
 * Hosts that are no QEMU, as they are described: nobody has seen them, so what
 * differs is tested one thing at a time.
 */
import assert from "node:assert/strict";
import { F_SEAL_WRITE } from "../../ffi/memfd.ts";
import { closeFd, readFdAt } from "../../ffi/fd.ts";
import {
  crosvmWithMinigbm,
  libkrun115,
  libkrun118,
} from "../emulator/host_profile.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { ClipboardWorld, noise } from "./support/selections.ts";
import { Windows } from "./support/windows.ts";

const KEYMAP = "xkb_keymap { };\0";

/** What a client reads of a keymap that the host's compositor gives it. */
function keymapOf(world: DeviceWorld, seals: number): string {
  const client = world.addReady();
  client.addKeyboard();
  const fd = client.receiveKeymap(KEYMAP, seals);
  const bytes = new Uint8Array(KEYMAP.length);
  assert.equal(readFdAt(fd, bytes, 0), bytes.length);
  closeFd(fd);
  return new TextDecoder().decode(bytes);
}

for (const profile of [libkrun115, libkrun118]) {
  Deno.test(`${profile.name}: what a client draws is what the host shows`, () => {
    using world = new DeviceWorld({ profile });
    using windows = new Windows(world);
    windows.assertDraws(100, 50);
    world.assertSound();
  });
}

for (const profile of [libkrun115, libkrun118, crosvmWithMinigbm]) {
  Deno.test(`${profile.name}: data are pasted whole, both ways`, () => {
    using world = new ClipboardWorld({ profile });
    for (const way of ["paste", "copy"] as const) {
      using ends = world[way]();
      ends.assertArrives(noise(100_001));
    }
    world.assertSound();
  });

  Deno.test(`${profile.name}: the compositor's end is the client's`, () => {
    using world = new DeviceWorld({ profile });
    const client = world.addReady();
    client.host[Symbol.dispose]();
    world.pass(10);
    assert.ok(client.ended);
    assert.deepEqual(world.machine.violations, []);
  });
}

for (const profile of [libkrun118, crosvmWithMinigbm]) {
  for (const seals of [0, F_SEAL_WRITE]) {
    Deno.test(`${profile.name}: a keymap with the seals ${seals} arrives`, () => {
      using world = new DeviceWorld({ profile });
      assert.equal(keymapOf(world, seals), KEYMAP);
      assert.deepEqual(world.machine.violations, []);
    });
  }
}

Deno.test("libkrun 1.15: a sealed keymap, which the host cannot map, costs the client its keymap and nothing else", () => {
  using world = new DeviceWorld({ profile: libkrun115 });
  assert.equal(keymapOf(world, 0), KEYMAP);
  assert.equal(keymapOf(world, F_SEAL_WRITE), "\0".repeat(KEYMAP.length));
  assert.ok(world.clients.every(({ ended }) => !ended));
});
