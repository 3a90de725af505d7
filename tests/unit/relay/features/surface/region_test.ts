/** Regions against a model that cannot be wrong: a bitmap. */
import assert from "node:assert/strict";
import {
  Region,
  REGION_CAPACITY,
} from "../../../../../src/relay/features/surface/region.ts";
import { Random } from "../../../../support/random.ts";

const SIDE = 40;

type Rectangle = readonly [number, number, number, number];

class Bitmap {
  readonly pixels = new Uint8Array(SIDE * SIDE);

  add([left, top, right, bottom]: Rectangle): void {
    for (let y = top; y < bottom; y++) {
      this.pixels.fill(1, y * SIDE + left, y * SIDE + Math.max(left, right));
    }
  }

  get area(): number {
    return this.pixels.reduce((sum, pixel) => sum + pixel, 0);
  }
}

function rectangles(region: Region): Rectangle[] {
  const found: Rectangle[] = [];
  for (let at = 0; at < region.count * 4; at += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = region.edges.subarray(at, at + 4);
    found.push([a, b, c, d]);
  }
  return found;
}

/** How often each pixel is covered. */
function coverage(region: Region): Uint8Array {
  const counts = new Uint8Array(SIDE * SIDE);
  for (const [left, top, right, bottom] of rectangles(region)) {
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const at = y * SIDE + x;
        counts[at] = (counts[at] ?? 0) + 1;
      }
    }
  }
  return counts;
}

function randomRectangle(
  random: Random,
  largest: number,
): Rectangle {
  const left = random.below(SIDE);
  const top = random.below(SIDE);
  return [
    left,
    top,
    Math.min(SIDE, left + random.below(largest)),
    Math.min(SIDE, top + random.below(largest)),
  ];
}

Deno.test("a region is exactly what was added while it is not too finely divided", () => {
  for (let seed = 1; seed <= 400; seed++) {
    const random = new Random(seed * 7919);
    const region = new Region();
    const model = new Bitmap();
    for (let i = 0; i < 6; i++) {
      const added = randomRectangle(random, 20);
      region.add(...added);
      model.add(added);
      assert.deepEqual(coverage(region), model.pixels, `seed ${seed}`);
      assert.equal(region.area, model.area);
    }
  }
});

Deno.test("a region covers all that was added, no pixel twice, however much it is", () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = new Random(seed * 104729);
    const region = new Region();
    const model = new Bitmap();
    for (let i = 0; i < 120; i++) {
      const added = randomRectangle(random, 4);
      region.add(...added);
      model.add(added);
    }
    const covered = coverage(region);
    model.pixels.forEach((pixel, at) => {
      assert.ok((covered[at] ?? 0) >= pixel, `seed ${seed}: pixel ${at}`);
      assert.ok((covered[at] ?? 0) <= 1, `seed ${seed}: pixel ${at} twice`);
    });
    assert.ok(region.count <= REGION_CAPACITY);
  }
});

Deno.test("the union of two regions covers both and, where it is simple, nothing else", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed * 31337);
    const [one, other] = [new Region(), new Region()];
    const model = new Bitmap();
    for (const region of [one, other]) {
      for (let i = 0; i < 3; i++) {
        const added = randomRectangle(random, 16);
        region.add(...added);
        model.add(added);
      }
    }
    one.addRegion(other);
    assert.deepEqual(coverage(one), model.pixels, `seed ${seed}`);
  }
});

Deno.test("rows that follow each other become one rectangle", () => {
  const region = new Region();
  for (let y = 0; y < 100; y++) region.add(3, y, 9, y + 1);
  assert.deepEqual(rectangles(region), [[3, 0, 9, 100]]);
});

Deno.test("rectangles that are too many become the one around them", () => {
  const region = new Region();
  for (let i = 0; i <= REGION_CAPACITY; i++) {
    region.add(i * 10, i * 10, i * 10 + 5, i * 10 + 5);
  }
  const end = REGION_CAPACITY * 10 + 5;
  assert.deepEqual(rectangles(region), [[0, 0, end, end]]);
});

Deno.test("empty and inverted rectangles add nothing, and endless ones end at the last pixel", () => {
  const region = new Region();
  region.add(5, 5, 5, 9);
  region.add(9, 5, 3, 9);
  assert.equal(region.count, 0);
  region.add(-1e12, 0, 1e12, 1);
  assert.deepEqual(rectangles(region), [[-0x80000000, 0, 0x7fffffff, 1]]);
});
