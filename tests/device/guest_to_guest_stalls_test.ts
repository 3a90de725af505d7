/**
 * Copies while somebody stands still: the host, its thread for a reader, or
 * another application whose paste might be the one.
 */
import assert from "node:assert/strict";
import { libc } from "../../ffi/libc.ts";
import { join } from "../support/words.ts";
import type { DeviceWorld } from "./support/device_world.ts";
import { answer, GuestCopyWorld } from "./support/guest_copy.ts";
import {
  assertSameBytes,
  fill,
  noise,
  Selections,
  type TransferEnds,
} from "./support/selections.ts";

// <fcntl.h>
const F_SETPIPE_SZ = 1031;

/** Data on their way, with a compositor that answers questions. */
class Copy {
  readonly data = noise(300_000);
  readonly #world: DeviceWorld;
  readonly #ends: TransferEnds;
  readonly #out: Uint8Array[] = [];
  #written = 0;

  constructor(world: DeviceWorld, ends: TransferEnds) {
    this.#world = world;
    this.#ends = ends;
  }

  /** Bytes that came out. */
  get arrived(): number {
    return join(...this.#out).length;
  }

  /** Time passes, and both applications do what they can. */
  pass(milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed += 50) {
      const rest = this.data.subarray(this.#written);
      this.#written += Math.max(0, fill(this.#ends.writer, rest));
      this.#world.pass(50);
      this.#out.push(this.#ends.read().bytes);
      answer(this.#world);
    }
  }

  assertWhole(): void {
    assertSameBytes(join(...this.#out), this.data);
  }
}

Deno.test("a copy within the machine survives that the host stands still for seconds", () => {
  using world = new GuestCopyWorld();
  // an application of the host that will stop reading, and have the machine
  // wait for it
  using slow = new Selections(world).offerTo();
  fill(slow.writer, noise(60_000));
  world.pass(50);
  using ends = world.copy();
  fill(slow.writer, noise(60_000));
  world.pass(50);
  assert.equal(world.machine.queue.isStuck, true);
  const copy = new Copy(world, ends);
  copy.pass(5_000);
  for (let times = 0; times < 40; times++) {
    slow.read();
    copy.pass(200);
  }
  assert.equal(world.machine.queue.isStuck, false);
  copy.assertWhole();
});

Deno.test("a copy within the machine whose reader the host has given up waits until the proxy has done so, too", () => {
  using world = new GuestCopyWorld();
  const other = world.addReady();
  const { from, to } = world;
  using ends = world.copy();
  const copy = new Copy(world, ends);
  to.client.context.worker?.kill();
  copy.pass(20_000);
  assert.equal(to.client.ended, false);
  assert.equal(world.machine.queue.stalls, 0);
  copy.pass(20_000);
  assert.match(to.client.log.join(), /did not answer for \d+ s/);
  assert.equal(world.machine.queue.stalls, 0);
  assert.equal(from.client.ended, false);
  assert.equal(other.ended, false);
});

Deno.test("a copy within the machine goes through a pipe of two pages", () => {
  using world = new GuestCopyWorld();
  using ends = world.copy();
  for (const item of world.to.client.context.items.all) {
    if (item.kind !== "read pipe") continue;
    // as many as it has where the VMM's user has many pipes
    assert.equal(libc.fcntl(item.fd.number, F_SETPIPE_SZ, 8192), 8192);
  }
  const copy = new Copy(world, ends);
  world.machine.faults.fenceDelay = 1;
  copy.pass(5_000);
  assert.equal(world.machine.queue.stalls, 0);
  copy.assertWhole();
});

/**
 * A copy to the host, while an application waits for a paste, of which a first
 * part comes when the copy has begun.
 */
class CopyBeside implements Disposable {
  readonly world = new GuestCopyWorld();
  readonly waiting: TransferEnds = this.world.to.paste();
  readonly ends: TransferEnds = this.world.from.offerTo();
  readonly copy: Copy = new Copy(this.world, this.ends);

  constructor(first: Uint8Array<ArrayBuffer>) {
    this.copy.pass(100);
    fill(this.waiting.writer, first);
  }

  [Symbol.dispose](): void {
    const { waiting, ends, world } = this;
    for (const owned of [waiting, ends, world]) owned[Symbol.dispose]();
  }
}

for (
  const [name, first, most] of [
    ["waits for another that never comes", new Uint8Array(), 10_000],
    ["has got the beginning of the same", noise(5_000), 15_000],
  ] as const
) {
  Deno.test(`a copy to the host goes on after seconds although an application ${name}`, () => {
    using beside = new CopyBeside(first);
    const { copy } = beside;
    copy.pass(1_500);
    assert.ok(copy.arrived < most, "it might be the one that waits");
    copy.pass(2_000);
    copy.assertWhole();
  });
}

Deno.test("a copy to the host goes on at once where the application that waits gets something else", () => {
  using beside = new CopyBeside(noise(1).fill(255));
  beside.copy.pass(400);
  beside.copy.assertWhole();
});

Deno.test("a copy to the host goes on at once where the application that waits gets more than was written", () => {
  using world = new GuestCopyWorld();
  using other = world.to.paste();
  using ends = world.from.offerTo();
  const data = noise(30_000);
  fill(ends.writer, data.subarray(0, 1_000));
  world.pass(50);
  fill(other.writer, data.subarray(0, 3_000));
  world.pass(50);
  fill(ends.writer, data.subarray(1_000));
  world.pass(50);
  assertSameBytes(ends.read().bytes, data);
});

Deno.test("however many copies wait for it, a connection has one question to answer at a time", () => {
  using world = new GuestCopyWorld();
  using _waiting = world.to.paste();
  using ends = new DisposableStack();
  for (let copies = 0; copies < 20; copies++) {
    const { writer } = ends.use(world.from.offerTo());
    fill(writer, noise(20_000));
    world.pass(10);
  }
  answer(world);
  for (let times = 0; times < 3; times++) {
    world.pass(600);
    assert.equal(answer(world), 1);
  }
});
