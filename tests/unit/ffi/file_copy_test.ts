/** Rows of a client's file, copied into memory. */

import assert from "node:assert/strict";
import { createMemfd } from "../../../ffi/memfd.ts";
import { mapFile } from "../../../ffi/mapping.ts";
import { copyRows, type RowCopy } from "../../../ffi/file_copy.ts";
import { openPipe } from "../../support/open_pipe.ts";

/** A copy of 4 rows of 8 bytes without gaps, unless a test says otherwise. */
function copyOf(
  file: { readonly number: number },
  difference: Partial<RowCopy>,
): RowCopy {
  return {
    fd: file.number,
    sourceOffset: 0,
    sourceStride: 8,
    targetOffset: 0,
    targetStride: 8,
    rowBytes: 8,
    rows: 4,
    ...difference,
  };
}

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
  const copy = copyOf(file, {
    sourceOffset: 10,
    targetOffset: 20,
    rowBytes: 3,
  });
  assert.ok(copyRows(target, copy));
  const expected = new Uint8Array(64).fill(0xee);
  for (let row = 0; row < 4; row++) {
    for (let i = 0; i < 3; i++) expected[20 + row * 8 + i] = 10 + row * 8 + i;
  }
  assert.deepEqual(target, expected);
});

Deno.test("rows may be further apart in memory than in the file", () => {
  using file = countingFile(64);
  const target = new Uint8Array(32);
  const copy = copyOf(file, {
    sourceStride: 4,
    targetOffset: 4,
    targetStride: 10,
    rowBytes: 4,
    rows: 3,
  });
  assert.ok(copyRows(target, copy));
  const expected = new Uint8Array(32);
  for (let row = 0; row < 3; row++) {
    for (let i = 0; i < 4; i++) expected[4 + row * 10 + i] = row * 4 + i;
  }
  assert.deepEqual(target, expected);
  copy.rows = 4;
  assert.throws(() => copyRows(target, copy), RangeError);
});

Deno.test("whole rows are copied as one piece", () => {
  using file = countingFile(64);
  const target = new Uint8Array(64);
  assert.ok(copyRows(target, copyOf(file, { targetOffset: 32 })));
  assert.deepEqual([...target.subarray(32)], [...Array(32).keys()]);
  assert.deepEqual([...target.subarray(0, 32)], Array(32).fill(0));
});

for (
  const { name, ...rows } of [
    { name: "whole", sourceOffset: 40 },
    { name: "partial", sourceOffset: 40, rowBytes: 4 },
    { name: "missing", sourceOffset: 100, rowBytes: 4, rows: 1 },
  ]
) {
  Deno.test(`a file that ends before its ${name} rows is reported, and kills nobody`, () => {
    using file = countingFile(64);
    const target = new Uint8Array(64);
    assert.equal(copyRows(target, copyOf(file, rows)), false);
  });
}

Deno.test("a pipe, which has no offsets, is reported", () => {
  using pipe = openPipe();
  const copy = copyOf(pipe.reader, { rows: 1 });
  assert.equal(copyRows(new Uint8Array(8), copy), false);
});

Deno.test("rows outside of the memory are the caller's mistake", () => {
  using file = countingFile(64);
  const target = new Uint8Array(16);
  for (const rows of [{ rows: 3 }, { targetOffset: -1, rows: 1 }]) {
    assert.throws(() => copyRows(target, copyOf(file, rows)), RangeError);
  }
});

Deno.test("no rows are read from nowhere", () => {
  const copy = copyOf({ number: -1 }, { rows: 0 });
  assert.ok(copyRows(new Uint8Array(0), copy));
});
