/**
 * Shadows of surfaces that are gone, which the host may still be reading: while
 * it fades a window out, say.
 *
 * When the host releases them the relay gets their memory back. A host that
 * forgets them with the surface would keep it until the client ends; so after a
 * while the relay destroys them all the same. What the host still reads stays
 * alive there.
 */
import type { Timer } from "../../../loop/loop.ts";
import type { FeatureRelay } from "../../feature.ts";
import type { Swapchain } from "./swapchain.ts";

/** How long a host may take to release what it has shown, in milliseconds. */
const RELEASE_TIMEOUT_MS = 5_000;

/** The late releases of one client. */
export class LateReleases implements Disposable {
  readonly #relay: FeatureRelay;
  readonly #timers = new Set<Timer>();

  constructor(relay: FeatureRelay) {
    this.#relay = relay;
  }

  /** Waits for the retired shadows of one surface. */
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
