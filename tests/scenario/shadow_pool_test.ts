/**
 * Pools and buffers that the host never sees are checked here, in libwayland's
 * words.
 */
import assert from "node:assert/strict";
import { O_RDONLY, O_RDWR, openFile } from "../../ffi/fd.ts";
import { libc } from "../../ffi/libc.ts";
import { raiseFdLimit, readFdLimit, setFdLimit } from "../../ffi/process.ts";
import { MAX_POOLS } from "../../src/relay/features/shadow/client_shadows.ts";
import type { BufferShape } from "../support/scripted_client.ts";
import { memoryFile } from "../support/descriptors.ts";
import { openClientFiles, ShadowScene } from "./support/shadow_scene.ts";

const POOL = 4096;
/** `wl_shm.error` */
const INVALID_FORMAT = 0;
const INVALID_STRIDE = 1;

/** Buffers that a pool of 4096 bytes cannot have. */
const refused: Readonly<Record<string, BufferShape>> = {
  "before the pool": { offset: -4, width: 4, height: 4 },
  "of no width": { width: 0, height: 4, stride: 16 },
  "of negative height": { width: 4, height: -4 },
  "whose rows overlap": { width: 4, height: 4, stride: 15 },
  "with a negative stride": { width: 4, height: 4, stride: -16 },
  "that ends behind the pool": { offset: 4, width: 32, height: 32 },
  "whose size is beyond 32 bits": {
    width: 1,
    height: 0x7fffffff,
    stride: 0x7fffffff,
  },
  "whose end is beyond 32 bits": { offset: 0x7fffffff, width: 4, height: 4 },
  "of a format that was not offered": {
    width: 4,
    height: 4,
    format: 0x34324258,
  },
};

for (const [what, shape] of Object.entries(refused)) {
  Deno.test(`a buffer ${what} ends the client with the right error`, () => {
    using scene = new ShadowScene();
    scene.pool(POOL).createBuffer(shape);
    const [line = ""] = scene.clientHeard();
    const code = shape.format === undefined ? INVALID_STRIDE : INVALID_FORMAT;
    const error = `wl_display@1.error(wl_shm_pool@6, ${code}, `;
    assert.ok(line.startsWith(error), line);
    assert.ok(scene.world.ended);
  });
}

Deno.test("a buffer that fills its pool to the last byte is fine", () => {
  using scene = new ShadowScene();
  const pool = scene.pool(POOL);
  const buffer = pool.createBuffer({ width: 32, height: 32 });
  scene.commit(buffer);
  assert.notEqual(scene.attached(), "");
});

Deno.test("a pool of no size is refused", () => {
  using scene = new ShadowScene();
  scene.pool(POOL, 0);
  scene.clientMustHear('wl_display@1.error(wl_shm@4, 1, "invalid size (0)")');
});

