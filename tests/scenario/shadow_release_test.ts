/** Who has which buffer when: the client its own, the host its shadows. */
import assert from "node:assert/strict";
import { type ClientBuffer, SURFACE } from "./support/buffer_scene.ts";
import { ShadowScene } from "./support/shadow_scene.ts";

Deno.test("the last shadow that is left is not for a client that waits for its buffer", () => {
  using scene = new ShadowScene();
  const buffer = scene.commitNew(4, 4);
  scene.commit(buffer);
  assert.equal(scene.clientHeard().length, 2);
  scene.commit(buffer);
  scene.clientMustHearNothing();
  scene.finishFrame();
  scene.clientMustHear(`${buffer}.release()`);
});

Deno.test("a client that does not wait is held until the host releases a shadow", () => {
  using scene = new ShadowScene();
  const buffer = scene.buffer(4, 4);
  for (let i = 0; i < 3; i++) scene.commit(buffer);
  const shown = scene.attached();
  buffer.words.fill(4);
  scene.commit(buffer, [0, 0, 4, 4]);
  scene.client.say(3, "wl_compositor.create_region", { id: 8 });
  assert.equal(scene.attached(), "", "nothing goes past it");
  scene.release(shown);
  assert.equal(scene.attached(), shown);
  assert.equal(scene.pixels(shown)[0], 4);
  assert.deepEqual(scene.world.log, []);
});

/**
 * Commits a buffer so often, once in a second.
 *
 * @returns what was attached each time
 */
function commitSlowly(
  scene: ShadowScene,
  buffer: ClientBuffer,
  count: number,
): string[] {
  return Array.from({ length: count }, () => {
    scene.commit(buffer);
    scene.world.pass(1_000);
    return scene.attached();
  });
}

Deno.test("a host that releases nothing for a second gets one more shadow, up to eight, and then no more frames", () => {
  using scene = new ShadowScene();
  const buffer = scene.buffer(4, 4);
  assert.equal(new Set(commitSlowly(scene, buffer, 8)).size, 8);
  scene.commit(buffer);
  scene.world.pass(1_000);
  assert.ok(!scene.world.ended);
  assert.deepEqual(
    scene.hostHeard().filter((line) => line.startsWith("wl_surface")),
    ["wl_surface@5.commit()"],
  );
});

/** A surface of which the host holds all buffers that it gets. */
class HeldScene extends ShadowScene {
  readonly shown: readonly string[];

  constructor() {
    super();
    const buffer = this.buffer(4, 4);
    this.shown = commitSlowly(this, buffer, 8);
    commitSlowly(this, buffer, 1);
    this.clientHeard();
  }
}

Deno.test("a host that holds all buffers of a surface is not said to lack memory", () => {
  using scene = new HeldScene();
  scene.world.pass(5_000);
  const log = scene.world.log.join("\n");
  assert.match(log, /the compositor holds all buffers of the surface/);
  assert.doesNotMatch(log, /memory/);
  assert.equal(scene.statistics.missedCopies, 0);
});

Deno.test("a client whose buffers the host holds is not stopped at each of its commits", () => {
  using scene = new HeldScene();
  scene.commit(7);
  scene.client.say(3, "wl_compositor.create_region", { id: 8 });
  assert.deepEqual(
    scene.hostHeard().map((line) => line.slice(0, line.indexOf("("))),
    ["wl_surface@5.commit", "wl_compositor@3.create_region"],
  );
  scene.clientMustHear("wl_buffer@7.release()");
});

Deno.test("what the host had no buffer for is shown when it releases one", () => {
  using scene = new HeldScene();
  const [first = ""] = scene.shown;
  scene.release(first);
  assert.deepEqual(
    scene.hostHeard().filter((line) => line.startsWith("wl_surface")),
    [
      `wl_surface@5.attach(${first}, 0, 0)`,
      "wl_surface@5.damage(0, 0, 2147483647, 2147483647)",
      "wl_surface@5.commit()",
    ],
  );
});

