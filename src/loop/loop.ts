/**
 * The event loop: one blocking, level-triggered epoll set on the main thread (DESIGN.md section 3, with the measurements).
 *
 * A turn waits once, tells every ready source, runs the timers that are due, and then what asked to run before the next
 * wait. No promise is involved, and Deno's own event loop stands still meanwhile. Nothing is allocated per event.
 */

import { monotonicMilliseconds } from "../../ffi/clock.ts";
import {
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EpollSet,
} from "../../ffi/epoll.ts";
import { TimerFd } from "../../ffi/timerfd.ts";
import { type Timer, TimerHeap } from "./timers.ts";

export type { Timer };

/** Wants to know when a descriptor is ready. */
export interface Source {
  /**
   * The descriptor is ready. What it throws leaves `turn`.
   *
   * @param readable reading will not block: bytes, a connection, the end, or an error. Only when that was of interest.
   * @param writable writing will not block, or will fail. Only when that was of interest.
   * @param hangup the other end is closed or broken; there may be bytes left to read. Comes unasked, and for as long as the
   * descriptor is watched for anything; without any interest it comes once.
   */
  ready(readable: boolean, writable: boolean, hangup: boolean): void;
}

/** A watched descriptor. Dispose it before the descriptor is closed; no event comes afterwards. */
export interface Watch extends Disposable {
  /** Whether to be told when reading is possible; at first true. */
  readable: boolean;
  /** Whether to be told when writing is possible; at first false. */
  writable: boolean;
}

/** Work that is put off to the end of the turn, so that it is done once for all that happened. */
export interface Flushable {
  /** Set by the loop: true while it is queued. At first false. */
  flushPending: boolean;
  flush(): void;
}

class FdWatch implements Watch {
  readonly fd: number;
  readonly source: Source;
  /** Comes back with the events: tells this watch from earlier ones of a descriptor with the same number. */
  readonly generation: number;
  readonly #loop: Loop;
  #readable = true;
  #writable = false;
  #disposed = false;

  constructor(loop: Loop, fd: number, source: Source, generation: number) {
    this.#loop = loop;
    this.fd = fd;
    this.source = source;
    this.generation = generation;
  }

  get readable(): boolean {
    return this.#readable;
  }

