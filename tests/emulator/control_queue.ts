/**
 * The VMM's one thread for all commands of all contexts, in order.
 *
 * A command that waits, because the compositor or an application does not read,
 * makes the whole VM wait. Here the guest goes on, and what it submits meanwhile
 * is queued, so that a test sees that it happened instead of hanging with it.
 */
import { duplicateFd } from "../../ffi/fd.ts";
import type { Loop } from "../../src/loop/loop.ts";

/** A command: yields a descriptor that it waits to write to. */
export type Work = () => Generator<number, void> | void;

/** The queue. */
export class ControlQueue implements Disposable {
  readonly #loop: Loop;
  readonly #work: Work[] = [];
  #stuck: Disposable | null = null;
  #waiting: Generator<number, void> | null = null;
  #running = false;
  /** How often the VM stood still. */
  stalls = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Whether the VM stands still. */
  get isStuck(): boolean {
    return this.#stuck !== null;
  }

  /** Has a command done, now if nothing is before it. */
  submit(work: Work): void {
    this.#work.push(work);
    if (this.#running || this.isStuck) return;
    this.#run(null);
  }

  #run(begun: Generator<number, void> | null): void {
    this.#running = true;
    try {
      let steps: Generator<number, void> | void = begun ?? undefined;
      for (;;) {
        if (steps !== undefined && !this.#go(steps)) return;
        const work = this.#work.shift();
        if (work === undefined) return;
        steps = work();
      }
    } finally {
      this.#running = false;
    }
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