Deno.test("what the host had no buffer for waits for a client that is about to commit something else", () => {
  using scene = new HeldScene();
  const [first = ""] = scene.shown;
  scene.client.say(SURFACE, "wl_surface.set_buffer_scale", { scale: 2 });
  scene.release(first);
  assert.equal(scene.attached(), "");
  scene.client.commit(SURFACE);
  assert.notEqual(scene.attached(), "");
});

Deno.test("shadows beyond three are given up when the host releases them", () => {
  using scene = new ShadowScene();
  const drawn = scene.buffer(4, 4);
  const shown = commitSlowly(scene, drawn, 4);
  for (const buffer of shown) scene.release(buffer);
  assert.deepEqual(
    scene.hostHeard().filter((line) => line.includes("destroy")),
    [`${shown[0]}.destroy()`],
  );
});

Deno.test("a surface that is destroyed gives up its shadows, those that the host reads when they are released", () => {
  using scene = new ShadowScene();
  const buffer = scene.commitNew(4, 4);
  const first = scene.attached();
  scene.commit(buffer);
  const second = scene.attached();
  scene.release(first);
  scene.client.say(SURFACE, "wl_surface.destroy");
  scene.hostMustHear(`${first}.destroy()`, "wl_surface@5.destroy()");
  scene.release(second);
  scene.hostMustHear(`${second}.destroy()`);
});

Deno.test("a release that crosses the destruction of its shadow is nobody's", () => {
  using scene = new ShadowScene();
  const buffer = scene.commitNew(4, 4);
  const shown = scene.finishFrame();
  scene.client.say(SURFACE, "wl_surface.destroy");
  scene.release(shown);
  assert.ok(!scene.world.ended);
  scene.clientMustHear(`${buffer}.release()`);
});

Deno.test("when the size changes the old shadows end as the host releases them", () => {
  using scene = new ShadowScene();
  const first = scene.buffer(4, 4);
  const second = scene.buffer(5, 5);
  scene.commit(first);
  const old = scene.attached();
  scene.commit(second);
  assert.ok(!scene.hostHears("destroy"));
  scene.release(old);
  scene.hostMustHear(`${old}.destroy()`);
});

Deno.test("a client that waits for the release of its commit is answered when its buffer was copied", () => {
  using scene = new ShadowScene([[9, "wl_compositor", 7]]);
  scene.world.bind(9, "wl_compositor", 7, 6);
  scene.client.say(6, "wl_compositor.create_surface", { id: 7 });
  const buffer = scene.buffer(4, 4);
  scene.hostHeard();
  scene.client.say(7, "wl_surface.get_release", { callback: 10 });
  scene.client.attach(7, buffer);
  scene.clientMustHearNothing();
  scene.client.commit(7);
  scene.client.mustHear(
    `${buffer}.release()`,
    "wl_callback@10.done(0)",
    "wl_display@1.delete_id(10)",
  );
  assert.ok(!scene.hostHears("get_release"));
});

Deno.test("the release of a commit of something that the host knows is the host's to tell", () => {
  using scene = new ShadowScene([
    [9, "wl_compositor", 7],
    [10, "wp_single_pixel_buffer_manager_v1", 1],
  ]);
  scene.world.bind(9, "wl_compositor", 7, 6);
  scene.world.bind(10, "wp_single_pixel_buffer_manager_v1", 1, 7);
  scene.client.say(6, "wl_compositor.create_surface", { id: 8 });
  scene.client.say(
    7,
    "wp_single_pixel_buffer_manager_v1.create_u32_rgba_buffer",
    { id: 9, r: 0, g: 0, b: 0, a: 0 },
  );
  scene.hostHeard();
  scene.client.say(8, "wl_surface.get_release", { callback: 10 });
  scene.commitOn(8, 9);
  scene.hostMustHear(
    "wl_surface@8.attach(wl_buffer@9, 0, 0)",
    "wl_surface@8.get_release(new wl_callback@10)",
    "wl_surface@8.commit()",
  );
  scene.host.say(10, "wl_callback.done", { "callback_data": 0 });
  scene.clientMustHear("wl_callback@10.done(0)");
});