  set readable(wanted: boolean) {
    if (wanted === this.#readable) return;
    this.#readable = wanted;
    this.#update();
  }

  get writable(): boolean {
    return this.#writable;
  }

  set writable(wanted: boolean) {
    if (wanted === this.#writable) return;
    this.#writable = wanted;
    this.#update();
  }

  /** The EPOLL bits of its interest. Without any, a hang-up is told once (EPOLLET): else it would wake us forever. */
  get events(): number {
    if (!this.#readable && !this.#writable) return EPOLLET;
    return (this.#readable ? EPOLLIN : 0) | (this.#writable ? EPOLLOUT : 0);
  }

  #update(): void {
    if (!this.#disposed) this.#loop.updateWatch(this);
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#loop.removeWatch(this);
  }
}

/** The event loop. All watches must be disposed before it is. */
export class Loop implements Disposable {
  readonly #epoll = new EpollSet();
  /** By descriptor. */
  readonly #watches: (FdWatch | null)[] = [];
  readonly #timers = new TimerHeap();
  readonly #flushes: (Flushable | null)[] = [];
  #watchCount = 0;
  #generation = 0;
  #timerFd: TimerFd | null = null;
  /** When the timer descriptor expires; Infinity when it will not. */
  #timerTime = Infinity;
  #timerExpired = false;
  #flushNext = 0;
  #flushEnd = 0;
  #now = 0;
  #nowIsFresh = false;
  #inTurn = false;
  #running = false;
  #disposed = false;

  /** Monotonic time in milliseconds, the same during all of a turn. */
  get now(): number {
    if (this.#nowIsFresh) return this.#now;
    this.#now = monotonicMilliseconds();
    // outside of a turn nothing would make it stale again
    this.#nowIsFresh = this.#inTurn;
    return this.#now;
  }

  /** How many descriptors are watched. */
  get watchCount(): number {
    return this.#watchCount;
  }

  /**
   * Watches a descriptor, at first for reading.
   *
   * @param fd borrowed; watched once only (watch a duplicate for a second purpose).
   * @throws {SyscallError} EPERM: a file or directory, which is always ready; EBADF: not open.
   */
  watch(fd: number, source: Source): Watch {
    while (this.#watches.length <= fd) this.#watches.push(null);
    if (this.#watches[fd] !== null) {
      throw new Error(
        `Cannot watch file descriptor ${fd}: it is watched already`,
      );
    }
    this.#generation = (this.#generation + 1) | 0;
    const watch = new FdWatch(this, fd, source, this.#generation);
    this.#epoll.add(fd, watch.events, fd, watch.generation);
    this.#watches[fd] = watch;
    this.#watchCount++;
    return watch;
  }

  /** For the loop's own watches: tells the kernel about a changed interest. */
  updateWatch(watch: FdWatch): void {
    this.#epoll.modify(watch.fd, watch.events, watch.fd, watch.generation);
  }

  /** For the loop's own watches: forgets one. */
  removeWatch(watch: FdWatch): void {
    this.#watches[watch.fd] = null;
    this.#watchCount--;
    this.#epoll.remove(watch.fd);
  }

  /** Calls back once, not before `milliseconds` have passed, and never from within this call. */
  after(milliseconds: number, callback: () => void): Timer {
    const timer = this.#timers.add(this.now + milliseconds, callback);
    this.#setTimer();
    return timer;
  }

  /** Has `task.flush()` called once, after all handlers of this turn and before the next wait. */
  beforeWait(task: Flushable): void {
    if (task.flushPending) return;
    task.flushPending = true;
    this.#flushes[this.#flushEnd++] = task;
  }

  /**
   * Waits once for events and handles them.
   *
   * @param timeoutMilliseconds how long to wait: 0 not at all, -1 without limit.
   * @returns how many sources and timers were told; 0: nothing happened.
   */
  turn(timeoutMilliseconds: number): number {
    if (this.#inTurn) {
      throw new Error("Cannot turn the event loop: a turn of it is under way");
    }
    this.#inTurn = true;
    try {
      this.#flush();
      this.#nowIsFresh = false;
      const ready = this.#epoll.wait(timeoutMilliseconds);
      let count = 0;
      for (let i = 0; i < ready; i++) count += this.#dispatch(i);
      if (this.#timerExpired) count += this.#runTimers();
      this.#flush();
      return count;
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

  #dispatch(index: number): number {
    const fd = this.#epoll.firstOf(index);
    const watch = this.#watches[fd] ?? null;
    if (watch === null || watch.generation !== this.#epoll.secondOf(index)) {
      // disposed by a handler of this turn, or our own timer
      if (fd === this.#timerFd?.fd && this.#epoll.secondOf(index) === 0) {
        this.#timerExpired = true;
      }
      return 0;
    }
    const events = this.#epoll.eventsOf(index);
    const isBroken = (events & (EPOLLHUP | EPOLLERR)) !== 0;
    watch.source.ready(
      // the end of a pipe and a failed connection show as no EPOLLIN, but reading answers
      watch.readable && ((events & EPOLLIN) !== 0 || isBroken),
      watch.writable && (events & (EPOLLOUT | EPOLLERR)) !== 0,
      isBroken,
    );
    return 1;
  }

  #runTimers(): number {
    this.#timerExpired = false;
    this.#timerFd?.acknowledge();
    this.#timerTime = Infinity;
    try {
      return this.#timers.runDue(this.now);
    } finally {
      this.#setTimer();
    }
  }

  /** Sets the timer descriptor for the first timer. One that was cancelled is left to expire: that costs less. */
  #setTimer(): void {
    const first = this.#timers.firstTime;
    if (first >= this.#timerTime) return;
    if (this.#timerFd === null) {
      this.#timerFd = new TimerFd();
      this.#epoll.add(this.#timerFd.fd, EPOLLIN, this.#timerFd.fd, 0);
    }
    this.#timerFd.set(first);
    this.#timerTime = first;
  }

  #flush(): void {
    while (this.#flushNext < this.#flushEnd) {
      const task = this.#flushes[this.#flushNext] ?? null;
      // cleared by hand: an array whose length is set to 0 would allocate again for its next element
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
   * Closes the loop; a second time is harmless. Pending timers and flushes are dropped.
   *
   * @throws {Error} when something is still watched: its owner has forgotten it.
   */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const left = this.#watches.filter((watch) => watch !== null).map((watch) =>
      watch.fd
    );
    this.#timerFd?.[Symbol.dispose]();
    this.#epoll[Symbol.dispose]();
    if (left.length > 0) {
      throw new Error(
        `Cannot close the event loop in order: it still watches ${
          left.join(", ")
        }`,
      );
    }
  }
}
