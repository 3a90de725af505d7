/**
 * Memory of the guest that the host can be given as it is, on an emulated
 * kernel and host that have it, which nobody has seen.
 */
import assert from "node:assert/strict";
import { duplicateFd } from "../../ffi/fd.ts";
import { libc } from "../../ffi/libc.ts";
import { addSeals, F_SEAL_SHRINK, F_SEAL_WRITE } from "../../ffi/memfd.ts";
import type { MachineOptions } from "../emulator/machine.ts";
import { MAX_IMPORTS } from "../../src/relay/features/shm/imported_pool.ts";
import { CompositorScript } from "./support/compositor_script.ts";
import { openFdCount } from "../support/descriptors.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { type Window, Windows } from "./support/windows.ts";

/** Pixels of a side of a buffer of 16 pages. */
const SIDE = 128;
/** What is copied of such a buffer. */
const COPY = SIDE * SIDE * 4;

/**
 * A machine whose host was asked whether it takes such memory, by whoever
 * connected first.
 */
class GuestWorld extends DeviceWorld {
  readonly trial: CompositorScript | null;

  constructor(guestHandles: MachineOptions["guestHandles"]) {
    super(guestHandles === undefined ? {} : { guestHandles });
    this.addReady();
    this.pass(1);
    const [, peer] = this.peers;
    this.trial = peer === undefined ? null : new CompositorScript(peer);
    // before the answer to its greeting
    peer?.announce(2, "wl_shm", 1);
    for (let i = 0; i < 3; i++) {
      this.settle();
      this.trial?.obey();
    }
    this.pass(1);
  }

  override [Symbol.dispose](): void {
    this.trial?.[Symbol.dispose]();
    super[Symbol.dispose]();
  }
}

/** A window whose file is sealed, and may not shrink. */
function openSealed(windows: Windows, height = SIDE): Window {
  return windows.open(SIDE, height, (file) => {
    addSeals(file.number, F_SEAL_SHRINK);
  });
}

/** A client whose window is sealed, on a machine that takes its memory. */
class SealedWorld extends GuestWorld {
  readonly windows: Windows;
  readonly window: Window;

  constructor() {
    super("taken");
    this.windows = new Windows(this);
    this.window = openSealed(this.windows);
  }

  override [Symbol.dispose](): void {
    this.windows[Symbol.dispose]();
    super[Symbol.dispose]();
  }
}

/** Has the window's file and its pool grow. */
function grow(windows: Windows, { file, pool }: Window, size: number): void {
  assert.equal(libc.ftruncate(file.number, BigInt(size)), 0);
  windows.client.client.say(pool, "wl_shm_pool.resize", { size });
}

Deno.test("a sealed buffer is shown without a copy, and released when the host has done with it", () => {
  using world = new SealedWorld();
  const { windows, window } = world;
  windows.show(window, 1);
  windows.assertShown(window, 1);
  assert.equal(world.statistics.copiedBytes, 0);
  assert.ok(!windows.client.client.heard().join().includes("release"));
  window.memory.bytes.fill(2);
  windows.assertShown(window, 2);
  windows.show(window, 3);
  assert.ok(windows.client.client.heard().join().includes("wl_buffer"));
  windows.close(window);
  world.assertSound();
});

Deno.test("the trial's connection ends with its answer, and there is one for all clients", () => {
  using world = new GuestWorld("taken");
  assert.equal(world.machine.contexts.size, 1);
  world.addReady();
  world.pass(10);
  assert.equal(world.peers.length, 3);
  assert.equal(world.machine.contexts.size, 2);
});

Deno.test("a sealed buffer that is not whole pages is not copied either, and its file is left as it is", () => {
  using world = new GuestWorld("taken");
  using windows = new Windows(world);
  const window = openSealed(windows, 3);
  windows.show(window, 1);
  windows.assertShown(window, 1);
  assert.equal(world.statistics.copiedBytes, 0);
  const { size } = Deno.statSync(`/proc/self/fd/${window.file.number}`);
  assert.equal(size, SIDE * 3 * 4);
});

for (
  const [name, seals] of [
    ["that is not sealed", 0],
    ["that is sealed against writing", F_SEAL_SHRINK | F_SEAL_WRITE],
  ] as const
) {
  Deno.test(`a buffer in a file ${name} is copied, and the file is left as it is`, () => {
    using world = new GuestWorld("taken");
    using windows = new Windows(world);
    const made = world.machine.guestHandles?.made;
    const window = windows.open(SIDE, SIDE);
    windows.paint(window, 1);
    // a mapping for writing forbids that seal
    if (seals !== 0) {
      window.memory[Symbol.dispose]();
      addSeals(window.file.number, seals);
    }
    windows.settle();
    windows.assertShown(window, 1);
    assert.equal(world.statistics.copiedBytes, COPY);
    assert.equal(world.machine.guestHandles?.made, made);
    const { size } = Deno.statSync(`/proc/self/fd/${window.file.number}`);
    assert.equal(size, COPY);
    windows.close(window);
    assert.deepEqual(world.machine.log, []);
  });
}

Deno.test("a machine that does not offer it is not asked, and copies", () => {
  using world = new GuestWorld(undefined);
  assert.equal(world.peers.length, 1);
  using windows = new Windows(world);
  const window = openSealed(windows);
  windows.show(window, 1);
  assert.equal(world.statistics.copiedBytes, COPY);
});

