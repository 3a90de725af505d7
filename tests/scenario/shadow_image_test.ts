/**
 * Shadows on a host whose memory is useless as shared memory: images of its
 * GPU. The client has `wl_compositor` (3), `wl_shm` (4) and a surface (5).
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { fileIdentity } from "../support/descriptors.ts";
import { PretendedImages } from "./support/host_images.ts";
import { SURFACE } from "./support/buffer_scene.ts";
import { ImageScene } from "./support/image_scene.ts";

const XR24 = 0x34325258;
const AR24 = 0x34325241;
const NV12 = 0x3231564e;
const RG16 = 0x36314752;
const MEBIBYTE = 1024 * 1024;
/** Pixels of a side of a buffer of one mebibyte. */
const SIDE = 512;

/**
 * A client of a host whose compositor takes these formats, and what it is
 * given.
 */
function readyScene(...formats: number[]): ImageScene {
  const scene = new ImageScene();
  scene.greet(formats.map((format) => [format, 0n]));
  scene.answerTrial("created");
  scene.start();
  return scene;
}

/** The same before the compositor has answered to what it is given to try. */
function untriedScene(format: number, images?: PretendedImages): ImageScene {
  const scene = new ImageScene(images);
  scene.greet([[format, 0n]]);
  scene.start();
  return scene;
}

Deno.test("what the compositor takes is asked before the client is listened to, and tried once", () => {
  using scene = new ImageScene();
  const heard = scene.greet([[XR24, 0n]]);
  assert.deepEqual(heard, [
    "wl_registry#1.bind(9, new zwp_linux_dmabuf_v1 v3#1)",
    "wl_display@1.sync(new wl_callback#2)",
    "zwp_linux_dmabuf_v1#1.create_params(new zwp_linux_buffer_params_v1#1)",
    "zwp_linux_buffer_params_v1#1.add(fd, 0, 0, 512, 0, 0)",
    `zwp_linux_buffer_params_v1#1.create(64, 64, ${XR24}, 0)`,
    "wl_display@1.sync(new wl_callback#3)",
  ]);
  assert.deepEqual(scene.answerTrial("created"), [
    "wl_buffer@4278190080.destroy()",
    "zwp_linux_buffer_params_v1#1.destroy()",
  ]);
  scene.start();
  scene.world.pass(6_000);
  assert.equal(scene.images.used, 0);
  assert.deepEqual(scene.world.log, []);
});

Deno.test("a buffer is shown by a picture with the host's stride", () => {
  using scene = readyScene(XR24, AR24);
  const buffer = scene.buffer(10, 4);
  buffer.words.forEach((_, i) => buffer.words[i] = i);
  scene.commit(buffer);
  const heard = scene.hostHeard();
  assert.deepEqual(heard.map(withoutIds), [
    "create_params(new zwp_linux_buffer_params_v1)",
    "add(fd, 0, 0, 512, 0, 0)",
    `create_immed(new wl_buffer, 10, 4, ${AR24}, 0)`,
    "destroy()",
    "attach(wl_buffer, 0, 0)",
    "commit()",
  ]);
  const [image] = scene.images.made.slice(-1);
  assert.ok(image !== undefined);
  assert.deepEqual([image.width, image.height], [64, 64]);
  assert.equal(image.pixel(0, 0), 0);
  assert.equal(image.pixel(9, 0), 9);
  assert.equal(image.pixel(0, 3), 30);
  assert.equal(image.pixel(9, 3), 39);
  assert.equal(image.pixel(10, 3), 0, "outside of the buffer");
  assert.equal(image.ended, image.begun);
  scene.clientMustHear(`${buffer}.release()`);
  const given = scene.host.receivedFds.at(-1) ?? -1;
  const shared = image.share();
  assert.equal(fileIdentity(given), fileIdentity(shared));
  closeFd(shared);
});

