/**
 * Reads rows of a file into memory: preadv(2), which, unlike a mapping of the
 * file, is safe when the file's owner truncates it meanwhile.
 *
 * A frame may have hundreds of rows, so a row allocates no view of its target:
 * it is read to an address. Only its offset in the file, which has 64 bits,
 * must be a new value each time.
 */

import { addressOf, pointerTo, writeAddress } from "./address.ts";
import { EFAULT, EINTR } from "./errno.ts";
import { lastErrno } from "./error.ts";
import { libc } from "./libc.ts";

const { preadv } = libc;

/** struct iovec, once: u64 iov_base, u64 iov_len. */
const piece = new Uint32Array(4);
const piecePointer = pointerTo(piece);

/**
 * For memory of a device that the kernel cannot read the file into directly.
 */
const bounce = new Uint8Array(64 * 1024);
const bounceAddress = addressOf(bounce);

/**
 * Addresses of memory that was copied to: finding one costs as much as a row.
 */
const addresses = new WeakMap<ArrayBuffer, number>();

/**
 * The rows of one copy. Offsets, strides and lengths are in bytes.
 *
 * Callers on the hot path keep one record and fill it again for each copy, so
 * that a copy allocates nothing.
 */
export interface RowCopy {
  /** The file to read. Borrowed. */
  fd: number;
  /** Where the first row begins in the file. */
  sourceOffset: number;
  /** From one row to the next in the file. */
  sourceStride: number;
  /** Where the first row begins in the target. */
  targetOffset: number;
  /** From one row to the next in the target. */
  targetStride: number;
  rowBytes: number;
  rows: number;
}

/**
 * Copies rows of a file; those without gaps on both sides as one piece.
 *
 * @returns false: the file ends before its rows, or cannot be read.
 */
export function copyRows(
  target: Uint8Array<ArrayBuffer>,
  copy: Readonly<RowCopy>,
): boolean {
  const { fd, sourceOffset, targetOffset, rowBytes, rows } = copy;
  const { sourceStride, targetStride } = copy;
  if (rows <= 0 || rowBytes <= 0) return true;
  const end = targetOffset + (rows - 1) * targetStride + rowBytes;
  if (targetOffset < 0 || targetStride < 0 || end > target.length) {
    throw new RangeError(
      `Cannot copy to ${targetOffset}..${end}: there are ${target.length} bytes`,
    );
  }
  const address = firstAddress(target) + targetOffset;
  if (rowBytes === sourceStride && rowBytes === targetStride) {
    return copyPiece(fd, sourceOffset, target, address, rows * rowBytes);
  }
  for (let row = 0; row < rows; row++) {
    const from = sourceOffset + row * sourceStride;
    const to = address + row * targetStride;
    if (!copyPiece(fd, from, target, to, rowBytes)) return false;
  }
  return true;
}

/** @param address of a place in `target` with room for `length` bytes. */
function copyPiece(
  fd: number,
  sourceOffset: number,
  target: Uint8Array<ArrayBuffer>,
  address: number,
  length: number,
): boolean {
  for (let done = 0; done < length;) {
    const count = readAt(
      fd,
      address + done,
      length - done,
      sourceOffset + done,
    );
    if (count > 0) done += count;
    else if (count === -EFAULT) {
      const wanted = Math.min(length - done, bounce.length);
      const bounced = readAt(fd, bounceAddress, wanted, sourceOffset + done);
      if (bounced > 0) {
        const at = address + done - firstAddress(target);
        target.set(bounce.subarray(0, bounced), at);
        done += bounced;
      } else if (bounced !== -EINTR) return false;
    } else if (count !== -EINTR) return false;
  }
  return true;
}

function readAt(
  fd: number,
  address: number,
  length: number,
  offset: number,
): number {
  writeAddress(piece, 0, address);
  writeAddress(piece, 2, length);
  const count = preadv(fd, piecePointer, 1, BigInt(offset));
  return count < 0 ? -lastErrno() : count;
}

/** Memory does not move, and a new mapping has a new buffer. */
function firstAddress(target: Uint8Array<ArrayBuffer>): number {
  const { buffer, byteOffset } = target;
  let address = addresses.get(buffer);
  if (address === undefined) {
    address = addressOf(target) - byteOffset;
    addresses.set(buffer, address);
  }
  return address + byteOffset;
}
