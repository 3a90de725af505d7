import assert from "node:assert/strict";
import { CopyStatistics } from "../../../../../src/relay/features/backing/copy_statistics.ts";
import {
  MAX_BYTES,
  MAX_PIECES,
  MemoryBudget,
  PIECES_PER_TURN,
} from "../../../../../src/relay/features/backing/memory_budget.ts";
import { ManualLoop } from "../../../../support/manual_loop.ts";

/** A client's allowance, a host that has all that is asked for, and what happened. */
class ClientBudget implements Disposable {
  readonly loop = new ManualLoop();
  readonly statistics = new CopyStatistics();
  readonly allowance: MemoryBudget;
  /** Sizes of pieces that nobody uses. */
  readonly kept: number[] = [];
  asked = 0;
  trimmed = 0;
  resumed = 0;
  hostHasRoom = true;

  constructor() {
    const relay = { loop: this.loop, resume: () => void this.resumed++ };
    this.allowance = new MemoryBudget(
      relay,
      this.statistics,
      () => void this.trimmed++,
    );
  }

  /** Asks for a piece. @returns its size, or why there is none */
  obtain(size: number): string | number {
    const made = this.allowance.obtain(size, () => {
      this.asked++;
      return this.hostHasRoom ? { memory: { size } } : null;
    }, () => {
      const isSome = this.kept.length > 0;
      for (const one of this.kept.splice(0)) this.allowance.giveBack(one);
      return isSome;
    });
    return typeof made === "string" ? made : made.memory.size;
  }

  [Symbol.dispose](): void {
    this.allowance[Symbol.dispose]();
    this.loop[Symbol.dispose]();
  }
}

Deno.test("a client has as many pieces as one may have, and further ones when it gave some back", () => {
  using scene = new ClientBudget();
  for (let i = 0; i < MAX_PIECES; i++) assert.equal(scene.obtain(16), 16);
  assert.equal(scene.obtain(16), "client");
  assert.equal(scene.asked, MAX_PIECES, "the host is not asked for more");
  scene.allowance.giveBack(16);
  assert.equal(scene.obtain(16), 16);
});

Deno.test("a client has as many bytes as one may have", () => {
  using scene = new ClientBudget();
  const half = MAX_BYTES / 2;
  assert.equal(scene.obtain(half), half);
  assert.equal(scene.obtain(half), half);
  assert.equal(scene.obtain(1), "client");
  assert.equal(scene.statistics.allocatedBytes, MAX_BYTES);
});

Deno.test("what a client keeps unused is given back before it is refused any", () => {
  using scene = new ClientBudget();
  assert.equal(scene.obtain(MAX_BYTES), MAX_BYTES);
  scene.kept.push(MAX_BYTES);
  assert.equal(scene.obtain(16), 16);
  assert.equal(scene.trimmed, 0);
});

Deno.test("a host without room is asked again in each turn, and surfaces are searched once in each", () => {
  using scene = new ClientBudget();
  scene.hostHasRoom = false;
  for (let i = 0; i < 3; i++) assert.equal(scene.obtain(16), "host");
  assert.deepEqual([scene.asked, scene.trimmed], [3, 1]);
  scene.loop.turn(0);
  scene.obtain(16);
  assert.deepEqual([scene.asked, scene.trimmed], [4, 2]);
});

Deno.test("what is held because enough was made in this turn goes on in the next", () => {
  using scene = new ClientBudget();
  for (let i = 0; i < PIECES_PER_TURN; i++) {
    assert.equal(scene.allowance.isSpent, false);
    scene.obtain(16);
  }
  assert.equal(scene.allowance.isSpent, true);
  assert.equal(scene.allowance.hold(), "hold");
  assert.equal(scene.resumed, 0);
  scene.loop.turn(0);
  assert.equal(scene.allowance.isSpent, false);
  assert.equal(scene.resumed, 1);
});

Deno.test("a turn in which nothing was held resumes nothing, since others may hold the client", () => {
  using scene = new ClientBudget();
  scene.obtain(16);
  scene.loop.turn(0);
  assert.equal(scene.resumed, 0);
});
