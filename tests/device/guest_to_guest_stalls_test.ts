/**
 * Copies while somebody stands still: the host, its thread for a reader, or
 * another application whose paste might be the one.
 */
import assert from "node:assert/strict";
import type { OwnedFd } from "../../ffi/fd.ts";
import { libc } from "../../ffi/libc.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { answer, connect } from "./support/guest_copy.ts";
import {
  assertSameBytes,
  drain,
  fill,
  join,
  noise,
  Selections,
} from "./support/selections.ts";

// <fcntl.h>
const F_SETPIPE_SZ = 1031;

/** Data on their way, with a compositor that answers questions. */
class Copy {
  readonly data = noise(300_000);
  readonly #world: DeviceWorld;
  readonly #writer: OwnedFd;
  readonly #reader: OwnedFd;
  readonly #out: Uint8Array[] = [];
  #written = 0;

  constructor(
    world: DeviceWorld,
    { writer, reader }: { writer: OwnedFd; reader: OwnedFd },
  ) {
    this.#world = world;
    this.#writer = writer;
    this.#reader = reader;
  }

  /** Bytes that came out. */
  get arrived(): number {
    return join(this.#out).length;
  }

  /** Time passes, and both applications do what they can. */
  pass(milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed += 50) {
      const rest = this.data.subarray(this.#written);
      this.#written += Math.max(0, fill(this.#writer, rest));
      this.#world.pass(50);
      this.#out.push(...drain(this.#reader).bytes);
      answer(this.#world);
    }
  }

  assertWhole(): void {
    assertSameBytes(join(this.#out), this.data);
  }
}

Deno.test("a copy within the machine survives that the host stands still for seconds", () => {
  using world = new DeviceWorld();
  const from = new Selections(world);
  const to = new Selections(world);
  // an application of the host that will stop reading, and have the machine
  // wait for it
  const slow = new Selections(world).offerTo();
  using _slowReader = slow.reader;
  using _slowWriter = slow.writer;
  fill(slow.writer, noise(60_000));
  world.pass(50);
  using ends = connect(world, from, to);
  fill(slow.writer, noise(60_000));
  world.pass(50);
  assert.equal(world.machine.queue.isStuck, true);
  const copy = new Copy(world, ends);
  copy.pass(5_000);
  for (let times = 0; times < 40; times++) {
    drain(slow.reader);
    copy.pass(200);
  }
  assert.equal(world.machine.queue.isStuck, false);
  copy.assertWhole();
});

Deno.test("a copy within the machine whose reader the host has given up waits until the proxy has done so, too", () => {
  using world = new DeviceWorld();
  const other = world.addReady();
  const from = new Selections(world);
  const to = new Selections(world);
  using ends = connect(world, from, to);
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
  using world = new DeviceWorld();
  const from = new Selections(world);
  const to = new Selections(world);
  using ends = connect(world, from, to);
  for (const item of to.client.context.items.all) {
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
 * A copy to the host, while an application waits for a paste, of which `first`
 * comes when the copy has begun.
 */
function copyBeside(
  world: DeviceWorld,
  first: Uint8Array<ArrayBuffer>,
): { copy: Copy; ends: Disposable } {
  const from = new Selections(world);
  const waiting = new Selections(world);
  const ends = new DisposableStack();
  ends.use(waiting.ask());
  const writer = ends.use(waiting.takeAsked());
  const offered = from.offerTo();
  ends.use(offered.reader);
  ends.use(offered.writer);
  const copy = new Copy(world, offered);
  copy.pass(100);
  fill(writer, first);
  return { copy, ends };
}

Deno.test("a copy to the host goes on after seconds although an application waits for another that never comes", () => {
  using world = new DeviceWorld();
  const { copy, ends } = copyBeside(world, new Uint8Array());
  using _ends = ends;
  copy.pass(1_500);
  assert.ok(copy.arrived < 10_000, "it might be the one that waits");
  copy.pass(2_000);
  copy.assertWhole();
});

Deno.test("a copy to the host goes on after seconds although an application has got the beginning of the same", () => {
  using world = new DeviceWorld();
  const { copy, ends } = copyBeside(world, noise(5_000));
  using _ends = ends;
  copy.pass(1_500);
  assert.ok(copy.arrived < 15_000, "it might be the one that waits");
  copy.pass(2_000);
  copy.assertWhole();
});

Deno.test("a copy to the host goes on at once where the application that waits gets something else", () => {
  using world = new DeviceWorld();
  const { copy, ends } = copyBeside(world, noise(1).fill(255));
  using _ends = ends;
  copy.pass(400);
  copy.assertWhole();
});

Deno.test("a copy to the host goes on at once where the application that waits gets more than was written", () => {
  using world = new DeviceWorld();
  const from = new Selections(world);
  const waiting = new Selections(world);
  using other = waiting.paste();
  using ends = from.offerTo();
  const { reader, writer } = ends;
  const data = noise(30_000);
  fill(writer, data.subarray(0, 1_000));
  world.pass(50);
  fill(other.writer, data.subarray(0, 3_000));
  world.pass(50);
  fill(writer, data.subarray(1_000));
  world.pass(50);
  assertSameBytes(join(drain(reader).bytes), data);
});

Deno.test("however many copies wait for it, a connection has one question to answer at a time", () => {
  using world = new DeviceWorld();
  const from = new Selections(world);
  const waiting = new Selections(world);
  using ends = new DisposableStack();
  ends.use(waiting.ask());
  ends.use(waiting.takeAsked());
  for (let copies = 0; copies < 20; copies++) {
    const { reader, writer } = from.offerTo();
    ends.use(reader);
    ends.use(writer);
    fill(writer, noise(20_000));
    world.pass(10);
  }
  answer(world);
  for (let times = 0; times < 3; times++) {
    world.pass(600);
    assert.equal(answer(world), 1);
  }
});
