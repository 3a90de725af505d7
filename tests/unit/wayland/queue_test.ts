import assert from "node:assert/strict";
import { createMemfd } from "../../../ffi/memfd.ts";
import { BUFFER_SIZE } from "../../../src/wayland/buffer_pool.ts";
import { Queue } from "../../../src/wayland/queue.ts";
import { openFdCount } from "../../support/descriptors.ts";

/** Appends bytes that count up from `first`. */
function append(queue: Queue, first: number, count: number): void {
  queue.reserve(count);
  for (let i = 0; i < count; i++) {
    queue.bytes[queue.tail + i] = (first + i) & 0xff;
  }
  queue.tail += count;
}

function contents(queue: Queue): Uint8Array {
  return queue.bytes.slice(queue.head, queue.tail);
}

function counting(first: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (first + i) & 0xff);
}

function file(): number {
  return createMemfd("queue", 0).release();
}

Deno.test("a queue holds memory only while it holds bytes", () => {
  using queue = new Queue();
  assert.equal(queue.buffer, null);
  append(queue, 0, 16);
  assert.notEqual(queue.buffer, null);
  queue.consume(12);
  assert.notEqual(queue.buffer, null);
  queue.consume(4);
  assert.equal(queue.buffer, null);
  assert.equal(queue.length, 0);
  assert.equal(queue.position, 16);
});

Deno.test("room that was reserved and not used is given back", () => {
  using queue = new Queue();
  queue.reserve(100);
  queue.consume(0);
  assert.equal(queue.buffer, null);
});

Deno.test("a queue grows and keeps its bytes and its position", () => {
  using queue = new Queue();
  append(queue, 0, 1000);
  queue.consume(200);
  append(queue, 1000, BUFFER_SIZE * 3);
  assert.equal(queue.position, 200);
  assert.deepEqual(contents(queue), counting(200, 800 + BUFFER_SIZE * 3));
});

Deno.test("bytes move to the front where that makes room enough", () => {
  using queue = new Queue();
  append(queue, 0, BUFFER_SIZE - 8);
  queue.consume(BUFFER_SIZE - 16);
  const { buffer } = queue;
  append(queue, BUFFER_SIZE - 8, 64);
  assert.equal(queue.buffer, buffer);
  assert.equal(queue.head, 0);
  assert.deepEqual(contents(queue), counting(BUFFER_SIZE - 16, 72));
});

Deno.test("words stay where words can be, however many bytes were sent", () => {
  for (const sent of [1, 2, 3, 4, 5]) {
    using queue = new Queue();
    append(queue, 0, 4096);
    queue.consume(sent);
    append(queue, 4096, BUFFER_SIZE * 2);
    assert.equal(queue.tail % 4, 0, `after ${sent} bytes`);
    assert.deepEqual(
      contents(queue),
      counting(sent, 4096 - sent + BUFFER_SIZE * 2),
    );
  }
});

Deno.test("a descriptor has the position and the kind of its message", () => {
  using queue = new Queue();
  append(queue, 0, 24);
  queue.pushFd(file(), "shm");
  append(queue, 0, 16);
  queue.pushFd(file(), "keymap");
  queue.consume(4);
  assert.deepEqual([queue.fdPosition(0), queue.fdPosition(1)], [24, 40]);
  assert.deepEqual([queue.fdKind(0), queue.fdKind(1)], ["shm", "keymap"]);
  queue.closeFds(1);
  assert.equal(queue.fdPosition(0), 40);
  assert.equal(queue.fdKind(0), "keymap");
});

Deno.test("descriptors come out in the order in which they went in, also after hundreds", () => {
  using queue = new Queue();
  let next = 0;
  let expected = 0;
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 7; i++) queue.pushHandle(next++);
    for (let i = 0; i < 5; i++) assert.equal(queue.shiftFd(), expected++);
  }
  while (queue.fdCount > 0) assert.equal(queue.shiftFd(), expected++);
  assert.equal(expected, next);
});

Deno.test("positions and kinds follow their descriptors when room is made", () => {
  const before = openFdCount();
  {
    using queue = new Queue();
    for (let i = 0; i < 100; i++) {
      append(queue, 0, 4);
      queue.pushFd(file(), i % 2 === 0 ? "shm" : "keymap");
      if (i % 3 === 0) queue.closeFds(1);
    }
    const first = 100 - queue.fdCount;
    for (let i = 0; i < queue.fdCount; i++) {
      assert.equal(queue.fdPosition(i), 4 * (first + i + 1));
      assert.equal(queue.fdKind(i), (first + i) % 2 === 0 ? "shm" : "keymap");
    }
  }
  assert.equal(openFdCount(), before);
});

Deno.test("a cleared queue closes its descriptors, counts its bytes as gone, and can be used again", () => {
  const before = openFdCount();
  using queue = new Queue();
  append(queue, 0, 40);
  for (let i = 0; i < 5; i++) queue.pushFd(file(), "shm");
  queue.pushFd(file(), "pipe_write_end");
  queue.clear();
  assert.equal(openFdCount(), before);
  assert.equal(queue.position, 40);
  assert.equal(queue.length, 0);
  append(queue, 7, 4);
  assert.deepEqual(contents(queue), counting(7, 4));
});

Deno.test("nothing is left to consume after a clear", () => {
  using queue = new Queue();
  append(queue, 0, 40);
  queue.clear();
  queue.consume(40);
  assert.equal(queue.position, 40);
  assert.equal(queue.length, 0);
});
