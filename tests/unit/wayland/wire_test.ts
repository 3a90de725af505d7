import assert from "node:assert/strict";
import { endOfArray, endOfString, padded } from "../../../src/wayland/wire.ts";
import { type Part, words } from "../../support/words.ts";

/**
 * Where the string or array ends that begins with the first word of `parts`,
 * the message ending with them.
 */
function ends(parts: readonly Part[]): { string: number; array: number } {
  const encoded = words(...parts);
  // The bytes after the message do not belong to it.
  const bytes = new Uint8Array(encoded.length + 16).fill(0x7a);
  bytes.set(encoded);
  bytes[bytes.length - 1] = 0;
  const numbers = new Int32Array(bytes.buffer);
  const end = encoded.length / 4;
  return {
    string: endOfString(numbers, bytes, 0, end),
    array: endOfArray(numbers, 0, end),
  };
}

const rows: [
  name: string,
  parts: readonly Part[],
  string: number,
  array: number,
][] = [
  ["nothing at all", [], -1, -1],
  ["a null string, an empty array", [0], 1, 1],
  ["an empty string", [1, 0], 2, 2],
  ["abc", ["abc"], 2, 2],
  ["abcd", ["abcd"], 3, 3],
  ["something behind it", ["abc", 5], 2, 2],
  ["no zero", [4, 0x64636261], -1, 2],
  ["its zero in the padding", [3, 0x00636261], -1, 2],
  ["a zero inside", [4, 0x00006261], -1, 2],
  ["its zero behind the message", [8, 0x64636261], -1, -1],
  ["a negative length", [-1, 0], -1, -1],
  ["2 GiB", [0x7fffffff, 0], -1, -1],
  ["more than a message", [4097, 0], -1, -1],
];

for (const [name, parts, string, array] of rows) {
  Deno.test(`the ends of a string and of an array: ${name}`, () => {
    assert.deepEqual(ends(parts), { string, array });
  });
}

Deno.test("strings and arrays are padded to whole words", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 4093].map(padded), [
    0,
    4,
    4,
    4,
    4,
    8,
    4096,
  ]);
});
