/**
 * Whatever a client draws, and whenever the host releases what it got, every
 * frame that is shown is the one that was committed.
 */
import assert from "node:assert/strict";
import { type ClientBuffer, SURFACE } from "./support/buffer_scene.ts";
import { ShadowScene } from "./support/shadow_scene.ts";

const WIDTH = 24;
const HEIGHT = 18;
const BUFFERS = 3;
const FRAMES = 60;

/** Numbers from a seed, the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** A client that draws at random, one frame at a time. */
class Painter {
  readonly picture = new Uint32Array(WIDTH * HEIGHT);
  readonly #scene: ShadowScene;
  readonly #random: (below: number) => number;
  readonly #buffers: ClientBuffer[] = [];
  #color = 0;

  constructor(scene: ShadowScene, random: (below: number) => number) {
    this.#scene = scene;
    this.#random = random;
    for (let i = 0; i < BUFFERS; i++) {
      this.#buffers.push(scene.buffer(WIDTH, HEIGHT));
    }
  }

  /** Changes the picture, and says where. */
  draw(): void {
    const random = this.#random;
    for (let i = random(4); i >= 0; i--) {
      // On even pixels, so that damage can be said in both kinds of
      // coordinates.
      const x = random(WIDTH / 2) * 2;
      const y = random(HEIGHT / 2) * 2;
      const width = Math.min(WIDTH - x, 2 + random(5) * 2);
      const height = Math.min(HEIGHT - y, 2 + random(4) * 2);
      this.#color++;
      for (let row = y; row < y + height; row++) {
        const at = row * WIDTH + x;
        this.picture.fill(this.#color, at, at + width);
      }
      if (random(2) === 0) {
        this.#scene.client.damageBuffer(SURFACE, [x, y, width, height]);
      } else {
        const halves = [x / 2, y / 2, width / 2, height / 2] as const;
        this.#scene.client.damage(SURFACE, halves);
      }
    }
  }

  commit(): void {
    const buffer = this.#buffers[this.#random(BUFFERS)];
    assert.ok(buffer !== undefined);
    buffer.words.set(this.picture);
    this.#scene.commit(buffer);
  }
}

function play(seed: number): void {
  using scene = new ShadowScene();
  const random = numbers(seed * 2654435761);
  const painter = new Painter(scene, random);
  scene.client.say(SURFACE, "wl_surface.set_buffer_scale", { scale: 2 });
  const busy: string[] = [];
  let shownFrames = 0;
  for (let frame = 0; frame < FRAMES; frame++) {
    // Now and then there is no memory, or something else is shown.
    scene.room.limit = random(8) === 0 ? scene.room.used : Infinity;
    if (random(6) === 0) {
      scene.client.commit(SURFACE);
      // A buffer that found no memory before may be shown by this.
      const late = scene.attached();
      if (late !== "") busy.push(late);
    }
    painter.draw();
    if (random(10) === 0) {
      scene.commit(null);
      scene.hostHeard();
      continue;
    }
    painter.commit();
    // A client that is ahead of the host by too much waits here.
    let shown = scene.attached();
    while (shown === "" && busy.length >= 3) {
      scene.release(busy.shift() ?? "");
      shown = scene.attached();
    }
    if (shown !== "") {
      assert.ok(!busy.includes(shown), `seed ${seed}: ${shown} was busy`);
      assert.deepEqual(
        scene.pixels(shown).subarray(0, painter.picture.length),
        painter.picture,
        `seed ${seed}, frame ${frame}`,
      );
      busy.push(shown);
      shownFrames++;
    }
    for (let i = random(3); i > 0 && busy.length > 0; i--) {
      const [released = ""] = busy.splice(random(busy.length), 1);
      scene.release(released);
    }
  }
  assert.ok(!scene.world.ended);
  assert.ok(shownFrames > FRAMES / 2, `${shownFrames}`);
}

Deno.test("every frame that is shown is the one that was committed", () => {
  for (let seed = 1; seed <= 30; seed++) play(seed);
});
