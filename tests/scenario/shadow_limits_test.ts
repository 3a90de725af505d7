/** A client that wants more host memory than one may have. */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { raiseFdLimit, readFdLimit, setFdLimit } from "../../ffi/process.ts";
import {
  MAX_BYTES,
  MAX_PIECES,
} from "../../src/relay/features/backing/memory_budget.ts";
import { SURFACE } from "./support/buffer_scene.ts";
import type { ObjectName } from "../support/spoken.ts";
import { ShadowScene } from "./support/shadow_scene.ts";

/**
 * A client's icon (7) with an image for each of `images` scales, all of the
 * buffer 9. Its further objects begin at 10.
 */
function iconScene(images: number): ShadowScene {
  const scene = new ShadowScene([[9, "xdg_toplevel_icon_manager_v1", 1]]);
  scene.world.bind(9, "xdg_toplevel_icon_manager_v1", 1, 6);
  scene.client.say(6, "xdg_toplevel_icon_manager_v1.create_icon", { id: 7 });
  const buffer = scene.buffer(1, 1);
  for (let scale = 1; scale <= images; scale++) {
    scene.client.say(7, "xdg_toplevel_icon_v1.add_buffer", { buffer, scale });
    if (scale % 64 === 0) forgetHost(scene);
  }
  forgetHost(scene);
  return scene;
}

/** The host maps what it was sent, and closes the descriptors. */
function forgetHost(scene: ShadowScene): void {
  scene.hostHeard();
  for (const fd of scene.host.receivedFds.splice(0)) closeFd(fd);
}

function pieces(scene: ShadowScene): number {
  return scene.room.blocks.filter(({ isDisposed }) => !isDisposed).length;
}

/**
 * Runs where this process may have as many descriptors; elsewhere there is
 * nothing to test.
 */
function withDescriptors(run: () => void): void {
  const limit = readFdLimit();
  try {
    if (raiseFdLimit() >= 4 * MAX_PIECES) run();
  } finally {
    setFdLimit(limit);
  }
}

Deno.test("a client with as many pieces as one may have is left out further ones, which is said once", () =>
  withDescriptors(() => {
    using scene = iconScene(MAX_PIECES + 200);
    assert.equal(pieces(scene), MAX_PIECES);
    assert.equal(scene.room.blocks.length, MAX_PIECES, "the host made no more");
    assert.ok(!scene.world.ended);
    assert.equal(scene.world.log.length, 1);
    scene.world.logMustMatch(
      /^out of host memory for an image of 1x1 pixels: this application has reached its limit \(1024 blocks or 2 GiB\); it is not shown$/,
    );
  }));

Deno.test("a surface beyond what one client may have goes on without its picture, and shows it when others are gone", () =>
  withDescriptors(() => {
    using scene = iconScene(MAX_PIECES);
    const buffer = scene.buffer(4, 4);
    buffer.words.fill(5);
    scene.commit(buffer, [0, 0, 4, 4]);
    scene.clientMustHear(`${buffer}.release()`);
    assert.equal(scene.attached(), "");
    const log = scene.world.log.join("\n");
    assert.match(
      log,
      /for a buffer of 4x4 pixels: this application has reached its limit/,
    );
    assert.doesNotMatch(log, /has none left/);
    scene.client.say(7, "xdg_toplevel_icon_v1.destroy");
    scene.world.pass(1_000);
    const shown = scene.attached();
    assert.notEqual(shown, "");
    assert.equal(scene.pixels(shown)[15], 5);
  }));

Deno.test("a client with as many pieces as one may have gives up what it does not show before it does without", () =>
  withDescriptors(() => {
    using scene = iconScene(MAX_PIECES - 1);
    scene.client.createSurface(10);
    scene.commit(9);
    scene.finishFrame();
    scene.commitOn(10, 9);
    assert.notEqual(scene.attached(), "");
    assert.equal(pieces(scene), MAX_PIECES);
    assert.deepEqual(scene.world.log, []);
  }));

const KIBIBYTE = 1024;

