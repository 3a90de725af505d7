/**
 * Data on their way when what they belong to ends: an object, a client, the
 * host's connection. Nobody waits forever, and nothing is left.
 */
import assert from "node:assert/strict";
import { EPIPE } from "../../ffi/errno.ts";
import { closeFd, writeFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { releases } from "../emulator/host_profile.ts";
import { openFdCount } from "../support/descriptors.ts";
import { DeviceWorld } from "./support/device_world.ts";
import {
  assertSameBytes,
  ClipboardWorld,
  drain,
  fill,
  noise,
  Selections,
  type TransferEnds,
} from "./support/selections.ts";

for (const profile of releases) {
  Deno.test(`${profile.name}: the host's application that asks for a selection which is destroyed at that moment gets its end`, () => {
    using world = new ClipboardWorld({ profile });
    const { selections, client: { client, host } } = world;
    const before = world.machine.census();
    // the compositor asks before it has heard of it
    host.deaf = true;
    client.say(selections.source, "wl_data_source.destroy");
    world.settle();
    using reader = selections.askClient();
    world.settle();
    assert.deepEqual(drain(reader), { bytes: new Uint8Array(), ended: true });
    host.deaf = false;
    world.settle();
    assert.deepEqual(client.receivedFds, []);
    assert.equal(world.client.ended, false);
    assert.deepEqual(world.machine.census(), before);
    world.assertSound();
  });

  for (
    const [way, object] of [["paste", "offer"], ["copy", "source"]] as const
  ) {
    Deno.test(`${profile.name}: a ${way} whose ${object} is destroyed in its midst arrives whole`, () => {
      using world = new ClipboardWorld({ profile });
      const before = world.machine.census();
      const { client } = world.client;
      using ends = world[way]();
      const data = noise(20_000);
      ends.write(data.subarray(0, 5_000));
      const { offer, source } = world.selections;
      if (object === "offer") client.say(offer, "wl_data_offer.destroy");
      else client.say(source, "wl_data_source.destroy");
      world.settle();
      assertSameBytes(ends.transfer(data.subarray(5_000)), data);
      assert.equal(world.client.ended, false);
      assert.deepEqual(world.machine.census(), before);
      world.assertSound();
    });
  }

  for (const room of [1 << 30, 0]) {
    Deno.test(`${profile.name}: an application that is to write its selection into a file of the host writes it nowhere${room === 0 ? ", also without memory for that file" : ""}`, () => {
      using world = new ClipboardWorld({ profile });
      const { client, host, log } = world.client;
      const before = world.machine.census();
      world.faults.windowBytes = room;
      host.say(world.selections.source, "wl_data_source.send", {
        "mime_type": "text/plain",
        fd: createMemfd("file", 100).release(),
      });
      world.settle();
      const fd = client.takeFd();
      assert.equal(Deno.readLinkSync(`/proc/self/fd/${fd}`), "/dev/null");
      assert.equal(writeFd(fd, noise(100)), 100);
      closeFd(fd);
      assert.deepEqual(log, []);
      const after = world.machine.census();
      assert.equal(after.handles, before.handles);
      assert.equal(after.resources, before.resources);
      assert.equal(after.mappings, before.mappings);
    });
  }
}

/** How many descriptors this process has open, and what the loop watches. */
function counts(world: DeviceWorld): { fds: number; watches: number } {
  return { fds: openFdCount(), watches: world.loop.watchCount };
}

/**
 * A client that is ended while a child of its still has the pipe into which it
 * has written for the host.
 */
class Orphan {
  readonly world = new DeviceWorld();
  readonly #before = counts(this.world);
  readonly #census = this.world.machine.census();
  readonly selections = new Selections(this.world);
  readonly client = this.selections.client;
  readonly ends: TransferEnds = this.selections.offerTo();

  constructor() {
    this.ends.write(noise(1_000));
    assert.equal(this.ends.read().bytes.length, 1_000);
  }

  /** The client breaks the protocol, for which the relay ends it. */
  breakProtocol(): void {
    const noObject = Int32Array.of(99, 8 << 16);
    this.client.client.bytes(new Uint8Array(noObject.buffer));
    this.world.settle();
    assert.equal(this.client.ended, true);
  }

  /**
   * Fails unless both ends see that the transfer is over, and nothing of the
   * client is left.
   */
  assertGone(): void {
    this.assertOver();
    assert.deepEqual(this.world.machine.census(), this.#census);
    const { ends, client: { client, host } } = this;
    for (const end of [ends, client, host]) end[Symbol.dispose]();
    assert.deepEqual(counts(this.world), this.#before);
  }

  /** Fails unless both ends see that the transfer is over. */
  assertOver(): void {
    assert.equal(fill(this.ends.writer, noise(1)), -EPIPE);
    assert.equal(this.ends.read().ended, true);
  }
}

Deno.test("what a client's child writes goes on for a second after the client was ended, and then both ends see the end", () => {
  const orphan = new Orphan();
  using world = orphan.world;
  orphan.breakProtocol();
  world.pass(900);
  assert.equal(fill(orphan.ends.writer, noise(500)), 500);
  world.pass(50);
  assert.equal(orphan.ends.read().bytes.length, 500);
  world.pass(100);
  orphan.assertGone();
});

Deno.test("the host's application that asks for a selection whose client is gone gets its end, while another one still gets data", () => {
  const orphan = new Orphan();
  using world = orphan.world;
  orphan.breakProtocol();
  {
    using late = orphan.selections.askClient();
    world.settle();
    assert.deepEqual(drain(late), { bytes: new Uint8Array(), ended: true });
  }
  assert.equal(orphan.ends.write(noise(500)), 500);
  assert.equal(orphan.ends.read().bytes.length, 500);
  world.pass(1_000);
  orphan.assertGone();
});

Deno.test("what a client's child writes ends at once where the compositor has closed the connection", () => {
  const orphan = new Orphan();
  using world = orphan.world;
  orphan.client.host[Symbol.dispose]();
  world.settle();
  assert.equal(orphan.client.ended, true);
  orphan.assertGone();
});

Deno.test("what a client's child writes ends with the proxy", () => {
  const orphan = new Orphan();
  using _ends = orphan.ends;
  orphan.breakProtocol();
  orphan.world[Symbol.dispose]();
  orphan.assertOver();
});
