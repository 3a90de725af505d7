/**
 * How much is copied: what changed since a shadow was last shown, and no more.
 */
import assert from "node:assert/strict";
import type { ScriptedClient } from "../support/scripted_client.ts";
import { PIXEL, SURFACE } from "./support/buffer_scene.ts";
import { ShadowScene } from "./support/shadow_scene.ts";

const WIDTH = 1920;
const HEIGHT = 1080;
const WHOLE = WIDTH * HEIGHT * PIXEL;
const PATCH = 100 * 100 * PIXEL;

Deno.test("a change of 100x100 pixels in 1920x1080 copies 100 rows of 400 bytes", () => {
  using scene = new ShadowScene();
  const buffer = scene.buffer(WIDTH, HEIGHT);
  scene.commit(buffer, [0, 0, WIDTH, HEIGHT]);
  assert.equal(scene.copiedBytes(), WHOLE);
  const shown = scene.finishFrame();
  buffer.words.fill(3);
  scene.commit(buffer, [300, 200, 100, 100]);
  assert.equal(scene.copiedBytes(), PATCH);
  assert.equal(scene.attached(), shown);
  const pixels = scene.pixels(shown);
  assert.equal(pixels[200 * WIDTH + 300], 3);
  assert.equal(pixels[299 * WIDTH + 399], 3);
  assert.equal(pixels[200 * WIDTH + 299], 0);
  assert.equal(pixels[300 * WIDTH + 300], 0);
});

Deno.test("a host that keeps a buffer until the next gets what changed in two frames, each time", () => {
  using scene = new ShadowScene();
  const even = scene.buffer(WIDTH, HEIGHT);
  const odd = scene.buffer(WIDTH, HEIGHT);
  const model = new Uint32Array(WIDTH * HEIGHT);
  let before = "";
  const copied: number[] = [];
  for (let frame = 0; frame < 6; frame++) {
    const x = frame * 200;
    for (let y = 0; y < 100; y++) {
      model.fill(frame + 1, y * WIDTH + x, y * WIDTH + x + 100);
    }
    const buffer = frame % 2 === 0 ? even : odd;
    buffer.words.set(model);
    scene.commit(buffer, [x, 0, 100, 100]);
    copied.push(scene.copiedBytes());
    const shown = scene.attached();
    assert.notEqual(shown, before);
    assert.deepEqual(
      scene.pixels(shown).subarray(0, model.length),
      model,
      `frame ${frame}`,
    );
    if (before !== "") scene.release(before);
    before = shown;
  }
  assert.deepEqual(copied, [WHOLE, WHOLE, ...Array(4).fill(2 * PATCH)]);
});

Deno.test("a client that draws in two buffers has every frame right on a host with one copy", () => {
  using scene = new ShadowScene();
  const one = scene.buffer(16, 16);
  const two = scene.buffer(16, 16);
  scene.commit(one, [0, 0, 16, 16]);
  scene.finishFrame();
  // The second buffer has what changed in both frames; only the last change is
  // damage.
  one.words.fill(1, 0, 16);
  scene.commit(one, [0, 0, 16, 1]);
  scene.finishFrame();
  two.words.set(one.words);
  two.words.fill(2, 16, 32);
  scene.commit(two, [0, 1, 16, 1]);
  assert.deepEqual(scene.pixels(scene.attached()).subarray(0, 256), two.words);
});

Deno.test("rows are joined where little is between them", () => {
  using scene = new ShadowScene();
  const buffer = scene.commitNew(1000, 10);
  scene.finishFrame();
  scene.commit(buffer, [10, 2, 980, 5]);
  assert.equal(scene.copiedBytes(), 4 * 4000 + 980 * 4);
});

Deno.test("damage in the surface's coordinates counts with the surface's scale", () => {
  using scene = new ShadowScene();
  const buffer = scene.buffer(WIDTH, HEIGHT);
  scene.client.say(SURFACE, "wl_surface.set_buffer_scale", { scale: 2 });
  scene.commit(buffer);
  scene.finishFrame();
  scene.client.say(SURFACE, "wl_surface.set_buffer_scale", { scale: 2 });
  scene.client.damage(SURFACE, [100, 100, 50, 50]);
  scene.commit(buffer);
  assert.equal(scene.copiedBytes(), PATCH);
});

/** A client whose surface has a viewport (7). */
function viewportScene(): ShadowScene {
  const scene = new ShadowScene([[9, "wp_viewporter", 1]]);
  scene.world.bind(9, "wp_viewporter", 1, 6);
  const viewport = { id: 7, surface: SURFACE };
  scene.client.say(6, "wp_viewporter.get_viewport", viewport);
  return scene;
}

Deno.test("damage in the surface's coordinates goes back through the viewport and the transform", () => {
  using scene = viewportScene();
  const { client } = scene;
  const buffer = scene.buffer(400, 600);
  // Turned by 90 degrees: the surface is 600x400, of which the right half,
  // 300x400, is shown at half the size.
  client.say(SURFACE, "wl_surface.set_buffer_transform", { transform: 1 });
  const half = { x: 300 * 256, y: 0, width: 300 * 256, height: 400 * 256 };
  client.say(7, "wp_viewport.set_source", half);
  client.say(7, "wp_viewport.set_destination", { width: 150, height: 200 });
  scene.commit(buffer);
  const shown = scene.finishFrame();
  buffer.words.fill(9);
  client.damage(SURFACE, [10, 20, 30, 40]);
  scene.commit(buffer);
  // 60x80 pixels from (320, 40) of the surface, one more on each side: x
  // from 39 to 121 of the buffer, y from 219 to 281.
  assert.equal(scene.copiedBytes(), 82 * 62 * 4);
  const pixels = scene.pixels(shown);
  assert.equal(pixels[219 * 400 + 39], 9);
  assert.equal(pixels[280 * 400 + 120], 9);
  assert.equal(pixels[219 * 400 + 38], 0);
  assert.equal(pixels[280 * 400 + 121], 0);
});

