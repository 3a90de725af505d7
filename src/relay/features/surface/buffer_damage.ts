/**
 * From a surface's damage to the pixels of its buffer.
 *
 * A surface is its buffer, turned back by the buffer's transform, divided by
 * its scale, cropped and scaled by the viewport. Damage in the surface's
 * coordinates goes the way back, and always out to whole pixels. The offset of
 * `attach` and `wl_surface.offset` moves the surface itself, so it has no part
 * in this. Sources: wayland.xml (wl_surface.damage, wl_output.transform),
 * viewporter.xml.
 */
import type { Region } from "./region.ts";
import type { Surface } from "./surface.ts";

/**
 * Adds to `target` what the next commit of `surface` changes, in pixels of a
 * buffer of this size.
 */
export function addBufferDamage(
  target: Region,
  surface: Surface,
  width: number,
  height: number,
): void {
  const { edges, count } = surface.bufferDamage;
  for (let at = 0; at < count * 4; at += 4) {
    addClipped(
      target,
      edges[at] ?? 0,
      edges[at + 1] ?? 0,
      edges[at + 2] ?? 0,
      edges[at + 3] ?? 0,
      width,
      height,
    );
  }
  if (surface.surfaceDamage.count > 0) {
    addSurfaceDamage(target, surface, width, height);
  }
}

function addSurfaceDamage(
  target: Region,
  surface: Surface,
  width: number,
  height: number,
): void {
  const { scale, transform } = surface;
  const isTurned = (transform & 1) !== 0;
  const uncroppedWidth = (isTurned ? height : width) / scale;
  const uncroppedHeight = (isTurned ? width : height) / scale;
  const isCropped = surface.sourceWidth > 0;
  const isScaled = surface.destinationWidth > 0;
  const sourceX = isCropped ? surface.sourceX : 0;
  const sourceY = isCropped ? surface.sourceY : 0;
  const factorX = isScaled
    ? (isCropped ? surface.sourceWidth : uncroppedWidth) /
      surface.destinationWidth
    : 1;
  const factorY = isScaled
    ? (isCropped ? surface.sourceHeight : uncroppedHeight) /
      surface.destinationHeight
    : 1;
  // A pixel of a scaled surface is mixed from its neighbours in the buffer.
  const margin = isCropped || isScaled ? 1 : 0;
  const { edges, count } = surface.surfaceDamage;
  for (let at = 0; at < count * 4; at += 4) {
    addTurned(
      target,
      transform,
      scale,
      sourceX + (edges[at] ?? 0) * factorX - margin,
      sourceY + (edges[at + 1] ?? 0) * factorY - margin,
      sourceX + (edges[at + 2] ?? 0) * factorX + margin,
      sourceY + (edges[at + 3] ?? 0) * factorY + margin,
      width,
      height,
    );
  }
}

/**
 * Turns a rectangle of the uncropped surface the way that its buffer, of
 * `width` by `height` pixels, is turned.
 */
function addTurned(
  target: Region,
  transform: number,
  scale: number,
  left: number,
  top: number,
  right: number,
  bottom: number,
  width: number,
  height: number,
): void {
  const isTurned = (transform & 1) !== 0;
  // Of the buffer's two axes, whether each runs against the axis of the surface
  // that it lies along.
  const isXReversed = transform === 2 || transform === 3 || transform === 4 ||
    transform === 7;
  const isYReversed = transform === 1 || transform === 2 || transform === 6 ||
    transform === 7;
  const x1 = (isTurned ? top : left) * scale;
  const x2 = (isTurned ? bottom : right) * scale;
  const y1 = (isTurned ? left : top) * scale;
  const y2 = (isTurned ? right : bottom) * scale;
  addClipped(
    target,
    Math.floor(isXReversed ? width - x2 : x1),
    Math.floor(isYReversed ? height - y2 : y1),
    Math.ceil(isXReversed ? width - x1 : x2),
    Math.ceil(isYReversed ? height - y1 : y2),
    width,
    height,
  );
}

function addClipped(
  target: Region,
  left: number,
  top: number,
  right: number,
  bottom: number,
  width: number,
  height: number,
): void {
  target.add(
    Math.max(0, left),
    Math.max(0, top),
    Math.min(width, right),
    Math.min(height, bottom),
  );
}
