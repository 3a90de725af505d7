/**
 * Windows through host memory: what is drawn is shown, what is closed is given
 * back, and what fails fails alone.
 */
import assert from "node:assert/strict";
import { Faults } from "../emulator/faults.ts";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { openFdCount } from "../support/descriptors.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { Windows } from "./support/windows.ts";

/** How often a client has heard an event. */
function count(lines: readonly string[], event: string): number {
  return lines.filter((line) => line.includes(event)).length;
}

/** Descriptors and mappings of this process. */
function processCensus(): { fds: number; mappings: number } {
  const maps = Deno.readTextFileSync("/proc/self/maps").split("\n");
  return {
    fds: openFdCount(),
    mappings: maps.filter((line) => line.includes("wayferry")).length,
  };
}

for (const rutabaga of rutabagas) {
  for (const fences of ["fixed", "stock"] as const) {
    const profile = hostProfile(rutabaga, fences);

    Deno.test(`${profile.name}: what a client draws is what the host shows, and its buffer is free at once`, () => {
      using world = new DeviceWorld({ profile });
      using windows = new Windows(world);
      const window = windows.open(100, 50);
      for (const byte of [1, 2, 3, 4, 5]) {
        windows.show(window, byte);
        windows.assertShown(window, byte);
        const heard = windows.client.client.heard();
        assert.equal(count(heard, "release"), 1);
        assert.equal(count(heard, "wl_callback"), 1);
      }
      windows.close(window);
      assert.deepEqual(world.machine.log, []);
      assert.deepEqual(world.machine.violations, []);
    });
  }
}

for (
  const [guest, host] of [[4096, 16_384], [16_384, 16_384], [16_384, 4096]]
) {
  Deno.test(`a guest with pages of ${guest} bytes on a host with pages of ${host} bytes draws`, () => {
    const profile = hostProfile("0.1.85", "fixed", host);
    using world = new DeviceWorld({ profile, pageSize: guest ?? 0 });
    using windows = new Windows(world);
    for (const width of [1, 10, 33, 640]) {
      const window = windows.open(width, 11);
      windows.show(window, width);
      windows.assertShown(window, width & 0xff);
      windows.close(window);
      windows.settle();
    }
    assert.deepEqual(world.machine.log, []);
    assert.deepEqual(world.machine.violations, []);
  });
}

Deno.test("500 windows that were opened and closed leave nothing behind", () => {
  using world = new DeviceWorld();
  using windows = new Windows(world);
  const cycle = (byte: number): void => {
    const window = windows.open(64 + byte % 7, 32);
    for (let i = 0; i < 3; i++) {
      windows.show(window, byte & 0xff);
    }
    windows.close(window);
    windows.settle();
  };
  for (let i = 0; i < 10; i++) cycle(i);
  windows.pass(60_000);
  const before = world.machine.census();
  const processBefore = processCensus();
  const watches = world.loop.watchCount;
  for (let i = 0; i < 500; i++) cycle(i);
  windows.pass(60_000);
  assert.deepEqual(world.machine.census(), before);
  assert.deepEqual(processCensus(), processBefore);
  assert.equal(world.loop.watchCount, watches);
  assert.equal(windows.compositor.frames, 510 * 3);
});

Deno.test("50 clients that came and went leave nothing behind", () => {
  using world = new DeviceWorld();
  const visit = (): void => {
    using windows = new Windows(world);
    const window = windows.open(64, 32);
    windows.show(window, 1);
    windows.client.client[Symbol.dispose]();
    world.settle();
    window.memory[Symbol.dispose]();
    window.file[Symbol.dispose]();
  };
  visit();
  world.pass(10_000);
  const before = world.machine.census();
  const processBefore = processCensus();
  for (let i = 0; i < 50; i++) visit();
  world.pass(10_000);
  assert.deepEqual(world.machine.census(), before);
  assert.equal(processCensus().mappings, processBefore.mappings);
});

