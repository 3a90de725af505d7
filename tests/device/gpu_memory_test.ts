/**
 * Windows on a host whose memory is made by its GPU's allocator, and is no
 * shared memory for its compositor.
 */
import assert from "node:assert/strict";
import { Faults } from "../emulator/faults.ts";
import { crosvmWithMinigbm } from "../emulator/host_profile.ts";
import { RawGuest } from "./support/raw_guest.ts";
import { ScriptedMachine } from "./support/scripted_machine.ts";
import { usualGlobals } from "../support/relay_world.ts";
import { DeviceWorld } from "./support/device_world.ts";
import type { DmabufSettings } from "./support/dmabuf_script.ts";
import { Windows } from "./support/windows.ts";

const XR24 = 0x34325258;
const LINEAR = 0n;
const TILED = 0x0100_0000_0000_0001n;

const globals = [...usualGlobals, [9, "zwp_linux_dmabuf_v1", 5]] as const;
const takesAll: DmabufSettings = { formats: [[XR24, LINEAR]], takes: "all" };

function host(faults = new Faults()): DeviceWorld {
  return new DeviceWorld({ profile: crosvmWithMinigbm, faults });
}

Deno.test("what a client draws is what the host's GPU shows, and its buffer is free at once", () => {
  using world = host();
  using windows = new Windows(world, world.addReady(globals), takesAll);
  for (const width of [1, 63, 64, 100, 1920]) {
    const window = windows.open(width, 50);
    for (const byte of [1, 2, 3, 4]) {
      windows.show(window, byte);
      windows.assertShown(window, byte);
      const heard = windows.client.client.heard();
      assert.equal(heard.filter((line) => line.includes("release")).length, 1);
    }
    windows.close(window);
    windows.settle();
  }
  assert.deepEqual(world.machine.log, []);
  assert.deepEqual(world.machine.violations, []);
  assert.deepEqual(windows.client.log, []);
});

Deno.test("clients at once do not disturb each other's questions to the allocator", () => {
  using world = host();
  const all = [1, 2, 3].map(() =>
    new Windows(world, world.addReady(globals), takesAll)
  );
  all.forEach((windows, i) => {
    const window = windows.open(100 + 100 * i, 50);
    windows.show(window, i + 1);
    windows.assertShown(window, i + 1);
    windows.close(window);
  });
  assert.deepEqual(world.machine.log, []);
  for (const windows of all) windows[Symbol.dispose]();
});

Deno.test("a question that found no room for its answer keeps nobody from asking again", () => {
  const faults = new Faults();
  using world = host(faults);
  using windows = new Windows(world, world.addReady(globals), takesAll);
  windows.pass(6_000);
  faults.windowBytes = world.machine.census().window;
  const large = windows.open(300, 300);
  windows.show(large, 1);
  assert.equal(windows.compositor.frames, 0);
  faults.windowBytes = 1 << 30;
  const small = windows.open(100, 50);
  windows.show(small, 2);
  windows.assertShown(small, 2);
  assert.deepEqual(world.machine.log, []);
  windows.close(large);
  windows.close(small);
});

Deno.test("windows that were opened and closed leave nothing behind", () => {
  using world = host();
  using windows = new Windows(world, world.addReady(globals), takesAll);
  const cycle = (size: number): void => {
    const window = windows.open(size, size);
    for (const byte of [1, 2, 3]) {
      windows.show(window, byte);
    }
    windows.close(window);
    windows.settle();
  };
  cycle(10);
  windows.pass(10_000);
  const before = world.machine.census();
  for (let i = 0; i < 100; i++) cycle(10 + 3 * i);
  windows.pass(10_000);
  assert.deepEqual(world.machine.census(), before);
  assert.deepEqual(world.machine.log, []);
});

for (
  const [name, dmabuf, words] of [
    ["has no zwp_linux_dmabuf_v1", null, /has no zwp_linux_dmabuf_v1/],
    [
      "takes only its GPU's layouts",
      { formats: [[XR24, TILED]], takes: "all" },
      /accepts no linear ones/,
    ],
    [
      "refuses the host's memory",
      { formats: [[XR24, LINEAR]], takes: "none" },
      /rejects them/,
    ],
  ] as const
) {
  Deno.test(`a compositor that ${name} is told in the log, before it refuses shared memory`, () => {
    using world = host();
    const client = world.addReady(dmabuf === null ? usualGlobals : globals);
    using windows = new Windows(world, client, dmabuf);
    assert.match(client.log.join(), words);
    const window = windows.open(100, 50);
    windows.paint(window, 1);
    assert.throws(() => windows.settle(), /failed mmap/);
    window.memory[Symbol.dispose]();
    window.file[Symbol.dispose]();
  });
}

Deno.test("the emulated allocator answers one question at a time, as minigbm does", () => {
  using world = new ScriptedMachine({ profile: crosvmWithMinigbm });
  using guest = new RawGuest(world.machine);
  const ask = (width: number): void => {
    guest.submit([2 | 24 << 16, 0, width, 16, XR24, 0x11], undefined, 0);
  };
  ask(100);
  const words = new Uint32Array(guest.query.bytes.slice(0, 64).buffer);
  assert.equal(words[0], 512, "stride");
  ask(200);
  assert.match(world.machine.log.join(), /already in use/);
});
