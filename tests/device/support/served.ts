/** Whether others go on, whatever a client has done. */
import assert from "node:assert/strict";
import type { DeviceClient, DeviceWorld } from "./device_world.ts";

/**
 * Fails unless what a client asks for reaches the compositor, and the machine
 * has heard nothing that it may not. It has made no object yet.
 */
export function assertServed(world: DeviceWorld, client: DeviceClient): void {
  client.client.say(1, "wl_display.sync", { callback: 3 });
  world.settle();
  assert.match(client.host.heard().join(), /wl_display@1\.sync/);
  assert.equal(client.ended, false);
  assert.deepEqual(world.machine.violations, []);
}
