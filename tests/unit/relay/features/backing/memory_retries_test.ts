import assert from "node:assert/strict";
import { CopyStatistics } from "../../../../../src/relay/features/backing/copy_statistics.ts";
import { MemoryBudget } from "../../../../../src/relay/features/backing/memory_budget.ts";
import { MemoryRetries } from "../../../../../src/relay/features/backing/memory_retries.ts";
import { ManualLoop } from "../../../../support/manual_loop.ts";

// what a client sees of retries is in tests/scenario/shadow_limits_test.ts
Deno.test("64 surfaces retry in a turn, and the others in the next ones", () => {
  using loop = new ManualLoop();
  const relay = { loop, resume: () => {}, warn: () => {} };
  using budget = new MemoryBudget(relay, new CopyStatistics(), () => {});
  using retries = new MemoryRetries(relay, budget);
  let count = 0;
  for (let i = 0; i < 150; i++) {
    retries.add({
      retry: () => {
        count++;
        return "client";
      },
    });
  }
  const counts: number[] = [];
  loop.pass(1_000, () => counts.push(count));
  assert.deepEqual(counts, [64, 128, 150]);
});
