/**
 * The shape of a message on the wire.
 *
 * A message is a header of two words, the object's id and
 * `size << 16 | opcode`, and its arguments, each padded to whole words, all in
 * the machine's byte order (Wayland specification, "Wire format"). File
 * descriptors travel beside the bytes.
 */

/** Bytes of a message's header. */
export const HEADER_SIZE = 8;

/**
 * The largest message, header included, that libwayland reads
 * (`WL_MAX_MESSAGE_SIZE`).
 */
export const MAX_MESSAGE_BYTES = 4096;

/** The id of `wl_display`, the first object of every connection. */
export const DISPLAY = 1;

/**
 * The first id that the server's side allocates, as it reads from an
 * `Int32Array`.
 */
export const FIRST_SERVER_ID = 0xff000000 | 0;

/** The codes of `wl_display.error`, by their names in the protocol. */
export const displayError = {
  invalidObject: 0,
  invalidMethod: 1,
  noMemory: 2,
  implementation: 3,
} as const;

/**
 * Bytes that a string or array of `length` bytes takes after its length word.
 */
export function padded(length: number): number {
  return (length + 3) & ~3;
}

/**
 * Where the string ends whose length word is at `wordOffset`, or -1 where it is
 * malformed: longer than the message, without its final zero, or with a zero
 * inside. A null string (length 0) ends right after its length word.
 *
 * @param end the word after the message
 * @returns the word after the string's padding
 */
export function endOfString(
  words: Int32Array,
  bytes: Uint8Array,
  wordOffset: number,
  end: number,
): number {
  if (wordOffset >= end) return -1;
  const length = words[wordOffset] ?? 0;
  const next = endOfBytes(length, wordOffset, end);
  if (next < 0 || length === 0) return next;
  const start = (wordOffset + 1) << 2;
  return bytes.indexOf(0, start) === start + length - 1 ? next : -1;
}

/**
 * Where the array ends whose length word is at `wordOffset`, or -1 where it is
 * longer than the message.
 */
export function endOfArray(
  words: Int32Array,
  wordOffset: number,
  end: number,
): number {
  return wordOffset < end
    ? endOfBytes(words[wordOffset] ?? 0, wordOffset, end)
    : -1;
}

function endOfBytes(length: number, wordOffset: number, end: number): number {
  if (length < 0 || length > MAX_MESSAGE_BYTES) return -1;
  const next = wordOffset + 1 + ((length + 3) >> 2);
  return next <= end ? next : -1;
}
