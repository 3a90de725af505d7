import assert from "node:assert/strict";
import { IdleMemory } from "../../src/loop/idle_memory.ts";
import type { Timer } from "../../src/loop/loop.ts";
import { Loop } from "../../src/loop/loop.ts";

/** A loop whose time passes only when it is told to. */
class FakeTime extends Loop {
  #time = 0;
  #due: { at: number; callback: () => void }[] = [];

  override get now(): number {
    return this.#time;
  }

  override after(milliseconds: number, callback: () => void): Timer {
    const timer = { at: this.#time + milliseconds, callback };
    this.#due.push(timer);
    return {
      [Symbol.dispose]: () => {
        this.#due = this.#due.filter((other) => other !== timer);
      },
    };
  }

  pass(milliseconds: number): void {
    this.#time += milliseconds;
    for (const timer of [...this.#due].filter(({ at }) => at <= this.#time)) {
      this.#due = this.#due.filter((other) => other !== timer);
      timer.callback();
    }
  }
}

Deno.test("memory is collected once, three quiet seconds after a burst", () => {
  using loop = new FakeTime();
  let collections = 0;
  using memory = new IdleMemory(loop, () => collections++);
  memory.burst();
  loop.pass(2_000);
  memory.burst();
  loop.pass(1_000);
  assert.equal(collections, 0);
  loop.pass(2_000);
  assert.equal(collections, 1);
  loop.pass(60_000);
  assert.equal(collections, 1);
});

Deno.test("bursts without end put a collection off for half a minute and no longer", () => {
  using loop = new FakeTime();
  let collections = 0;
  using memory = new IdleMemory(loop, () => collections++);
  for (let second = 0; second < 40; second++) {
    memory.burst();
    loop.pass(1_000);
  }
  assert.equal(collections, 1);
});
