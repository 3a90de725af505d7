import assert from "node:assert/strict";
import { ClockOffset } from "../../../../../src/relay/features/presentation/clock_offset.ts";

/** Our clock is 700 ahead of the host's in these. */
const AHEAD = 700;

Deno.test("nothing is known of a clock that nothing was heard of", () => {
  assert.equal(new ClockOffset().at(0), null);
});

Deno.test("the offset is that of the quickest news", () => {
  const clock = new ClockOffset();
  for (const [time, delay] of [[1000, 9], [1016, 2], [1033, 30]] as const) {
    clock.observe(time, time + AHEAD + delay);
  }
  assert.equal(clock.at(1033 + AHEAD + 30), AHEAD + 2);
});

Deno.test("a clock that drifts is followed within ten seconds", () => {
  const clock = new ClockOffset();
  let worst = 0;
  for (let time = 0; time < 600_000; time += 16) {
    const offset = AHEAD + time * 100e-6;
    clock.observe(time, time + offset + 1);
    const known = clock.at(time + offset + 1) ?? 0;
    worst = Math.max(worst, Math.abs(known - offset - 1));
  }
  assert.ok(worst <= 1.1, `${worst}`);
});

Deno.test("after our machine slept the offset is right with the first news", () => {
  const clock = new ClockOffset();
  clock.observe(1000, 1000 + AHEAD);
  clock.observe(3_601_000, 2000 + AHEAD);
  assert.equal(clock.at(2000 + AHEAD), 2000 + AHEAD - 3_601_000);
});

Deno.test("after the host slept the offset is right with the first news", () => {
  const clock = new ClockOffset();
  clock.observe(1000, 1000 + AHEAD);
  clock.observe(1100, 3_601_000);
  assert.equal(clock.at(3_601_000), 3_601_000 - 1100);
});

for (const slept of [1.5, 3, 4.9, 8.5]) {
  Deno.test(`after the host stood still for ${slept} s, shorter than a sample counts, the offset is right with the first news`, () => {
    const clock = new ClockOffset();
    // samples of two windows
    for (let time = 0; time <= 6000; time += 100) {
      clock.observe(time, time + AHEAD);
    }
    const ahead = AHEAD + 1000 * slept;
    for (const time of [6001, 6017]) {
      clock.observe(time, time + ahead);
      assert.equal(clock.at(time + ahead), ahead);
    }
  });
}

Deno.test("news that is a little late, once, changes nothing", () => {
  const clock = new ClockOffset();
  clock.observe(1000, 1000 + AHEAD);
  clock.observe(1016, 1016 + AHEAD + 400);
  assert.equal(clock.at(1016 + AHEAD + 400), AHEAD);
});

Deno.test("what a host has not confirmed for a second is not known any more, since it may have slept", () => {
  const clock = new ClockOffset();
  clock.observe(1000, 1000 + AHEAD);
  assert.equal(clock.at(2000 + AHEAD), AHEAD);
  assert.equal(clock.at(2001 + AHEAD), null);
  clock.observe(1100, 3_601_000);
  assert.equal(clock.at(3_601_000), 3_601_000 - 1100);
});
