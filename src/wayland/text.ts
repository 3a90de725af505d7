/**
 * Strings of messages.
 *
 * Nearly all of them are short, ASCII and seen before, as the names of globals
 * are with every client, so that neither decoder nor encoder is needed for
 * them.
 */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

const MAX_CACHED_LENGTH = 64;
const MAX_CACHED = 256;
const remembered: string[] = new Array(MAX_CACHED).fill("");

/** The string in UTF-8 at `start`, of `length` bytes without its final zero. */
export function decodeText(
  bytes: Uint8Array,
  start: number,
  length: number,
): string {
  if (length > MAX_CACHED_LENGTH) return decode(bytes, start, length);
  let hash = length;
  for (let i = start; i < start + length; i++) {
    hash = (hash * 31 + (bytes[i] ?? 0)) | 0;
  }
  const place = hash & (MAX_CACHED - 1);
  const known = remembered[place] ?? "";
  if (isAt(known, bytes, start, length)) return known;
  const text = decode(bytes, start, length);
  remembered[place] = text;
  return text;
}

/** Bytes of a string in UTF-8. */
export function textLength(text: string): number {
  return isAscii(text) ? text.length : encoder.encode(text).length;
}

/**
 * Writes a string in UTF-8 and returns its length in bytes. The caller has made
 * room.
 */
export function encodeText(
  text: string,
  bytes: Uint8Array,
  start: number,
): number {
  if (!isAscii(text)) {
    return encoder.encodeInto(text, bytes.subarray(start)).written;
  }
  for (let i = 0; i < text.length; i++) bytes[start + i] = text.charCodeAt(i);
  return text.length;
}

function decode(bytes: Uint8Array, start: number, length: number): string {
  return decoder.decode(bytes.subarray(start, start + length));
}

/**
 * Whether exactly the ASCII string `text` stands there; one with other
 * characters is never found.
 */
function isAt(
  text: string,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i] ?? 0;
    if (byte > 0x7f || byte !== text.charCodeAt(i)) return false;
  }
  return true;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return false;
  }
  return true;
}
