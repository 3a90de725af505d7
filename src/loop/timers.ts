/**
 * Timers in the order of their times: a binary heap in which every timer knows
 * its place, so that cancelling is cheap.
 */

/**
 * Something that will happen once. Disposing it cancels it; afterwards, or a
 * second time, that is harmless.
 */
export type Timer = Disposable;

class HeapTimer implements Timer {
  /** Place in the heap; -1 when it is over. */
  place = -1;
  readonly time: number;
  /**
   * Counts up: timers of the same time run in the order in which they were
   * made.
   */
  readonly sequence: number;
  readonly callback: () => void;
  readonly #heap: TimerHeap;

  constructor(
    heap: TimerHeap,
    time: number,
    sequence: number,
    callback: () => void,
  ) {
    this.#heap = heap;
    this.time = time;
    this.sequence = sequence;
    this.callback = callback;
  }

  [Symbol.dispose](): void {
    this.#heap.remove(this);
  }
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.time !== b.time ? a.time < b.time : a.sequence < b.sequence;
}

/** Pending timers. Knows no clock: the caller says what time it is. */
export class TimerHeap {
  readonly #timers: HeapTimer[] = [];
  #sequence = 0;

  /** How many are pending. */
  get size(): number {
    return this.#timers.length;
  }

  /** When the first one is due; Infinity when none is pending. */
  get firstTime(): number {
    return this.#timers[0]?.time ?? Infinity;
  }

  /**
   * Adds a timer that is due at `time`; from within a callback of `runDue`, not
   * before the `now` of it.
   */
  add(time: number, callback: () => void): Timer {
    const timer = new HeapTimer(this, time, this.#sequence++, callback);
    timer.place = this.#timers.length;
    this.#timers.push(timer);
    this.#rise(timer);
    return timer;
  }

  /**
   * Runs what is due at `now`, in order. What callbacks add waits for the next
   * call, even if it is due at once.
   *
   * @returns how many ran.
   */
  runDue(now: number): number {
    const end = this.#sequence;
    let count = 0;
    for (;;) {
      const first = this.#timers[0];
      if (first === undefined || first.time > now || first.sequence >= end) {
        return count;
      }
      this.remove(first);
      count++;
      first.callback();
    }
  }

  /** Takes a timer out, if it is still pending. */
  remove(timer: HeapTimer): void {
    const { place } = timer;
    if (place < 0) return;
    timer.place = -1;
    const last = this.#timers.pop();
    if (last === undefined || last === timer) return;
    this.#put(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  #put(timer: HeapTimer, place: number): void {
    this.#timers[place] = timer;
    timer.place = place;
  }

  #rise(timer: HeapTimer): void {
    while (timer.place > 0) {
      const { place } = timer;
      const above = (place - 1) >> 1;
      const parent = this.#timers[above];
      if (parent === undefined || !isBefore(timer, parent)) return;
      this.#put(parent, place);
      this.#put(timer, above);
    }
  }

  #sink(timer: HeapTimer): void {
    for (;;) {
      const { place } = timer;
      let child = this.#timers[2 * place + 1];
      const right = this.#timers[2 * place + 2];
      if (child === undefined) return;
      if (right !== undefined && isBefore(right, child)) child = right;
      if (!isBefore(child, timer)) return;
      const below = child.place;
      this.#put(child, place);
      this.#put(timer, below);
    }
  }
}
