/**
 * Clipboard data through the device, both ways: every byte, an end only where
 * there is one, and nobody waits for a slow one.
 */
import assert from "node:assert/strict";
import { MAX_QUEUED_BYTES } from "../../src/virtgpu/pipes/pipe_sink.ts";
import { MAX_SINKS } from "../../src/virtgpu/pipes/pipes.ts";
import { hostProfiles, releases } from "../emulator/host_profile.ts";
import { join } from "../support/words.ts";
import { CompositorScript } from "./support/compositor_script.ts";
import {
  assertSameBytes,
  ClipboardWorld,
  fill,
  noise,
  type TransferEnds,
} from "./support/selections.ts";

const sizes = [0, 1, 2, 3, 4071, 4072, 4073, 65_536, 300_001];

for (const profile of hostProfiles) {
  for (
    const [what, way] of [["pastes", "paste"], ["copies", "copy"]] as const
  ) {
    Deno.test(`${profile.name}: ${what} arrive whole, whatever their size`, () => {
      using world = new ClipboardWorld({ profile });
      const before = world.machine.census();
      for (const size of sizes) {
        using ends = world[way]();
        ends.assertArrives(noise(size));
      }
      assert.deepEqual(world.machine.census(), before);
      world.assertSound();
    });
  }
}

for (const profile of releases) {
  Deno.test(`${profile.name}: several pastes asked for at once each get their own data`, () => {
    using world = new ClipboardWorld({ profile });
    const { selections } = world;
    const readers = selections.askTogether(5);
    for (const [index, reader] of readers.entries()) {
      using ends = selections.answered(reader);
      ends.assertArrives(noise(1000 * (index + 1)));
    }
    world.assertSound();
  });

  Deno.test(`${profile.name}: READs of odd sizes change nothing`, () => {
    using world = new ClipboardWorld({ profile });
    for (const limit of [1, 7, 4071]) {
      world.faults.readLimit = limit;
      using ends = world.paste();
      ends.assertArrives(noise(20 * limit + 3));
    }
  });
}

Deno.test("a writer that pauses is not taken for one that has ended", () => {
  using world = new ClipboardWorld();
  using ends = world.copy();
  let out = "";
  for (const word of ["one ", "two ", "three"]) {
    ends.write(new TextEncoder().encode(word));
    world.pass(5000);
    const { bytes, ended } = ends.read();
    out += new TextDecoder().decode(bytes);
    assert.equal(ended, false);
  }
  assert.equal(out, "one two three");
  ends.end();
  assert.equal(ends.read().ended, true);
});

/** The host's application writes so much, and never waits for long. */
function writeOn(
  world: ClipboardWorld,
  ends: TransferEnds,
  data: Uint8Array<ArrayBuffer>,
): void {
  for (let written = 0; written < data.length;) {
    const count = ends.write(data.subarray(written));
    assert.ok(count > 0, "the host's application never waits for long");
    written += count;
    world.pass(70);
  }
}

Deno.test("a client that does not read a paste holds up neither itself nor others, and gets all of it in the end", () => {
  using world = new ClipboardWorld();
  const other = world.addReady();
  const data = noise(3_000_000);
  using ends = world.paste();
  writeOn(world, ends, data);
  ends.end();
  world.client.client.say(1, "wl_display.sync", { callback: 7 });
  assert.match(world.client.told().at(-1) ?? "", /wl_display@1.sync/);
  other.assertAlive();
  assertSameBytes(ends.transfer(new Uint8Array()), data);
});

Deno.test("a client that reads a paste slowly gets all of it, and is told of its windows meanwhile", () => {
  using world = new ClipboardWorld();
  const { client } = world;
  const data = noise(MAX_QUEUED_BYTES + 8_000_000);
  using ends = world.paste();
  const out: Uint8Array[] = [];
  let written = 0;
  let ended = false;
  for (let turn = 0; !ended; turn++) {
    // the host's application has data as fast as they are taken
    for (let i = 0; i < 10 && written < data.length; i++) {
      written += ends.write(data.subarray(written));
      if (written === data.length) ends.end();
    }
    world.pass(50);
    const read = ends.read(60_000);
    out.push(read.bytes);
    ended = read.ended;
    if (turn === 100) {
      client.forget();
      client.host.say(3, "wl_seat.name", { name: "slow" });
      world.pass(20);
      assert.match(client.client.heard().join(), /slow/);
    }
  }
  assertSameBytes(join(...out), data);
  assert.equal(client.ended, false);
});

Deno.test("a client that waits for an answer before it reads a paste gets it soon: what it has not read at all is taken as fast as it comes", () => {
  using world = new ClipboardWorld();
  const data = noise(MAX_QUEUED_BYTES - 1_000_000);
  using ends = world.paste();
  let written = 0;
  for (let before = -1; written > before;) {
    before = written;
    written += ends.write(data.subarray(written));
  }
  ends.end();
  assertSameBytes(ends.transfer(new Uint8Array()), data);
});

