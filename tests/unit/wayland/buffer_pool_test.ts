import assert from "node:assert/strict";
import {
  BUFFER_SIZE,
  returnBuffer,
  takeBuffer,
} from "../../../src/wayland/buffer_pool.ts";

Deno.test("a buffer of the usual size is used again", () => {
  const buffer = takeBuffer(100);
  assert.equal(buffer.size, BUFFER_SIZE);
  returnBuffer(buffer);
  assert.equal(takeBuffer(BUFFER_SIZE), buffer);
  returnBuffer(buffer);
});

Deno.test("a larger buffer is large enough, and freed at once", () => {
  for (const size of [BUFFER_SIZE + 1, BUFFER_SIZE * 2, 1_000_000]) {
    const buffer = takeBuffer(size);
    assert.ok(buffer.size >= size && buffer.size < size * 2);
    returnBuffer(buffer);
    assert.equal(buffer.bytes.length, 0);
  }
});

Deno.test("buffers that are in use at the same time are different ones, and few are kept", () => {
  const buffers = Array.from({ length: 20 }, () => takeBuffer(1));
  assert.equal(new Set(buffers).size, 20);
  buffers.forEach(returnBuffer);
  const kept = buffers.filter(({ bytes }) => bytes.length > 0).length;
  assert.ok(kept > 0 && kept < 20, `${kept} are kept`);
});
