/**
 * Windows through host memory: what is drawn is shown, what is closed is given
 * back, and what fails fails alone.
 */
import assert from "node:assert/strict";
import { Faults } from "../emulator/faults.ts";
import { hostProfile, hostProfiles } from "../emulator/host_profile.ts";
import { openFdCount } from "../support/descriptors.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { Windows } from "./support/windows.ts";

/** Descriptors and mappings of this process. */
function processCensus(): { fds: number; mappings: number } {
  const maps = Deno.readTextFileSync("/proc/self/maps").split("\n");
  return {
    fds: openFdCount(),
    mappings: maps.filter((line) => line.includes("wayferry")).length,
  };
}

for (const profile of hostProfiles) {
  Deno.test(`${profile.name}: what a client draws is what the host shows, and its buffer is free at once`, () => {
    using world = new DeviceWorld({ profile });
    using windows = new Windows(world);
    windows.assertDraws(100, 50);
    world.assertSound();
  });
}

for (
  const [guest, host] of [[4096, 16_384], [16_384, 16_384], [16_384, 4096]]
) {
  Deno.test(`a guest with pages of ${guest} bytes on a host with pages of ${host} bytes draws`, () => {
    const profile = hostProfile("0.1.85", "fixed", host);
    using world = new DeviceWorld({ profile, pageSize: guest ?? 0 });
    using windows = new Windows(world);
    for (const width of [1, 10, 33, 640]) windows.assertDraws(width, 11);
    world.assertSound();
  });
}

Deno.test("500 windows that were opened and closed leave nothing behind", () => {
  using world = new DeviceWorld();
  using windows = new Windows(world);
  const cycle = (byte: number): void => {
    const window = windows.open(64 + byte % 7, 32);
    for (let i = 0; i < 3; i++) windows.show(window, byte & 0xff);
    windows.close(window);
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
    windows.show(windows.open(64, 32), 1);
    windows.leave();
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

/** Failures of memory, and how they begin. */
const failures: readonly (readonly [string, Partial<Faults>])[] = [
  ["the window is full", { windowBytes: 0 }],
  ["the host refuses blobs", { refusedBlobs: Infinity }],
  ["the host refuses queries", { failedQueries: Infinity }],
  ["the host gives less than was asked for", { shortImages: Infinity }],
];

Deno.test("where the VMM shows no more blobs a new window waits, until others have given theirs back", () => {
  const profile = { ...hostProfile("0.1.85", "fixed"), mappedBlobs: 8 };
  using world = new DeviceWorld({ profile });
  using windows = new Windows(world);
  const shown = Array.from({ length: 10 }, () => windows.open(20, 10));
  for (const window of shown) windows.show(window, 1);
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
});

for (const [name, fault] of failures) {
  Deno.test(`while ${name} clients go on without new pictures, and have them when it is over`, () => {
    using world = new DeviceWorld();
    using windows = new Windows(world);
    Object.assign(world.faults, fault);
    const window = windows.open(200, 100);
    for (const byte of [1, 2, 3]) {
      windows.show(window, byte);
      windows.pass(100);
      windows.assertFreed();
    }
    assert.equal(windows.compositor.frames, 0);
    Object.assign(world.faults, new Faults());
    windows.show(window, 4);
    windows.assertShown(window, 4);
    assert.equal(windows.client.ended, false);
    assert.deepEqual(world.machine.violations, []);
  });
}

Deno.test("the answer to an earlier query is not taken for that to one that failed", () => {
  using world = new DeviceWorld();
  using windows = new Windows(world);
  const large = windows.open(400, 400);
  windows.show(large, 1);
  windows.close(large);
  const { window } = world.machine.census();
  world.machine.faults.failedQueries = Infinity;
  const small = windows.open(20, 20);
  windows.show(small, 2);
  assert.equal(windows.compositor.frames, 1);
  assert.ok(world.machine.census().window <= window);
});

Deno.test("a machine without room gives what one client has to spare to nobody, and takes nothing from others", () => {
  using world = new DeviceWorld();
  using one = new Windows(world);
  using other = new Windows(world);
  const shown = one.open(256, 64);
  one.show(shown, 1);
  world.faults.windowBytes = world.machine.census().window;
  const late = other.open(256, 64);
  other.show(late, 2);
  assert.equal(other.compositor.frames, 0);
  one.show(shown, 3);
  assert.equal(one.client.ended || other.client.ended, false);
  one.close(shown);
  one.leave();
  other.show(late, 4);
  other.assertShown(late, 4);
});
