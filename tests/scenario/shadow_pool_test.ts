/** Pools and buffers that the host never sees are checked here, in libwayland's words. */
import assert from "node:assert/strict";
import { O_RDONLY, O_RDWR, openFile } from "../../ffi/fd.ts";
import { libc } from "../../ffi/libc.ts";
import { raiseFdLimit, readFdLimit, setFdLimit } from "../../ffi/process.ts";
import { MAX_POOLS } from "../../src/relay/features/shadow/client_shadows.ts";
import { memoryFile } from "../support/descriptors.ts";
import { openClientFiles, ShadowScene } from "./support/shadow_scene.ts";

const ARGB = 0;
const POOL = 4096;

/** `wl_shm_pool.create_buffer` with this much in a pool of 4096 bytes, and what becomes of it. */
const refused: readonly (readonly [string, number[], string])[] = [
  ["before the pool", [-4, 4, 4, 16, ARGB], "wl_shm_pool@6, 1"],
  ["of no width", [0, 0, 4, 16, ARGB], "wl_shm_pool@6, 1"],
  ["of negative height", [0, 4, -4, 16, ARGB], "wl_shm_pool@6, 1"],
  ["whose rows overlap", [0, 4, 4, 15, ARGB], "wl_shm_pool@6, 1"],
  ["with a negative stride", [0, 4, 4, -16, ARGB], "wl_shm_pool@6, 1"],
  ["that ends behind the pool", [4, 32, 32, 128, ARGB], "wl_shm_pool@6, 1"],
  [
    "whose size is beyond 32 bits",
    [0, 1, 0x7fffffff, 0x7fffffff, ARGB],
    "wl_shm_pool@6, 1",
  ],
  [
    "whose end is beyond 32 bits",
    [0x7fffffff, 4, 4, 16, ARGB],
    "wl_shm_pool@6, 1",
  ],
  ["of a format that was not offered", [0, 4, 4, 16, 0x34324258], "@6, 0"],
];

for (const [what, values, where] of refused) {
  Deno.test(`a buffer ${what} ends the client with the right error`, () => {
    using scene = new ShadowScene();
    scene.pool(6, POOL);
    scene.say(6, "wl_shm_pool.create_buffer", 7, ...values);
    const [line = ""] = scene.clientHeard();
    assert.ok(line.startsWith("wl_display@1.error(wl_shm_pool@6"), line);
    assert.ok(line.includes(where), line);
    assert.ok(scene.world.ended);
  });
}

Deno.test("a buffer that fills its pool to the last byte is fine", () => {
  using scene = new ShadowScene();
  scene.pool(6, POOL);
  scene.say(6, "wl_shm_pool.create_buffer", 7, 0, 32, 32, 128, ARGB);
  scene.commit(7);
  assert.notEqual(scene.attached(), "");
});

Deno.test("a pool of no size is refused", () => {
  using scene = new ShadowScene();
  scene.pool(6, POOL, 0);
  assert.deepEqual(scene.clientHeard(), [
    'wl_display@1.error(wl_shm@4, 1, "invalid size (0)")',
  ]);
});

