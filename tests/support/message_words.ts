/** Wire messages made by hand, well-formed or not. */

/** A word, a string with its zero, or an array. */
export type Part = number | string | Uint8Array;

/** The message with these arguments, in words of its own. */
export function messageWords(
  objectId: number,
  opcode: number,
  parts: readonly Part[],
): Int32Array<ArrayBuffer> {
  const bytes: number[] = [];
  const addWord = (word: number): void => {
    bytes.push(...new Uint8Array(Int32Array.of(word).buffer));
  };
  const addBytes = (data: Uint8Array): void => {
    addWord(data.length);
    bytes.push(...data);
    while (bytes.length % 4 !== 0) bytes.push(0);
  };
  for (const part of parts) {
    if (typeof part === "number") addWord(part);
    else if (typeof part === "string") {
      addBytes(new TextEncoder().encode(part + "\0"));
    } else addBytes(part);
  }
  const words = new Int32Array(2 + bytes.length / 4);
  words[0] = objectId;
  words[1] = ((8 + bytes.length) << 16) | opcode;
  words.set(new Int32Array(Uint8Array.from(bytes).buffer), 2);
  return words;
}
