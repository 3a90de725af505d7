/**
 * Cross-domain commands as the host reads and writes them. Written from the
 * protocol's description and not from src/virtgpu, so that a mistake there has
 * nobody to agree with.
 */

export const command = {
  init: 1,
  getImageRequirements: 2,
  poll: 3,
  send: 4,
  receive: 5,
  read: 6,
  write: 7,
} as const;

export const identifierType = {
  blob: 1,
  sync: 2,
  readPipe: 3,
  writePipe: 4,
} as const;

/** The first predicted pipe has the id after this. */
export const READ_PIPE_START = 0x8000_0000;
/** Bytes that the host writes to a page at most, however large the page is. */
export const LARGEST_RECEIVE = 4096;
const HEADER = 8;
/** Header, identifier, hang_up, opaque_data_size, padding. */
export const READ_WRITE_HEADER = 24;
/** Bytes of an answer to an image query. */
const IMAGE_ANSWER = 64;

/** Bytes of a SEND or RECEIVE before its data. */
export function sendHeader(identifiers: number): number {
  return HEADER + 8 + 12 * identifiers;
}

/** A command's header. */
export interface Header {
  readonly cmd: number;
  readonly size: number;
}

/** Reads a header. */
export function readHeader(view: DataView, at: number): Header {
  return { cmd: view.getUint8(at), size: view.getUint16(at + 2, true) };
}

/** One identifier of a SEND or RECEIVE. */
export interface Identifier {
  readonly id: number;
  readonly type: number;
  readonly size: number;
}

/** A received descriptor's place in a RECEIVE. */
export interface Received {
  /** As the host states it: may be more than there are slots. */
  readonly count: number;
  readonly identifiers: readonly Identifier[];
  readonly data: Uint8Array;
}

/** The bytes before a RECEIVE's data; the host leaves the size field 0. */
export function encodeReceive(slots: number, received: Received): Uint8Array {
  const words = new Uint32Array(sendHeader(slots) / 4);
  words.set([command.receive, 0, received.count, received.data.length]);
  received.identifiers.forEach(({ id, type, size }, i) => {
    words[4 + i] = id;
    words[4 + slots + i] = type;
    words[4 + 2 * slots + i] = size;
  });
  return new Uint8Array(words.buffer);
}

/** The bytes before a READ's data. */
export function encodeRead(identifier: number, length: number): Uint8Array {
  const hangUp = length === 0 ? 1 : 0;
  const words = [command.read, 0, identifier, hangUp, length, 0];
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** What an image of some size and format takes. */
export interface ImageLayout {
  readonly strides: readonly number[];
  readonly offsets: readonly number[];
  readonly size: number;
}

/**
 * Per plane: bytes per pixel, and how many pixels share one sample in each
 * direction.
 */
const planes: Readonly<Record<string, readonly (readonly [number, number])[]>> =
  {
    "R8  ": [[1, 1]],
    RG16: [[2, 1]],
    BG24: [[3, 1]],
    XR24: [[4, 1]],
    AR24: [[4, 1]],
    XB24: [[4, 1]],
    AB24: [[4, 1]],
    XR30: [[4, 1]],
    AR30: [[4, 1]],
    XB30: [[4, 1]],
    AB30: [[4, 1]],
    NV12: [[1, 1], [2, 2]],
    YV12: [[1, 1], [1, 2], [1, 2]],
  };

/**
 * Lays an image out, or answers null where the host does not know its format.
 *
 * @param alignment bytes that rows are a multiple of
 */
export function layoutImage(
  width: number,
  height: number,
  fourcc: number,
  alignment: number,
): ImageLayout | null {
  const name = String.fromCharCode(
    ...[0, 8, 16, 24].map((shift) => (fourcc >>> shift) & 0xff),
  );
  const format = planes[name];
  if (format === undefined) return null;
  const strides: number[] = [];
  const offsets: number[] = [];
  let size = 0;
  for (const [bytesPerPixel, subsampling] of format) {
    const row = bytesPerPixel * Math.floor(width / subsampling);
    const stride = Math.ceil(row / alignment) * alignment;
    strides.push(stride);
    offsets.push(size);
    size += stride * Math.floor(height / subsampling);
  }
  // The host counts in 32 bits and refuses what does not fit.
  return size > 0xffff_ffff ? null : { strides, offsets, size };
}

/** The answer to an image query. */
export function encodeImage(
  layout: ImageLayout,
  size: number,
  blobId: number,
): Uint8Array {
  const words = new Uint32Array(IMAGE_ANSWER / 4);
  words.set(layout.strides, 0);
  words.set(layout.offsets, 4);
  // The size in two words, the blob, that it is cached, and neither a type of
  // memory nor a physical device.
  words.set([size, 0, blobId, 1, -1, -1], 10);
  return new Uint8Array(words.buffer);
}

/** `size`, rounded up to whole pages. */
export function wholePages(size: number, pageSize: number): number {
  return Math.ceil(size / pageSize) * pageSize;
}
