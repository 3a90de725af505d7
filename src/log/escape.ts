/**
 * Text of others in log lines. Titles, program names and error messages come
 * from applications and from the host: none of them may forge a line, move the
 * cursor of a terminal, or turn the direction of writing.
 */

/** How much of a string argument is shown. */
const MAX_STRING_BYTES = 200;

/**
 * Controls, formatting characters (bidirectional overrides among them), lone
 * surrogates, line separators, unassigned.
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;
const EVERY_UNPRINTABLE = new RegExp(UNPRINTABLE, "gu");

/**
 * Text in which only line feeds and printable characters are left; what follows
 * a line feed is indented.
 */
export function escapeText(text: string): string {
  return UNPRINTABLE.test(text)
    ? text.replaceAll(
      EVERY_UNPRINTABLE,
      (character) => character === "\n" ? "\n    " : escapeCharacter(character),
    )
    : text;
}

/** Text without line feeds and other unprintable characters. */
export function escapeName(text: string): string {
  return UNPRINTABLE.test(text)
    ? text.replaceAll(EVERY_UNPRINTABLE, escapeCharacter)
    : text;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case "\n":
      return "\\n";
    case "\t":
      return "\\t";
    case "\r":
      return "\\r";
    default: {
      const code = character.codePointAt(0) ?? 0;
      return code < 0x80 ? escapeByte(code) : `\\u{${code.toString(16)}}`;
    }
  }
}

function escapeByte(byte: number): string {
  return "\\x" + byte.toString(16).padStart(2, "0");
}

/**
 * Bytes that should be UTF-8 in quotes; those that are not appear as `\xNN`. Of
 * what is longer than MAX_STRING_BYTES it gives only the length.
 */
export function quoteBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
): string {
  const limit = Math.min(end, start + MAX_STRING_BYTES);
  let text = '"';
  let at = start;
  while (at < limit) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x20 && byte < 0x7f) {
      if (byte === 0x22 || byte === 0x5c) text += "\\";
      text += String.fromCharCode(byte);
      at++;
      continue;
    }
    const code = codePointAt(bytes, at, end);
    if (code < 0) {
      text += escapeByte(byte);
      at++;
    } else {
      const character = String.fromCodePoint(code);
      text += UNPRINTABLE.test(character)
        ? escapeCharacter(character)
        : character;
      at += utf8Length(code);
    }
  }
  return at < end ? `${text}"… (${end - start} bytes)` : text + '"';
}

function utf8Length(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

/** The code point whose shortest UTF-8 form begins at `at`, or -1. */
function codePointAt(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return first;
  const length = first >= 0xf8 || first < 0xc2
    ? 0
    : first >= 0xf0
    ? 4
    : first >= 0xe0
    ? 3
    : 2;
  if (length === 0 || at + length > end) return -1;
  let code = first & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i] ?? 0;
    if ((next & 0xc0) !== 0x80) return -1;
    code = (code << 6) | (next & 0x3f);
  }
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  return utf8Length(code) !== length || isSurrogate || code > 0x10ffff
    ? -1
    : code;
}
