/**
 * Data on their way when what they belong to ends: an object, a client, the
 * host's connection. Nobody waits forever, and nothing is left.
 */
import assert from "node:assert/strict";
import { EPIPE } from "../../ffi/errno.ts";
import { closeFd, type OwnedFd, writeFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { Faults } from "../emulator/faults.ts";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { openFdCount } from "../support/descriptors.ts";
import { DeviceWorld } from "./support/device_world.ts";
import {
  assertSameBytes,
  drain,
  fill,
  join,
  noise,
  Selections,
  transfer,
} from "./support/selections.ts";

for (const rutabaga of rutabagas) {
  const profile = hostProfile(rutabaga, "fixed");

  Deno.test(`${rutabaga}: the host's application that asks for a selection which is destroyed at that moment gets its end`, () => {
    using world = new DeviceWorld({ profile });
    const selections = new Selections(world);
    const { client, host } = selections.client;
    const before = world.machine.census();
    // the compositor asks before it has heard of it
    host.deaf = true;
    client.say(selections.source, "wl_data_source.destroy");
    world.settle();
    using reader = selections.askClient();
    world.settle();
    assert.deepEqual(drain(reader), { bytes: [], ended: true });
    host.deaf = false;
    world.settle();
    assert.deepEqual(client.receivedFds, []);
    assert.equal(selections.client.ended, false);
    assert.deepEqual(world.machine.census(), before);
    assert.deepEqual(world.machine.log, []);
  });

  for (
    const [what, way] of [["paste", "paste"], ["copy", "offerTo"]] as const
  ) {
    const object = what === "paste" ? "offer" : "source";
    Deno.test(`${rutabaga}: a ${what} whose ${object} is destroyed in its midst arrives whole`, () => {
      using world = new DeviceWorld({ profile });
      const selections = new Selections(world);
      const before = world.machine.census();
      const { client } = selections.client;
      using ends = selections[way]();
      const data = noise(20_000);
      fill(ends.writer, data.subarray(0, 5_000));
      world.settle();
      const { offer, source } = selections;
      if (object === "offer") client.say(offer, "wl_data_offer.destroy");
      else client.say(source, "wl_data_source.destroy");
      world.settle();
      assertSameBytes(transfer(world, ends, data.subarray(5_000)), data);
      assert.equal(selections.client.ended, false);
      assert.deepEqual(world.machine.census(), before);
      assert.deepEqual(world.machine.log, []);
    });
  }

  for (const room of [1 << 30, 0]) {
    Deno.test(`${rutabaga}: an application that is to write its selection into a file of the host writes it nowhere${room === 0 ? ", also without memory for that file" : ""}`, () => {
      const faults = new Faults();
      using world = new DeviceWorld({ profile, faults });
      const selections = new Selections(world);
      const { client, host, log } = selections.client;
      const before = world.machine.census();
      faults.windowBytes = room;
      const file = createMemfd("file", 100).release();
      host.say(selections.source, "wl_data_source.send", {
        "mime_type": "text/plain",
        fd: file,
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
  const fds = openFdCount();
  return { fds, watches: world.loop.watchCount };
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
  readonly reader: OwnedFd;
  readonly writer: OwnedFd;

  constructor() {
    ({ reader: this.reader, writer: this.writer } = this.selections.offerTo());
    fill(this.writer, noise(1_000));
    this.world.settle();
    assert.equal(join(drain(this.reader).bytes).length, 1_000);
  }

  /** The client breaks the protocol, for which the relay ends it. */
  breakProtocol(): void {
    const noObject = Int32Array.of(99, 8 << 16);
    this.selections.client.client.bytes(new Uint8Array(noObject.buffer));
    this.world.settle();
    assert.equal(this.selections.client.ended, true);
  }

  /**
   * Fails unless both ends see that the transfer is over, and nothing of the
   * client is left.
   */
  assertGone(): void {
    assert.equal(fill(this.writer, noise(1)), -EPIPE);
    assert.equal(drain(this.reader).ended, true);
    assert.deepEqual(this.world.machine.census(), this.#census);
    this.reader[Symbol.dispose]();
    this.writer[Symbol.dispose]();
    const { fds, watches } = this.#before;
    const { client, host } = this.selections.client;
    client[Symbol.dispose]();
    host[Symbol.dispose]();
    assert.deepEqual(counts(this.world), { fds, watches });
  }
}

Deno.test("what a client's child writes goes on for a second after the client was ended, and then both ends see the end", () => {
  const orphan = new Orphan();
  using world = orphan.world;
  orphan.breakProtocol();
  world.pass(900);
  assert.equal(fill(orphan.writer, noise(500)), 500);
  world.pass(50);
  assert.deepEqual(drain(orphan.reader).bytes.map(({ length }) => length), [
    500,
  ]);
  world.pass(100);
  orphan.assertGone();
});

Deno.test("the host's application that asks for a selection whose client is gone gets its end, while another one still gets data", () => {
  const orphan = new Orphan();
  using world = orphan.world;
  orphan.breakProtocol();
  using late = orphan.selections.askClient();
  world.settle();
  assert.deepEqual(drain(late), { bytes: [], ended: true });
  late[Symbol.dispose]();
  assert.equal(fill(orphan.writer, noise(500)), 500);
  world.settle();
  assert.equal(join(drain(orphan.reader).bytes).length, 500);
  world.pass(1_000);
  orphan.assertGone();
});

Deno.test("what a client's child writes ends at once where the compositor has closed the connection", () => {
  const orphan = new Orphan();
  using world = orphan.world;
  orphan.selections.client.host[Symbol.dispose]();
  world.settle();
  assert.equal(orphan.selections.client.ended, true);
  orphan.assertGone();
});

Deno.test("what a client's child writes ends with the proxy", () => {
  const orphan = new Orphan();
  using reader = orphan.reader;
  using writer = orphan.writer;
  orphan.breakProtocol();
  orphan.world[Symbol.dispose]();
  assert.equal(fill(writer, noise(1)), -EPIPE);
  assert.equal(drain(reader).ended, true);
});
