/**
 * The channel on hosts of every kind: it loses nothing, asks once at a time,
 * and knows an end when it sees one.
 */
import assert from "node:assert/strict";
import { createPipe } from "../../ffi/pipe.ts";
import { Wakeups } from "../../src/virtgpu/wakeups.ts";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { paces } from "../emulator/worker.ts";
import { message } from "../support/words.ts";
import { memoryFile } from "../support/descriptors.ts";
import { Listener } from "./support/listener.ts";
import {
  ScriptedMachine,
  type ScriptedOptions,
} from "./support/scripted_machine.ts";

const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes);

class OneChannel extends ScriptedMachine {
  readonly wakeups = new Wakeups(this.loop);
  readonly listener: Listener;

  constructor(options: ScriptedOptions = {}) {
    super(options);
    this.listener = new Listener(this, this.wakeups);
  }

  /** POLLs that the host has and has not answered. */
  get polls(): number {
    return this.machine.contexts.get(1)?.worker?.polls ?? 0;
  }

  /** Sends bytes of a message that has no zero where a header may end. */
  tell(bytes: string, fds: readonly number[] = []): void {
    this.peer().bytes(text(bytes), fds);
    this.settle();
    this.pass(100);
  }

  override [Symbol.dispose](): void {
    this.listener[Symbol.dispose]();
    this.wakeups[Symbol.dispose]();
    super[Symbol.dispose]();
  }
}

for (const rutabaga of rutabagas) {
  for (const pace of paces) {
    const profile = hostProfile(rutabaga, "fixed");
    const options = { profile, pace };
    const host = `${rutabaga}, whose worker answers ${pace}`;

    Deno.test(`${host}: its dialect is known after the first answer`, () => {
      using world = new OneChannel(options);
      const { channel } = world.listener;
      assert.equal(channel.canSend, true);
      world.listener.say(String.fromCharCode(...message(1, 0, 2)));
      assert.deepEqual(world.peer().heard(), [
        "wl_display@1.sync(new wl_callback@2)",
      ]);
      assert.equal(channel.canSend, false);
      world.tell("done");
      assert.equal(world.listener.text, "done");
      const identifiers = rutabaga === "0.1.2" ? 4 : 28;
      assert.equal(channel.dialect?.identifiers, identifiers);
      assert.equal(channel.canSend, true);
    });

    Deno.test(`${host}: one POLL is outstanding, always`, () => {
      using world = new OneChannel(options);
      assert.equal(world.polls, 1);
      let said = "";
      for (let i = 0; i < 20; i++) {
        const size = i % 3 === 0 ? 9000 : 4;
        said += `${i % 10}`.repeat(size);
        world.peer().bytes(text(`${i % 10}`.repeat(size)));
        world.settle();
        assert.equal(world.polls, 1);
      }
      world.pass(100);
      assert.equal(world.listener.text, said);
      assert.equal(world.polls, 1);
    });

    Deno.test(`${host}: the compositor's end is heard where the host tells it, and nothing is asked after it`, () => {
      using world = new OneChannel(options);
      world.tell("last");
      world.peer()[Symbol.dispose]();
      world.settle();
      world.pass(1000);
      assert.equal(world.listener.text, "last");
      assert.equal(world.polls, 0);
      const end = rutabaga === "0.1.85" ? null : undefined;
      assert.equal(world.listener.end, end);
    });

    Deno.test(`${host}: a stream in pieces of one byte arrives whole, with its descriptors in their order`, () => {
      using world = new OneChannel(options);
      world.tell("abcd");
      world.machine.faults.receiveLimit = 1;
      const { reader, writer } = createPipe();
      const fds = [memoryFile(100), writer.release()];
      world.tell("efghijkl", fds);
      assert.equal(world.listener.text, "abcdefghijkl");
      const kinds = world.listener.identifiers.map(({ kind }) => kind);
      assert.deepEqual(kinds, ["memory", "pipe"]);
      reader[Symbol.dispose]();
    });

    Deno.test(`${host}: descriptors may come before their message's bytes`, () => {
      using world = new OneChannel(options);
      world.tell("abcd");
      world.machine.faults.descriptorsEarly = true;
      world.tell("efgh", [memoryFile(100)]);
      assert.equal(world.listener.text, "abcdefgh");
      assert.equal(world.listener.identifiers.length, 1);
    });

    Deno.test(`${host}: an event without a message is not taken for one`, () => {
      using world = new OneChannel(options);
      world.tell("abcd");
      for (let i = 0; i < 3; i++) {
        world.listener.device.signalEvent();
        world.settle();
        world.pass(20);
        assert.equal(world.polls, 1);
      }
      assert.equal(world.listener.text, "abcd");
      world.tell("efgh");
      assert.equal(world.listener.text, "abcdefgh");
      assert.equal(world.wakeups.count, 0);
    });

    Deno.test(`${host}: late fences delay messages and lose none`, () => {
      using world = new OneChannel(options);
      world.machine.faults.fenceDelay = 50;
      let said = "";
      for (let i = 0; i < 10; i++) {
        said += `[${i}]`;
        world.peer().bytes(text(`[${i}]`));
        world.settle();
      }
      world.pass(5000);
      assert.equal(world.listener.text, said);
    });

    Deno.test(`${host}: descriptors that the host lost end the channel, and do not shift the others`, () => {
      using world = new OneChannel(options);
      world.tell("abcd");
      const fds = Array.from(
        { length: profile.identifiers + 1 },
        () => memoryFile(),
      );
      world.tell("efgh", fds);
      assert.match(world.listener.end ?? "", /descriptor/);
      assert.equal(world.listener.identifiers.length, profile.identifiers);
      assert.equal(world.polls, 0);
    });

    Deno.test(`${host}: closing gives everything back`, () => {
      using world = new OneChannel(options);
      world.tell("abcd");
      world.listener[Symbol.dispose]();
      world.settle();
      const left = Object.values(world.machine.census());
      assert.deepEqual(new Set(left), new Set([0]));
      world.peer().listen();
      assert.ok(world.peer().closed);
    });
  }
}

