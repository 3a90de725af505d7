/** The order of timers; the clock is in the test's hand. */

import assert from "node:assert/strict";
import { type Timer, TimerHeap } from "../../../src/loop/timers.ts";
import { Random } from "../../support/random.ts";

Deno.test("timers run in the order of their times, equal ones in the order they were made", () => {
  const heap = new TimerHeap();
  const ran: string[] = [];
  for (const name of ["30", "10a", "20", "10b", "10c"]) {
    heap.add(parseInt(name), () => ran.push(name));
  }
  assert.equal(heap.firstTime, 10);
  assert.equal(heap.runDue(9.9), 0);
  assert.equal(heap.runDue(20), 4);
  assert.deepEqual(ran, ["10a", "10b", "10c", "20"]);
  assert.equal(heap.runDue(1000), 1);
  assert.equal(heap.firstTime, Infinity);
});

Deno.test("a cancelled timer does not run; cancelling it again, or one that ran, is harmless", () => {
  const heap = new TimerHeap();
  const ran: number[] = [];
  const [first, second, third] = [1, 2, 3].map((time) =>
    heap.add(time, () => ran.push(time))
  );
  second?.[Symbol.dispose]();
  second?.[Symbol.dispose]();
  heap.runDue(2);
  first?.[Symbol.dispose]();
  assert.equal(heap.size, 1);
  heap.runDue(3);
  third?.[Symbol.dispose]();
  assert.deepEqual(ran, [1, 3]);
});

Deno.test("a callback may cancel a timer that is due at the same time", () => {
  const heap = new TimerHeap();
  const ran: string[] = [];
  heap.add(1, () => {
    ran.push("first");
    second[Symbol.dispose]();
  });
  const second: Timer = heap.add(1, () => ran.push("second"));
  heap.add(1, () => ran.push("third"));
  assert.equal(heap.runDue(1), 2);
  assert.deepEqual(ran, ["first", "third"]);
});

Deno.test("what a callback adds waits for the next time, even if it is due at once", () => {
  const heap = new TimerHeap();
  let count = 0;
  const again = (): void => {
    count++;
    heap.add(5, again);
  };
  heap.add(5, again);
  assert.equal(heap.runDue(5), 1);
  assert.equal(heap.runDue(5), 1);
  assert.equal(count, 2);
});

Deno.test("a callback that throws is over, and the others are still pending", () => {
  const heap = new TimerHeap();
  const ran: number[] = [];
  heap.add(1, () => {
    throw new Error("planned");
  });
  heap.add(2, () => ran.push(2));
  assert.throws(() => heap.runDue(2), /planned/);
  assert.equal(heap.runDue(2), 1);
  assert.deepEqual(ran, [2]);
});

Deno.test("thousands of timers, some cancelled, run in the order that sorting gives", () => {
  const random = new Random(1);
  const heap = new TimerHeap();
  const ran: { time: number; index: number }[] = [];
  const timers = Array.from({ length: 5000 }, (_, index) => {
    const entry = { time: random.below(500), index };
    return { entry, timer: heap.add(entry.time, () => ran.push(entry)) };
  });
  const kept = timers.filter(({ timer }) => {
    const isCancelled = random.below(3) === 0;
    if (isCancelled) timer[Symbol.dispose]();
    return !isCancelled;
  });
  for (let now = 0; now < 500; now += 7) heap.runDue(now);
  heap.runDue(500);
  const expected = kept.map(({ entry }) => entry).sort((a, b) =>
    a.time - b.time || a.index - b.index
  );
  assert.deepEqual(ran, expected);
});
