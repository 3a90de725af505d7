/**
 * Rows copied into memory that the kernel cannot read into, as it is with a
 * device's memory and a file on 9p: EFAULT.
 */

import assert from "node:assert/strict";
import { openLibc } from "../../../ffi/library.ts";
import { failWith, replaceLibc } from "../../support/replaced_libc.ts";

const EINTR = 4;
const EFAULT = 14;

// <sys/uio.h> ssize_t preadv(int fd, const struct iovec *iov, int iovcnt, off_t offset);
const libc = openLibc({
  preadv: { parameters: ["i32", "pointer", "i32", "i64"], result: "i32" },
});

/** Where the memory begins and ends that the kernel does not take. */
let forbidden = { start: 0, end: 0 };
/** How many reads are interrupted, of those that would bring something. */
let interrupted = 0;

// As the kernel does: what fits before such memory is read, and only a read
// that begins in it fails.
replaceLibc({
  preadv: (
    fd: number,
    piece: Deno.PointerObject,
    count: number,
    offset: bigint,
  ): number => {
    const fields = new BigUint64Array(
      Deno.UnsafePointerView.getArrayBuffer(piece, 16),
    );
    const [start = 0n, length = 0n] = fields;
    const room = forbidden.start - Number(start);
    if (room <= 0 && Number(start) < forbidden.end) return failWith(EFAULT);
    if (interrupted-- > 0) return failWith(EINTR);
    if (room > 0 && room < Number(length)) fields[1] = BigInt(room);
    return libc.preadv(fd, piece, count, offset);
  },
});

/** The modules, which must find the replaced function when they are loaded. */
async function modules(): Promise<
  & typeof import("../../../ffi/address.ts")
  & typeof import("../../../ffi/file_copy.ts")
  & typeof import("../../../ffi/memfd.ts")
> {
  return {
    ...await import("../../../ffi/address.ts"),
    ...await import("../../../ffi/file_copy.ts"),
    ...await import("../../../ffi/memfd.ts"),
  };
}

/** Bytes of which none is like its neighbours. */
function noise(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => i * 7 + (i >> 8));
}

/**
 * Fails where bytes differ, and says where first: a list of all differences
 * would take minutes.
 */
function assertSame(actual: Uint8Array | null, expected: Uint8Array): void {
  assert.equal(actual?.length, expected.length);
  assert.equal(expected.findIndex((byte, i) => byte !== actual?.[i]), -1);
}

/**
 * Copies into memory of which the kernel takes the first `taken` bytes.
 *
 * @returns what is there then, or null where the copy failed
 */
async function copy(
  file: Uint8Array,
  { taken = 0, offset = 0, rowBytes, rows, stride, size }: {
    readonly taken?: number;
    readonly offset?: number;
    readonly rowBytes: number;
    readonly rows: number;
    readonly stride: number;
    readonly size: number;
  },
): Promise<Uint8Array | null> {
  const { addressOf, copyRows, createMemfd } = await modules();
  using fd = createMemfd("rows", 0);
  Deno.writeFileSync(`/proc/self/fd/${fd.number}`, file);
  const target = new Uint8Array(size).fill(0xee);
  const start = addressOf(target);
  forbidden = { start: start + taken, end: start + size };
  const isCopied = copyRows(target, {
    fd: fd.number,
    sourceOffset: offset,
    sourceStride: stride,
    targetOffset: offset,
    targetStride: stride,
    rowBytes,
    rows,
  });
  return isCopied ? target : null;
}

// before the first test, which else would be said to leave libraries open
Deno.test.beforeAll(async () => {
  await modules();
});

Deno.test("rows reach memory that the kernel does not read into, and nothing between them is touched", async () => {
  const file = noise(64);
  const expected = new Uint8Array(64).fill(0xee);
  for (let row = 0; row < 4; row++) {
    const at = 10 + row * 8;
    expected.set(file.subarray(at, at + 3), at);
  }
  const layout = { offset: 10, rowBytes: 3, rows: 4, stride: 8, size: 64 };
  assertSame(await copy(file, layout), expected);
});

Deno.test("a piece that is larger than what it is read through reaches such memory whole", async () => {
  const file = noise(200_000);
  const layout = { rowBytes: 1000, rows: 200, stride: 1000, size: 200_000 };
  assertSame(await copy(file, layout), file);
});

Deno.test("a piece of which the kernel reads the beginning only reaches memory whole", async () => {
  const file = noise(5000);
  const layout = { rowBytes: 5000, rows: 1, stride: 5000, size: 5000 };
  assertSame(await copy(file, { ...layout, taken: 1234 }), file);
});

Deno.test("a read that was interrupted is made again, on either way", async () => {
  const file = noise(500);
  const layout = { rowBytes: 500, rows: 1, stride: 500, size: 500 };
  for (const [taken, times] of [[500, 3], [0, 3]] as const) {
    interrupted = times;
    assertSame(await copy(file, { ...layout, taken }), file);
  }
});

Deno.test("a file that ends before its rows is reported on this way, too", async () => {
  const layout = { rowBytes: 100, rows: 3, stride: 100, size: 300 };
  assert.equal(await copy(noise(250), layout), null);
});
