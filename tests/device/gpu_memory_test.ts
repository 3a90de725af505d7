/**
 * Windows on a host whose memory is made by its GPU's allocator, and is no
 * shared memory for its compositor.
 */
import assert from "node:assert/strict";
import { crosvmWithMinigbm } from "../emulator/host_profile.ts";
import { RawWorld } from "./support/raw_guest.ts";
import { DeviceWorld } from "./support/device_world.ts";
import type { DmabufSettings } from "./support/dmabuf_script.ts";
import { Windows } from "./support/windows.ts";

const XR24 = 0x34325258;
const LINEAR = 0n;
const TILED = 0x0100_0000_0000_0001n;

const globals = [[9, "zwp_linux_dmabuf_v1", 5]] as const;
const takesAll: DmabufSettings = { formats: [[XR24, LINEAR]], takes: "all" };

/** A host with a GPU, on which clients draw. */
class GpuWorld extends DeviceWorld {
  constructor() {
    super({ profile: crosvmWithMinigbm });
  }

  /** A client, whose compositor takes all of its GPU's linear buffers. */
  draw(): Windows {
    return new Windows(this, this.addReady(globals), takesAll);
  }
}

Deno.test("what a client draws is what the host's GPU shows, and its buffer is free at once", () => {
  using world = new GpuWorld();
  using windows = world.draw();
  for (const width of [1, 63, 64, 100, 1920]) windows.assertDraws(width, 50);
  world.assertSound();
  assert.deepEqual(windows.client.log, []);
});

Deno.test("clients at once do not disturb each other's questions to the allocator", () => {
  using world = new GpuWorld();
  const all = [1, 2, 3].map(() => world.draw());
  for (const [i, windows] of all.entries()) {
    windows.assertDraws(100 + 100 * i, 50);
  }
  world.assertSound();
  for (const windows of all) windows[Symbol.dispose]();
});

Deno.test("a question that found no room for its answer keeps nobody from asking again", () => {
  using world = new GpuWorld();
  const { faults } = world;
  using windows = world.draw();
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
});

Deno.test("windows that were opened and closed leave nothing behind", () => {
  using world = new GpuWorld();
  using windows = world.draw();
  windows.assertDraws(10, 10);
  windows.pass(10_000);
  const before = world.machine.census();
  for (let i = 0; i < 100; i++) windows.assertDraws(10 + 3 * i, 10 + 3 * i);
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
    using world = new GpuWorld();
    const client = world.addReady(dmabuf === null ? [] : globals);
    using windows = new Windows(world, client, dmabuf);
    assert.match(client.log.join(), words);
    windows.paint(windows.open(100, 50), 1);
    assert.throws(() => windows.settle(), /failed mmap/);
  });
}

Deno.test("the emulated allocator answers one question at a time, as minigbm does", () => {
  using world = new RawWorld({ profile: crosvmWithMinigbm });
  const { guest } = world;
  const ask = (width: number): void => {
    guest.submit([2 | 24 << 16, 0, width, 16, XR24, 0x11], undefined, 0);
  };
  ask(100);
  const words = new Uint32Array(guest.queryPage.bytes.slice(0, 64).buffer);
  assert.equal(words[0], 512, "stride");
  ask(200);
  assert.match(world.machine.log.join(), /already in use/);
});