Deno.test("where the host refuses it, one connection is lost that nobody needs, and clients are copied for", () => {
  using world = new GuestWorld("refused");
  const { log } = world.machine;
  assert.ok(log.some((line) => line.includes("invalid handle")));
  log.length = 0;
  using windows = new Windows(world);
  const window = openSealed(windows);
  windows.show(window, 1);
  windows.assertShown(window, 1);
  assert.equal(world.statistics.copiedBytes, COPY);
  windows.close(window);
  assert.deepEqual(log, []);
  assert.equal(world.machine.contexts.size, 2);
});

Deno.test("a compositor that does not answer to the trial has five seconds, and clients do not wait", () => {
  using world = new DeviceWorld({ guestHandles: "taken" });
  using windows = new Windows(world);
  windows.pass(1);
  assert.equal(world.machine.contexts.size, 2);
  const window = openSealed(windows);
  windows.show(window, 1);
  assert.equal(world.statistics.copiedBytes, COPY);
  windows.close(window);
  windows.pass(5_100);
  assert.equal(world.machine.contexts.size, 1);
});

Deno.test("a pool that grows is imported again, and buffers of before stay", () => {
  using world = new SealedWorld();
  const { windows, window } = world;
  windows.show(window, 1);
  const { client } = windows.client;
  grow(windows, window, 2 * COPY);
  const second = windows.nextId();
  const shape = { offset: COPY, width: SIDE, height: SIDE, format: 1 };
  client.createBuffer(window.pool, second, shape);
  windows.settle();
  windows.assertShown(window, 1);
  client.attach(window.surface, second);
  client.say(window.surface, "wl_surface.commit");
  windows.settle();
  windows.assertShown(window, 0);
  assert.equal(world.statistics.copiedBytes, 0);
  client.say(second, "wl_buffer.destroy");
  windows.close(window);
  assert.deepEqual(world.machine.log, []);
});

Deno.test("a pool that grows beyond what the kernel takes is copied from then on", () => {
  using world = new SealedWorld();
  const { windows, window } = world;
  windows.settle();
  const { client } = windows.client;
  grow(windows, window, 65 * 1024 * 1024);
  const second = windows.nextId();
  const shape = { offset: COPY, width: SIDE, height: 1, format: 1 };
  client.createBuffer(window.pool, second, shape);
  client.attach(window.surface, second);
  client.say(window.surface, "wl_surface.commit");
  windows.settle();
  assert.equal(world.statistics.copiedBytes, SIDE * 4);
  client.say(second, "wl_buffer.destroy");
  windows.close(window);
  assert.deepEqual(world.machine.log, []);
});

Deno.test("the pages of a buffer stay where they are until the host knows that it is gone", () => {
  using world = new GuestWorld("taken");
  using windows = new Windows(world);
  const before = openFdCount();
  const window = openSealed(windows);
  const shown = openFdCount();
  windows.show(window, 1);
  const used = openFdCount();
  const { client } = windows.client;
  client.say(window.pool, "wl_shm_pool.destroy");
  windows.settle();
  assert.ok(openFdCount() > shown, "the buffer still has its pages");
  client.say(window.buffer, "wl_buffer.destroy");
  client.say(window.surface, "wl_surface.destroy");
  windows.settle();
  assert.ok(openFdCount() < used);
  window.memory[Symbol.dispose]();
  window.file[Symbol.dispose]();
  assert.equal(openFdCount(), before);
});

Deno.test("windows that were opened and closed leave nothing behind, and a client that ends neither", () => {
  using world = new GuestWorld("taken");
  using windows = new Windows(world);
  const cycle = (): void => {
    const window = openSealed(windows);
    windows.show(window, 1);
    windows.close(window);
  };
  cycle();
  const before = world.machine.census();
  const files = openFdCount();
  for (let i = 0; i < 50; i++) cycle();
  assert.deepEqual(world.machine.census(), before);
  assert.equal(openFdCount(), files);
  windows.show(openSealed(windows), 1);
  windows.leave();
  windows.compositor[Symbol.dispose]();
  assert.ok(openFdCount() < files);
});

Deno.test("a client with very many pools has the rest copied", () => {
  using world = new SealedWorld();
  const { windows, window } = world;
  const { client } = windows.client;
  for (let i = 0; i < MAX_IMPORTS - 1; i++) {
    const sent = duplicateFd(window.file.number).release();
    client.createPool(4, { id: windows.nextId(), fd: sent, size: SIDE * SIDE });
    windows.settle();
  }
  const late = openSealed(windows);
  windows.show(late, 7);
  windows.assertShown(late, 7);
  assert.equal(world.statistics.copiedBytes, COPY);
});

Deno.test("a client with very large pools has the rest copied, until it gives one back", () => {
  using world = new GuestWorld("taken");
  using windows = new Windows(world);
  const { client } = windows.client;
  const large = 60 * 1024 * 1024;
  const shown = openSealed(windows);
  const { number } = shown.file;
  assert.equal(libc.ftruncate(number, BigInt(large)), 0);
  const pools = [1, 2, 3, 4].map(() => {
    const id = windows.nextId();
    const sent = duplicateFd(number).release();
    client.createPool(4, { id, fd: sent, size: large });
    windows.settle();
    return id;
  });
  const paintAnother = (byte: number): number => {
    const before = world.statistics.copiedBytes;
    const sent = duplicateFd(number).release();
    const [pool, buffer] = [windows.nextId(), windows.nextId()];
    client.createPool(4, { id: pool, fd: sent, size: large });
    const shape = { width: SIDE, height: SIDE, format: 1 };
    client.createBuffer(pool, buffer, shape);
    windows.show({ ...shown, buffer }, byte);
    return world.statistics.copiedBytes - before;
  };
  assert.equal(paintAnother(1), COPY);
  client.say(pools[0] ?? 0, "wl_shm_pool.destroy");
  windows.settle();
  assert.equal(paintAnother(2), 0);
});
