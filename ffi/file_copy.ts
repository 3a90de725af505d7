/**
 * Reading a file into memory by rows: pread(2), which, unlike a mapping of the
 * file, is safe when its owner makes it shorter meanwhile.
 */

import { EFAULT, EINTR } from "./errno.ts";
import { readFdAt } from "./fd.ts";

/** What a file is read through where the kernel cannot read it straight into a device's memory. */
const bounce = new Uint8Array(64 * 1024);

/**
 * Copies `rows` rows of `rowBytes` each; whole rows as one piece.
 *
 * @param stride from one row to the next in the file.
 * @param targetStride from one row to the next in memory.
 * @returns false: the file ends before them, or cannot be read.
 */
export function copyRows(
  fd: number,
  sourceOffset: number,
  target: Uint8Array<ArrayBuffer>,
  targetOffset: number,
  rowBytes: number,
  rows: number,
  stride: number,
  targetStride = stride,
): boolean {
  if (rows <= 0 || rowBytes <= 0) return true;
  const end = targetOffset + (rows - 1) * targetStride + rowBytes;
  if (targetOffset < 0 || targetStride < 0 || end > target.length) {
    throw new RangeError(
      `Cannot copy to ${targetOffset}..${end}: there are ${target.length} bytes`,
    );
  }
  if (rowBytes === stride && rowBytes === targetStride) {
    return copyPiece(fd, sourceOffset, target, targetOffset, rows * stride);
  }
  for (let row = 0; row < rows; row++) {
    const from = sourceOffset + row * stride;
    const to = targetOffset + row * targetStride;
    if (!copyPiece(fd, from, target, to, rowBytes)) return false;
  }
  return true;
}

function copyPiece(
  fd: number,
  sourceOffset: number,
  target: Uint8Array<ArrayBuffer>,
  targetOffset: number,
  length: number,
): boolean {
  for (let done = 0; done < length;) {
    const at = targetOffset + done;
    const wanted = target.subarray(at, targetOffset + length);
    const count = readFdAt(fd, wanted, sourceOffset + done);
    if (count > 0) done += count;
    else if (count === -EFAULT) {
      const through = wanted.length < bounce.length
        ? bounce.subarray(0, wanted.length)
        : bounce;
      const bounced = readFdAt(fd, through, sourceOffset + done);
      if (bounced <= 0) return false;
      target.set(through.subarray(0, bounced), at);
      done += bounced;
    } else if (count !== -EINTR) return false;
  }
  return true;
}
