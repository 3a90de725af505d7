/**
 * Screenshots: reading what the tools write, comparing, and keeping evidence of
 * a difference.
 */
import { deflateSync } from "node:zlib";

/** A picture of 24-bit pixels: red, green, blue, row by row without padding. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** Part of a picture, in pixels. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Reads a binary portable pixmap ("P6", 8 bits per channel), as grim writes it.
 */
export function parsePpm(bytes: Uint8Array<ArrayBuffer>): Image {
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(
    new TextDecoder("latin1").decode(bytes.subarray(0, 64)),
  );
  if (header === null) {
    throw new TypeError(
      "Cannot read the pixmap: its header is not that of 8-bit P6",
    );
  }
  const width = Number(header[1]);
  const height = Number(header[2]);
  const start = header[0].length;
  return {
    width,
    height,
    pixels: bytes.slice(start, start + width * height * 3),
  };
}

/**
 * Reads an X window dump of 32-bit little-endian pixels, as Xvfb keeps its
 * screen (`X11/XWDFile.h`: big-endian header).
 */
export function parseXwd(bytes: Uint8Array<ArrayBuffer>): Image {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const field = (index: number): number => view.getUint32(index * 4);
  const [headerSize, width, height, bitsPerPixel, stride, colors] = [
    0,
    4,
    5,
    11,
    12,
    19,
  ].map(field);
  if (
    headerSize === undefined || width === undefined || height === undefined ||
    stride === undefined ||
    colors === undefined || bitsPerPixel !== 32
  ) {
    throw new TypeError(
      `Cannot read the window dump: ${bitsPerPixel} bits per pixel`,
    );
  }
  const start = headerSize + colors * 12;
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = start + y * stride + x * 4;
      const to = (y * width + x) * 3;
      pixels[to] = bytes[from + 2] ?? 0;
      pixels[to + 1] = bytes[from + 1] ?? 0;
      pixels[to + 2] = bytes[from] ?? 0;
    }
  }
  return { width, height, pixels };
}

/**
 * The part of a picture inside `area`, which is cut off at the picture's edges.
 */
export function crop(image: Image, area: Rectangle): Image {
  const left = Math.max(0, area.x);
  const top = Math.max(0, area.y);
  const width = Math.max(0, Math.min(image.width, area.x + area.width) - left);
  const height = Math.max(
    0,
    Math.min(image.height, area.y + area.height) - top,
  );
  const pixels = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * image.width + left) * 3;
    pixels.set(image.pixels.subarray(from, from + width * 3), row * width * 3);
  }
  return { width, height, pixels };
}

/** The picture with `area`, which is within it, black. */
export function without(image: Image, area: Rectangle): Image {
  const pixels = image.pixels.slice();
  for (let row = area.y; row < area.y + area.height; row++) {
    const from = (row * image.width + area.x) * 3;
    pixels.fill(0, from, from + area.width * 3);
  }
  return { ...image, pixels };
}

/** How many pixels of two pictures differ. */
export function countDifferences(one: Image, other: Image): number {
  if (one.width !== other.width || one.height !== other.height) return Infinity;
  let count = 0;
  for (let at = 0; at < one.pixels.length; at += 3) {
    if (
      one.pixels[at] !== other.pixels[at] ||
      one.pixels[at + 1] !== other.pixels[at + 1] ||
      one.pixels[at + 2] !== other.pixels[at + 2]
    ) count++;
  }
  return count;
}

/**
 * The smallest rectangle with every pixel that differs, or `null` when the
 * pictures are equal.
 */
export function difference(one: Image, other: Image): Rectangle | null {
  const width = Math.max(one.width, other.width);
  const height = Math.max(one.height, other.height);
  if (one.width !== other.width || one.height !== other.height) {
    return { x: 0, y: 0, width, height };
  }
  return boundingBox(
    one,
    (at) =>
      one.pixels[at] !== other.pixels[at] ||
      one.pixels[at + 1] !== other.pixels[at + 1] ||
      one.pixels[at + 2] !== other.pixels[at + 2],
  );
}

/**
 * The smallest rectangle with everything that has not the colour `background`,
 * or `undefined` when all has.
 */
export function paintedArea(
  image: Image,
  background: readonly [red: number, green: number, blue: number],
): Rectangle | undefined {
  const { pixels } = image;
  const [red, green, blue] = background;
  return boundingBox(
    image,
    (at) =>
      pixels[at] !== red || pixels[at + 1] !== green || pixels[at + 2] !== blue,
  ) ??
    undefined;
}

function boundingBox(
  image: Image,
  isInside: (at: number) => boolean,
): Rectangle | null {
  let [left, top, right, bottom] = [image.width, image.height, -1, -1];
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      if (!isInside((y * image.width + x) * 3)) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  return right < 0
    ? null
    : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** Cells per side of the grid that `likeness` compares. */
const GRID = 16;

/**
 * How alike two pictures look, from 0 to 1: by the mean colours of the cells of
 * a coarse grid.
 */
export function likeness(one: Image, other: Image): number {
  const first = gridColours(one);
  const second = gridColours(other);
  let distance = 0;
  for (let i = 0; i < first.length; i++) {
    distance += Math.abs((first[i] ?? 0) - (second[i] ?? 0));
  }
  return 1 - distance / (first.length * 255);
}

function gridColours(image: Image): Float64Array {
  const sums = new Float64Array(GRID * GRID * 3);
  const counts = new Float64Array(GRID * GRID);
  for (let y = 0; y < image.height; y++) {
    const row = Math.floor((y * GRID) / image.height) * GRID;
    for (let x = 0; x < image.width; x++) {
      const at = (y * image.width + x) * 3;
      const cell = row + Math.floor((x * GRID) / image.width);
      counts[cell] = (counts[cell] ?? 0) + 1;
      for (let channel = 0; channel < 3; channel++) {
        sums[cell * 3 + channel] = (sums[cell * 3 + channel] ?? 0) +
          (image.pixels[at + channel] ?? 0);
      }
    }
  }
  return sums.map((sum, i) =>
    sum / Math.max(1, counts[Math.floor(i / 3)] ?? 1)
  );
}

/** The number of different colours, counted up to `limit`. */
export function countColours(image: Image, limit: number): number {
  const seen = new Set<number>();
  for (let at = 0; at < image.pixels.length && seen.size < limit; at += 3) {
    seen.add(
      ((image.pixels[at] ?? 0) << 16) | ((image.pixels[at + 1] ?? 0) << 8) |
        (image.pixels[at + 2] ?? 0),
    );
  }
  return seen.size;
}

export function encodePng(image: Image): Uint8Array<ArrayBuffer> {
  const rows = new Uint8Array(image.height * (image.width * 3 + 1));
  for (let y = 0; y < image.height; y++) {
    const from = y * image.width * 3;
    rows.set(
      image.pixels.subarray(from, from + image.width * 3),
      y * (image.width * 3 + 1) + 1,
    );
  }
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, image.width);
  header.setUint32(4, image.height);
  header.setUint8(8, 8); // bits per channel
  header.setUint8(9, 2); // red, green, blue
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    pngChunk("IHDR", new Uint8Array(header.buffer)),
    pngChunk("IDAT", new Uint8Array(deflateSync(rows))),
    pngChunk("IEND", new Uint8Array()),
  ];
  const bytes = new Uint8Array(
    parts.reduce((total, part) => total + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}
