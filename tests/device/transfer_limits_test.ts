/**
 * How much may be under way for one application: what is too much costs it that
 * transfer or, at last, its connection, and nobody else anything.
 */
import assert from "node:assert/strict";
import { EPIPE } from "../../ffi/errno.ts";
import type { OwnedFd } from "../../ffi/fd.ts";
import { MAX_PENDING, MAX_SOURCES } from "../../src/virtgpu/pipes/pipes.ts";
import { DeviceWorld } from "./support/device_world.ts";
import { answer } from "./support/guest_copy.ts";
import {
  assertArrives,
  drain,
  fill,
  join,
  noise,
  Selections,
  transfer,
  type TransferEnds,
} from "./support/selections.ts";

const chunk = noise(1 << 16);

/** What the host's application writes, piece by piece, as long as it is to. */
function pour(world: DeviceWorld, writer: OwnedFd, bytes: number): void {
  for (let written = 0; written < bytes;) {
    const rest = chunk.subarray(0, bytes - written);
    const count = fill(writer, rest);
    assert.ok(count > 0, "the host's application never waits for long");
    written += count;
    answer(world);
    world.pass(70);
  }
}

Deno.test("of three pastes that are not read the third is cut off, though each of them alone were not too much, and the log says so", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  using ends = new DisposableStack();
  const pastes = [0, 1, 2].map(() => {
    const paste = ends.use(selections.paste());
    pour(world, paste.writer, 15_000_000);
    return paste;
  });
  assert.deepEqual(selections.client.log, [
    "cut off a paste: the application has not read 32 MiB of its pastes",
  ]);
  assert.equal(selections.client.ended, false);
  const [first, second, third] = pastes;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const { bytes, ended } = drain(third.reader);
  assert.equal(ended, true);
  assert.ok(join(bytes).length < 15_000_000);
  for (const paste of [first, second]) {
    const out = transfer(world, paste, noise(0));
    assert.equal(out.length, 15_000_000);
    assert.ok(out.every((byte, at) => byte === chunk[at % chunk.length]));
  }
});

Deno.test("a host that asks for more copies than anybody needs gets no data for the last", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  using ends = new DisposableStack();
  const ask = (): TransferEnds => ends.use(selections.offerTo());
  const first = ask();
  for (let count = 1; count < MAX_SOURCES; count++) ask();
  assert.deepEqual(selections.client.log, []);
  const last = ask();
  assert.equal(drain(last.reader).ended, true);
  assert.equal(fill(last.writer, noise(1)), -EPIPE);
  assert.deepEqual(selections.client.log, [
    `dropped a copy: the application already has ${MAX_SOURCES} unfinished copies`,
  ]);
  assertArrives(world, first, noise(1000));
  assertArrives(world, ask(), noise(1000));
  assert.equal(selections.client.ended, false);
});

Deno.test("a client that asks for pastes without end, of which none ends, is ended and told why, and nobody else", () => {
  using world = new DeviceWorld();
  const other = new Selections(world);
  const selections = new Selections(world);
  const before = world.machine.census();
  for (let count = 0; count < MAX_PENDING; count++) {
    // that nobody reads them any more ends none
    selections.ask()[Symbol.dispose]();
    if (count % 8 === 7) answer(world);
  }
  answer(world);
  assert.equal(
    world.machine.census().hostDescriptors,
    before.hostDescriptors + MAX_PENDING,
  );
  assert.equal(selections.client.ended, false);
  using last = selections.ask();
  world.settle();
  const said = new RegExp(
    `the application has ${MAX_PENDING} unfinished pastes, the maximum`,
  );
  assert.equal(selections.client.ended, true);
  assert.match(selections.client.log.join("\n"), said);
  assert.match(selections.client.client.heard().join("\n"), said);
  assert.equal(drain(last).ended, true);
  assert.equal(
    world.machine.census().hostDescriptors,
    before.hostDescriptors,
  );
  using ends = other.paste();
  assertArrives(world, ends, noise(1000));
});
