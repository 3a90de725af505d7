import assert from "node:assert/strict";
import {
  type Heap,
  IdleHeap,
} from "../../../../src/programs/proxy/idle_heap.ts";
import { ManualLoop } from "../../../support/manual_loop.ts";

/** More than what a pause is worth. */
const BURST = 1.5 * 2 ** 20;

/** A heap in which a third of what came stays. */
class FakeHeap implements Heap {
  bytes = 9 * 2 ** 20;
  collections = 0;

  size(): number {
    return this.bytes;
  }

  collect(): void {
    this.collections++;
    this.bytes -= BURST / 3 * 2;
  }
}

Deno.test("memory is collected once, three quiet seconds after a burst", () => {
  using loop = new ManualLoop();
  const heap = new FakeHeap();
  using memory = new IdleHeap(loop, heap);
  heap.bytes += BURST;
  memory.burst();
  loop.pass(2_000, () => {});
  memory.burst();
  loop.pass(1_000, () => {});
  assert.equal(heap.collections, 0);
  loop.pass(2_000, () => {});
  assert.equal(heap.collections, 1);
  loop.pass(60_000, () => {});
  assert.equal(heap.collections, 1);
});

Deno.test("bursts without end put a collection off for half a minute and no longer", () => {
  using loop = new ManualLoop();
  const heap = new FakeHeap();
  using memory = new IdleHeap(loop, heap);
  for (let second = 0; second < 40; second++) {
    heap.bytes += BURST;
    memory.burst();
    loop.pass(1_000, () => {});
  }
  assert.equal(heap.collections, 1);
});

Deno.test("a collection must be worth its pause: the heap has grown since the last one", () => {
  using loop = new ManualLoop();
  const heap = new FakeHeap();
  using memory = new IdleHeap(loop, heap);
  for (const growth of [0, BURST / 2, BURST, BURST / 3, BURST]) {
    heap.bytes += growth;
    memory.burst();
    loop.pass(10_000, () => {});
  }
  assert.equal(heap.collections, 2);
});
