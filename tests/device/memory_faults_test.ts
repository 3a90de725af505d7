/**
 * What becomes of memory where the guest's kernel or its host does not do as
 * usual: no mapping of a dma-buf, no answer in time.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { crosvmWithMinigbm, hostProfile } from "../emulator/host_profile.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { count, Windows } from "./support/windows.ts";

/** Longer than a guest's kernel waits. */
const LATE = 20_000;

/** A guest whose kernel does not map dma-bufs. */
function withoutDmaBufMappings(): DeviceWorld {
  const world = new DeviceWorld();
  world.faults.refusedDmaBufMappings = Infinity;
  return world;
}

Deno.test("where dma-bufs cannot be mapped clients draw all the same", () => {
  using world = withoutDmaBufMappings();
  using windows = new Windows(world);
  windows.assertDraws(100, 50);
  assert.deepEqual(windows.client.log, []);
  assert.deepEqual(world.machine.violations, []);
});

Deno.test("memory that was mapped by the node is unmapped when it is given back, and keeps no connection open", () => {
  using world = withoutDmaBufMappings();
  using windows = new Windows(world);
  const before = world.machine.census();
  const window = windows.open(100, 50);
  windows.show(window, 1);
  assert.ok(world.machine.census().mappings > before.mappings);
  windows.close(window);
  windows.pass(60_000);
  assert.deepEqual(world.machine.census(), before);
  windows.show(windows.open(100, 50), 2);
  windows.leave();
  const { contexts, handles, mappings } = world.machine.census();
  assert.deepEqual([contexts, handles, mappings], [0, 0, 0]);
});

Deno.test("where dma-bufs cannot be mapped keymaps arrive, and their memory is given back", () => {
  using world = withoutDmaBufMappings();
  const client = world.addReady();
  client.addKeyboard();
  const before = world.machine.census();
  const text = "xkb_keymap { };\0".repeat(500);
  const received = client.receiveKeymap(text);
  assert.equal(Deno.readTextFileSync(`/proc/self/fd/${received}`), text);
  closeFd(received);
  assert.deepEqual(world.machine.census(), before);
});

for (
  const { name, profile, globals, dmabuf } of [
    {
      name: "a host",
      profile: hostProfile("0.1.85", "fixed"),
      globals: [],
      dmabuf: null,
    },
    {
      name: "a host whose memory its GPU makes",
      profile: crosvmWithMinigbm,
      globals: [[9, "zwp_linux_dmabuf_v1", 5]],
      dmabuf: { formats: [[0x3432_5258, 0n]], takes: "all" },
    },
  ] as const
) {
  Deno.test(`${name} that does not answer about memory is waited for once, and pictures come when it has answered`, () => {
    using world = new DeviceWorld({ profile });
    const { faults } = world;
    using windows = new Windows(world, world.addReady(globals), dmabuf);
    windows.pass(6_000);
    const before = world.machine.census();
    faults.answerDelay = LATE;
    const first = windows.open(100, 50);
    windows.show(first, 1);
    assert.equal(count(world.machine.violations, "15 s"), 1);
    // as long as the answer is outstanding nothing else is asked
    const second = windows.open(300, 300);
    windows.paint(second, 2);
    windows.pass(LATE - 1_000);
    assert.equal(windows.compositor.frames, 0);
    assert.equal(world.machine.violations.length, 1);
    assert.equal(count(windows.client.client.heard(), "release"), 2);
    faults.answerDelay = 0;
    windows.pass(3_000);
    assert.equal(windows.compositor.frames, 2, "both are shown, late");
    windows.close(first);
    windows.assertShown(second, 2);
    assert.equal(windows.client.ended, false);
    assert.equal(world.machine.violations.length, 1);
    windows.close(second);
    windows.pass(60_000);
    assert.deepEqual(world.machine.census(), before);
  });
}
