/**
 * What one surface owes its client: releases of buffers, and answers to
 * `wl_surface.get_release`. Source: wayland.xml.
 */
import type { Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";

/** The debts of one surface. */
export class ReleaseLedger {
  readonly #relay: FeatureRelay;
  readonly #surface: Entry;
  /** Buffers and callbacks of commits that wait until a shadow is free. */
  readonly #owedBuffers: Entry[] = [];
  readonly #owedCallbacks: Entry[] = [];
  /** Callbacks of the next commit. */
  readonly #callbacks: Entry[] = [];

  constructor(relay: FeatureRelay, surface: Entry) {
    this.#relay = relay;
    this.#surface = surface;
  }

  /** The client asks to hear when the buffer of its next commit is released. */
  addCallback(callback: Entry): void {
    this.#callbacks.push(callback);
  }

  /** The commit shows a copy: `settle` answers its callbacks. */
  oweCallbacks(): void {
    this.#owedCallbacks.push(...this.#callbacks);
    this.#callbacks.length = 0;
  }

  /** The commit shows a copy: `settle` releases its buffer. */
  oweBuffer(buffer: Entry): void {
    this.#owedBuffers.push(buffer);
  }

  /** Pays everything that is owed. */
  settle(): void {
    for (const buffer of this.#owedBuffers) this.release(buffer);
    for (const callback of this.#owedCallbacks) this.#answer(callback);
    this.#owedBuffers.length = this.#owedCallbacks.length = 0;
  }

  /** Gives the client a buffer back, unless it has destroyed it. */
  release(buffer: Entry): void {
    if (buffer.destroyed) return;
    this.#relay.sendEvent(buffer, "wl_buffer.release", {});
  }

  /** The commit shows nothing, so its callbacks need not wait. */
  answerCallbacks(): void {
    for (const callback of this.#callbacks) this.#answer(callback);
    this.#callbacks.length = 0;
  }

  /**
   * The commit goes to the host as it is, and the host answers its callbacks.
   */
  forwardCallbacks(): void {
    const relay = this.#relay;
    for (const callback of this.#callbacks) {
      relay.addHostHalf(callback);
      relay.sendRequest(this.#surface, "wl_surface.get_release", { callback });
    }
    this.#callbacks.length = 0;
  }

  /** The surface is gone: pays, and drops the callbacks that no commit has. */
  close(): void {
    this.settle();
    for (const callback of this.#callbacks) {
      this.#relay.dropClientObject(callback);
    }
    this.#callbacks.length = 0;
  }

  #answer(callback: Entry): void {
    const relay = this.#relay;
    relay.sendEvent(callback, "wl_callback.done", { callback_data: 0 });
    relay.dropClientObject(callback);
  }
}
