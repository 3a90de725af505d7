/**
 * Damage of a surface in pixels of its buffer, against a surface that is drawn
 * pixel by pixel.
 */
import assert from "node:assert/strict";
import { getInterface } from "../../../../../protocols/tables.ts";
import { Entry } from "../../../../../src/relay/entry.ts";
import { addBufferDamage } from "../../../../../src/relay/features/surface/buffer_damage.ts";
import { Surface } from "../../../../../src/relay/features/surface/surface.ts";
import { Region } from "../../../../../src/relay/features/surface/region.ts";

/**
 * Where a pixel of the buffer is on the surface, as wayland.xml says it of each
 * `wl_output.transform`; the inverse of what is tested.
 */
type Place = readonly [number, number];
const places:
  readonly ((x: number, y: number, w: number, h: number) => Place)[] = [
    (x, y) => [x, y],
    (x, y, w) => [w - 1 - y, x],
    (x, y, w, h) => [w - 1 - x, h - 1 - y],
    (x, y, _w, h) => [y, h - 1 - x],
    (x, y, w) => [w - 1 - x, y],
    (x, y) => [y, x],
    (x, y, _w, h) => [x, h - 1 - y],
    (x, y, w, h) => [w - 1 - y, h - 1 - x],
  ];

function newSurface(): Surface {
  return new Surface(new Entry(5, 5, getInterface("wl_surface"), 6));
}

function contains(region: Region, x: number, y: number): boolean {
  const { edges } = region;
  for (let at = 0; at < region.count * 4; at += 4) {
    const [left = 0, top = 0, right = 0, bottom = 0] = edges.subarray(
      at,
      at + 4,
    );
    if (x >= left && x < right && y >= top && y < bottom) return true;
  }
  return false;
}

for (let transform = 0; transform < 8; transform++) {
  for (const scale of [1, 2, 3]) {
    Deno.test(`surface damage is exact under transform ${transform} and scale ${scale}`, () => {
      const surface = newSurface();
      surface.transform = transform;
      surface.scale = scale;
      const [width, height] = [6 * scale, 4 * scale];
      const isTurned = transform % 2 === 1;
      const surfaceWidth = isTurned ? 4 : 6;
      const surfaceHeight = isTurned ? 6 : 4;
      const damaged = (x: number, y: number): boolean =>
        (x >= 1 && x < 3 && y >= 0 && y < 2) || (x === 3 && y === 3);
      surface.surfaceDamage.add(1, 0, 3, 2);
      surface.surfaceDamage.add(3, 3, 4, 4);
      const region = new Region();
      addBufferDamage(region, surface, width, height);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const [sx, sy] = places[transform]?.(
            Math.floor(x / scale),
            Math.floor(y / scale),
            surfaceWidth,
            surfaceHeight,
          ) ?? [-1, -1];
          assert.equal(contains(region, x, y), damaged(sx, sy), `${x},${y}`);
        }
      }
    });
  }
}

Deno.test("a scaled surface's damage covers every pixel of the buffer that is mixed into it", () => {
  const surface = newSurface();
  surface.destinationWidth = 30;
  surface.destinationHeight = 10;
  surface.surfaceDamage.add(15, 5, 16, 6);
  const region = new Region();
  addBufferDamage(region, surface, 100, 100);
  // x from 50 to 53.3 and y from 50 to 60, and a neighbour on each side
  assert.deepEqual([...region.edges.subarray(0, 4)], [49, 49, 55, 61]);
});

Deno.test("a cropped surface's damage begins at the crop", () => {
  const surface = newSurface();
  surface.sourceX = 10.5;
  surface.sourceY = 20;
  surface.sourceWidth = 50;
  surface.sourceHeight = 50;
  surface.surfaceDamage.add(0, 0, 5, 5);
  const region = new Region();
  addBufferDamage(region, surface, 100, 100);
  assert.deepEqual([...region.edges.subarray(0, 4)], [9, 19, 17, 26]);
});

Deno.test("damage of both kinds counts together", () => {
  const surface = newSurface();
  surface.scale = 2;
  surface.surfaceDamage.add(0, 0, 2, 2);
  surface.bufferDamage.add(50, 50, 60, 60);
  const region = new Region();
  addBufferDamage(region, surface, 100, 100);
  assert.equal(region.area, 16 + 100);
});

Deno.test("an odd scale's last pixels are not lost to rounding", () => {
  const surface = newSurface();
  surface.scale = 3;
  surface.surfaceDamage.add(0, 0, 0x7fffffff, 0x7fffffff);
  const region = new Region();
  addBufferDamage(region, surface, 100, 100);
  assert.equal(region.area, 10_000);
});
