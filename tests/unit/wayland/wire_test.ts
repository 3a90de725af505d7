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

const rows: {
  name: string;
  parts: readonly Part[];
  string: number;
  array: number;
}[] = [
  { name: "nothing at all", parts: [], string: -1, array: -1 },
  { name: "a null string, an empty array", parts: [0], string: 1, array: 1 },
  { name: "an empty string", parts: [1, 0], string: 2, array: 2 },
  { name: "abc", parts: ["abc"], string: 2, array: 2 },
  { name: "abcd", parts: ["abcd"], string: 3, array: 3 },
  { name: "something behind it", parts: ["abc", 5], string: 2, array: 2 },
  { name: "no zero", parts: [4, 0x64636261], string: -1, array: 2 },
  {
    name: "its zero in the padding",
    parts: [3, 0x00636261],
    string: -1,
    array: 2,
  },
  { name: "a zero inside", parts: [4, 0x00006261], string: -1, array: 2 },
  {
    name: "its zero behind the message",
    parts: [8, 0x64636261],
    string: -1,
    array: -1,
  },
  { name: "a negative length", parts: [-1, 0], string: -1, array: -1 },
  { name: "2 GiB", parts: [0x7fffffff, 0], string: -1, array: -1 },
  { name: "more than a message", parts: [4097, 0], string: -1, array: -1 },
];

for (const { name, parts, string, array } of rows) {
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
