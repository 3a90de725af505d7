/**
 * The shadows that one surface shows in turn, of one size, stride and format.
 *
 * The relay makes another when all are busy: a host that copies what it gets
 * needs only one. Damage is what changed since the last commit, whichever
 * buffer it came in, so it makes every shadow stale; the relay updates each
 * when its turn comes.
 */
import { addBufferDamage, Region, type Surface } from "../surface/mod.ts";
import type { Backings, Shortage } from "../backing/mod.ts";
import { ShadowBuffer } from "./shadow_buffer.ts";
import type { ShmBuffer } from "../shm/mod.ts";

/** The damage of the commit under way. */
const damage = new Region();

/**
 * Shadows that hosts need: one on the screen, one waiting for it, one being
 * copied into.
 */
const USUAL_SHADOWS = 3;
/** Shadows that a host gets that releases none. */
const MAX_SHADOWS = 8;

/** The shadows of one surface and size. */
export class Swapchain {
  readonly #backings: Backings;
  readonly #width: number;
  readonly #height: number;
  readonly #stride: number;
  readonly #code: number;
  readonly #shadows: ShadowBuffer[] = [];
  readonly #onRelease: () => void;
  #isRetired = false;

  /**
   * @param onRelease is called when the host has released a shadow that the
   * surface can use again
   */
  constructor(backings: Backings, buffer: ShmBuffer, onRelease: () => void) {
    this.#backings = backings;
    this.#width = buffer.width;
    this.#height = buffer.height;
    this.#stride = buffer.stride;
    this.#code = buffer.code;
    this.#onRelease = onRelease;
  }

  /** Whether its shadows can show this buffer. */
  fits({ width, height, stride, code }: ShmBuffer): boolean {
    return width === this.#width && height === this.#height &&
      stride === this.#stride && code === this.#code;
  }

  /** Notes what the next commit of this surface changes. */
  addDamageOf(surface: Surface): void {
    if (surface.isViewChanged) {
      this.invalidate();
      return;
    }
    damage.clear();
    addBufferDamage(damage, surface, this.#width, this.#height);
    for (const { stale } of this.#shadows) stale.addRegion(damage);
  }

  /** Notes that the surface showed something else in between. */
  invalidate(): void {
    for (const { stale } of this.#shadows) {
      stale.set(0, 0, this.#width, this.#height);
    }
  }

  /** Whether the next frame has a shadow without waiting for the host. */
  hasSpare(): boolean {
    if (this.#shadows.length < USUAL_SHADOWS) return true;
    for (const shadow of this.#shadows) if (!shadow.isBusy) return true;
    return false;
  }

  /**
   * The shadow that needs the least to be brought up to date, or null where all
   * are busy.
   */
  findFree(): ShadowBuffer | null {
    let best: ShadowBuffer | null = null;
    let leastArea = Infinity;
    for (const shadow of this.#shadows) {
      if (shadow.isBusy) continue;
      const { area } = shadow.stale;
      if (area >= leastArea) continue;
      best = shadow;
      leastArea = area;
    }
    return best;
  }

  /** One more shadow, or why there is none. */
  grow(buffer: ShmBuffer): ShadowBuffer | Shortage {
    if (this.#shadows.length >= MAX_SHADOWS) return "surface";
    const shadow = ShadowBuffer.make(
      this.#backings,
      buffer,
      () => this.#released(),
    );
    if (typeof shadow !== "string") this.#shadows.push(shadow);
    return shadow;
  }

  /** Recycles the shadows that only save time. */
  trim(): void {
    this.#recycle((shadow) => !shadow.isBusy);
  }

  /** Ends it. Shadows that the host still reads end when it releases them. */
  retire(): void {
    this.#isRetired = true;
    this.#recycle((shadow) => !shadow.isBusy);
  }

  /** Whether it has no shadow, or no longer has one. */
  get isEmpty(): boolean {
    return this.#shadows.length === 0;
  }

  /** Ends it, whatever the host still reads. */
  discard(): void {
    for (const shadow of this.#shadows) shadow.discard();
    this.#shadows.length = 0;
  }

  #released(): void {
    if (this.#isRetired) {
      this.#recycle((shadow) => !shadow.isBusy);
      return;
    }
    this.#onRelease();
    if (this.#shadows.length > USUAL_SHADOWS) this.#dropOne();
  }

  /** The host was slow and got more shadows than usual; it has caught up. */
  #dropOne(): void {
    let isDropped = false;
    this.#recycle((shadow) => {
      if (shadow.isBusy || isDropped) return false;
      isDropped = true;
      return true;
    });
  }

  #recycle(isUnwanted: (shadow: ShadowBuffer) => boolean): void {
    const shadows = this.#shadows;
    let kept = 0;
    for (const shadow of shadows) {
      if (isUnwanted(shadow)) shadow.recycle();
      else shadows[kept++] = shadow;
    }
    shadows.length = kept;
  }
}
