/**
 * Regions of pixels: what of a buffer is out of date.
 *
 * A few disjoint rectangles in one typed array, so that nothing is allocated
 * while they change. A region may grow when it would become too finely divided:
 * it always covers what was added, and copying some pixels more is cheaper than
 * many small copies.
 */

/** Rectangles that a region holds before it is simplified. */
export const REGION_CAPACITY = 32;

const LAST = 0x7fffffff;
const FIRST = -0x80000000;

/**
 * A set of pixels. Rectangles reach from their first pixel to before their end.
 */
export class Region {
  /** `count` rectangles of four numbers: left, top, right, bottom. */
  readonly edges = new Int32Array(REGION_CAPACITY * 4);
  count = 0;

  /** Pixels in it. */
  get area(): number {
    const { edges } = this;
    let area = 0;
    for (let at = 0; at < this.count * 4; at += 4) {
      const width = (edges[at + 2] ?? 0) - (edges[at] ?? 0);
      area += width * ((edges[at + 3] ?? 0) - (edges[at + 1] ?? 0));
    }
    return area;
  }

  clear(): void {
    this.count = 0;
  }

  /** Makes it one rectangle. */
  set(left: number, top: number, right: number, bottom: number): void {
    this.count = 0;
    this.add(left, top, right, bottom);
  }

  /**
   * Adds a rectangle; an empty one adds nothing. Edges beyond 32 bits are taken
   * for the last that there are.
   */
  add(left: number, top: number, right: number, bottom: number): void {
    const x1 = Math.max(left, FIRST);
    const y1 = Math.max(top, FIRST);
    const x2 = Math.min(right, LAST);
    const y2 = Math.min(bottom, LAST);
    if (x1 >= x2 || y1 >= y2) return;
    if (!this.#insert(x1, y1, x2, y2, 0)) this.#simplify(x1, y1, x2, y2);
  }

  /** Adds all of another region. */
  addRegion(other: Region): void {
    const { edges, count } = other;
    for (let at = 0; at < count * 4; at += 4) {
      this.add(
        edges[at] ?? 0,
        edges[at + 1] ?? 0,
        edges[at + 2] ?? 0,
        edges[at + 3] ?? 0,
      );
    }
  }

  /**
   * Adds what of a rectangle is not covered by the rectangles from number
   * `first` on.
   *
   * @returns false where it has no room
   */
  #insert(
    x1: number,
    y1: number,
    x2: number,
    y2: number,
    first: number,
  ): boolean {
    const { edges } = this;
    for (let i = first; i < this.count;) {
      const at = i * 4;
      const left = edges[at] ?? 0;
      const top = edges[at + 1] ?? 0;
      const right = edges[at + 2] ?? 0;
      const bottom = edges[at + 3] ?? 0;
      if (x1 >= right || x2 <= left || y1 >= bottom || y2 <= top) {
        i++;
        continue;
      }
      if (x1 >= left && x2 <= right && y1 >= top && y2 <= bottom) return true;
      if (x1 <= left && x2 >= right && y1 <= top && y2 >= bottom) {
        this.#remove(i);
        continue;
      }
      const middle = Math.max(y1, top);
      const end = Math.min(y2, bottom);
      const next = i + 1;
      return (y1 >= top || this.#insert(x1, y1, x2, top, next)) &&
        (y2 <= bottom || this.#insert(x1, bottom, x2, y2, next)) &&
        (x1 >= left || this.#insert(x1, middle, left, end, next)) &&
        (x2 <= right || this.#insert(right, middle, x2, end, next));
    }
    return this.#append(x1, y1, x2, y2);
  }

  /**
   * Adds a rectangle that touches no pixel of the region; one that continues
   * another is joined to it.
   */
  #append(x1: number, y1: number, x2: number, y2: number): boolean {
    const { edges } = this;
    for (let at = 0; at < this.count * 4; at += 4) {
      const sameColumns = edges[at] === x1 && edges[at + 2] === x2;
      const sameRows = edges[at + 1] === y1 && edges[at + 3] === y2;
      if (sameColumns && edges[at + 3] === y1) edges[at + 3] = y2;
      else if (sameColumns && edges[at + 1] === y2) edges[at + 1] = y1;
      else if (sameRows && edges[at + 2] === x1) edges[at + 2] = x2;
      else if (sameRows && edges[at] === x2) edges[at] = x1;
      else continue;
      return true;
    }
    if (this.count === REGION_CAPACITY) return false;
    this.#write(this.count++, x1, y1, x2, y2);
    return true;
  }

  #remove(index: number): void {
    const last = --this.count;
    if (index < last) {
      this.edges.copyWithin(index * 4, last * 4, last * 4 + 4);
    }
  }

  /** Becomes the smallest rectangle around itself and another one. */
  #simplify(x1: number, y1: number, x2: number, y2: number): void {
    const { edges } = this;
    let [left, top, right, bottom] = [x1, y1, x2, y2];
    for (let at = 0; at < this.count * 4; at += 4) {
      left = Math.min(left, edges[at] ?? left);
      top = Math.min(top, edges[at + 1] ?? top);
      right = Math.max(right, edges[at + 2] ?? right);
      bottom = Math.max(bottom, edges[at + 3] ?? bottom);
    }
    this.count = 1;
    this.#write(0, left, top, right, bottom);
  }

  #write(
    index: number,
    left: number,
    top: number,
    right: number,
    bottom: number,
  ): void {
    const { edges } = this;
    const at = index * 4;
    edges[at] = left;
    edges[at + 1] = top;
    edges[at + 2] = right;
    edges[at + 3] = bottom;
  }
}