Deno.test("a client whose paste takes minutes lives, although its host tells nothing else until the pipe is empty", () => {
  using world = new ClipboardWorld();
  using ends = world.paste();
  const data = noise(1 << 16);
  const { client, host, log } = world.client;
  using compositor = new CompositorScript(host);
  // so much that more is asked for at intervals only, and the pipe is never
  // empty
  ends.write(data);
  assert.ok(ends.read().bytes.length > 0);
  for (let time = 0; time < 8_000; time += 4) {
    fill(ends.writer, data);
    world.pass(4);
  }
  client.say(1, "wl_display.sync", { callback: 7 });
  for (let time = 0; time < 60_000; time += 4) {
    fill(ends.writer, data);
    world.pass(4);
    ends.read(4072);
    compositor.obey();
  }
  assert.equal(world.client.ended, false, `${log}`);
  assert.deepEqual(client.heard(), [], "the answer waits");
  ends.writer[Symbol.dispose]();
  world.pass(5000);
  assert.equal(client.heard().length, 2, "the answer, and that its id is free");
});

Deno.test("a paste of which too much waits is ended, its rest is thrown away, and the next one works", () => {
  using world = new ClipboardWorld();
  const before = world.machine.census();
  using ends = world.paste();
  writeOn(world, ends, noise(MAX_QUEUED_BYTES + 4_000_000));
  const { bytes, ended } = ends.read();
  assert.equal(ended, true);
  assert.ok(bytes.length <= MAX_QUEUED_BYTES + (1 << 17));
  assert.ok(ends.write(noise(1 << 16)) > 0, "the host's application may go on");
  ends.end();
  assert.deepEqual(world.machine.census(), before);
  using again = world.paste();
  again.assertArrives(noise(5000));
});

Deno.test("a paste that is not read to its end ends with its client", () => {
  using world = new ClipboardWorld();
  using ends = world.paste();
  const watches = world.loop.watchCount;
  for (let i = 0; i < 5; i++) ends.write(noise(60_000));
  ends.end();
  assert.equal(world.loop.watchCount, watches + 1);
  world.client.leave();
  assert.equal(ends.read().ended, true);
  assert.ok(world.loop.watchCount < watches);
});

Deno.test("a paste whose reader has gone is thrown away until its end", () => {
  using world = new ClipboardWorld();
  const before = world.machine.census();
  const reader = world.selections.ask();
  reader[Symbol.dispose]();
  using ends = world.selections.answered(reader);
  for (let i = 0; i < 20; i++) {
    assert.equal(ends.write(noise(60_000)), 60_000);
  }
  ends.end();
  assert.deepEqual(world.machine.census(), before);
  assert.equal(world.client.ended, false);
});

Deno.test("a small copy to an application that never reads does not stop the machine", () => {
  using world = new ClipboardWorld();
  using ends = world.copy();
  fill(ends.writer, noise(60_000));
  ends.end();
  world.pass(10_000);
  assert.equal(world.machine.queue.stalls, 0);
});

Deno.test("a copy is given to a non-blocking reader no faster than one reads", () => {
  using world = new ClipboardWorld();
  using ends = world.copy("non-blocking");
  ends.assertArrives(noise(1_000_000));
});

Deno.test("a copy whose reader on the host has gone costs the client nothing but the copy", () => {
  using world = new ClipboardWorld();
  const before = world.machine.census();
  using ends = world.copy();
  ends.reader[Symbol.dispose]();
  for (let i = 0; i < 10; i++) {
    ends.write(noise(30_000));
    world.pass(20);
  }
  ends.end();
  world.pass(1000);
  assert.equal(world.client.ended, false);
  assert.deepEqual(world.machine.census(), before);
});

Deno.test("a WRITE that the host loses ends that copy, and the next one works", () => {
  using world = new ClipboardWorld();
  world.faults.droppedWrites = 1;
  using lost = world.copy();
  fill(lost.writer, noise(10_000));
  lost.end();
  assert.equal(lost.read().ended, true);
  using ends = world.copy();
  ends.assertArrives(noise(10_000));
});

Deno.test("a client that asks for more pastes than anybody needs gets no data for the last", () => {
  using world = new ClipboardWorld();
  using ends = new DisposableStack();
  const { host } = world.client;
  const ask = (): TransferEnds => {
    const paste = ends.use(world.paste());
    // what the relay asks itself, so that it goes on
    host.answerSyncs(host.heard());
    return paste;
  };
  const first = ask();
  for (let count = 1; count < MAX_SINKS; count++) ask();
  assert.ok(ask().read().ended);
  first.assertArrives(noise(1000));
  ask().assertArrives(noise(1000));
});
