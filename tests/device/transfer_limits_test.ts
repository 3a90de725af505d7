/**
 * How much may be under way for one application: what is too much costs it that
 * transfer or, at last, its connection, and nobody else anything.
 */
import assert from "node:assert/strict";
import { EPIPE } from "../../ffi/errno.ts";
import { MAX_PENDING, MAX_SOURCES } from "../../src/virtgpu/pipes/pipes.ts";
import { answer } from "./support/guest_copy.ts";
import {
  ClipboardWorld,
  drain,
  noise,
  Selections,
  type TransferEnds,
} from "./support/selections.ts";

const chunk = noise(1 << 16);

/** What the host's application writes, piece by piece, as long as it is to. */
function pour(world: ClipboardWorld, ends: TransferEnds, bytes: number): void {
  for (let written = 0; written < bytes;) {
    const count = ends.write(chunk.subarray(0, bytes - written));
    assert.ok(count > 0, "the host's application never waits for long");
    written += count;
    answer(world);
    world.pass(70);
  }
}

Deno.test("of three pastes that are not read the third is cut off, though each of them alone were not too much, and the log says so", () => {
  using world = new ClipboardWorld();
  using first = world.paste();
  pour(world, first, 15_000_000);
  using second = world.paste();
  pour(world, second, 15_000_000);
  using third = world.paste();
  pour(world, third, 15_000_000);
  assert.deepEqual(world.client.log, [
    "cut off a paste: the application has not read 32 MiB of its pastes",
  ]);
  assert.equal(world.client.ended, false);
  const { bytes, ended } = third.read();
  assert.equal(ended, true);
  assert.ok(bytes.length < 15_000_000);
  for (const paste of [first, second]) {
    const out = paste.transfer(noise(0));
    assert.equal(out.length, 15_000_000);
    assert.ok(out.every((byte, at) => byte === chunk[at % chunk.length]));
  }
});

Deno.test("a host that asks for more copies than anybody needs gets no data for the last", () => {
  using world = new ClipboardWorld();
  const { log } = world.client;
  using ends = new DisposableStack();
  const ask = (): TransferEnds => ends.use(world.copy());
  const first = ask();
  for (let count = 1; count < MAX_SOURCES; count++) ask();
  assert.deepEqual(log, []);
  const last = ask();
  assert.equal(last.read().ended, true);
  assert.equal(last.write(noise(1)), -EPIPE);
  assert.deepEqual(log, [
    `dropped a copy: the application already has ${MAX_SOURCES} unfinished copies`,
  ]);
  first.assertArrives(noise(1000));
  ask().assertArrives(noise(1000));
  assert.equal(world.client.ended, false);
});

Deno.test("a client that asks for pastes without end, of which none ends, is ended and told why, and nobody else", () => {
  using world = new ClipboardWorld();
  const selections = new Selections(world);
  const { client } = selections;
  const { hostDescriptors } = world.machine.census();
  for (let count = 0; count < MAX_PENDING; count++) {
    // that nobody reads them any more ends none
    selections.ask()[Symbol.dispose]();
    if (count % 8 === 7) answer(world);
  }
  answer(world);
  const asked = world.machine.census().hostDescriptors;
  assert.equal(asked, hostDescriptors + MAX_PENDING);
  assert.equal(client.ended, false);
  using last = selections.ask();
  world.settle();
  const said = new RegExp(
    `the application has ${MAX_PENDING} unfinished pastes, the maximum`,
  );
  assert.equal(client.ended, true);
  assert.match(client.log.join("\n"), said);
  assert.match(client.heard().join("\n"), said);
  assert.equal(drain(last).ended, true);
  assert.equal(world.machine.census().hostDescriptors, hostDescriptors);
  using ends = world.paste();
  ends.assertArrives(noise(1000));
});
