/**
 * Clipboard data through the device, both ways: every byte, an end only where
 * there is one, and nobody waits for a slow one.
 */
import assert from "node:assert/strict";
import { MAX_QUEUED_BYTES } from "../../src/virtgpu/pipes/pipe_sink.ts";
import { MAX_SINKS } from "../../src/virtgpu/pipes/pipes.ts";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { CompositorScript } from "./support/compositor_script.ts";
import { DeviceWorld } from "./support/device_world.ts";
import {
  assertArrives,
  assertSameBytes,
  drain,
  fill,
  join,
  noise,
  Selections,
  transfer,
  type TransferEnds,
} from "./support/selections.ts";

const sizes = [0, 1, 2, 3, 4071, 4072, 4073, 65_536, 300_001];

for (const rutabaga of rutabagas) {
  for (const fences of ["fixed", "stock"] as const) {
    const profile = hostProfile(rutabaga, fences);

    for (
      const [what, way] of [["pastes", "paste"], ["copies", "offerTo"]] as const
    ) {
      Deno.test(`${profile.name}: ${what} arrive whole, whatever their size`, () => {
        using world = new DeviceWorld({ profile });
        world.addReady();
        const selections = new Selections(world);
        const before = world.machine.census();
        for (const size of sizes) {
          using ends = selections[way]();
          assertArrives(world, ends, noise(size));
        }
        assert.deepEqual(world.machine.census(), before);
        assert.deepEqual(world.machine.log, []);
        assert.equal(world.machine.queue.stalls, 0);
      });
    }
  }

  const profile = hostProfile(rutabaga, "fixed");

  Deno.test(`${profile.name}: several pastes asked for at once each get their own data`, () => {
    using world = new DeviceWorld({ profile });
    const selections = new Selections(world);
    using ends = new DisposableStack();
    const readers = selections.askTogether(5);
    for (const reader of readers) ends.use(reader);
    world.settle();
    for (const [index, reader] of readers.entries()) {
      using writer = selections.takeAsked();
      assertArrives(world, { reader, writer }, noise(1000 * (index + 1)));
    }
    assert.deepEqual(world.machine.log, []);
  });

  Deno.test(`${profile.name}: READs of odd sizes change nothing`, () => {
    using world = new DeviceWorld({ profile });
    const selections = new Selections(world);
    for (const limit of [1, 7, 4071]) {
      world.machine.faults.readLimit = limit;
      using ends = selections.paste();
      assertArrives(world, ends, noise(20 * limit + 3));
    }
  });
}

Deno.test("a writer that pauses is not taken for one that has ended", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  using ends = selections.offerTo();
  const { reader, writer } = ends;
  let out = "";
  const decoder = new TextDecoder();
  for (const word of ["one ", "two ", "three"]) {
    fill(writer, new TextEncoder().encode(word));
    world.settle();
    world.pass(5000);
    const { bytes, ended } = drain(reader);
    out += bytes.map((chunk) => decoder.decode(chunk)).join("");
    assert.equal(ended, false);
  }
  assert.equal(out, "one two three");
  writer[Symbol.dispose]();
  world.settle();
  assert.equal(drain(reader).ended, true);
});

Deno.test("a client that does not read a paste holds up neither itself nor others, and gets all of it in the end", () => {
  using world = new DeviceWorld();
  const other = world.addReady();
  const selections = new Selections(world);
  const data = noise(3_000_000);
  using ends = selections.paste();
  const { writer } = ends;
  let written = 0;
  while (written < data.length) {
    const count = fill(writer, data.subarray(written));
    assert.ok(count > 0, "the host's application never waits for long");
    written += count;
    world.settle();
    world.pass(70);
  }
  writer[Symbol.dispose]();
  for (
    const [id, { client, host }] of [[7, selections.client], [
      3,
      other,
    ]] as const
  ) {
    client.say(1, "wl_display.sync", { callback: id });
    world.settle();
    assert.match(host.heard().at(-1) ?? "", /wl_display@1.sync/);
  }
  assertSameBytes(transfer(world, ends, new Uint8Array()), data);
});

Deno.test("a client that reads a paste slowly gets all of it, and is told of its windows meanwhile", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  const data = noise(MAX_QUEUED_BYTES + 8_000_000);
  using ends = selections.paste();
  const { reader, writer } = ends;
  const out: Uint8Array[] = [];
  let written = 0;
  let ended = false;
  for (let turn = 0; !ended; turn++) {
    // the host's application has data as fast as they are taken
    for (let i = 0; i < 10 && written < data.length; i++) {
      written += fill(writer, data.subarray(written));
      if (written === data.length) writer[Symbol.dispose]();
      world.settle();
    }
    world.pass(50);
    const drained = drain(reader, 60_000);
    out.push(...drained.bytes);
    ended = drained.ended;
    if (turn === 100) {
      selections.client.forget();
      selections.client.host.say(3, "wl_seat.name", { name: "slow" });
      world.pass(20);
      assert.match(selections.client.client.heard().join(), /slow/);
    }
  }
  assertSameBytes(join(out), data);
  assert.equal(selections.client.ended, false);
});

Deno.test("a client that waits for an answer before it reads a paste gets it soon: what it has not read at all is taken as fast as it comes", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  const data = noise(MAX_QUEUED_BYTES - 1_000_000);
  using ends = selections.paste();
  const { writer } = ends;
  let written = 0;
  for (let before = -1; written > before;) {
    before = written;
    written += fill(writer, data.subarray(written));
    world.settle();
  }
  writer[Symbol.dispose]();
  world.settle();
  assertSameBytes(transfer(world, ends, new Uint8Array()), data);
});

