/** A client that wants more of the host's memory than one may have. */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { raiseFdLimit, readFdLimit, setFdLimit } from "../../ffi/process.ts";
import { MAX_PIECES } from "../../src/relay/features/backing/memory_budget.ts";
import { ShadowScene } from "./support/shadow_scene.ts";

/** A client's icon (7) with pictures of so many scales, all of the buffer 9. Its further objects begin at 10. */
function iconScene(pictures: number): ShadowScene {
  const scene = new ShadowScene([[9, "xdg_toplevel_icon_manager_v1", 1]]);
  scene.world.bind(9, "xdg_toplevel_icon_manager_v1", 1, 6);
  scene.client.say(6, "xdg_toplevel_icon_manager_v1.create_icon", { id: 7 });
  const buffer = scene.buffer(1, 1);
  for (let scale = 1; scale <= pictures; scale++) {
    scene.client.say(7, "xdg_toplevel_icon_v1.add_buffer", {
      buffer,
      scale,
    });
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

/** Pieces that the client has now. */
function pieces(scene: ShadowScene): number {
  return scene.room.blocks.filter(({ isDisposed }) => !isDisposed).length;
}

/** Runs where this process may have as many descriptors; elsewhere there is nothing to test. */
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
    assert.ok(!scene.world.ended);
    assert.equal(scene.world.log.length, 1);
    assert.match(
      scene.world.log[0] ?? "",
      /^the application has 1024 pieces of the host's memory or .* an image of 1x1 pixels; it is left out$/,
    );
  }));

Deno.test("a surface beyond what one client may have goes on without its picture, and shows it when others are gone", () =>
  withDescriptors(() => {
    using scene = iconScene(MAX_PIECES);
    const buffer = scene.buffer(4, 4);
    buffer.words.fill(5);
    scene.commit(buffer, [0, 0, 4, 4]);
    assert.deepEqual(scene.clientHeard(), [`${buffer}.release()`]);
    assert.equal(scene.attached(), "");
    const log = scene.world.log.join("\n");
    assert.match(log, /the application has .* a buffer of 4x4 pixels/);
    assert.doesNotMatch(log, /no memory left/);
    scene.client.say(7, "xdg_toplevel_icon_v1.destroy");
    scene.world.pass(1_000);
    const shown = scene.attached();
    assert.notEqual(shown, "");
    assert.equal(scene.pixels(shown)[15], 5);
  }));

Deno.test("a client with as many pieces as one may have gives up what it does not show before it does without", () =>
  withDescriptors(() => {
    using scene = iconScene(MAX_PIECES - 1);
    scene.client.say(3, "wl_compositor.create_surface", { id: 10 });
    scene.commit(9);
    scene.release(scene.attached());
    scene.client.attach(10, 9);
    scene.client.say(10, "wl_surface.commit");
    assert.notEqual(scene.attached(), "");
    assert.equal(pieces(scene), MAX_PIECES);
    assert.deepEqual(scene.world.log, []);
  }));

Deno.test("surfaces that wait for memory look for it in turn, whichever of them gets some", () => {
  using scene = new ShadowScene();
  scene.room.limit = 0;
  const surfaces = Array.from({ length: 30 }, (_, i) => 10 + i);
  const buffer = scene.buffer(4, 4);
  scene.client.say(3, "wl_compositor.create_surface", { id: 8 });
  scene.client.say(3, "wl_compositor.create_surface", { id: 9 });
  for (const surface of surfaces) {
    scene.client.say(3, "wl_compositor.create_surface", { id: surface });
    scene.client.attach(surface, buffer);
    scene.client.say(surface, "wl_surface.commit");
  }
  scene.world.settle();
  assert.equal(scene.world.log.length, 1, "said once");
  scene.room.limit = Infinity;
  scene.hostHeard();
  scene.world.pass(1_000);
  const attached = scene.hostHeard().filter((line) => line.includes("attach"));
  assert.equal(attached.length, surfaces.length);
});

Deno.test("a host without room is asked by one surface in a second, and the next time by others", () => {
  using scene = new ShadowScene();
  const { room } = scene;
  room.limit = 0;
  const first = scene.buffer(512, 512);
  const second = scene.buffer(4, 4);
  scene.commit(first);
  for (const surface of [10, 11, 12]) {
    scene.client.say(3, "wl_compositor.create_surface", { id: surface });
    scene.client.attach(surface, second);
    scene.client.say(surface, "wl_surface.commit");
  }
  scene.world.settle();
  const shown = (): (string | undefined)[] =>
    scene.hostHeard().filter((line) => line.includes("attach"))
      .map((line) => line.split(".")[0]);
  assert.deepEqual(shown(), []);
  // enough for three of four
  room.limit = 64 * 1024;
  const asked: number[] = [];
  const allocate = room.allocate.bind(room);
  room.allocate = (bytes) => {
    asked.push(bytes);
    return allocate(bytes);
  };
  scene.world.pass(1_000);
  assert.deepEqual(shown(), []);
  assert.deepEqual(asked, [1024 * 1024]);
  scene.world.pass(1_000);
  assert.deepEqual(shown().length, 3);
});
