/**
 * Requests of which each costs the host much more than its own bytes, many of
 * them in one piece: the machine does not stop while the compositor does, and
 * when it goes on it hears all of them.
 */
import assert from "node:assert/strict";
import { OwnedFd } from "../../ffi/fd.ts";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { join } from "../support/words.ts";
import { CompositorScript } from "./support/compositor_script.ts";
import { type DeviceClient, DeviceWorld } from "./support/device_world.ts";
import { drain, fill, Selections } from "./support/selections.ts";
import { count, Windows } from "./support/windows.ts";

const SENDS = 64;
const BYTES = 64 * 1024;

/** A compositor that is stopped, what it is sent meanwhile, and others. */
class FloodWorld extends DeviceWorld {
  readonly other: DeviceClient = this.addReady();
  #stopped = this.other;
  #sent = { commands: 0, bytes: 0 };

  /** The compositor of a client stops. */
  stop(client: DeviceClient): void {
    client.forget();
    this.#stopped = client;
    this.#sent = { ...client.context.sent };
    client.host.deaf = true;
  }

  /**
   * It was sent no more than the meter allows, and at least half of that: the
   * rest may have been used up before. Neither the machine nor another client
   * waits for it.
   */
  assertMetered(): void {
    const { queue, violations } = this.machine;
    const { commands, bytes } = this.#stopped.context.sent;
    const sends = commands - this.#sent.commands;
    const sentBytes = bytes - this.#sent.bytes;
    const said = `${sends} SENDs, ${sentBytes} bytes`;
    assert.ok(sends <= SENDS && sentBytes <= BYTES, said);
    assert.ok(sends * 2 >= SENDS || sentBytes * 2 >= BYTES, said);
    assert.equal(queue.stalls, 0);
    assert.ok(!queue.isStuck, "the machine stands still");
    assert.deepEqual(violations, []);
    this.other.client.say(1, "wl_display.sync", { callback: 3 });
    assert.equal(this.other.told().length, 1, "others go on");
  }

  /**
   * It goes on. What it hears until there is nothing any more, the relay's
   * questions apart.
   */
  goOn(compositor: CompositorScript): string[] {
    this.#stopped.host.deaf = false;
    const heard: string[] = [];
    for (let quiet = 0; quiet < 2;) {
      this.settle();
      const lines = compositor.obey();
      heard.push(...lines.filter((line) => !line.includes(".sync(")));
      quiet = lines.length === 0 ? quiet + 1 : 0;
    }
    assert.equal(this.machine.queue.stalls, 0);
    assert.deepEqual(this.machine.violations, []);
    return heard;
  }
}

/**
 * Writes a text into each of the compositor's pipes, in the order in which they
 * came, and closes them.
 */
function pasteInto(
  { host }: DeviceClient,
  text: (index: number) => string,
): void {
  const count = host.receivedFds.length;
  for (let i = 0; i < count; i++) {
    using pipe = new OwnedFd(host.takeFd());
    fill(pipe, new TextEncoder().encode(text(i)));
  }
}

/** Everything that comes out of a pipe, which must end. */
function pasted(reader: OwnedFd): string {
  const { bytes, ended } = drain(reader);
  assert.ok(ended, "the paste has ended");
  return new TextDecoder().decode(bytes);
}