/** A scene whose host says of its first blocks that they have these sizes. */
function sizedScene(...sizes: number[]): ShadowScene {
  const scene = new ShadowScene();
  const { room } = scene;
  const allocate = room.allocate.bind(room);
  room.allocate = (bytes) => {
    const block = allocate(bytes);
    const size = sizes.shift();
    if (block !== null && size !== undefined) block.size = size;
    return block;
  };
  return scene;
}

/** The client makes a surface and shows a buffer on it. */
function show(
  { client, world }: ShadowScene,
  surface: number,
  buffer: ObjectName,
): void {
  client.createSurface(surface);
  client.attach(surface, buffer);
  client.commit(surface);
  world.settle();
}

/** Surfaces on which the host has shown something since the last time. */
function shownOn(scene: ShadowScene): string[] {
  return scene.hostHeard().filter((line) => line.includes("attach")).map(
    (line) => line.slice(0, line.indexOf(".")),
  );
}

Deno.test("a client with as many bytes as one may have gets no more, however few its pieces are", () => {
  using scene = sizedScene(MAX_BYTES / 2, MAX_BYTES / 2);
  const buffer = scene.buffer(4, 4);
  for (const surface of [8, 9, 10]) show(scene, surface, buffer);
  assert.equal(shownOn(scene).length, 2);
  assert.equal(scene.statistics.allocatedBytes, MAX_BYTES);
  assert.equal(scene.room.blocks.length, 2, "the host made no more");
  scene.world.logMustMatch(/has reached its limit/);
});

Deno.test("a surface that is too large for what its client may still have keeps no smaller ones waiting", () => {
  using scene = sizedScene(MAX_BYTES - 64 * KIBIBYTE, 64 * KIBIBYTE);
  const small = scene.buffer(4, 4);
  const large = scene.buffer(512, 512);
  scene.commit(small);
  show(scene, 10, small);
  const second = scene.attached();
  show(scene, 11, large);
  show(scene, 12, small);
  show(scene, 13, small);
  // each has retried three times, and the large one is first again
  scene.world.pass(3_000);
  assert.deepEqual(shownOn(scene), []);
  assert.equal(scene.room.blocks.length, 2, "the host made no more");
  scene.release(second);
  scene.client.say(10, "wl_surface.destroy");
  scene.world.pass(1_000);
  assert.equal(shownOn(scene).length, 2);
  scene.client.say(SURFACE, "wl_surface.destroy");
  scene.world.pass(7_000);
  assert.equal(shownOn(scene).length, 1, "the large one has room, too");
});

Deno.test("surfaces that wait for memory look for it in turn, whichever of them gets some", () => {
  using scene = new ShadowScene();
  scene.room.limit = 0;
  const surfaces = Array.from({ length: 30 }, (_, i) => 10 + i);
  const buffer = scene.buffer(4, 4);
  scene.client.createSurface(8);
  scene.client.createSurface(9);
  for (const surface of surfaces) show(scene, surface, buffer);
  assert.equal(scene.world.log.length, 1, "said once");
  scene.room.limit = Infinity;
  scene.hostHeard();
  scene.world.pass(1_000);
  assert.equal(shownOn(scene).length, surfaces.length);
});

Deno.test("a host without room is asked by one surface in a second, and the next time by others", () => {
  using scene = new ShadowScene();
  const { room } = scene;
  room.limit = 0;
  const first = scene.buffer(512, 512);
  const second = scene.buffer(4, 4);
  scene.commit(first);
  for (const surface of [10, 11, 12]) show(scene, surface, second);
  assert.deepEqual(shownOn(scene), []);
  // enough for three of four
  room.limit = 64 * 1024;
  const asked: number[] = [];
  const allocate = room.allocate.bind(room);
  room.allocate = (bytes) => {
    asked.push(bytes);
    return allocate(bytes);
  };
  scene.world.pass(1_000);
  assert.deepEqual(shownOn(scene), []);
  assert.deepEqual(asked, [1024 * 1024]);
  scene.world.pass(1_000);
  assert.deepEqual(shownOn(scene).length, 3);
});
