import assert from "node:assert/strict";
import { blockSize } from "../../../../../src/relay/features/backing/shm_blocks.ts";

const sizes: readonly (readonly [number, number | null])[] = [
  [1, 16384],
  [16384, 16384],
  [16385, 32768],
  [1920 * 1080 * 4, 8 * 1024 * 1024],
  [3840 * 2160 * 4, 32 * 1024 * 1024],
  [1024 * 1024, 1024 * 1024],
  [1024 * 1024 + 1, 1280 * 1024],
  [0x7ffe_0001, 0x7fff_0000],
  [0x7fff_0001, null],
];

for (const [bytes, size] of sizes) {
  Deno.test(`a block for ${bytes} bytes has ${size ?? "no size"}`, () => {
    assert.equal(blockSize(bytes), size);
  });
}

Deno.test("every block is whole pages of 16 KiB, and at most a page or a quarter too large", () => {
  for (
    let bytes = 16385;
    bytes < 0x7fff_0000;
    bytes = Math.ceil(bytes * 1.13)
  ) {
    const size = blockSize(bytes) ?? 0;
    const most = Math.max(bytes + 16383, bytes * 1.25);
    assert.ok(size >= bytes && size <= most, `${bytes}: ${size}`);
    assert.equal(size % 16384, 0);
  }
});