for (const rutabaga of rutabagas) {
  const profile = hostProfile(rutabaga, "stock");

  Deno.test(`${rutabaga}: 253 pastes in one piece wait for the compositor, and each gets its own data`, () => {
    using world = new FloodWorld({ profile });
    const selections = new Selections(world);
    const { client } = selections;
    world.stop(client);
    const readers = selections.askTogether(253);
    world.settle();
    world.assertMetered();
    using compositor = new CompositorScript(client.host);
    const heard = world.goOn(compositor);
    assert.equal(heard.length, 253);
    pasteInto(client, (i) => `paste ${i}`);
    world.settle();
    readers.forEach((reader, i) => {
      assert.equal(pasted(reader), `paste ${i}`);
      reader[Symbol.dispose]();
    });
    assert.ok(!client.ended);
  });

  Deno.test(`${rutabaga}: a client that leaves behind a flood of pastes is heard out`, () => {
    using world = new FloodWorld({ profile });
    const selections = new Selections(world);
    const { client } = selections;
    world.stop(client);
    const readers = selections.askTogether(150);
    client.client[Symbol.dispose]();
    while (world.loop.turn(0) > 0);
    world.assertMetered();
    using compositor = new CompositorScript(client.host);
    assert.equal(world.goOn(compositor).length, 150);
    assert.ok(client.ended);
    for (const reader of readers) reader[Symbol.dispose]();
  });

  Deno.test(`${rutabaga}: first commits of many surfaces in one piece wait for the compositor, and all are shown`, () => {
    using world = new FloodWorld({ profile });
    using windows = new Windows(world);
    const { client } = windows;
    const { buffer } = windows.open(1, 1);
    const surfaces = createSurfaces(windows, 300);
    world.stop(client);
    const { client: peer } = client;
    const attached = { buffer, x: 0, y: 0 };
    const damaged = Array.from(
      { length: 8 },
      (_, x) => ({ x, y: 0, width: 1, height: 1 }),
    );
    peer.bytes(join(...surfaces.flatMap((surface) => [
      peer.encode(surface, "wl_surface.attach", attached),
      ...damaged.map((place) =>
        peer.encode(surface, "wl_surface.damage", place)
      ),
      peer.encode(surface, "wl_surface.commit"),
    ])));
    world.settle();
    world.assertMetered();
    const heard = world.goOn(windows.compositor);
    assert.equal(windows.compositor.frames, 300);
    assert.equal(count(heard, ".damage("), 8 * 300);
    const committed = heard.filter((line) => line.includes(".commit("));
    assert.deepEqual(
      committed,
      surfaces.map((surface) => `wl_surface@${surface}.commit()`),
    );
    assert.equal(count(client.client.heard(), ".release("), 300);
    assert.ok(!client.ended);
  });

  Deno.test(`${rutabaga}: sizes of an icon, many in one piece, wait for the compositor`, () => {
    using world = new FloodWorld({ profile });
    const client = world.addReady([[9, "xdg_toplevel_icon_manager_v1", 1]]);
    using windows = new Windows(world, client);
    const window = windows.open(1, 1);
    const icon = windows.createIcon(9);
    world.stop(client);
    windows.fillIcon(icon, window, 300);
    world.settle();
    world.assertMetered();
    const scales = world.goOn(windows.compositor).flatMap((line) =>
      /add_buffer\(.*, (\d+)\)$/.exec(line)?.[1] ?? []
    );
    assert.deepEqual(
      scales,
      Array.from({ length: 300 }, (_, i) => `${i + 1}`),
    );
    assert.ok(!client.ended);
  });

  Deno.test(`${rutabaga}: what the relay says by itself waits for the compositor, too`, () => {
    using world = new FloodWorld({ profile });
    const client = world.addReady();
    const { relay } = client;
    const ignoreEvents = { event: () => {} };
    const compositor = relay.bindGlobal("wl_compositor", 6, ignoreEvents);
    assert.ok(compositor !== null);
    const id = relay.createHostObject("wl_surface", 6, ignoreEvents);
    relay.sendRequest(compositor, "wl_compositor.create_surface", { id });
    world.stop(client);
    const places = Array.from({ length: 6000 }, (_, i) => i);
    for (const x of places) {
      const place = { x, y: 0, width: 1, height: 1 };
      relay.sendRequest(id, "wl_surface.damage", place);
    }
    world.settle();
    world.assertMetered();
    using script = new CompositorScript(client.host);
    const damaged = world.goOn(script).flatMap((line) =>
      /damage\((\d+),/.exec(line)?.[1] ?? []
    );
    assert.deepEqual(damaged, places.map(String));
    assert.ok(!client.ended);
  });
}

/** Surfaces that have shown nothing. */
function createSurfaces(windows: Windows, number: number): number[] {
  const surfaces = Array.from({ length: number }, () => windows.nextId());
  const { client } = windows.client;
  for (const surface of surfaces) {
    client.say(3, "wl_compositor.create_surface", { id: surface });
    if (surface % 100 === 0) windows.settle();
  }
  windows.settle();
  return surfaces;
}
