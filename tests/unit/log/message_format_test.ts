/** Decoded messages, well-formed and not. */

import assert from "node:assert/strict";
import {
  findEvent,
  findRequest,
  getRequest,
  type Message,
} from "../../../protocols/tables.ts";
import { formatMessage } from "../../../src/log/message_format.ts";
import { everyMessage } from "../../support/every_message.ts";
import { Random } from "../../support/random.ts";
import { messageWords, type Part } from "../../support/words.ts";

function format(
  message: Message,
  objectId: number,
  parts: readonly Part[],
): string {
  const words = messageWords(objectId, message.opcode, parts);
  return formatMessage(message, objectId, words, 0, words.byteLength);
}

/** What is shown of a message, and its arguments. */
const wellFormed: readonly (readonly [expected: string, ...parts: Part[]])[] = [
  ["wl_surface@3.commit()"],
  ["wl_surface@3.attach(wl_buffer@7, -5, 2147483647)", 7, -5, 2147483647],
  ["wl_surface@3.attach(nil, 0, 0)", 0, 0, 0],
  ["wl_compositor@4278190081.create_surface(new id wl_surface@4294967295)", -1],
  ["wl_pointer@3.motion(4294967295, 3.5, -0.5)", -1, 0x380, -0x80],
  ["wl_pointer@3.motion(0, 0.00390625, -8388608)", 0, 1, -0x8000_0000],
  ["wl_pointer@3.button(1, 2, 272, pressed)", 1, 2, 0x110, 1],
  ["wl_pointer@3.button(1, 2, 272, 99)", 1, 2, 0x110, 99],
  ["wl_shm@3.format(xrgb8888)", 1],
  ["wl_seat@3.capabilities(pointer|keyboard)", 3],
  ["wl_seat@3.capabilities(0)", 0],
  ["wl_seat@3.capabilities(pointer|0x80000000)", -0x8000_0000 | 1],
  ["wl_data_offer@3.set_actions(none, 0x30)", 0, 0x30],
  ["wl_keyboard@3.keymap(xkb_v1, fd, 64)", 1, 64],
  [
    'wl_registry@3.bind(5, "wl_compositor", 6, new id wl_compositor@9)',
    5,
    "wl_compositor",
    6,
    9,
  ],
  [
    'wl_registry@3.bind(5, "of_nobody", 6, new id object@9)',
    5,
    "of_nobody",
    6,
    9,
  ],
  ['wl_display@1.error(object@12, 1, "no")', 12, 1, "no"],
  ["wl_data_offer@3.accept(8, nil)", 8, 0],
  ['xdg_toplevel@3.set_title("")', ""],
  [
    'xdg_toplevel@3.set_title("\\"a\\\\b\\"\\n\\x1b[2J\\u{202e}é 世 🦀\\u{10ffff}")',
    '"a\\b"\n\x1b[2J\u202eé 世 🦀\u{10ffff}',
  ],
  ["xdg_toplevel@3.configure(640, 480, array[0])", 640, 480, Uint8Array.of()],
  [
    "xdg_toplevel@3.configure(640, 480, array[5: 04000000ff])",
    640,
    480,
    Uint8Array.of(4, 0, 0, 0, 255),
  ],
  [
    `xdg_toplevel@3.configure(640, 480, array[17: ${"ab".repeat(16)}…])`,
    640,
    480,
    new Uint8Array(17).fill(0xab),
  ],
];

for (const [expected, ...parts] of wellFormed) {
  Deno.test(`a message is shown as ${JSON.stringify(expected)}`, () => {
    const [, type, id, name] = /^(\w+)@(\d+)\.(\w+)/.exec(expected) ?? [];
    const message = findRequest(`${type}.${name}`) ??
      findEvent(`${type}.${name}`);
    assert.ok(message !== null);
    assert.equal(format(message, Number(id), parts), expected);
  });
}

Deno.test("a long string is cut, and its length told", () => {
  const title = getRequest("xdg_toplevel.set_title");
  assert.equal(
    format(title, 3, ["x".repeat(200)]),
    `xdg_toplevel@3.set_title("${"x".repeat(200)}")`,
  );
  assert.equal(
    format(title, 3, ["x".repeat(201)]),
    `xdg_toplevel@3.set_title("${"x".repeat(200)}"… (201 bytes))`,
  );
});