function withoutIds(line: string): string {
  return line.replace(/^\w+[@#]\d+\./, "").replace(/[@#]\d+/g, "");
}

Deno.test("only what changed is copied, into the shadow whose turn it is", () => {
  using scene = readyScene(AR24);
  const buffer = scene.buffer(300, 300);
  buffer.words.fill(1);
  scene.commit(buffer, [0, 0, 300, 300]);
  assert.equal(scene.copiedBytes(), 300 * 300 * 4);
  const first = scene.attached();
  buffer.words.fill(2);
  scene.commit(buffer, [10, 20, 5, 6]);
  assert.equal(scene.copiedBytes(), 300 * 300 * 4, "the second is new");
  scene.release(first);
  buffer.words.fill(3);
  scene.commit(buffer, [50, 60, 7, 8]);
  assert.equal(scene.copiedBytes(), (5 * 6 + 7 * 8) * 4);
  assert.equal(scene.attached(), first);
  const image = scene.images.made.at(-2);
  assert.ok(image !== undefined);
  assert.equal(image.pixel(9, 20), 1);
  assert.equal(image.pixel(10, 20), 3);
  assert.equal(image.pixel(14, 25), 3);
  assert.equal(image.pixel(56, 67), 3);
  assert.equal(image.pixel(57, 67), 1);
});

Deno.test("a format with two planes goes into two planes", () => {
  using scene = readyScene(AR24, NV12);
  scene.offer(NV12);
  const pool = scene.pool(8 * 4 + 8 * 2);
  pool.mapping.bytes.fill(1, 0, 32);
  pool.mapping.bytes.fill(2, 32);
  const shape = { width: 8, height: 4, stride: 8, format: NV12 };
  const buffer = pool.createBuffer(shape);
  scene.commit(buffer);
  const heard = scene.hostHeard().map(withoutIds);
  const image = scene.images.made.at(-1);
  assert.ok(image !== undefined);
  const stride = image.planes[0]?.stride ?? 0;
  const second = image.planes[1]?.offset ?? 0;
  assert.ok(heard.includes(`add(fd, 0, 0, ${stride}, 0, 0)`));
  assert.ok(heard.includes(`add(fd, 1, ${second}, ${stride}, 0, 0)`));
  assert.equal(image.bytes[3 * stride + 7], 1);
  assert.equal(image.bytes[second], 2);
  assert.equal(image.bytes[second + stride + 7], 2);
});

Deno.test("an icon, which must be in shared memory, is left out instead of ending the client", () => {
  using scene = readyScene(AR24);
  const { client } = scene;
  scene.world.bind(10, "xdg_toplevel_icon_manager_v1", 1, 6);
  client.say(6, "xdg_toplevel_icon_manager_v1.create_icon", { id: 7 });
  const buffer = scene.buffer(16, 16);
  scene.hostHeard();
  client.say(7, "xdg_toplevel_icon_v1.add_buffer", { buffer, scale: 1 });
  client.say(7, "xdg_toplevel_icon_v1.destroy");
  assert.deepEqual(scene.hostHeard().map(withoutIds), ["destroy()"]);
  scene.world.logMustMatch(/window icons and frame shadows are not shown/);
});

Deno.test("formats that cannot be shown are not offered, but for the two that always are", () => {
  using scene = readyScene(AR24, NV12);
  assert.deepEqual(scene.offer(NV12), [NV12]);
  assert.deepEqual(scene.offer(RG16), []);
  assert.deepEqual(scene.offer(1), [1]);
});

Deno.test("an image that nobody uses serves the next window of about that size", () => {
  using scene = readyScene(AR24);
  scene.commitNew(100, 100);
  scene.finishFrame();
  scene.client.say(SURFACE, "wl_surface.destroy");
  scene.client.createSurface(8);
  const second = scene.buffer(99, 128);
  const before = scene.images.made.length;
  scene.commitOn(8, second);
  assert.notEqual(scene.attached(), "");
  assert.equal(scene.images.made.length, before);
});

Deno.test("pictures are given back, unused ones after five seconds and all when the client ends", () => {
  using scene = readyScene(AR24);
  scene.world.pass(5_100);
  const buffer = scene.commitNew(SIDE, SIDE);
  const size = scene.images.used;
  assert.ok(size >= MEBIBYTE);
  scene.commit(buffer);
  scene.finishFrame();
  scene.client.say(SURFACE, "wl_surface.destroy");
  scene.world.pass(4_000);
  assert.equal(scene.images.used, 2 * size);
  scene.world.pass(1_100);
  assert.equal(scene.images.used, 0);
  scene.client.createSurface(8);
  scene.commitOn(8, buffer);
  assert.equal(scene.images.used, size);
  scene.world.relay.stop("the scenario's end");
  assert.equal(scene.images.used, 0);
  assert.equal(scene.statistics.allocatedBytes, 0);
});

Deno.test("without memory a commit goes on without its buffer, which is shown when there is some", () => {
  using scene = readyScene(AR24);
  scene.world.pass(6_000);
  scene.hostHeard();
  scene.images.limit = 0;
  const buffer = scene.buffer(8, 8);
  buffer.words.fill(6);
  scene.commit(buffer);
  assert.deepEqual(scene.hostHeard().map(withoutIds), ["commit()"]);
  scene.world.logMustMatch(/out of host memory for a buffer of 8x8/);
  scene.images.limit = Infinity;
  scene.world.pass(1_000);
  assert.notEqual(scene.attached(), "");
  assert.equal(scene.images.made.at(-1)?.pixel(7, 7), 6);
});

Deno.test("where there is no room what is kept is given back first", () => {
  using scene = readyScene(AR24);
  scene.images.limit = 64 * 512;
  scene.commitNew(64, 60);
  assert.notEqual(scene.attached(), "", "the room of what was tried");
  scene.commitNew(8, 8);
  assert.equal(scene.statistics.missedCopies, 1, "the old one is shown");
});

Deno.test("a commit waits until the compositor has said what it takes", () => {
  using scene = untriedScene(AR24);
  scene.commitNew(8, 8);
  scene.client.say(3, "wl_compositor.create_region", { id: 8 });
  scene.hostMustHearNothing();
  const heard = scene.answerTrial("created").map(withoutIds);
  assert.deepEqual(heard.slice(-3), [
    "attach(wl_buffer, 0, 0)",
    "commit()",
    "create_region(new wl_region)",
  ]);
  assert.deepEqual(scene.world.log, []);
});

Deno.test("a compositor that never says what it takes keeps no client waiting for long", () => {
  using scene = untriedScene(AR24);
  scene.commitNew(8, 8);
  scene.world.pass(1_000);
  assert.deepEqual(scene.hostHeard().map(withoutIds), ["commit()"]);
  scene.answerTrial("created");
  scene.world.pass(1_000);
  assert.notEqual(scene.attached(), "");
});

Deno.test("a compositor that answers, but not to what it was given to try, gets shared memory after five seconds", () => {
  using scene = untriedScene(AR24);
  scene.answerSync();
  scene.world.pass(4_900);
  assert.deepEqual(scene.world.log, []);
  scene.world.pass(100);
  scene.world.logMustMatch(/did not answer whether it accepts them/);
  const buffer = scene.commitNew(8, 8);
  assert.ok(scene.hostHears("create_pool"));
  scene.answerTrial("created");
  assert.equal(scene.world.log.length, 1);
  scene.commit(buffer);
  assert.ok(!scene.hostHears("create_params"));
});

const refusals: readonly (readonly [
  string,
  RegExp,
  (scene: ImageScene) => void,
])[] = [
  [
    "has no zwp_linux_dmabuf_v1",
    /has no zwp_linux_dmabuf_v1 of version 3/,
    (scene) => scene.greet(null),
  ],
  [
    "takes only layouts of its GPU",
    /accepts no linear ones/,
    (scene) => scene.greet([[AR24, 0x0100_0000_0000_0001n]]),
  ],
  [
    "refuses what the host makes",
    /rejects them/,
    (scene) => {
      scene.greet([[AR24, 0n]]);
      scene.answerTrial("failed");
    },
  ],
];

for (const [name, words, greet] of refusals) {
  Deno.test(`where the compositor ${name}, shared memory is tried, and the log says so`, () => {
    using scene = new ImageScene();
    greet(scene);
    assert.equal(scene.world.log.length, 1);
    assert.match(scene.world.log[0] ?? "", words);
    scene.start();
    scene.commitNew(8, 8);
    assert.ok(scene.hostHears("create_pool"));
    assert.deepEqual(scene.offer(RG16), [RG16]);
  });
}

Deno.test("a format that the compositor does not take is tried as shared memory, and the log says so once", () => {
  using scene = readyScene(XR24);
  const buffer = scene.commitNew(8, 8);
  scene.commit(buffer);
  assert.ok(scene.hostHears("create_pool"));
  assert.equal(scene.world.log.length, 1);
  assert.match(scene.world.log[0] ?? "", /no linear ones of the format AR24/);
});

Deno.test("an image that the compositor refuses all the same is told in the log", () => {
  using scene = readyScene(AR24);
  scene.commitNew(8, 9);
  const [, params = ""] =
    /(\w+params_v1#\d+)\.create_immed/.exec(scene.hostHeard().join()) ?? [];
  scene.host.say(params, "zwp_linux_buffer_params_v1.failed");
  scene.hostHeard();
  scene.world.logMustMatch(/rejected an image of 8x9 pixels/);
  assert.ok(!scene.world.ended);
});

for (
  const [what, lie] of [
    ["without a plane", []],
    ["whose rows overlap", [{ offset: 0, stride: 65 * 4 - 1 }]],
    ["that begins behind its memory", [{ offset: 0xffff_ff00, stride: 512 }]],
    ["whose rows end behind its memory", [{ offset: 0, stride: 0xffff_ff00 }]],
  ] as const
) {
  Deno.test(`a host that makes a picture ${what} is told of, and nothing is copied`, () => {
    using scene = readyScene(AR24);
    const { images } = scene;
    images.lie = lie;
    scene.commitNew(65, 9);
    scene.world.logMustMatch(
      /^client ended: the compositor broke the protocol: the host made an image of 65x9 pixels without room for them/,
    );
    assert.equal(images.made.at(-1)?.begun, 0);
    assert.equal(images.used, 0);
  });
}

Deno.test("where there is no memory to try, it is tried when there is some", () => {
  const images = new PretendedImages();
  images.limit = 0;
  using scene = untriedScene(AR24, images);
  scene.commitNew(8, 8);
  assert.deepEqual(scene.hostHeard().map(withoutIds), ["commit()"]);
  images.limit = Infinity;
  scene.world.pass(1_000);
  assert.ok(scene.hostHears("create(64, 64"));
  scene.answerTrial("created");
  scene.world.pass(1_000);
  assert.notEqual(scene.attached(), "");
});

Deno.test("a commit that waits for its buffer's release is not hurried by another surface that finds no memory", () => {
  const images = new PretendedImages();
  images.limit = 0;
  using scene = untriedScene(XR24, images);
  const attached = (): string[] =>
    scene.hostHeard().filter((line) => line.includes("attach"));
  const xrgb = 1;
  const pool = scene.pool(256);
  const buffer = pool.createBuffer({ width: 8, height: 8, format: xrgb });
  scene.commit(buffer);
  assert.deepEqual(attached(), [], "there is no picture for it");
  // of a format that the compositor takes as shared memory
  const drawn = scene.buffer(8, 8);
  scene.client.createSurface(10);
  for (let i = 0; i < 3; i++) scene.commitOn(10, drawn);
  assert.equal(attached().length, 3);
  scene.world.pass(500);
  scene.commitOn(10, drawn);
  assert.deepEqual(attached(), [], "the host releases none");
  scene.world.pass(500);
  assert.deepEqual(attached(), []);
  scene.world.pass(500);
  assert.equal(attached().length, 1, "it has waited for a second");
});
