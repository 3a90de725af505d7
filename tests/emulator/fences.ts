/**
 * Fences that the VMM has not completed, and whom it tells.
 *
 * QEMU's `virtio_gpu_rutabaga_aio_cb` matches by ring and by an id not above
 * the signalled one, and forgets the context: "stock".
 */
import type { Fences } from "./host_profile.ts";

/** A fence that the guest has asked for. */
export interface Fence {
  readonly id: number;
  readonly context: number;
  readonly ring: number;
  /** Tells the guest's kernel. */
  readonly signal: () => void;
}

/** The VMM's list. */
export class FenceList {
  readonly #fences: Fences;
  #pending: Fence[] = [];
  #last = 0;

  constructor(fences: Fences) {
    this.#fences = fences;
  }

  /** How many are not completed. */
  get count(): number {
    return this.#pending.length;
  }

  /** A new fence. */
  create(context: number, ring: number, signal: () => void): Fence {
    const fence = { id: ++this.#last, context, ring, signal };
    this.#pending.push(fence);
    return fence;
  }

  /** The host is done with a fence: completes it, and what it takes for it. */
  complete(done: Fence): void {
    const isDone = (fence: Fence): boolean =>
      fence.ring === done.ring && fence.id <= done.id &&
      (this.#fences === "stock" || fence.context === done.context);
    const completed = this.#pending.filter(isDone);
    this.#pending = this.#pending.filter((fence) => !isDone(fence));
    for (const fence of completed) fence.signal();
  }

  /** The guest has lost interest: its context is gone. */
  forget(context: number): void {
    this.#pending = this.#pending.filter((fence) => fence.context !== context);
  }
}
