/**
 * What becomes of memory where the guest's kernel or its host does not do as
 * usual: no mapping of a dma-buf, no answer in time.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { Faults } from "../emulator/faults.ts";
import { crosvmWithMinigbm } from "../emulator/host_profile.ts";
import { usualGlobals } from "../support/relay_world.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { Windows } from "./support/windows.ts";

/** Longer than a guest's kernel waits. */
const LATE = 20_000;

/** A machine with one client that draws. */
function drawing(
  options: ConstructorParameters<typeof DeviceWorld>[0] = {},
): { world: DeviceWorld; faults: Faults; windows: Windows } {
  const faults = new Faults();
  const world = new DeviceWorld({ faults, ...options });
  return { world, faults, windows: new Windows(world) };
}

Deno.test("where dma-bufs cannot be mapped clients draw all the same", () => {
  const { world, faults, windows } = drawing();
  using _world = world;
  using _windows = windows;
  faults.refusedDmaBufMappings = Infinity;
  const window = windows.open(100, 50);
  for (const byte of [1, 2, 3]) {
    windows.show(window, byte);
    windows.assertShown(window, byte);
  }
  windows.close(window);
  assert.deepEqual(windows.client.log, []);
  assert.deepEqual(world.machine.violations, []);
});

Deno.test("memory that was mapped by the node is unmapped when it is given back, and keeps no connection open", () => {
  const { world, faults, windows } = drawing();
  using _world = world;
  using _windows = windows;
  faults.refusedDmaBufMappings = Infinity;
  const before = world.machine.census();
  const window = windows.open(100, 50);
  windows.show(window, 1);
  assert.ok(world.machine.census().mappings > before.mappings);
  windows.close(window);
  windows.pass(60_000);
  assert.deepEqual(world.machine.census(), before);
  const shown = windows.open(100, 50);
  windows.show(shown, 2);
  windows.client.client[Symbol.dispose]();
  world.settle();
  shown.memory[Symbol.dispose]();
  shown.file[Symbol.dispose]();
  const { contexts, handles, mappings } = world.machine.census();
  assert.deepEqual([contexts, handles, mappings], [0, 0, 0]);
});

Deno.test("where dma-bufs cannot be mapped keymaps arrive, and their memory is given back", () => {
  const { world, faults, windows: { client } } = drawing();
  using _world = world;
  faults.refusedDmaBufMappings = Infinity;
  client.addKeyboard(5, 6);
  const before = world.machine.census();
  const text = "xkb_keymap { };\0".repeat(500);
  const keymap = createMemfd("keymap", text.length);
  Deno.writeTextFileSync(`/proc/self/fd/${keymap.number}`, text);
  const fd = keymap.release();
  client.host.keymap(6, fd, text.length);
  world.settle();
  const received = client.client.receivedFds.shift() ?? -1;
  assert.equal(Deno.readTextFileSync(`/proc/self/fd/${received}`), text);
  closeFd(received);
  assert.deepEqual(world.machine.census(), before);
});

for (
  const { name, profile, globals, dmabuf } of [
    { name: "a host", profile: undefined, globals: undefined, dmabuf: null },
    {
      name: "a host whose memory its GPU makes",
      profile: crosvmWithMinigbm,
      globals: [...usualGlobals, [9, "zwp_linux_dmabuf_v1", 5] as const],
      dmabuf: {
        formats: [[0x3432_5258, 0n] as const],
        takes: "all" as const,
      },
    },
  ]
) {
  Deno.test(`${name} that does not answer about memory is waited for once, and pictures come when it has answered`, () => {
    const faults = new Faults();
    using world = new DeviceWorld({
      faults,
      ...(profile === undefined ? {} : { profile }),
    });
    using windows = new Windows(world, world.addReady(globals), dmabuf);
    windows.pass(6_000);
    const before = world.machine.census();
    faults.answerDelay = LATE;
    const first = windows.open(100, 50);
    windows.show(first, 1);
    const isWait = (text: string): boolean => text.includes("15 s");
    assert.equal(world.machine.violations.filter(isWait).length, 1);
    // as long as the answer is outstanding nothing else is asked
    const second = windows.open(300, 300);
    windows.paint(second, 2);
    windows.pass(LATE - 1_000);
    assert.equal(windows.compositor.frames, 0);
    assert.equal(world.machine.violations.length, 1);
    const heard = windows.client.client.heard();
    assert.equal(heard.filter((line) => line.includes("release")).length, 2);
    faults.answerDelay = 0;
    windows.pass(3_000);
    assert.equal(windows.compositor.frames, 2, "both are shown, late");
    windows.close(first);
    windows.settle();
    windows.assertShown(second, 2);
    assert.equal(windows.client.ended, false);
    assert.equal(world.machine.violations.length, 1);
    windows.close(second);
    windows.pass(60_000);
    assert.deepEqual(world.machine.census(), before);
  });
}
