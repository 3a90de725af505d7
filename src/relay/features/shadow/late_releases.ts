/**
 * Shadows of surfaces that are gone, which the host may still be reading: while it fades a window out, say.
 *
 * A host that releases them gives their memory back. One that does not, because what it shows is gone, would keep it until the client
 * ends; so after a while they are destroyed all the same. The host has memory that it reads for as long as it likes.
 */
import type { Timer } from "../../../loop/loop.ts";
import type { FeatureRelay } from "../../feature.ts";
import type { Swapchain } from "./swapchain.ts";

/** How long a host may take to release what was shown, in milliseconds. */
const RELEASE_TIMEOUT_MS = 5_000;

/** One client's. */
export class LateReleases implements Disposable {
  readonly #relay: FeatureRelay;
  readonly #timers = new Set<Timer>();

  constructor(relay: FeatureRelay) {
    this.#relay = relay;
  }

  /** Waits for the shadows of one surface, which are retired. */
  add(swapchains: readonly Swapchain[]): void {
    const waiting = swapchains.filter(({ isEmpty }) => !isEmpty);
    if (waiting.length === 0) return;
    const timer = this.#relay.loop.after(RELEASE_TIMEOUT_MS, () => {
      this.#timers.delete(timer);
      for (const swapchain of waiting) swapchain.discard();
    });
    this.#timers.add(timer);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
  }
}
