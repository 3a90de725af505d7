/**
 * A surface whose buffers in shared memory the host does not know.
 *
 * An attached buffer waits for its commit. Then the relay copies what changed
 * into a shadow, attaches the shadow in its place, and releases the client's
 * buffer at once, as long as there is a shadow for its next frame; so a client
 * that waits for its buffers is as far ahead of the host as it would be without
 * the relay. Sources: wayland.xml (wl_surface.attach, commit, get_release;
 * wl_buffer.release).
 */
import { ClientError } from "../../../wayland/protocol_error.ts";
import type { Entry } from "../../entry.ts";
import type { FeatureRelay, RequestValues } from "../../feature.ts";
import type { Backings, Retryable, Shortage } from "../backing/mod.ts";
import { type ShmBuffer, shmBufferOf } from "../shm/mod.ts";
import type { Surface } from "../surface/mod.ts";
import { MissedFrame } from "./missed_frame.ts";
import { ReleaseLedger } from "./release_ledger.ts";
import type { ShadowBuffer } from "./shadow_buffer.ts";
import { Swapchain } from "./swapchain.ts";

/** What the relay does with a commit or an attach. */
export type Decision = "forward" | "take" | "hold";

/** What a commit shows. */
type Content =
  /** A buffer that the host does not know and the relay cannot show. */
  | "inert"
  /** Nothing, or a buffer that the host knows. */
  | "unshadowed"
  /** A buffer in shared memory, attached now or missed before. */
  | "shadowed"
  /** What the surface shows already. */
  | "unchanged";

