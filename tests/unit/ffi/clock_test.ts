/** The clocks of clock_gettime(2). */
import assert from "node:assert/strict";
import {
  monotonicMilliseconds,
  processorMilliseconds,
} from "../../../ffi/clock.ts";

Deno.test("the processor's clock counts in milliseconds what this process computes", () => {
  const start = monotonicMilliseconds();
  const used = processorMilliseconds();
  assert.ok(used > 0 && used < start, "no longer than the machine runs");
  while (processorMilliseconds() < used + 5) {
    assert.ok(monotonicMilliseconds() < start + 30_000, "it stands still");
  }
});

Deno.test("the processor's clock is the process's own, as /proc has it", () => {
  const before = processorMilliseconds();
  const [, , , , , , , , , , , user = 0, system = 0] = Deno.readTextFileSync(
    "/proc/self/stat",
  ).replace(/^.*\) /, "").split(" ").map(Number);
  const after = processorMilliseconds();
  const ticks = (user + system) * 10;
  assert.ok(ticks >= before - 25 && ticks <= after + 25, `${ticks}, ${after}`);
});
