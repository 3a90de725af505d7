/** The relay over the device: a client sees what it would see over a socket. */
import assert from "node:assert/strict";
import { hostProfiles } from "../emulator/host_profile.ts";
import { paces } from "../emulator/worker.ts";
import { DeviceWorld } from "./support/device_world.ts";

for (const profile of hostProfiles) {
  for (const pace of paces) {
    const host = `${profile.name}, ${pace}`;
    const options = { profile, pace };

    Deno.test(`${host}: the relay's own greeting finds the dialect out, and requests and events follow`, () => {
      using world = new DeviceWorld(options);
      const one = world.addClient();
      assert.deepEqual(one.told(), [
        "wl_display@1.get_registry(new wl_registry#1)",
        "wl_display@1.sync(new wl_callback#1)",
      ]);
      assert.equal(one.context.sent.commands, 1);
      one.greet();
      one.client.say(1, "wl_display.sync", { callback: 3 });
      assert.deepEqual(one.told(), ["wl_display@1.sync(new wl_callback@3)"]);
      one.host.answer(3, 7);
      assert.deepEqual(one.heard(), [
        "wl_callback@3.done(7)",
        "wl_display@1.delete_id(3)",
      ]);
      world.assertSound();
    });

    Deno.test(`${host}: a client that ends leaves nothing behind, and no other notices`, () => {
      using world = new DeviceWorld(options);
      const one = world.addReady();
      const before = world.machine.census();
      const other = world.addReady();
      other.leave();
      world.pass(10_000);
      assert.ok(other.ended);
      assert.ok(other.host.closed);
      assert.deepEqual(world.machine.census(), before);
      one.bind(1, "wl_compositor", 6, 3);
      assert.equal(one.host.heard().length, 1);
    });
  }
}
