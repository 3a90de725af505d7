/**
 * The formats of shared memory that the relay can copy: where a buffer's pixels
 * are.
 *
 * `wl_shm.format` is the DRM fourcc, but for its first two. A buffer with
 * several planes has them without gaps; the stride that the client names is the
 * first plane's, and the others follow from it, as in compositors. Sources:
 * wayland.xml, <drm/drm_fourcc.h>.
 */

/** How a format lies in memory. */
export interface PixelFormat {
  /** Bytes of a pixel in the first plane. */
  readonly pixelBytes: number;
  /**
   * Whether the relay can copy a rectangle by itself, and not only the whole
   * buffer.
   */
  readonly isDivisible: boolean;
  readonly otherPlanes: readonly Plane[];
}

interface Plane {
  /** Its stride, in strides of the first plane. */
  readonly strides: number;
  /** Its rows, in rows of the first plane. */
  readonly rows: number;
}

/** Where a plane of a buffer lies, in bytes from the buffer's first. */
export interface BufferPlane {
  readonly offset: number;
  readonly stride: number;
  readonly rows: number;
}

/** Where a buffer's pixels are in its pool. */
export interface BufferShape {
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly code: number;
  readonly format: PixelFormat;
  readonly planes: readonly BufferPlane[];
}

const ARGB8888 = 0;
const XRGB8888 = 1;

/** Formats of one plane, by the bytes of a pixel. */
const packed: readonly (readonly [number, string])[] = [
  [1, "C8  |R8  |RGB8|BGR8"],
  [2, "XR12|XB12|RX12|BX12|AR12|AB12|RA12|BA12"],
  [2, "XR15|XB15|RX15|BX15|AR15|AB15|RA15|BA15"],
  [2, "RG16|BG16|R16 |RG88|GR88|R  H"],
  [3, "RG24|BG24"],
  [4, "XB24|RX24|BX24|AB24|RA24|BA24|AYUV|XYUV"],
  [4, "XR30|XB30|RX30|BX30|AR30|AB30|RA30|BA30"],
  [4, "RG32|GR32|GR H|R  F"],
  [8, "XR4H|XB4H|AR4H|AB4H|XR48|XB48|AR48|AB48"],
];

/**
 * Formats whose pixels share colours with others, or have them in other planes.
 */
const shared: readonly (readonly [number, readonly Plane[], string])[] = [
  [2, [], "YUYV|YVYU|UYVY|VYUY"],
  [1, [{ strides: 1, rows: 1 / 2 }], "NV12|NV21"],
  [1, [{ strides: 1, rows: 1 }], "NV16|NV61"],
  [1, [{ strides: 2, rows: 1 }], "NV24|NV42"],
  [2, [{ strides: 1, rows: 1 / 2 }], "P010|P012|P016"],
  [2, [{ strides: 1, rows: 1 }], "P210"],
  [1, twice({ strides: 1 / 2, rows: 1 / 2 }), "YU12|YV12"],
  [1, twice({ strides: 1 / 2, rows: 1 }), "YU16|YV16"],
  [1, twice({ strides: 1, rows: 1 }), "YU24|YV24"],
];

const formats = new Map<number, PixelFormat>();
for (const [pixelBytes, names] of packed) {
  enter(names, { pixelBytes, isDivisible: true, otherPlanes: [] });
}
for (const [pixelBytes, otherPlanes, names] of shared) {
  enter(names, { pixelBytes, isDivisible: false, otherPlanes });
}
const four: PixelFormat = {
  pixelBytes: 4,
  isDivisible: true,
  otherPlanes: [],
};
formats.set(ARGB8888, four);
formats.set(XRGB8888, four);

/** A `wl_shm.format` that can be copied, or null. */
export function findPixelFormat(code: number): PixelFormat | null {
  return formats.get(code) ?? null;
}

/** The fourcc code (<drm/drm_fourcc.h>) of a `wl_shm.format`. */
export function fourccOf(code: number): number {
  switch (code) {
    case ARGB8888:
      return 0x3432_5241;
    case XRGB8888:
      return 0x3432_5258;
    default:
      return code;
  }
}

/** The planes of a buffer, which lie without gaps. */
export function planesOf(
  format: PixelFormat,
  stride: number,
  height: number,
): readonly BufferPlane[] {
  const planes = [{ offset: 0, stride, rows: height }];
  let offset = stride * height;
  for (const plane of format.otherPlanes) {
    const ownStride = Math.ceil(stride * plane.strides);
    const rows = Math.ceil(height * plane.rows);
    planes.push({ offset, stride: ownStride, rows });
    offset += ownStride * rows;
  }
  return planes;
}

/** Bytes of all planes, to the end of the last row. */
export function bytesOf(planes: readonly BufferPlane[]): number {
  const { offset, stride, rows } = planes.at(-1) ?? NO_PLANE;
  return offset + stride * rows;
}

const NO_PLANE: BufferPlane = { offset: 0, stride: 0, rows: 0 };

function twice(plane: Plane): readonly Plane[] {
  return [plane, plane];
}

function enter(names: string, format: PixelFormat): void {
  for (const name of names.split("|")) {
    const [a = 0, b = 0, c = 0, d = 0] = new TextEncoder().encode(name);
    formats.set((a | b << 8 | c << 16 | d << 24) >>> 0, format);
  }
}
