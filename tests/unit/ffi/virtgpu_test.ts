/**
 * Events of the virtio_gpu driver, byte by byte; its requests are in
 * requests_test.ts.
 */
import assert from "node:assert/strict";
import { countFenceEvents } from "../../../ffi/virtgpu.ts";

Deno.test("fence events are counted, and others skipped by their length", () => {
  const words = new Uint32Array([
    0x9000_0000,
    8,
    0x1,
    16,
    0x9000_0000,
    8, // inside the other event
    0x9000_0000,
    8,
  ]);
  assert.equal(countFenceEvents(new DataView(words.buffer), 32), 2);
  assert.equal(countFenceEvents(new DataView(words.buffer), 8), 1);
  assert.equal(countFenceEvents(new DataView(words.buffer), 0), 0);
});

Deno.test("an event without a length does not stop the count", () => {
  const words = new Uint32Array([0x1, 0, 0x9000_0000, 8]);
  assert.equal(countFenceEvents(new DataView(words.buffer), 16), 1);
});
