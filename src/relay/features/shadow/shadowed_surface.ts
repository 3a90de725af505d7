/**
 * A surface whose buffers in shared memory the host does not know.
 *
 * An attached buffer waits for its commit. Then what changed is copied into a shadow, the shadow is attached in its place, and the client gets
 * its buffer back at once, as long as there is a shadow for its next frame; so a client that waits for its buffers is as far ahead
 * of the host as it would be without us. Sources: wayland.xml (wl_surface.attach, commit, get_release; wl_buffer.release).
 */
import { ClientError } from "../../../wayland/protocol_error.ts";
import type { Entry } from "../../entry.ts";
import type { FeatureRelay, RequestValues } from "../../feature.ts";
import type { Backings, Retryable, Shortage } from "../backing/mod.ts";
import type { ShadowBuffer } from "./shadow_buffer.ts";
import { type ShmBuffer, shmBufferOf } from "../shm/mod.ts";
import type { Surface } from "../surface/mod.ts";
import { Swapchain } from "./swapchain.ts";

const EVERYTHING = { x: 0, y: 0, width: 0x7fffffff, height: 0x7fffffff };

/** What a commit or an attach becomes. */
export type Decision = "forward" | "take" | "hold";

/** The shadows of one surface, and what is owed to its client. */
export class ShadowedSurface implements Retryable {
  readonly #relay: FeatureRelay;
  readonly #backings: Backings;
  readonly #surface: Surface;
  /** Attached since the last commit, where it is in shared memory. */
  #pending: ShmBuffer | null = null;
  /** Attached since the last commit, where it is something that the host does not know and we cannot show. */
  #inert: Entry | null = null;
  /** Committed when there was no shadow for it; shown with the next commit, or as soon as there is one. */
  #missed: ShmBuffer | null = null;
  /** Why there was none. */
  #shortage: Shortage | null = null;
  /** Whether the host was told of damage that it did not get the pixels of. */
  #isBehind = false;
  #swapchain: Swapchain | null = null;
  /** Those of former sizes, of which the host still reads something. */
  #retired: Swapchain[] = [];
  /** Whether the commit in front waits for a shadow. */
  #isHeld = false;
  /** Buffers, and callbacks of commits, whose release waits for the host's. */
  readonly #owedBuffers: Entry[] = [];
  readonly #owedCallbacks: Entry[] = [];
  /** `wl_surface.get_release` since the last commit. */
  readonly #callbacks: Entry[] = [];
  readonly #attachment: RequestValues["wl_surface.attach"] = {
    buffer: null,
    x: 0,
    y: 0,
  };

  constructor(relay: FeatureRelay, backings: Backings, surface: Surface) {
    this.#relay = relay;
    this.#backings = backings;
    this.#surface = surface;
  }

  /** `wl_surface.attach`. */
  attach(entry: Entry | null): Decision {
    this.#pending?.release();
    this.#pending = this.#inert = null;
    if (entry === null || entry.hostId !== 0) return "forward";
    const buffer = shmBufferOf(entry);
    if (buffer === null) this.#inert = entry;
    else {
      buffer.retain();
      this.#pending = buffer;
    }
    return "take";
  }

  /** `wl_surface.get_release`, whose answer depends on what will have been attached. */
  addReleaseCallback(callback: Entry): void {
    this.#callbacks.push(callback);
  }

  /** `wl_surface.commit`. @throws {ClientError} */
  commit(): Decision {
    const surface = this.#surface;
    const buffer = this.#pending ?? this.#missed;
    if (this.#inert !== null) {
      // what the client shows next is said to differ from this, which neither the host nor a shadow has
      this.#swapchain?.invalidate();
      this.#isBehind = true;
      this.#release(this.#inert);
      this.#answerCallbacks();
    } else if (surface.isAttached && this.#pending === null) {
      this.#showUnshadowed();
    } else if (buffer === null) {
      this.#swapchain?.addDamageOf(surface);
      this.#forwardCallbacks();
    } else if (!this.#show(buffer)) {
      return "hold";
    }
    this.#inert = null;
    return "forward";
  }

  /** Gives up the memory that only saves time. */
  trim(): void {
    this.#swapchain?.trim();
  }

  /** `wl_surface.destroy`. @returns what the host may still be reading */
  destroy(): readonly Swapchain[] {
    this.#pending?.release();
    this.#pending = null;
    this.#forgetMissed();
    this.#retire();
    this.#settle();
    for (const callback of this.#callbacks) {
      this.#relay.dropClientObject(callback);
    }
    this.#callbacks.length = 0;
    return this.#retired;
  }

  #retire(): void {
    const swapchain = this.#swapchain;
    if (swapchain === null) return;
    swapchain.retire();
    this.#swapchain = null;
    this.#retired = this.#retired.filter(({ isEmpty }) => !isEmpty);
    this.#retired.push(swapchain);
  }

  /** Nothing, or a buffer that the host knows, takes the place of the shadows. */
  #showUnshadowed(): void {
    this.#forgetMissed();
    this.#catchUp();
    this.#swapchain?.invalidate();
    this.#forwardCallbacks();
    this.#settle();
  }

  /** Shows a buffer. @returns false where that has to wait */
  #show(buffer: ShmBuffer): boolean {
    const backings = this.#backings;
    const { budget } = backings;
    if (!backings.isReady && !this.#isHeld) {
      this.#isHeld = true;
      return false;
    }
    const swapchain = this.#swapchainFor(buffer);
    swapchain.addDamageOf(this.#surface);
    let shadow: ShadowBuffer | Shortage | null = swapchain.findFree();
    if (shadow === null && !this.#isHeld) {
      // one that has waited before goes on: it would lose its buffer otherwise
      if (!swapchain.hasSpare() && this.#shortage !== "surface") {
        this.#isHeld = true;
        return false;
      }
      if (budget.isSpent) {
        budget.hold();
        return false;
      }
    }
    shadow ??= swapchain.grow(buffer);
    this.#isHeld = false;
    if (typeof shadow === "string") this.#miss(buffer, shadow);
    else {
      this.#owedCallbacks.push(...this.#callbacks);
      this.#callbacks.length = 0;
      this.#commitShadow(shadow, buffer);
    }
    return true;
  }

  #swapchainFor(buffer: ShmBuffer): Swapchain {
    const before = this.#swapchain;
    if (before !== null && before.fits(buffer)) return before;
    this.#retire();
    return this.#swapchain = new Swapchain(
      this.#backings,
      buffer,
      () => this.#shadowReleased(),
    );
  }

  #commitShadow(shadow: ShadowBuffer, buffer: ShmBuffer): void {
    const relay = this.#relay;
    const { entry, offsetX, offsetY } = this.#surface;
    shadow.copyFrom(buffer);
    shadow.isBusy = true;
    const attachment = this.#attachment;
    attachment.buffer = shadow.entry;
    attachment.x = offsetX;
    attachment.y = offsetY;
    relay.sendRequest(entry, "wl_surface.attach", attachment);
    this.#catchUp();
    this.#forgetMissed();
    if (this.#pending !== null) {
      this.#owedBuffers.push(buffer.entry);
      this.#pending.release();
      this.#pending = null;
    }
    if (this.#swapchain?.hasSpare() === true) this.#settle();
  }

  /** There is no shadow: the client goes on as if it was shown. */
  #miss(buffer: ShmBuffer, shortage: Shortage): void {
    const { statistics, retries } = this.#backings;
    const isOfMemory = shortage !== "surface";
    if (isOfMemory) statistics.addMissedCopy();
    if (this.#shortage !== shortage) {
      const what = `a buffer of ${buffer.width}x${buffer.height} pixels`;
      retries.say(shortage, what, "it is shown when there is some");
    }
    this.#isBehind = true;
    if (this.#pending !== null) {
      this.#release(buffer.entry);
      this.#missed?.release();
      this.#missed = this.#pending;
      this.#pending = null;
    }
    this.#shortage = shortage;
    this.#answerCallbacks();
    // what the compositor has to release is shown when it does
    if (isOfMemory) retries.add(this);
  }

  /** Shows what was missed, unless the client is about to commit something else: that would be shown in part. */
  retry(): Shortage | null {
    const relay = this.#relay;
    const { retries } = this.#backings;
    const buffer = this.#missed;
    if (buffer === null) return null;
    const shadow = this.#surface.hasPendingState
      ? null
      : this.#findShadow(buffer);
    if (shadow === null || typeof shadow === "string") {
      retries.add(this);
      return shadow;
    }
    try {
      this.#commitShadow(shadow, buffer);
      relay.sendRequest(this.#surface.entry, "wl_surface.commit", {});
    } catch (error) {
      // Its file became shorter since the client had it back, which is the client's right until it commits again.
      if (!(error instanceof ClientError)) throw error;
      this.#forgetMissed();
    }
    return null;
  }

  #findShadow(buffer: ShmBuffer): ShadowBuffer | Shortage {
    const swapchain = this.#swapchainFor(buffer);
    return swapchain.findFree() ?? swapchain.grow(buffer);
  }

  /** Has the host look at all of what it is about to show. */
  #catchUp(): void {
    if (!this.#isBehind) return;
    const { entry } = this.#surface;
    this.#relay.sendRequest(entry, "wl_surface.damage", EVERYTHING);
    this.#isBehind = false;
  }

  #forgetMissed(): void {
    if (this.#missed === null) return;
    this.#missed.release();
    this.#missed = this.#shortage = null;
    this.#backings.retries.forget(this);
  }

  #shadowReleased(): void {
    this.#settle();
    if (this.#isHeld) this.#relay.resume("requests");
    else if (this.#shortage === "surface") this.retry();
  }

  /** Releases all that waits for it. */
  #settle(): void {
    for (const entry of this.#owedBuffers) this.#release(entry);
    for (const callback of this.#owedCallbacks) this.#answer(callback);
    this.#owedBuffers.length = this.#owedCallbacks.length = 0;
  }

  #release(buffer: Entry): void {
    if (buffer.destroyed) return;
    this.#relay.sendEvent(buffer, "wl_buffer.release", {});
  }

  #answerCallbacks(): void {
    for (const callback of this.#callbacks) this.#answer(callback);
    this.#callbacks.length = 0;
  }

  #answer(callback: Entry): void {
    const relay = this.#relay;
    relay.sendEvent(callback, "wl_callback.done", { callback_data: 0 });
    relay.dropClientObject(callback);
  }

  /** The host releases what was committed, or says that nothing was. */
  #forwardCallbacks(): void {
    const relay = this.#relay;
    for (const callback of this.#callbacks) {
      relay.addHostHalf(callback);
      relay.sendRequest(this.#surface.entry, "wl_surface.get_release", {
        callback,
      });
    }
    this.#callbacks.length = 0;
  }
}