Deno.test("a client whose paste takes minutes lives, although its host tells nothing else until the pipe is empty", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  using ends = selections.paste();
  const { reader, writer } = ends;
  const data = noise(1 << 16);
  const { client, host } = selections.client;
  using compositor = new CompositorScript(host);
  // so much that more is asked for at intervals only, and the pipe is never
  // empty
  fill(writer, data);
  world.settle();
  assert.ok(drain(reader).bytes.length > 0);
  for (let time = 0; time < 8_000; time += 4) {
    fill(writer, data);
    world.pass(4);
  }
  client.say(1, "wl_display.sync", { callback: 7 });
  for (let time = 0; time < 60_000; time += 4) {
    fill(writer, data);
    world.pass(4);
    drain(reader, 4072);
    compositor.obey();
  }
  assert.equal(selections.client.ended, false, `${selections.client.log}`);
  assert.deepEqual(client.heard(), [], "the answer waits");
  writer[Symbol.dispose]();
  world.pass(5000);
  assert.equal(client.heard().length, 2, "the answer, and that its id is free");
});

Deno.test("a paste of which too much waits is ended, its rest is thrown away, and the next one works", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  const before = world.machine.census();
  using ends = selections.paste();
  const { reader, writer } = ends;
  const chunk = noise(1 << 16);
  let written = 0;
  while (written < MAX_QUEUED_BYTES + 4_000_000) {
    const count = fill(writer, chunk);
    assert.ok(count > 0, "the host's application never waits for long");
    written += count;
    world.settle();
    world.pass(70);
  }
  const { bytes, ended } = drain(reader);
  assert.equal(ended, true);
  const read = bytes.reduce((size, { length }) => size + length, 0);
  assert.ok(read <= MAX_QUEUED_BYTES + (1 << 17));
  assert.ok(fill(writer, chunk) > 0, "the host's application may go on");
  world.settle();
  writer[Symbol.dispose]();
  world.settle();
  assert.deepEqual(world.machine.census(), before);
  using again = selections.paste();
  assertArrives(world, again, noise(5000));
});

Deno.test("a paste that is not read to its end ends with its client", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  using ends = selections.paste();
  const { reader, writer } = ends;
  const watches = world.loop.watchCount;
  for (let i = 0; i < 5; i++) {
    fill(writer, noise(60_000));
    world.settle();
  }
  writer[Symbol.dispose]();
  world.settle();
  assert.equal(world.loop.watchCount, watches + 1);
  selections.client.client[Symbol.dispose]();
  world.settle();
  assert.equal(drain(reader).ended, true);
  assert.ok(world.loop.watchCount < watches);
});

Deno.test("a paste whose reader has gone is thrown away until its end", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  const before = world.machine.census();
  selections.ask()[Symbol.dispose]();
  using writer = selections.takeAsked();
  for (let i = 0; i < 20; i++) {
    assert.equal(fill(writer, noise(60_000)), 60_000);
    world.settle();
  }
  writer[Symbol.dispose]();
  world.settle();
  assert.deepEqual(world.machine.census(), before);
  assert.equal(selections.client.ended, false);
});

Deno.test("a small copy to an application that never reads does not stop the machine", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  using ends = selections.offerTo();
  const { writer } = ends;
  fill(writer, noise(60_000));
  writer[Symbol.dispose]();
  world.settle();
  world.pass(10_000);
  assert.equal(world.machine.queue.stalls, 0);
});

Deno.test("a copy is given to a non-blocking reader no faster than one reads", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  using ends = selections.offerTo("non-blocking");
  assertArrives(world, ends, noise(1_000_000));
});

Deno.test("a copy whose client dies ends for the host's application", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  using ends = selections.offerTo();
  const { reader, writer } = ends;
  fill(writer, noise(1000));
  world.settle();
  writer[Symbol.dispose]();
  selections.client.client[Symbol.dispose]();
  world.settle();
  const { bytes, ended } = drain(reader);
  assert.equal(bytes[0]?.length, 1000);
  assert.equal(ended, true);
});

Deno.test("a copy whose reader on the host has gone costs the client nothing but the copy", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  const before = world.machine.census();
  const { reader, writer } = selections.offerTo();
  reader[Symbol.dispose]();
  using _end = writer;
  for (let i = 0; i < 10; i++) {
    fill(writer, noise(30_000));
    world.settle();
    world.pass(20);
  }
  writer[Symbol.dispose]();
  world.settle();
  world.pass(1000);
  assert.equal(selections.client.ended, false);
  assert.deepEqual(world.machine.census(), before);
});

Deno.test("a WRITE that the host loses ends that copy, and the next one works", () => {
  using world = new DeviceWorld();
  const selections = new Selections(world);
  world.machine.faults.droppedWrites = 1;
  const lost = selections.offerTo();
  using _lost = lost.reader;
  fill(lost.writer, noise(10_000));
  lost.writer[Symbol.dispose]();
  world.settle();
  assert.equal(drain(lost.reader).ended, true);
  using ends = selections.offerTo();
  const data = noise(10_000);
  assertArrives(world, ends, data);
});

Deno.test("a client that asks for more pastes than anybody needs gets no data for the last", () => {
  using world = new DeviceWorld({ profile: hostProfile("0.1.85", "fixed") });
  const selections = new Selections(world);
  using ends = new DisposableStack();
  const { host } = selections.client;
  const ask = (): TransferEnds => {
    const paste = ends.use(selections.paste());
    // what the relay asks itself, so that it goes on
    host.answerSyncs(host.heard());
    return paste;
  };
  const first = ask();
  for (let count = 1; count < MAX_SINKS; count++) ask();
  assert.ok(drain(ask().reader).ended);
  assertArrives(world, first, noise(1000));
  assertArrives(world, ask(), noise(1000));
});
