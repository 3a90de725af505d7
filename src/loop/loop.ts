/**
 * The event loop: one blocking, level-triggered epoll set on the main thread.
 *
 * A turn waits once, calls every ready source, runs the timers that are due,
 * and then what asked to run before the next wait. No promise is involved, and
 * Deno's own event loop stands still meanwhile. Nothing is allocated per event.
 */

import { monotonicMilliseconds } from "../../ffi/clock.ts";
import { TimerFd } from "../../ffi/timerfd.ts";
import { type Timer, TimerHeap } from "./timers.ts";
import { type Source, type Trigger, type Watch, WatchSet } from "./watches.ts";

export type { Source, Timer, Trigger, Watch };

/**
 * Work that is put off to the end of the turn, so that it is done once for all
 * that happened.
 */
export interface Flushable {
  /** Set by the loop: true while it is queued. At first false. */
  flushPending: boolean;
  flush(): void;
}

/** The event loop. All watches must be disposed before it is. */
export class Loop implements Disposable {
  readonly #watches = new WatchSet();
  readonly #timers = new TimerHeap();
  readonly #flushes: (Flushable | null)[] = [];
  #flushNext = 0;
  #flushEnd = 0;
  // opened from the start: when descriptors have run out, a timer is needed
  // most
  readonly #timerFd = new TimerFd();
  readonly #timerWatch: Watch;
  /**
   * When the timer descriptor expires; Infinity: it will not; -Infinity: it
   * has, and timers have yet to run.
   */
  #timerTime = Infinity;
  #told = 0;
  #now = 0;
  #nowIsFresh = false;
  #inTurn = false;
  #running = false;
  #disposed = false;

  constructor() {
    this.#timerWatch = this.#watches.add(this.#timerFd.fd, {
      ready: (): void => {
        this.#timerFd.acknowledge();
        // handlers that come later in this turn go first: the timers run, and
        // are counted, at its end
        this.#timerTime = -Infinity;
        this.#told--;
      },
    }, "level");
  }

  /** Monotonic time in milliseconds; the same during all of a turn. */
  get now(): number {
    if (this.#nowIsFresh) return this.#now;
    this.#now = monotonicMilliseconds();
    // outside of a turn nothing would make it stale again
    this.#nowIsFresh = this.#inTurn;
    return this.#now;
  }

  /** How many descriptors are watched, the loop's own timer apart. */
  get watchCount(): number {
    return this.#watches.count - 1;
  }

  /**
   * Watches a descriptor, at first for reading.
   *
   * @param fd borrowed; it can be watched once only (watch a duplicate for a
   * second purpose).
   * @throws {SyscallError} EPERM: a file or directory, which is always ready;
   * EBADF: not open.
   */
  watch(fd: number, source: Source, trigger: Trigger = "level"): Watch {
    return this.#watches.add(fd, source, trigger);
  }

  /**
   * Calls back once, not before `milliseconds` have passed, and never from
   * within this call.
   */
  after(milliseconds: number, callback: () => void): Timer {
    const timer = this.#timers.add(
      this.now + Math.max(0, milliseconds),
      callback,
    );
    this.#setTimer();
    return timer;
  }

  /**
   * Has `task.flush()` called once, after all handlers of this turn and before
   * the next wait.
   */
  beforeWait(task: Flushable): void {
    if (task.flushPending) return;
    task.flushPending = true;
    this.#flushes[this.#flushEnd++] = task;
  }

  /**
   * Waits once for events and handles them.
   *
   * @param timeoutMilliseconds how long to wait: 0 not at all, -1 without
   * limit.
   * @returns how many sources and timers were told; 0: nothing happened.
   */
  turn(timeoutMilliseconds: number): number {
    if (this.#inTurn) {
      throw new Error("Cannot turn the event loop: a turn is already running");
    }
    this.#inTurn = true;
    this.#told = 0;
    try {
      this.#flush();
      this.#nowIsFresh = false;
      const events = this.#watches.wait(timeoutMilliseconds);
      for (let i = 0; i < events; i++) {
        if (this.#watches.dispatch(i)) this.#told++;
      }
      if (this.#timerTime === -Infinity) this.#told += this.#runTimers();
      this.#flush();
      return this.#told;
    } finally {
      this.#inTurn = false;
      this.#nowIsFresh = false;
    }
  }

  /** Turns until `stop` is called. */
  run(): void {
    this.#running = true;
    while (this.#running) this.turn(-1);
  }

  /** Lets `run` return after this turn. */
  stop(): void {
    this.#running = false;
  }

  #runTimers(): number {
    this.#timerTime = Infinity;
    try {
      return this.#timers.runDue(this.now);
    } finally {
      this.#setTimer();
    }
  }

  /**
   * Sets the timer descriptor for the first timer. One that was cancelled is
   * left to expire: that costs less.
   */
  #setTimer(): void {
    const first = this.#timers.firstTime;
    if (first >= this.#timerTime) return;
    this.#timerFd.set(first);
    this.#timerTime = first;
  }

  #flush(): void {
    while (this.#flushNext < this.#flushEnd) {
      const task = this.#flushes[this.#flushNext] ?? null;
      // cleared by hand: an array whose length is set to 0 would allocate again
      // for its next element
      this.#flushes[this.#flushNext++] = null;
      if (task !== null) {
        task.flushPending = false;
        task.flush();
      }
    }
    this.#flushNext = 0;
    this.#flushEnd = 0;
  }

  /**
   * Closes the loop; a second time is harmless. Pending timers and flushes are
   * dropped.
   *
   * @throws {Error} when something is still watched: its owner has forgotten
   * it.
   */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#timerWatch[Symbol.dispose]();
    this.#timerFd[Symbol.dispose]();
    const left = this.#watches.fds;
    this.#watches[Symbol.dispose]();
    if (left.length > 0) {
      throw new Error(
        `Cannot close the event loop in order: it still watches ${
          left.join(", ")
        }`,
      );
    }
  }
}
