/**
 * What the host has missed of one surface: the buffer that found no shadow, and
 * damage whose pixels the host never got.
 */
import type { Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import type { Backings, Retryable, Shortage } from "../backing/mod.ts";
import type { ShmBuffer } from "../shm/mod.ts";

const EVERYTHING = { x: 0, y: 0, width: 0x7fffffff, height: 0x7fffffff };

/** The frame that one surface has missed, where it has. */
export class MissedFrame {
  readonly #relay: FeatureRelay;
  readonly #backings: Backings;
  readonly #surface: Entry;
  readonly #owner: Retryable;
  #buffer: ShmBuffer | null = null;
  #shortage: Shortage | null = null;
  #isBehind = false;

  /** @param owner looks again for memory */
  constructor(
    relay: FeatureRelay,
    backings: Backings,
    surface: Entry,
    owner: Retryable,
  ) {
    this.#relay = relay;
    this.#backings = backings;
    this.#surface = surface;
    this.#owner = owner;
  }

  /**
   * The buffer to show with the next commit, or as soon as there is a shadow.
   */
  get buffer(): ShmBuffer | null {
    return this.#buffer;
  }

  /** Why there was no shadow for it. */
  get shortage(): Shortage | null {
    return this.#shortage;
  }

  /**
   * A commit found no shadow for its buffer.
   *
   * @param isNew whether the caller retains the buffer, and leaves that to this
   */
  miss(buffer: ShmBuffer, isNew: boolean, shortage: Shortage): void {
    const { statistics, retries } = this.#backings;
    if (this.#shortage !== shortage) {
      const what = `a buffer of ${buffer.width}x${buffer.height} pixels`;
      retries.report(
        shortage,
        what,
        shortage === "surface"
          ? "it will appear when one is released"
          : "it will appear when memory is freed",
      );
    }
    this.#shortage = shortage;
    this.#isBehind = true;
    if (isNew) {
      this.#buffer?.release();
      this.#buffer = buffer;
    }
    // the compositor's next release has the surface look again
    if (shortage === "surface") return;
    statistics.addMissedCopy();
    retries.add(this.#owner);
  }

  /** The host hears of damage, and does not get its pixels. */
  fallBehind(): void {
    this.#isBehind = true;
  }

  /** Has the host look at all of what it is about to show, if it is behind. */
  catchUp(): void {
    if (!this.#isBehind) return;
    this.#relay.sendRequest(this.#surface, "wl_surface.damage", EVERYTHING);
    this.#isBehind = false;
  }

  /** The buffer was shown, or something else takes its place. */
  forget(): void {
    if (this.#buffer === null) return;
    this.#buffer.release();
    this.#buffer = this.#shortage = null;
    this.#backings.retries.forget(this.#owner);
  }
}