/** Failures of memory, how they begin, and how they end. */
const failures: readonly (readonly [
  string,
  (faults: Faults) => void,
  (faults: Faults) => void,
])[] = [
  [
    "the window is full",
    (faults) => faults.windowBytes = 0,
    (faults) => faults.windowBytes = 1 << 30,
  ],
  [
    "the host refuses blobs",
    (faults) => faults.refusedBlobs = Infinity,
    (faults) => faults.refusedBlobs = 0,
  ],
  [
    "the host refuses queries",
    (faults) => faults.failedQueries = Infinity,
    (faults) => faults.failedQueries = 0,
  ],
  [
    "the host gives less than was asked for",
    (faults) => faults.shortImages = Infinity,
    (faults) => faults.shortImages = 0,
  ],
];

Deno.test("where the VMM shows no more blobs a new window waits, until others have given theirs back", () => {
  const profile = { ...hostProfile("0.1.85", "fixed"), mappedBlobs: 8 };
  using world = new DeviceWorld({ profile });
  using windows = new Windows(world);
  const shown = Array.from({ length: 10 }, () => windows.open(20, 10));
  for (const window of shown) {
    windows.show(window, 1);
  }
  const { frames } = windows.compositor;
  assert.ok(frames > 2 && frames < 10, `${frames} of 10 are shown`);
  assert.match(windows.client.log.join("\n"), /memory/);
  const [last] = shown.splice(-1);
  assert.ok(last !== undefined);
  for (const window of shown) windows.close(window);
  windows.pass(10_000);
  assert.equal(windows.compositor.frames, frames + 1);
  windows.assertShown(last, 1);
  assert.equal(windows.client.ended, false);
  windows.close(last);
});

for (const [name, begin, end] of failures) {
  Deno.test(`while ${name} clients go on without new pictures, and have them when it is over`, () => {
    const faults = new Faults();
    using world = new DeviceWorld({ faults });
    using windows = new Windows(world);
    begin(faults);
    const window = windows.open(200, 100);
    for (const byte of [1, 2, 3]) {
      windows.show(window, byte);
      windows.pass(100);
      const heard = windows.client.client.heard();
      assert.equal(count(heard, "wl_callback"), 1, "a frame callback");
      assert.equal(count(heard, "release"), 1, "a release");
    }
    assert.equal(windows.compositor.frames, 0);
    end(faults);
    windows.show(window, 4);
    windows.assertShown(window, 4);
    assert.equal(windows.client.ended, false);
    assert.deepEqual(world.machine.violations, []);
    windows.close(window);
  });
}

Deno.test("the answer to an earlier query is not taken for that to one that failed", () => {
  using world = new DeviceWorld();
  using windows = new Windows(world);
  const large = windows.open(400, 400);
  windows.show(large, 1);
  windows.close(large);
  windows.settle();
  const { window } = world.machine.census();
  world.machine.faults.failedQueries = Infinity;
  const small = windows.open(20, 20);
  windows.show(small, 2);
  assert.equal(windows.compositor.frames, 1);
  assert.ok(world.machine.census().window <= window);
  windows.close(small);
});

Deno.test("a machine without room gives what one client has to spare to nobody, and takes nothing from others", () => {
  const faults = new Faults();
  using world = new DeviceWorld({ faults });
  using one = new Windows(world);
  using other = new Windows(world);
  const shown = one.open(256, 64);
  one.show(shown, 1);
  faults.windowBytes = world.machine.census().window;
  const late = other.open(256, 64);
  other.show(late, 2);
  assert.equal(other.compositor.frames, 0);
  one.show(shown, 3);
  assert.equal(one.client.ended || other.client.ended, false);
  one.close(shown);
  one.settle();
  one.client.client[Symbol.dispose]();
  world.settle();
  other.show(late, 4);
  other.assertShown(late, 4);
  other.close(late);
});
