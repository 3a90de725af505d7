/**
 * Fences that the VMM has not completed, and whom it tells.
 *
 * QEMU's `virtio_gpu_rutabaga_aio_cb` matches by ring and by an id not above
 * the signalled one, and forgets the context: "stock".
 */
import type { Loop } from "../../src/loop/loop.ts";
import type { ControlQueue } from "./control_queue.ts";
import type { Faults } from "./faults.ts";
import type { Fences } from "./host_profile.ts";

export interface Fence {
  readonly id: number;
  readonly context: number;
  readonly ring: number;
  readonly signal: () => void;
}

export class FenceList {
  readonly #fences: Fences;
  readonly #loop: Loop;
  readonly #faults: Faults;
  readonly #queue: ControlQueue;
  #pending: Fence[] = [];
  /** Signalled while the thread that completes them waited. */
  readonly #held: Fence[] = [];
  #last = 0;

  constructor(fences: Fences, loop: Loop, faults: Faults, queue: ControlQueue) {
    this.#fences = fences;
    this.#loop = loop;
    this.#faults = faults;
    this.#queue = queue;
  }

  /**
   * How many are kept. Those of contexts that have ended are among them, until
   * a later fence completes them.
   */
  get count(): number {
    return this.#pending.length;
  }

  /** A new fence, which the VMM has not seen yet. */
  create(context: number, ring: number, signal: () => void): Fence {
    return { id: ++this.#last, context, ring, signal };
  }

  /**
   * The VMM has run the command that the fence came with, and keeps both until
   * the fence is completed.
   */
  keep(fence: Fence): void {
    this.#pending.push(fence);
  }

  /** The host is done with a fence. */
  signal(fence: Fence): void {
    const { answerDelay, fenceDelay } = this.#faults;
    const delay = [answerDelay, fenceDelay][fence.ring] ?? 0;
    if (delay === 0) this.#signal(fence);
    else this.#loop.after(delay, () => this.#signal(fence));
  }

  /**
   * The thread has done with a command: what was signalled meanwhile is
   * completed.
   */
  release(): void {
    for (const fence of this.#held.splice(0)) this.#complete(fence);
  }

  #signal(fence: Fence): void {
    if (this.#queue.isThreadWaiting) this.#held.push(fence);
    else {
      this.#complete(fence);
      this.#queue.resume();
    }
  }

  /** Completes a fence, and what QEMU takes for it. */
  #complete(done: Fence): void {
    const isDone = (fence: Fence): boolean =>
      fence.ring === done.ring && fence.id <= done.id &&
      (this.#fences === "stock" || fence.context === done.context);
    const completed = this.#pending.filter(isDone);
    this.#pending = this.#pending.filter((fence) => !isDone(fence));
    for (const fence of completed) fence.signal();
  }
}
