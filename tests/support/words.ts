/** Messages byte by byte, right or wrong, and what they are made of. */

/** A word, or a string or array with its length word and padding. */
export type Part = number | string | Uint8Array;

/** A message whose header says its true size. */
export function message(
  id: number,
  opcode: number,
  ...parts: Part[]
): Uint8Array<ArrayBuffer> {
  const body = words(...parts);
  return join(header(id, opcode, 8 + body.length), body);
}

/** The same as the words that a queue would hold. */
export function messageWords(
  id: number,
  opcode: number,
  parts: readonly Part[],
): Int32Array<ArrayBuffer> {
  return new Int32Array(message(id, opcode, ...parts).buffer);
}

/** Just a header, whose size may lie. */
export function header(
  id: number,
  opcode: number,
  size: number,
): Uint8Array<ArrayBuffer> {
  return words(id, (size << 16) | opcode);
}

/** Words, strings and arrays one behind the other. */
export function words(...parts: Part[]): Uint8Array<ArrayBuffer> {
  return join(...parts.map((part) => {
    if (typeof part === "number") {
      return new Uint8Array(Int32Array.of(part).buffer);
    }
    const content = typeof part === "string"
      ? new TextEncoder().encode(part + "\0")
      : part;
    const padded = new Uint8Array((content.length + 3) & ~3);
    padded.set(content);
    return join(words(content.length), padded);
  }));
}

/** Bytes one behind the other. */
export function join(...pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  );
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** The same bytes `count` times. */
export function repeated(
  bytes: Uint8Array,
  count: number,
): Uint8Array<ArrayBuffer> {
  return join(...new Array<Uint8Array>(count).fill(bytes));
}

/**
 * The same message `count` times, the word at `place` counting up from what it
 * is.
 */
export function series(
  message: Uint8Array,
  place: number,
  count: number,
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(message.length * count);
  const size = message.length / 4;
  const numbers = new Int32Array(all.buffer);
  for (let i = 0; i < count; i++) {
    all.set(message, i * message.length);
    numbers[i * size + place] = (numbers[i * size + place] ?? 0) + i;
  }
  return all;
}