Deno.test("a pool whose file may only be read is refused", () => {
  using scene = new ShadowScene();
  const path = Deno.makeTempFileSync({ dir: "/dev/shm" });
  const fd = openFile(path, O_RDONLY).release();
  Deno.removeSync(path);
  scene.world.client.say(4, "wl_shm.create_pool", 6, fd, POOL);
  const [line = ""] = scene.clientHeard();
  assert.match(line, /error\(wl_shm@4, 2, "failed mmap fd \d+: Permission/);
});

Deno.test("a pool may grow, and buffers may be where it has grown", () => {
  using scene = new ShadowScene();
  const path = Deno.makeTempFileSync({ dir: "/dev/shm" });
  const file = openFile(path, O_RDWR);
  Deno.truncateSync(path, POOL);
  scene.world.client.say(4, "wl_shm.create_pool", 6, file.release(), POOL);
  scene.say(6, "wl_shm_pool.create_buffer", 7, 0, 32, 32, 128, ARGB);
  scene.world.settle();
  const pixels = new Uint8Array(2 * POOL).fill(1, POOL);
  Deno.writeFileSync(path, pixels);
  scene.say(6, "wl_shm_pool.resize", 2 * POOL);
  scene.say(6, "wl_shm_pool.create_buffer", 8, POOL, 32, 32, 128, ARGB);
  scene.commit(7);
  assert.equal(scene.pixels(scene.attached())[0], 0);
  scene.commit(8, [0, 0, 32, 32]);
  assert.equal(scene.pixels(scene.attached())[1023], 0x01010101);
  Deno.removeSync(path);
});

Deno.test("a pool may not shrink", () => {
  using scene = new ShadowScene();
  scene.pool(6, POOL);
  scene.say(6, "wl_shm_pool.resize", POOL - 1);
  assert.deepEqual(scene.clientHeard(), [
    'wl_display@1.error(wl_shm_pool@6, 2, "shrinking pool invalid")',
  ]);
});

Deno.test("a client that truncates its file is ended with invalid_fd, and nobody else is harmed", () => {
  using scene = new ShadowScene();
  const { fd } = scene.buffer(7, 6, 32, 32);
  scene.commit(7);
  scene.release(scene.attached());
  assert.equal(libc.ftruncate(fd.number, 100n), 0);
  scene.commit(7, [0, 0, 32, 32]);
  assert.deepEqual(scene.clientHeard().slice(1), [
    'wl_display@1.error(wl_buffer@7, 2, "error accessing SHM buffer")',
  ]);
  assert.equal(openClientFiles(), 1, "the scenario's own");
  assert.equal(scene.room.used, 0);
});

Deno.test("buffers that overlap show what is there when they are committed", () => {
  using scene = new ShadowScene();
  const { words } = scene.pool(6, POOL);
  scene.say(6, "wl_shm_pool.create_buffer", 7, 0, 4, 4, 16, ARGB);
  scene.say(6, "wl_shm_pool.create_buffer", 8, 16, 4, 4, 16, ARGB);
  words.fill(1, 0, 16);
  scene.commit(7);
  scene.release(scene.attached());
  words.fill(2, 0, 8);
  scene.commit(8, [0, 0, 4, 4]);
  assert.deepEqual(
    [...scene.pixels(scene.attached()).subarray(0, 5)],
    [2, 2, 2, 2, 1],
  );
});

Deno.test("formats that cannot be copied are not told to the client", () => {
  using scene = new ShadowScene();
  for (const format of [0, 1, 0x34324258, 0x38305559, 0x3231564e]) {
    scene.world.host.say(4, "wl_shm.format", format);
  }
  assert.deepEqual(scene.clientHeard(), [
    "wl_shm@4.format(0)",
    "wl_shm@4.format(1)",
    "wl_shm@4.format(875709016)",
    "wl_shm@4.format(842094158)",
  ]);
});

Deno.test("a buffer whose other planes are behind the pool's end is refused", () => {
  using scene = new ShadowScene();
  const nv12 = 0x3231564e;
  scene.world.host.say(4, "wl_shm.format", nv12);
  scene.pool(6, POOL);
  scene.say(6, "wl_shm_pool.create_buffer", 7, 0, 64, 64, 64, nv12);
  assert.match(scene.clientHeard()[1] ?? "", /error\(wl_shm_pool@6, 1/);
});

Deno.test("wl_shm may be released before anything is shown", () => {
  using scene = new ShadowScene([[9, "wl_shm", 2]]);
  scene.world.bind(9, "wl_shm", 2, 6);
  scene.say(6, "wl_shm.release");
  scene.buffer(8, 7, 4, 4);
  scene.commit(8);
  assert.notEqual(scene.attached(), "");
});

Deno.test("a client may have many pools, but not all descriptors of the proxy", () => {
  using limits = new DisposableStack();
  const limit = readFdLimit();
  limits.defer(() => setFdLimit(limit));
  // where a process may not have as many, there is nothing to test
  if (raiseFdLimit() < MAX_POOLS + 256) return;
  using scene = new ShadowScene();
  const makePool = (id: number): void => {
    scene.world.client.say(4, "wl_shm.create_pool", id, memoryFile(), POOL);
    if (id % 64 === 0) scene.world.settle();
  };
  for (let id = 6; id < 6 + MAX_POOLS; id++) makePool(id);
  scene.world.settle();
  assert.ok(!scene.world.ended);
  scene.say(6, "wl_shm_pool.destroy");
  scene.clientHeard();
  makePool(6);
  scene.world.settle();
  assert.ok(!scene.world.ended);
  makePool(6 + MAX_POOLS);
  assert.deepEqual(scene.clientHeard(), [
    'wl_display@1.error(wl_display@1, 2, "no memory: more than 4096 pools of shared memory")',
  ]);
});