/**
 * What a client says of how its buffer (9) lies on the surface; it has a
 * viewport (7).
 */
const views: Readonly<Record<string, (client: ScriptedClient) => void>> = {
  "wl_surface.set_buffer_transform": (client) =>
    client.say(SURFACE, "wl_surface.set_buffer_transform", { transform: 2 }),
  "wl_surface.set_buffer_scale": (client) =>
    client.say(SURFACE, "wl_surface.set_buffer_scale", { scale: 2 }),
  "wp_viewport.set_source": (client) => {
    const size = { width: 8 * 256, height: 8 * 256 };
    client.say(7, "wp_viewport.set_source", { x: 256, y: 0, ...size });
  },
  "wp_viewport.set_destination": (client) =>
    client.say(7, "wp_viewport.set_destination", { width: 5, height: 5 }),
};
for (const [request, view] of Object.entries(views)) {
  Deno.test(`a buffer that lies otherwise on its surface since ${request} is copied whole, once`, () => {
    using scene = viewportScene();
    const buffer = scene.commitNew(16, 16);
    const copied = [0, 1].map(() => {
      scene.finishFrame();
      view(scene.client);
      scene.commit(buffer, [0, 0, 4, 1]);
      return scene.copiedBytes();
    });
    assert.deepEqual(copied, [16 * 16 * PIXEL, 4 * PIXEL]);
  });
}

Deno.test("a viewport that is gone no longer counts", () => {
  using scene = viewportScene();
  const { client } = scene;
  client.say(7, "wp_viewport.set_destination", { width: 10, height: 10 });
  client.say(7, "wp_viewport.destroy");
  const buffer = scene.commitNew(WIDTH, HEIGHT);
  scene.finishFrame();
  client.damage(SURFACE, [100, 100, 100, 100]);
  scene.commit(buffer);
  assert.equal(scene.copiedBytes(), PATCH);
});

Deno.test("damage beyond the buffer is cut off, and endless damage is all of it", () => {
  using scene = new ShadowScene();
  const buffer = scene.commitNew(100, 100);
  scene.finishFrame();
  scene.commit(buffer, [-50, -50, 60, 60], [95, 95, 0x7fffffff, 0x7fffffff]);
  assert.equal(scene.copiedBytes(), 9 * 400 + 40 + 4 * 400 + 20);
  scene.finishFrame();
  scene.client.damage(SURFACE, [0, 0, 0x7fffffff, 0x7fffffff]);
  scene.commit(buffer);
  assert.equal(scene.copiedBytes(), 100 * 100 * PIXEL);
});

Deno.test("damage of a commit without a buffer is copied with the next buffer", () => {
  using scene = new ShadowScene();
  const buffer = scene.commitNew(WIDTH, HEIGHT);
  scene.finishFrame();
  scene.client.damageBuffer(SURFACE, [0, 0, 100, 100]);
  scene.client.commit(SURFACE);
  scene.world.settle();
  assert.equal(scene.copiedBytes(), 0);
  scene.commit(buffer, [500, 500, 100, 100]);
  assert.equal(scene.copiedBytes(), 2 * PATCH);
});

Deno.test("a buffer without damage is attached and not copied", () => {
  using scene = new ShadowScene();
  const buffer = scene.commitNew(100, 100);
  scene.finishFrame();
  scene.commit(buffer);
  assert.equal(scene.copiedBytes(), 0);
  assert.notEqual(scene.attached(), "");
});

Deno.test("a buffer of another size, stride or format is copied whole", () => {
  using scene = new ShadowScene();
  const pool = scene.pool(65536);
  const shapes = [
    { width: 10, height: 10 },
    { width: 12, height: 10 },
    { width: 12, height: 10, stride: 64 },
    { width: 12, height: 10, stride: 64, format: 1 },
  ];
  const copied = shapes.map((shape) => {
    scene.commit(pool.createBuffer(shape), [0, 0, 1, 1]);
    return scene.copiedBytes();
  });
  assert.deepEqual(copied, [400, 480, 624, 624]);
});

Deno.test("a buffer with several planes is copied whole", () => {
  using scene = new ShadowScene();
  const nv12 = 0x3231564e;
  scene.host.say(4, "wl_shm.format", { format: nv12 });
  scene.world.settle();
  const pool = scene.pool(64 * 48 * 3 / 2);
  pool.mapping.bytes.fill(7);
  const shape = { width: 64, height: 48, stride: 64, format: nv12 };
  const buffer = pool.createBuffer(shape);
  scene.commit(buffer);
  assert.equal(scene.copiedBytes(), 64 * 72);
  const shown = scene.finishFrame();
  scene.commit(buffer, [0, 0, 2, 2]);
  assert.equal(scene.copiedBytes(), 64 * 72);
  const bytes = new Uint8Array(scene.pixels(shown).buffer);
  assert.equal(bytes[64 * 72 - 1], 7);
});
