/** What is committed in memory that the host does not see. */
import assert from "node:assert/strict";
import { SURFACE } from "./support/buffer_scene.ts";
import { openClientFiles, ShadowScene } from "./support/shadow_scene.ts";

Deno.test("a committed buffer is shown to the host as a copy in its own memory", () => {
  using scene = new ShadowScene();
  const buffer = scene.buffer(8, 4);
  buffer.words.forEach((_, i) => buffer.words[i] = 0xff000000 + i);
  scene.commit(buffer, [0, 0, 8, 4]);
  scene.hostMustHear(
    "wl_surface@5.damage_buffer(0, 0, 8, 4)",
    "wl_registry#1.bind(2, new wl_shm v1#1)",
    "wl_shm#1.create_pool(new wl_shm_pool#1, fd, 16384)",
    "wl_shm_pool#1.create_buffer(new wl_buffer#1, 0, 8, 4, 32, 0)",
    "wl_surface@5.attach(wl_buffer#1, 0, 0)",
    "wl_surface@5.commit()",
  );
  assert.deepEqual(scene.pixels("wl_buffer#1").subarray(0, 32), buffer.words);
});

Deno.test("the host hears nothing of pools and buffers before one of them is shown", () => {
  using scene = new ShadowScene();
  const buffer = scene.buffer(8, 4);
  scene.client.say(buffer.pool, "wl_shm_pool.destroy");
  scene.client.attach(SURFACE, buffer);
  scene.hostMustHearNothing();
});

Deno.test("the client has its buffer back at once, and does not hear of the host's release", () => {
  using scene = new ShadowScene();
  const buffer = scene.commitNew(8, 4);
  scene.clientMustHear(`${buffer}.release()`);
  scene.finishFrame();
  scene.clientMustHearNothing();
});

Deno.test("a buffer that was destroyed after its attach is shown, and not released", () => {
  using scene = new ShadowScene();
  const buffer = scene.buffer(8, 4);
  buffer.words.fill(0x1234);
  scene.client.attach(SURFACE, buffer);
  scene.client.say(buffer, "wl_buffer.destroy");
  scene.client.say(buffer.pool, "wl_shm_pool.destroy");
  scene.client.commit(SURFACE);
  const shown = scene.attached();
  assert.equal(scene.pixels(shown)[31], 0x1234);
  scene.clientMustHearNothing();
});

Deno.test("a file is closed when its pool and all of its buffers are gone", () => {
  using scene = new ShadowScene();
  const pool = scene.pool(4096);
  const first = pool.createBuffer({ width: 4, height: 4 });
  const second = pool.createBuffer({ offset: 64, width: 4, height: 4 });
  scene.client.say(pool, "wl_shm_pool.destroy");
  scene.client.say(first, "wl_buffer.destroy");
  scene.world.settle();
  assert.equal(openClientFiles(), 2, "the client's own and ours");
  scene.client.say(second, "wl_buffer.destroy");
  scene.world.settle();
  assert.equal(openClientFiles(), 1);
});

Deno.test("a commit without a buffer goes on as it is", () => {
  using scene = new ShadowScene();
  scene.client.say(SURFACE, "wl_surface.frame", { callback: 6 });
  scene.client.commit(SURFACE);
  scene.hostMustHear(
    "wl_surface@5.frame(new wl_callback@6)",
    "wl_surface@5.commit()",
  );
});

Deno.test("nothing, attached, takes the contents away, and what comes then is copied whole", () => {
  using scene = new ShadowScene();
  const buffer = scene.commitNew(8, 4);
  scene.finishFrame();
  scene.commit(null);
  scene.hostMustHear("wl_surface@5.attach(nil, 0, 0)", "wl_surface@5.commit()");
  scene.copiedBytes();
  scene.commit(buffer, [0, 0, 1, 1]);
  assert.equal(scene.copiedBytes(), 8 * 4 * 4);
});

Deno.test("a buffer that the host knows is attached as it is", () => {
  using scene = new ShadowScene([[9, "wp_single_pixel_buffer_manager_v1", 1]]);
  scene.world.bind(9, "wp_single_pixel_buffer_manager_v1", 1, 6);
  scene.client.say(
    6,
    "wp_single_pixel_buffer_manager_v1.create_u32_rgba_buffer",
    { id: 7, r: 0, g: 0, b: 0, a: 0 },
  );
  scene.hostHeard();
  scene.commit(7);
  scene.hostMustHear(
    "wl_surface@5.attach(wl_buffer@7, 0, 0)",
    "wl_surface@5.commit()",
  );
  scene.clientMustHearNothing();
  scene.release("wl_buffer@7");
  scene.clientMustHear("wl_buffer@7.release()");
});

Deno.test("the last of two attached buffers is shown, and the first is not released", () => {
  using scene = new ShadowScene();
  const first = scene.buffer(8, 4);
  const second = scene.buffer(8, 4);
  first.words.fill(1);
  second.words.fill(2);
  scene.client.attach(SURFACE, first);
  scene.commit(second);
  assert.equal(scene.pixels(scene.attached())[0], 2);
  scene.clientMustHear(`${second}.release()`);
});

Deno.test("the offset of an attach reaches the host with the shadow", () => {
  using scene = new ShadowScene();
  const buffer = scene.buffer(8, 4);
  scene.client.say(SURFACE, "wl_surface.attach", { buffer, x: -3, y: 2 });
  scene.client.commit(SURFACE);
  assert.ok(
    scene.hostHeard().includes("wl_surface@5.attach(wl_buffer#1, -3, 2)"),
  );
});

Deno.test("one buffer on two surfaces is copied for each", () => {
  using scene = new ShadowScene();
  const buffer = scene.buffer(8, 4);
  buffer.words.fill(5);
  scene.client.createSurface(8);
  scene.commit(buffer);
  const first = scene.attached();
  scene.commitOn(8, buffer);
  const second = scene.attached();
  assert.notEqual(first, second);
  assert.equal(scene.pixels(second)[31], 5);
});

Deno.test("subsurfaces have shadows of their own, committed in the client's order", () => {
  using scene = new ShadowScene([[9, "wl_subcompositor", 1]]);
  scene.world.bind(9, "wl_subcompositor", 1, 6);
  scene.client.createSurface(7);
  const child = { id: 8, surface: 7, parent: SURFACE };
  scene.client.say(6, "wl_subcompositor.get_subsurface", child);
  const buffer = scene.buffer(4, 4);
  scene.hostHeard();
  scene.commitOn(7, buffer);
  scene.commit(buffer);
  const order = scene.hostHeard().filter((line) => /attach|commit/.test(line))
    .map((line) => line.replace(/wl_buffer#\d+/, "a buffer"));
  assert.deepEqual(order, [
    "wl_surface@7.attach(a buffer, 0, 0)",
    "wl_surface@7.commit()",
    "wl_surface@5.attach(a buffer, 0, 0)",
    "wl_surface@5.commit()",
  ]);
});