Deno.test("a pool whose file may only be read is refused", () => {
  using scene = new ShadowScene();
  const path = Deno.makeTempFileSync({ dir: "/dev/shm" });
  const fd = openFile(path, O_RDONLY).release();
  Deno.removeSync(path);
  scene.client.createPool(4, { id: 6, fd, size: POOL });
  const [line = ""] = scene.clientHeard();
  assert.match(line, /error\(wl_shm@4, 2, "failed mmap fd \d+: Permission/);
});

Deno.test("a pool may grow, and buffers may be where it has grown", () => {
  using scene = new ShadowScene();
  const path = Deno.makeTempFileSync({ dir: "/dev/shm" });
  const file = openFile(path, O_RDWR);
  Deno.truncateSync(path, POOL);
  scene.client.createPool(4, { id: 6, fd: file.release(), size: POOL });
  scene.client.createBuffer(6, 7, { width: 32, height: 32 });
  scene.world.settle();
  const pixels = new Uint8Array(2 * POOL).fill(1, POOL);
  Deno.writeFileSync(path, pixels);
  scene.client.say(6, "wl_shm_pool.resize", { size: 2 * POOL });
  scene.client.createBuffer(6, 8, { offset: POOL, width: 32, height: 32 });
  scene.commit(7);
  assert.equal(scene.pixels(scene.attached())[0], 0);
  scene.commit(8, [0, 0, 32, 32]);
  assert.equal(scene.pixels(scene.attached())[1023], 0x01010101);
  Deno.removeSync(path);
});

Deno.test("a pool may not shrink", () => {
  using scene = new ShadowScene();
  const pool = scene.pool(POOL);
  scene.client.say(pool, "wl_shm_pool.resize", { size: POOL - 1 });
  scene.clientMustHear(
    'wl_display@1.error(wl_shm_pool@6, 2, "shrinking pool invalid")',
  );
});

Deno.test("a client that truncates its file is ended with invalid_fd, and nobody else is harmed", () => {
  using scene = new ShadowScene();
  const buffer = scene.commitNew(32, 32);
  scene.finishFrame();
  assert.equal(libc.ftruncate(buffer.pool.fd.number, 100n), 0);
  scene.commit(buffer, [0, 0, 32, 32]);
  assert.deepEqual(scene.clientHeard().slice(1), [
    'wl_display@1.error(wl_buffer@7, 2, "error accessing SHM buffer")',
  ]);
  assert.equal(openClientFiles(), 1, "the scenario's own");
  assert.equal(scene.room.used, 0);
});

Deno.test("buffers that overlap show what is there when they are committed", () => {
  using scene = new ShadowScene();
  const pool = scene.pool(POOL);
  const first = pool.createBuffer({ width: 4, height: 4 });
  const second = pool.createBuffer({ offset: 16, width: 4, height: 4 });
  pool.words.fill(1, 0, 16);
  scene.commit(first);
  scene.finishFrame();
  pool.words.fill(2, 0, 8);
  scene.commit(second, [0, 0, 4, 4]);
  assert.deepEqual(
    [...scene.pixels(scene.attached()).subarray(0, 5)],
    [2, 2, 2, 2, 1],
  );
});

Deno.test("formats that cannot be copied are not told to the client", () => {
  using scene = new ShadowScene();
  for (const format of [0, 1, 0x34324258, 0x38305559, 0x3231564e]) {
    scene.host.say(4, "wl_shm.format", { format });
  }
  scene.clientMustHear(
    "wl_shm@4.format(0)",
    "wl_shm@4.format(1)",
    "wl_shm@4.format(875709016)",
    "wl_shm@4.format(842094158)",
  );
});

Deno.test("a buffer whose other planes are behind the pool's end is refused", () => {
  using scene = new ShadowScene();
  const nv12 = 0x3231564e;
  scene.host.say(4, "wl_shm.format", { format: nv12 });
  const pool = scene.pool(POOL);
  pool.createBuffer({ width: 64, height: 64, stride: 64, format: nv12 });
  assert.match(scene.clientHeard()[1] ?? "", /error\(wl_shm_pool@6, 1/);
});

Deno.test("wl_shm may be released before anything is shown", () => {
  using scene = new ShadowScene([[9, "wl_shm", 2]]);
  scene.world.bind(9, "wl_shm", 2, 6);
  scene.client.say(6, "wl_shm.release");
  scene.commitNew(4, 4);
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
    scene.client.createPool(4, { id, fd: memoryFile(), size: POOL });
    if (id % 64 === 0) scene.world.settle();
  };
  for (let id = 6; id < 6 + MAX_POOLS; id++) makePool(id);
  scene.world.settle();
  assert.ok(!scene.world.ended);
  scene.client.say(6, "wl_shm_pool.destroy");
  scene.clientHeard();
  makePool(6);
  scene.world.settle();
  assert.ok(!scene.world.ended);
  makePool(6 + MAX_POOLS);
  scene.clientMustHear(
    'wl_display@1.error(wl_display@1, 2, "no memory: more than 4096 pools of shared memory")',
  );
});
