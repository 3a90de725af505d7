import assert from "node:assert/strict";
import { getInterface } from "../../../../../protocols/tables.ts";
import {
  bytesOf,
  findPixelFormat,
  planesOf,
} from "../../../../../src/relay/features/shm/pixel_format.ts";

const formats = getInterface("wl_shm").enums.get("format")?.entries ??
  new Map<number, string>();
const codes = new Map([...formats].map(([code, name]) => [name, code]));

/** Bytes of a buffer of 10 rows with a stride of 100 bytes. */
const sizes: readonly (readonly [string, number, number])[] = [
  ["argb8888", 4, 1000],
  ["xrgb8888", 4, 1000],
  ["rgb565", 2, 1000],
  ["bgr888", 3, 1000],
  ["abgr2101010", 4, 1000],
  ["argb16161616f", 8, 1000],
  ["r8", 1, 1000],
  ["yuyv", 2, 1000],
  ["nv12", 1, 1500],
  ["p010", 2, 1500],
  ["nv16", 1, 2000],
  ["nv24", 1, 3000],
  ["yuv420", 1, 1500],
  ["yvu422", 1, 2000],
  ["yuv444", 1, 3000],
];

for (const [name, pixelBytes, bytes] of sizes) {
  Deno.test(`${name} lies in memory as compositors expect it`, () => {
    const format = findPixelFormat(codes.get(name) ?? -1);
    assert.ok(format !== null);
    assert.equal(format.pixelBytes, pixelBytes);
    assert.equal(bytesOf(planesOf(format, 100, 10)), bytes);
  });
}

Deno.test("every format that can be copied is one of wl_shm", () => {
  let count = 0;
  for (const code of formats.keys()) {
    if (findPixelFormat(code) !== null) count++;
  }
  assert.equal(count, 78);
});

Deno.test("formats of tiles and of less than a byte are not copied", () => {
  for (const name of ["yuv420_8bit", "nv15", "r1", "c4", "y0l0"]) {
    assert.equal(findPixelFormat(codes.get(name) ?? -1), null, name);
  }
});
