import assert from "node:assert/strict";
import {
  decodeText,
  encodeText,
  textLength,
} from "../../../src/wayland/text.ts";

const texts = [
  "",
  "wl_compositor",
  "\u00e4\u20ac\u{1f4a1}",
  "\ufeffwith a byte order mark",
  "a".repeat(64),
  "b".repeat(65),
  "c".repeat(4083),
];

for (const text of texts) {
  Deno.test(`text comes back as it was: ${JSON.stringify(text.slice(0, 30))}`, () => {
    const expected = new TextEncoder().encode(text);
    assert.equal(textLength(text), expected.length);
    const bytes = new Uint8Array(expected.length + 8);
    assert.equal(encodeText(text, bytes, 3), expected.length);
    assert.deepEqual(bytes.subarray(3, 3 + expected.length), expected);
    // the second time it may be remembered
    assert.equal(decodeText(bytes, 3, expected.length), text);
    assert.equal(decodeText(bytes, 3, expected.length), text);
  });
}

Deno.test("texts that share a place in memory are not mistaken for each other", () => {
  const bytes = new Uint8Array(8);
  const seen = new Set<string>();
  for (let i = 0; i < 5000; i++) {
    const text = `t${i}`;
    const length = encodeText(text, bytes, 0);
    seen.add(decodeText(bytes, 0, length));
    assert.equal(decodeText(bytes, 0, length), text);
  }
  assert.equal(seen.size, 5000);
});

Deno.test("bytes that are no text are replaced, and not remembered as text", () => {
  const broken = Uint8Array.of(0x61, 0xff, 0x62);
  assert.equal(decodeText(broken, 0, 3), "a\ufffdb");
  assert.equal(decodeText(broken, 0, 3), "a\ufffdb");
});
