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

const messages: readonly (readonly [
  name: string,
  hex: string,
  write: (words: Int32Array) => void,
])[] = [
  [
    "INIT",
    "0100140000000000" + "110000002200000001000000",
    (words) => writeInit(words, 0, 0x11, 0x22, 1),
  ],
  [
    "POLL",
    "0300100000000000" + "0000000000000000",
    (words) => writePoll(words, 0),
  ],
  [
    "GET_IMAGE_REQUIREMENTS of 4096 bytes",
    "0200180000000000" + "00100000010000005238202011000000",
    (words) => writeQuery(words, 0, 4096, 1, 0x2020_3852, 0x11),
  ],
  [
    "SEND of 12 bytes to a host of 28 identifiers",
    "04006c0100000000" + "000000000c000000" + "00".repeat(336),
    (words) => writeSend(words, 0, DIALECT_28, 0, 12),
  ],
  [
    "SEND of 12 bytes to a host of 4 identifiers",
    "04004c0000000000" + "000000000c000000" + "00".repeat(48),
    (words) => writeSend(words, 0, DIALECT_4, 0, 12),
  ],
  [
    "SEND with a pipe and memory",
    "0400500000000000" + "0200000010000000" +
    "01000080310000000000000000000000" +
    "03000000010000000000000000000000" + "00".repeat(16),
    (words) => {
      writeSend(words, 0, DIALECT_4, 2, 16);
      writeIdentifier(words, 0, DIALECT_4, 0, 0x8000_0001, 3);
      writeIdentifier(words, 0, DIALECT_4, 1, 0x31, 1);
    },
  ],
  [
    "WRITE of 4 bytes with the end",
    "07001c0000000000" + "02000000010000000400000000000000",
    (words) => writeWrite(words, 0, 2, "hang-up", 4),
  ],
  [
    "WRITE with more to come",
    "0700001000000000" + "0500000000000000e80f000000000000",
    (words) => writeWrite(words, 0, 5, "more", 4072),
  ],
];

for (const [name, hex, write] of messages) {
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

Deno.test("the capability set is read, and a shorter one is not accepted", () => {
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
