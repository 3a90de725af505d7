/**
 * Messages of the cross-domain protocol, byte by byte, as a real host has taken
 * them.
 */

import assert from "node:assert/strict";
import {
  DIALECT_28,
  DIALECT_4,
  MAX_PAYLOAD,
  MAX_PROBE,
  parseCapabilities,
  parseImageRequirements,
  writeIdentifier,
  writeInit,
  writePoll,
  writeQuery,
  writeSend,
  writeWrite,
} from "../../../src/virtgpu/cross_domain.ts";

/** Bytes that were not written show. */
const DIRT = 0x7777_7777;

for (
  const { name, hex, write } of [
    {
      name: "INIT",
      write: (words: Int32Array) => writeInit(words, 0, 0x11, 0x22, 1),
      hex: "0100140000000000" + "110000002200000001000000",
    },
    {
      name: "POLL",
      write: (words: Int32Array) => writePoll(words, 0),
      hex: "0300100000000000" + "0000000000000000",
    },
    {
      name: "GET_IMAGE_REQUIREMENTS of 4096 bytes",
      write: (words: Int32Array) =>
        writeQuery(words, 0, 4096, 1, 0x2020_3852, 0x11),
      hex: "0200180000000000" + "00100000010000005238202011000000",
    },
    {
      name: "SEND of 12 bytes to a host of 28 identifiers",
      write: (words: Int32Array) => writeSend(words, 0, DIALECT_28, 0, 12),
      hex: "04006c0100000000" + "000000000c000000" + "00".repeat(336),
    },
    {
      name: "SEND of 12 bytes to a host of 4 identifiers",
      write: (words: Int32Array) => writeSend(words, 0, DIALECT_4, 0, 12),
      hex: "04004c0000000000" + "000000000c000000" + "00".repeat(48),
    },
    {
      name: "SEND with a pipe and memory",
      write: (words: Int32Array) => {
        writeSend(words, 0, DIALECT_4, 2, 16);
        writeIdentifier(words, 0, DIALECT_4, 0, 0x8000_0001, 3);
        writeIdentifier(words, 0, DIALECT_4, 1, 0x31, 1);
      },
      hex: "0400500000000000" + "0200000010000000" +
        "01000080310000000000000000000000" +
        "03000000010000000000000000000000" + "00".repeat(16),
    },
    {
      name: "WRITE of 4 bytes with the end",
      write: (words: Int32Array) => writeWrite(words, 0, 2, "hang-up", 4),
      hex: "07001c0000000000" + "02000000010000000400000000000000",
    },
    {
      name: "WRITE with more to come",
      write: (words: Int32Array) => writeWrite(words, 0, 5, "more", 4072),
      hex: "0700001000000000" + "0500000000000000e80f000000000000",
    },
  ]
) {
  Deno.test(`${name} has the bytes that hosts take`, () => {
    const words = new Int32Array(1024).fill(DIRT);
    write(words);
    const bytes = new Uint8Array(words.buffer, 0, hex.length / 2);
    assert.equal(bytes.toHex(), hex);
    assert.equal(words[hex.length / 8], DIRT, "more was written");
  });
}

Deno.test("identifiers of the larger dialect stand 112 bytes before their types", () => {
  const words = new Int32Array(128);
  writeSend(words, 0, DIALECT_28, 28, 0);
  writeIdentifier(words, 0, DIALECT_28, 27, 0x55, 1);
  assert.equal(words[4 + 27], 0x55);
  assert.equal(words[(128 >> 2) + 27], 1);
  assert.equal(DIALECT_28.headerBytes, 352);
  assert.equal(DIALECT_4.headerBytes, 64);
});

Deno.test("a payload fits a page in both dialects, and a probe does not reach the other copy", () => {
  assert.equal(MAX_PAYLOAD, 3744);
  assert.equal(MAX_PROBE, 288);
});

Deno.test("the capability set is read, and a shorter one is none", () => {
  const bytes = Uint8Array.fromHex("07000000020100000100000000000000");
  assert.deepEqual(parseCapabilities(bytes), {
    version: 7,
    channels: 0x102,
    allocatesDmabuf: true,
  });
  // the last word says that the host has memory of another GPU
  assert.deepEqual(
    parseCapabilities(Uint8Array.fromHex("01000000020000000000000001000000")),
    { version: 1, channels: 2, allocatesDmabuf: false },
  );
  assert.equal(parseCapabilities(bytes.subarray(0, 15)), null);
});

Deno.test("the answer to a query of four planes is read", () => {
  const bytes = Uint8Array.fromHex(
    "64000000320000001900000001000000" + "00000000102700009833000003820000" +
      "0000000000000001" + "0040000000000000" + "07000000" + "01000000" +
      "ffffffff" + "ffffffff",
  );
  assert.deepEqual(parseImageRequirements(bytes), {
    strides: [100, 50, 25, 1],
    offsets: [0, 10_000, 13_208, 33_283],
    modifier: 1n << 56n,
    size: 16_384,
    blobId: 7,
  });
});

Deno.test("a page that the host left alone is no answer", () => {
  assert.equal(parseImageRequirements(new Uint8Array(64)), null);
});