Deno.test("bytes that are no UTF-8 are shown one by one", () => {
  // a lone continuation, an overlong slash, a surrogate, beyond U+10FFFF, a
  // sequence that the string cuts
  const bytes = [0x80, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80];
  const text = format(getRequest("xdg_toplevel.set_title"), 3, [
    Uint8Array.of(...bytes, 0xc3, 0),
  ]);
  assert.equal(
    text,
    'xdg_toplevel@3.set_title("\\x80\\xc0\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80\\xc3")',
  );
});

/**
 * Argument values that do not fit, and what is shown between the parentheses.
 */
const malformed: [name: string, parts: Part[], expected: string][] = [
  [
    "ends before an argument",
    [5],
    '5, malformed: ends before its argument "id"',
  ],
  [
    "ends within an untyped new id",
    [5, "wl_shm", 1],
    '5, malformed: ends before its argument "id"',
  ],
  [
    "has bytes left over",
    [5, "wl_shm", 1, 9, 0, 0],
    '5, "wl_shm", 1, new id wl_shm@9, malformed: 8 bytes too many',
  ],
  [
    "has a string longer than itself",
    [5, 4000, 0, 0],
    '5, malformed: its argument "id" has 4000 bytes where 8 are left',
  ],
  [
    "has a string of 4 GiB",
    [5, -1, 0, 0],
    '5, malformed: its argument "id" has 4294967295 bytes where 8 are left',
  ],
  [
    "has a string without its zero",
    [5, Uint8Array.of(97, 98), 1, 9],
    '5, "ab" (malformed: no zero at its end), 1, new id object@9',
  ],
  [
    "has a string with a zero inside",
    [5, "a\0b", 1, 9],
    '5, "a\\x00b", 1, new id object@9',
  ],
  [
    "has no string where there must be one",
    [5, 0, 1, 9],
    "5, nil, 1, new id object@9",
  ],
];

for (const [name, parts, expected] of malformed) {
  Deno.test(`a message that ${name} says so`, () => {
    assert.equal(
      format(getRequest("wl_registry.bind"), 2, parts),
      `wl_registry@2.bind(${expected})`,
    );
  });
}

Deno.test("a message with an impossible size says so", () => {
  const commit = getRequest("wl_surface.commit");
  for (const size of [-8, 0, 4, 7, 9, 10]) {
    assert.equal(
      formatMessage(commit, 3, new Int32Array(8), 2, size),
      `wl_surface@3.commit(malformed: ${size} bytes long)`,
    );
  }
});

Deno.test("nothing behind the message's end is read", () => {
  const words = new Int32Array(8).fill(0x41414141);
  words[2] = 300;
  assert.equal(
    formatMessage(getRequest("xdg_toplevel.set_title"), 3, words, 0, 12),
    'xdg_toplevel@3.set_title(malformed: its argument "title" has 300 bytes where 0 are left)',
  );
  assert.equal(
    formatMessage(getRequest("wl_surface.attach"), 3, words, 6, 20),
    'wl_surface@3.attach(malformed: ends before its argument "buffer")',
  );
  assert.equal(
    formatMessage(getRequest("wl_surface.attach"), 3, words, 12, 20),
    'wl_surface@3.attach(malformed: ends before its argument "buffer")',
  );
});

Deno.test("no bytes in any message make decoding fail, or show bytes from outside", () => {
  const random = new Random(0x5eed);
  const secret = 0x5a5a5a5a; // "ZZZZ", which the message itself never has
  const messages = everyMessage().filter(({ fullName, arguments: all }) =>
    !/Z/.test(fullName) && !all.some(({ name }) => /Z/.test(name))
  );
  assert.ok(messages.length > 500);
  const words = new Int32Array(64);
  for (let round = 0; round < 20; round++) {
    for (const message of messages) {
      words.fill(secret);
      const at = random.below(16);
      const count = random.below(24);
      for (let i = 0; i < count; i++) {
        // small words are plausible lengths
        const word = random.below(2) === 0 ? random.below(64) : random.word();
        words[at + i] = word & ~0x20202020 & ~0x08080808;
      }
      const size = Math.max(
        0,
        count * 4 - (random.below(8) === 0 ? random.below(4) : 0),
      );
      const text = formatMessage(message, 7, words, at, size);
      assert.match(text, /^\w+@7\.\w+\(.*\)$/s);
      assert.doesNotMatch(text, /ZZ|5a5a|1515870810|\n/, text);
    }
  }
});
