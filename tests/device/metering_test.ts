/**
 * A compositor that does not answer never has so much to read that the machine
 * would stop.
 */
import assert from "node:assert/strict";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { CompositorScript } from "./support/compositor_script.ts";
import { DeviceWorld } from "./support/device_world.ts";

for (const rutabaga of rutabagas) {
  Deno.test(`${rutabaga}: a client that floods waits for its compositor, after 64 SENDs or 64 KiB`, () => {
    using world = new DeviceWorld({ profile: hostProfile(rutabaga, "stock") });
    const other = world.addReady();
    const client = world.addReady();
    client.bind(1, "wl_compositor", 6, 3);
    client.client.say(3, "wl_compositor.create_surface", { id: 4 });
    client.forget();
    const { sent } = client.context;
    const before = { ...sent };
    const damage = new Int32Array(6 * 200);
    for (let i = 0; i < 200; i++) damage.set([4, 24 << 16 | 2], 6 * i);
    let taken = 0;
    for (let i = 0; i < 2000; i++) {
      taken += client.client.tryBytes(new Uint8Array(damage.buffer));
      while (world.loop.turn(0) > 0);
    }
    assert.ok(sent.commands - before.commands <= 66);
    assert.ok(sent.bytes - before.bytes <= 72 * 1024);
    assert.ok(taken < 2 * 1024 * 1024, "the client is made to wait");
    assert.equal(world.machine.queue.stalls, 0);
    other.client.say(1, "wl_display.sync", { callback: 3 });
    assert.equal(other.told().length, 1, "others go on");
    using compositor = new CompositorScript(client.host);
    let said = 0;
    for (let quiet = 0; quiet < 3;) {
      world.settle();
      const lines = compositor.obey();
      said += lines.filter((line) => line.includes("damage")).length;
      quiet = lines.length === 0 ? quiet + 1 : 0;
    }
    assert.equal(said, Math.floor(taken / 24), "nothing is lost");
    assert.equal(client.ended, false);
  });
}

Deno.test("a compositor that stops for 10 s finds its clients alive", () => {
  using world = new DeviceWorld();
  const client = world.addReady();
  client.client.say(1, "wl_display.sync", { callback: 3 });
  while (world.loop.turn(0) > 0);
  world.loop.pass(10_000, () => {
    while (world.loop.turn(0) > 0);
  });
  using compositor = new CompositorScript(client.host);
  world.settle();
  compositor.obey();
  world.settle();
  assert.equal(client.ended, false);
  assert.ok(client.client.heard().some((line) => line.includes("done")));
});
