/**
 * The device's queue, and the VMM's one thread for all commands of all
 * contexts, in order.
 *
 * A command that waits, because the compositor or an application does not read,
 * makes the whole VM wait. So does a queue without a place: whoever submits a
 * command then waits in the guest's kernel until there is one, and cannot be
 * interrupted. Here the guest goes on, and what it submits meanwhile is kept,
 * so that a test sees that it happened instead of hanging with it.
 */
import { duplicateFd } from "../../ffi/fd.ts";
import type { Loop } from "../../src/loop/loop.ts";

/** A command: yields a descriptor that it waits to write to. */
export type Work = () => Generator<number, void> | void;

export class ControlQueue implements Disposable {
  readonly #loop: Loop;
  readonly #places: number;
  readonly #taken: () => number;
  readonly #work: Work[] = [];
  #stuck: Disposable | null = null;
  #waiting: Generator<number, void> | null = null;
  #running = false;
  #full = false;
  /** How often the VM stood still. */
  stalls = 0;

  /**
   * @param places how many commands it takes
   * @param taken how many places are taken by commands that are done but for
   * their fence
   */
  constructor(loop: Loop, places: number, taken: () => number) {
    this.#loop = loop;
    this.#places = places;
    this.#taken = taken;
  }

  /** Whether the VM stands still, for whichever reason. */
  get isStuck(): boolean {
    return this.isThreadWaiting || this.#full;
  }

  /** Whether the VMM's thread waits, so that it does nothing else. */
  get isThreadWaiting(): boolean {
    return this.#stuck !== null;
  }

  /** Has a command done, now if nothing is before it. */
  submit(work: Work): void {
    this.#work.push(work);
    this.resume();
  }

  /** Goes on, where places may have come free. */
  resume(): void {
    if (!this.#running && !this.isThreadWaiting) this.#run(null);
  }

  #run(begun: Generator<number, void> | null): void {
    this.#running = true;
    try {
      let steps: Generator<number, void> | void = begun ?? undefined;
      for (;;) {
        if (steps !== undefined && !this.#go(steps)) return;
        const work = this.#next();
        if (work === undefined) return;
        steps = work();
      }
    } finally {
      this.#running = false;
    }
  }

  #next(): Work | undefined {
    const isFull = this.#work.length > 0 && this.#taken() >= this.#places;
    if (isFull && !this.#full) this.stalls++;
    this.#full = isFull;
    return isFull ? undefined : this.#work.shift();
  }

  #go(steps: Generator<number, void>): boolean {
    const step = steps.next();
    if (step.done === true) return true;
    this.stalls++;
    this.#waiting = steps;
    const fd = duplicateFd(step.value);
    const watch = this.#loop.watch(fd.number, {
      ready: () => {
        this.#unstick();
        this.#run(steps);
      },
    });
    watch.readable = false;
    watch.writable = true;
    this.#stuck = {
      [Symbol.dispose]: () => {
        watch[Symbol.dispose]();
        fd[Symbol.dispose]();
      },
    };
    return false;
  }

  #unstick(): void {
    this.#stuck?.[Symbol.dispose]();
    this.#stuck = null;
    this.#waiting = null;
  }

  [Symbol.dispose](): void {
    this.#work.length = 0;
    this.#waiting?.return();
    this.#unstick();
  }
}
