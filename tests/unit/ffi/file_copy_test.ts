/** Rows of a client's file, copied into memory. */

import assert from "node:assert/strict";
import { createMemfd } from "../../../ffi/memfd.ts";
import { mapFile } from "../../../ffi/mapping.ts";
import { copyRows } from "../../../ffi/file_copy.ts";
import { createPipe } from "../../../ffi/pipe.ts";

/** A file whose bytes count up. */
function countingFile(size: number): ReturnType<typeof createMemfd> {
  const fd = createMemfd("rows", size);
  using mapping = mapFile(fd.number, size, "write");
  for (let i = 0; i < size; i++) mapping.bytes[i] = i;
  return fd;
}

Deno.test("rows go to their places, and nothing between them is touched", () => {
  using file = countingFile(64);
  const target = new Uint8Array(64).fill(0xee);
  assert.ok(copyRows(file.number, 10, target, 20, 3, 4, 8));
  const expected = new Uint8Array(64).fill(0xee);
  for (let row = 0; row < 4; row++) {
    for (let i = 0; i < 3; i++) expected[20 + row * 8 + i] = 10 + row * 8 + i;
  }
  assert.deepEqual(target, expected);
});

Deno.test("rows may be further apart in memory than in the file", () => {
  using file = countingFile(64);
  const target = new Uint8Array(32);
  assert.ok(copyRows(file.number, 0, target, 4, 4, 3, 4, 10));
  const expected = new Uint8Array(32);
  for (let row = 0; row < 3; row++) {
    for (let i = 0; i < 4; i++) expected[4 + row * 10 + i] = row * 4 + i;
  }
  assert.deepEqual(target, expected);
  assert.throws(
    () => copyRows(file.number, 0, target, 4, 4, 4, 4, 10),
    RangeError,
  );
});

Deno.test("whole rows are copied as one piece", () => {
  using file = countingFile(64);
  const target = new Uint8Array(64);
  assert.ok(copyRows(file.number, 0, target, 32, 8, 4, 8));
  assert.deepEqual([...target.subarray(32)], [...Array(32).keys()]);
  assert.deepEqual([...target.subarray(0, 32)], Array(32).fill(0));
});

for (
  const { name, offset, rowBytes, rows, stride } of [
    { name: "whole", offset: 40, rowBytes: 8, rows: 4, stride: 8 },
    { name: "partial", offset: 40, rowBytes: 4, rows: 4, stride: 8 },
    { name: "behind its end", offset: 100, rowBytes: 4, rows: 1, stride: 4 },
  ]
) {
  Deno.test(`a file that ends before its ${name} rows is reported, and kills nobody`, () => {
    using file = countingFile(64);
    const target = new Uint8Array(64);
    assert.equal(
      copyRows(file.number, offset, target, 0, rowBytes, rows, stride),
      false,
    );
  });
}

Deno.test("what is no file is reported", () => {
  const { reader, writer } = createPipe();
  using _reader = reader;
  using _writer = writer;
  assert.equal(
    copyRows(reader.number, 0, new Uint8Array(8), 0, 8, 1, 8),
    false,
  );
});

Deno.test("rows outside of the memory are a mistake of the caller's", () => {
  using file = countingFile(64);
  const target = new Uint8Array(16);
  assert.throws(() => copyRows(file.number, 0, target, 0, 8, 3, 8), RangeError);
  assert.throws(
    () => copyRows(file.number, 0, target, -1, 8, 1, 8),
    RangeError,
  );
});

Deno.test("no rows are no work", () => {
  assert.ok(copyRows(-1, 0, new Uint8Array(0), 0, 8, 0, 8));
});
