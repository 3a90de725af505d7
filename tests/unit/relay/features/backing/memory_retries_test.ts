import assert from "node:assert/strict";
import { CopyStatistics } from "../../../../../src/relay/features/backing/copy_statistics.ts";
import {
  MemoryBudget,
  type Shortage,
} from "../../../../../src/relay/features/backing/memory_budget.ts";
import {
  MemoryRetries,
  type Retryable,
} from "../../../../../src/relay/features/backing/memory_retries.ts";
import { ManualLoop } from "../../../../support/manual_loop.ts";

/** A client's surfaces that look for memory, and what happened. */
class RetryingSurfaces implements Disposable {
  readonly loop = new ManualLoop();
  readonly log: string[] = [];
  readonly shortages: MemoryRetries;
  /** Who has looked, in this order. */
  readonly looks: string[] = [];
  readonly #allowance: MemoryBudget;

  constructor() {
    const { loop, log } = this;
    this.#allowance = new MemoryBudget(
      { loop, resume: () => {} },
      new CopyStatistics(),
      () => {},
    );
    const relay = { loop, warn: (text: string) => void log.push(text) };
    this.shortages = new MemoryRetries(relay, this.#allowance);
  }

  /** A surface that looks from now on. @param look what comes of it */
  add(name: string, look: (one: Retryable) => Shortage | null): void {
    const one: Retryable = {
      retry: () => {
        this.looks.push(name);
        return look(one);
      },
    };
    this.shortages.add(one);
  }

  /** @returns who has looked meanwhile */
  pass(milliseconds: number): string {
    this.looks.length = 0;
    this.loop.pass(milliseconds, () => {});
    return this.looks.join(" ");
  }

  [Symbol.dispose](): void {
    this.shortages[Symbol.dispose]();
    this.#allowance[Symbol.dispose]();
    this.loop[Symbol.dispose]();
  }
}

Deno.test("while the host has nothing one surface looks in each second, and they take turns", () => {
  using scene = new RetryingSurfaces();
  for (const name of ["a", "b", "c"]) scene.add(name, () => "host");
  assert.equal(scene.pass(999), "");
  assert.equal(scene.pass(1), "a");
  assert.equal(scene.pass(1_000), "b");
  assert.equal(scene.pass(1_000), "c");
  assert.equal(scene.pass(1_000), "a");
});

Deno.test("a surface that finds the host without room for it is behind those that find some", () => {
  using scene = new RetryingSurfaces();
  scene.add("large", () => "host");
  for (const name of ["a", "b"]) {
    scene.add(name, (one) => {
      scene.shortages.forget(one);
      return null;
    });
  }
  assert.equal(scene.pass(1_000), "large");
  assert.equal(scene.pass(1_000), "a b large");
});

Deno.test("surfaces of a client that has as much as one may have all look in each second, which asks no host", () => {
  using scene = new RetryingSurfaces();
  for (const name of ["a", "b", "c"]) scene.add(name, () => "client");
  assert.equal(scene.pass(1_000), "a b c");
  assert.equal(scene.pass(1_000), "a b c");
});

Deno.test("a surface that comes while the last one finds memory looks once in each second", () => {
  using scene = new RetryingSurfaces();
  scene.add("a", (one) => {
    scene.shortages.forget(one);
    scene.add("b", () => "client");
    return null;
  });
  assert.equal(scene.pass(1_000), "a");
  assert.equal(scene.loop.timerCount, 1);
  assert.equal(scene.pass(1_000), "b");
  scene.shortages[Symbol.dispose]();
  assert.equal(scene.loop.timerCount, 0);
});

Deno.test("a shortage of one kind is said once in a minute", () => {
  using scene = new RetryingSurfaces();
  const { log, shortages } = scene;
  const say = (shortage: Shortage): void =>
    shortages.say(shortage, "a picture", "it is left out");
  for (let i = 0; i < 3; i++) say("host");
  say("client");
  assert.equal(log.length, 2);
  scene.pass(59_999);
  say("host");
  assert.equal(log.length, 2);
  scene.pass(1);
  say("host");
  assert.equal(log.length, 3);
});
