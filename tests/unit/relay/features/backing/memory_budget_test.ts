import assert from "node:assert/strict";
import { CopyStatistics } from "../../../../../src/relay/features/backing/copy_statistics.ts";
import { MemoryBudget } from "../../../../../src/relay/features/backing/memory_budget.ts";
import { ManualLoop } from "../../../../support/manual_loop.ts";

// what a client sees of the budget is in tests/scenario/shadow_limits_test.ts
Deno.test("a budget that finds no memory has the surfaces searched once in each turn, which is expensive", () => {
  using loop = new ManualLoop();
  let searches = 0;
  const relay = { loop, resume: () => {} };
  using budget = new MemoryBudget(
    relay,
    new CopyStatistics(),
    () => void searches++,
  );
  const obtain = (): void => {
    const nothing = budget.obtain(16, () => null, () => false);
    assert.equal(nothing, "host");
  };
  for (let i = 0; i < 3; i++) obtain();
  assert.equal(searches, 1);
  loop.turn(0);
  obtain();
  assert.equal(searches, 2);
});
