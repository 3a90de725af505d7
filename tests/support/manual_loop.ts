/**
 * The real loop with a clock that stands still until the scenario moves it, so
 * that no scenario waits.
 */
import { Loop, type Timer } from "../../src/loop/loop.ts";
import { TimerHeap } from "../../src/loop/timers.ts";

/** Descriptors are real; time is not. */
export class ManualLoop extends Loop {
  #time = 1_000;
  readonly #due = new TimerHeap();

  override get now(): number {
    return this.#time;
  }

  get timerCount(): number {
    return this.#due.size;
  }

  override after(milliseconds: number, callback: () => void): Timer {
    return this.#due.add(this.#time + milliseconds, callback);
  }

  /**
   * What is due without time passing runs, as it would in the next turn of the
   * real loop.
   */
  override turn(timeoutMilliseconds: number): number {
    const ran = this.#due.runDue(this.#time);
    return ran + super.turn(timeoutMilliseconds);
  }

  /** Lets time pass; whenever a timer has run, `settle` is called. */
  pass(milliseconds: number, settle: () => void): void {
    const end = this.#time + milliseconds;
    while (this.#due.firstTime <= end) {
      this.#time = Math.max(this.#time, this.#due.firstTime);
      this.#due.runDue(this.#time);
      settle();
    }
    this.#time = end;
  }

  /**
   * Lets time pass while nothing runs, as in a machine that sleeps; what was
   * due meanwhile runs late.
   */
  sleep(milliseconds: number): void {
    this.#time += milliseconds;
    this.#due.runDue(this.#time);
  }
}
