/**
 * A direction that stands still before a message, because a feature waits for
 * something.
 */
import type { Loop, Timer } from "../loop/loop.ts";
import { HOLD_TIMEOUT_MS } from "./limits.ts";

/** Whether one direction is held, and until when. */
export class Hold implements Disposable {
  readonly #loop: Pick<Loop, "after">;
  readonly #onTooLong: () => void;
  #timer: Timer | null = null;

  /**
   * @param onTooLong is called where `end` was not within `HOLD_TIMEOUT_MS`;
   * the direction is still held then
   */
  constructor(loop: Pick<Loop, "after">, onTooLong: () => void) {
    this.#loop = loop;
    this.#onTooLong = onTooLong;
  }

  /** Whether the direction is held. */
  get isHeld(): boolean {
    return this.#timer !== null;
  }

  /** Holds the direction. */
  begin(): void {
    this.#timer = this.#loop.after(HOLD_TIMEOUT_MS, this.#onTooLong);
  }

  /** Lets the direction go. @returns whether it was held */
  end(): boolean {
    if (this.#timer === null) return false;
    this.#timer[Symbol.dispose]();
    this.#timer = null;
    return true;
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