/**
 * Has a compositor say two things to one of eight channels at a time; returns
 * what each heard.
 */
function converse(
  options: ScriptedOptions,
  dataDelay: number,
): { heard: string[]; polls: number[]; said: string } {
  using world = new ScriptedMachine(options);
  world.faults.dataDelay = dataDelay;
  using wakeups = new Wakeups(world.loop);
  using listeners = new DisposableStack();
  const all = Array.from(
    { length: 8 },
    () => listeners.use(new Listener(world, wakeups)),
  );
  let said = "";
  for (let i = 0; i < 60; i += 2) {
    for (const index of all.keys()) {
      world.peer(index).bytes(text(`<${i}>`));
      world.loop.turn(0);
      world.peer(index).bytes(text(`<${i + 1}>`));
      world.loop.turn(0);
      if (index % 3 === i % 3) world.pass(1);
    }
    said += `<${i}><${i + 1}>`;
  }
  world.pass(1000);
  const contexts = [...world.machine.contexts.values()];
  const polls = contexts.map(({ worker }) => worker?.polls ?? 0);
  return { heard: all.map((listener) => listener.text), polls, said };
}

for (const rutabaga of rutabagas) {
  for (const pace of paces) {
    for (const dataDelay of [0, 1, 2]) {
      Deno.test(`${rutabaga}, whose worker answers ${pace}, data ${dataDelay} ms after the header: with QEMU's fences eight channels lose nothing`, () => {
        const profile = hostProfile(rutabaga, "stock");
        const { heard, polls, said } = converse({ profile, pace }, dataDelay);
        assert.deepEqual(heard, new Array(8).fill(said));
        assert.deepEqual(polls, new Array(8).fill(1));
      });
    }
  }
}

Deno.test("a channel that pauses hears nothing, and nothing twice", () => {
  using world = new OneChannel();
  const { channel, device } = world.listener;
  world.tell("abcd");
  channel.pause();
  world.tell("efgh");
  world.tell("ijkl");
  assert.equal(world.listener.text, "abcdefgh", "one POLL was outstanding");
  assert.equal(world.polls, 0);
  device.signalEvent();
  world.settle();
  world.pass(100);
  assert.equal(world.listener.text, "abcdefgh");
  channel.resume();
  world.settle();
  assert.equal(world.listener.text, "abcdefghijkl");
  assert.equal(world.polls, 1);
});

Deno.test("a header that is seen long before its data is waited for", () => {
  const profile = hostProfile("0.1.85", "stock");
  for (const dataDelay of [1, 3, 10, 50]) {
    using world = new OneChannel({ profile });
    using other = new Listener(world, world.wakeups);
    world.tell("abcd");
    world.machine.faults.dataDelay = dataDelay;
    // The other's second fence is younger than this one's and spends it, so
    // that this one looks at its page while it is written.
    for (let i = 0; i < 2; i++) {
      world.peer(1).bytes(text("x"));
      world.settle();
      world.pass(dataDelay + 200);
    }
    assert.equal(world.wakeups.count, 1);
    world.peer().bytes(text("efgh"));
    world.settle();
    world.pass(500);
    assert.equal(world.listener.text, "abcdefgh", `${dataDelay} ms`);
    assert.equal(other.text, "xx");
  }
});

for (
  const { cost, seconds, looks } of [
    { cost: 0.08, seconds: 1, looks: [62, 63] },
    { cost: 0.08, seconds: 20, looks: [62, 63] },
    { cost: 0.25, seconds: 20, looks: [20, 20] },
    { cost: 1, seconds: 20, looks: [5, 5] },
    { cost: 30, seconds: 20, looks: [2, 2] },
  ] as const
) {
  Deno.test(`eight idle channels whose fences QEMU has spent look at their pages together, ${looks[0]} times a second after ${seconds} s where that takes ${cost} ms`, () => {
    const profile = hostProfile("0.1.85", "stock");
    using world = new ScriptedMachine({ profile });
    let used = 0;
    using wakeups = new Wakeups(world.loop, () => used += cost);
    using listeners = new DisposableStack();
    for (let i = 0; i < 8; i++) listeners.use(new Listener(world, wakeups));
    world.peer(7).bytes(text("abcd"));
    world.settle();
    assert.equal(wakeups.count, 7);
    world.pass(seconds * 1000);
    let ticks = 0;
    world.loop.pass(1000, () => ticks++);
    assert.ok(looks[0] <= ticks && ticks <= looks[1], `${ticks} looks`);
  });
}

Deno.test("a single look that takes long delays the next one only", () => {
  const profile = hostProfile("0.1.85", "stock");
  using world = new ScriptedMachine({ profile });
  let used = 0;
  let cost = 0.08;
  using wakeups = new Wakeups(world.loop, () => used += cost);
  using _one = new Listener(world, wakeups);
  using _other = new Listener(world, wakeups);
  world.peer(1).bytes(text("abcd"));
  world.settle();
  world.pass(20_000);
  cost = 100;
  world.pass(16);
  cost = 0.08;
  world.pass(1000);
  let ticks = 0;
  world.loop.pass(1000, () => ticks++);
  assert.ok(ticks >= 62, `${ticks} looks`);
});
