/**
 * Addresses of buffers, for structs that point to other structs.
 *
 * V8 keeps no typed array on its own heap in Deno (TYPED_ARRAY_MAX_SIZE_IN_HEAP
 * is 0), so a buffer never moves. An address does not keep its buffer alive:
 * code that stores an address keeps the buffer in a field or a module constant
 * as well.
 */

/**
 * The pointer to a buffer's first byte, for parameters declared "pointer". Make
 * it once: it costs 300 ns.
 */
export function pointerTo(
  buffer: ArrayBufferView<ArrayBuffer>,
): Deno.PointerObject {
  const pointer = Deno.UnsafePointer.of(buffer);
  if (pointer === null) {
    throw new Error(
      "Cannot take the address of a buffer: it is empty or detached",
    );
  }
  return pointer;
}

/**
 * The address of a buffer's first byte. User-space addresses are below 2^47
 * (2^52 at most), so a number holds them.
 */
export function addressOf(buffer: ArrayBufferView<ArrayBuffer>): number {
  return Number(Deno.UnsafePointer.value(pointerTo(buffer)));
}

/** Writes an address into two words of a struct, little-endian. */
export function writeAddress(
  words: Uint32Array,
  index: number,
  address: number,
): void {
  words[index] = address >>> 0;
  words[index + 1] = Math.floor(address / 0x1_0000_0000);
}

/**
 * A string as C wants it: its bytes and a zero. Throws when it has a zero
 * inside, which C would take for its end.
 */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) {
    throw new TypeError(
      `Cannot pass ${JSON.stringify(text)} to C: it has a zero byte inside`,
    );
  }
  return new TextEncoder().encode(`${text}\0`);
}

/**
 * A null-terminated vector of C strings, such as argv: pointers, and after
 * them, in the same memory, what they point to. It is one buffer, so its owner
 * keeps all of it alive.
 */
export function encodeStringVector(
  texts: readonly string[],
): Uint8Array<ArrayBuffer> {
  const strings = texts.map(cString);
  const pointerBytes = 8 * (strings.length + 1);
  const bytes = new Uint8Array(
    strings.reduce((size, string) => size + string.length, pointerBytes),
  );
  const pointers = new Uint32Array(bytes.buffer, 0, pointerBytes / 4);
  const address = addressOf(bytes);
  let at = pointerBytes;
  strings.forEach((string, i) => {
    writeAddress(pointers, 2 * i, address + at);
    bytes.set(string, at);
    at += string.length;
  });
  return bytes;
}