/** The shadows of one surface. */
export class ShadowedSurface implements Retryable {
  readonly #relay: FeatureRelay;
  readonly #backings: Backings;
  readonly #surface: Surface;
  readonly #ledger: ReleaseLedger;
  readonly #missed: MissedFrame;
  /** Attached since the last commit, where it is in shared memory. */
  #pending: ShmBuffer | null = null;
  /** Attached since the last commit, where nobody can show it. */
  #inert: Entry | null = null;
  /** Whether the commit in front waits for a shadow. */
  #isHeld = false;
  #swapchain: Swapchain | null = null;
  /** Those of former sizes, of which the host still reads something. */
  #retired: Swapchain[] = [];
  readonly #attachment: RequestValues["wl_surface.attach"] = {
    buffer: null,
    x: 0,
    y: 0,
  };

  constructor(relay: FeatureRelay, backings: Backings, surface: Surface) {
    const { entry } = surface;
    this.#relay = relay;
    this.#backings = backings;
    this.#surface = surface;
    this.#ledger = new ReleaseLedger(relay, entry);
    this.#missed = new MissedFrame(relay, backings, entry, this);
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

  /**
   * `wl_surface.get_release`, whose answer depends on what the client will have
   * attached.
   */
  addReleaseCallback(callback: Entry): void {
    this.#ledger.addCallback(callback);
  }

  /**
   * `wl_surface.commit`.
   *
   * @throws {ClientError} the client's file is shorter than it said
   */
  commit(): Decision {
    switch (this.#content()) {
      case "inert":
        this.#showInert();
        break;
      case "unshadowed":
        this.#showUnshadowed();
        break;
      case "shadowed":
        if (!this.#showShadowed()) return "hold";
        break;
      case "unchanged":
        this.#swapchain?.addDamageOf(this.#surface);
        this.#ledger.forwardCallbacks();
        break;
    }
    this.#inert = null;
    return "forward";
  }

  /**
   * Shows the missed buffer, unless the client is about to commit something
   * else: the host would show that in part.
   */
  retry(): Shortage | null {
    const { buffer } = this.#missed;
    if (buffer === null) return null;
    const { entry, hasPendingState } = this.#surface;
    const shadow = hasPendingState ? null : this.#findShadow(buffer);
    if (shadow === null || typeof shadow === "string") {
      this.#backings.retries.add(this);
      return shadow;
    }
    try {
      this.#commitShadow(shadow, buffer);
      this.#relay.sendRequest(entry, "wl_surface.commit", {});
    } catch (error) {
      // The client has truncated the file since it got the buffer back, which
      // is its right until it commits again.
      if (!(error instanceof ClientError)) throw error;
      this.#missed.forget();
    }
    return null;
  }

  /** Recycles the shadows that only save time. */
  trim(): void {
    this.#swapchain?.trim();
  }

  /** `wl_surface.destroy`. @returns what the host may still be reading */
  destroy(): readonly Swapchain[] {
    this.#pending?.release();
    this.#pending = null;
    this.#missed.forget();
    this.#retire();
    this.#ledger.close();
    return this.#retired;
  }

  #content(): Content {
    if (this.#inert !== null) return "inert";
    if (this.#pending !== null) return "shadowed";
    if (this.#surface.isAttached) return "unshadowed";
    return this.#missed.buffer !== null ? "shadowed" : "unchanged";
  }

  /**
   * The surface goes on showing what it shows, and the client does not notice.
   */
  #showInert(): void {
    // the damage of later commits counts from this buffer, which neither the
    // host nor a shadow has
    this.#swapchain?.invalidate();
    this.#missed.fallBehind();
    if (this.#inert !== null) this.#ledger.release(this.#inert);
    this.#ledger.answerCallbacks();
  }

  #showUnshadowed(): void {
    this.#missed.forget();
    this.#missed.catchUp();
    this.#swapchain?.invalidate();
    this.#ledger.forwardCallbacks();
    this.#ledger.settle();
  }

  /** @returns false: the commit must wait */
  #showShadowed(): boolean {
    const buffer = this.#pending ?? this.#missed.buffer;
    if (buffer === null) return true;
    const { isReady, budget } = this.#backings;
    if (!isReady && !this.#isHeld) {
      this.#isHeld = true;
      return false;
    }
    const swapchain = this.#swapchainFor(buffer);
    swapchain.addDamageOf(this.#surface);
    let shadow: ShadowBuffer | Shortage | null = swapchain.findFree();
    if (shadow === null && !this.#isHeld) {
      // one that has waited before goes on: it would lose its buffer otherwise
      if (!swapchain.hasSpare() && this.#missed.shortage !== "surface") {
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
      this.#ledger.oweCallbacks();
      this.#commitShadow(shadow, buffer);
    }
    return true;
  }

  /** Attaches a copy of the buffer; the commit that follows shows it. */
  #commitShadow(shadow: ShadowBuffer, buffer: ShmBuffer): void {
    const { entry, offsetX, offsetY } = this.#surface;
    shadow.copyFrom(buffer);
    shadow.isBusy = true;
    const attachment = this.#attachment;
    attachment.buffer = shadow.entry;
    attachment.x = offsetX;
    attachment.y = offsetY;
    this.#relay.sendRequest(entry, "wl_surface.attach", attachment);
    this.#missed.catchUp();
    this.#missed.forget();
    if (this.#pending !== null) {
      this.#ledger.oweBuffer(buffer.entry);
      this.#pending.release();
      this.#pending = null;
    }
    if (this.#swapchain?.hasSpare() === true) this.#ledger.settle();
  }

  /**
   * There is no shadow: the client goes on as if the host showed its buffer.
   */
  #miss(buffer: ShmBuffer, shortage: Shortage): void {
    const isNew = this.#pending !== null;
    this.#pending = null;
    this.#missed.miss(buffer, isNew, shortage);
    if (isNew) this.#ledger.release(buffer.entry);
    this.#ledger.answerCallbacks();
  }

  #findShadow(buffer: ShmBuffer): ShadowBuffer | Shortage {
    const swapchain = this.#swapchainFor(buffer);
    return swapchain.findFree() ?? swapchain.grow(buffer);
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

  #retire(): void {
    const swapchain = this.#swapchain;
    if (swapchain === null) return;
    swapchain.retire();
    this.#swapchain = null;
    this.#retired = this.#retired.filter(({ isEmpty }) => !isEmpty);
    this.#retired.push(swapchain);
  }

  #shadowReleased(): void {
    this.#ledger.settle();
    if (this.#isHeld) this.#relay.resume("requests");
    else if (this.#missed.shortage === "surface") this.retry();
  }
}
