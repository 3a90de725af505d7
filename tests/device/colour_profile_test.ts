/**
 * A colour profile on its way to the host's compositor, through the real
 * virtio-gpu code.
 */
import assert from "node:assert/strict";
import { closeFd, readFdAt, writeFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { type DeviceClient, DeviceWorld } from "./support/device_world.ts";

const CREATOR = "wp_image_description_creator_icc_v1";

/**
 * A client that has given a profile, of 7 bytes at 4, and made an image
 * description (5) of it.
 */
function describe(world: DeviceWorld): DeviceClient {
  const guest = world.addReady([[9, "wp_color_manager_v1", 1]]);
  guest.bind(9, "wp_color_manager_v1", 1, 3);
  const file = createMemfd("profile", 0);
  writeFd(file.number, new TextEncoder().encode("....profile...."));
  const { client } = guest;
  client.say(3, "wp_color_manager_v1.create_icc_creator", { obj: 4 });
  client.say(4, `${CREATOR}.set_icc_file`, {
    "icc_profile": file.release(),
    offset: 4,
    length: 7,
  });
  client.say(4, `${CREATOR}.create`, { "image_description": 5 });
  world.settle();
  return guest;
}

Deno.test("the host reads the profile that the application gave", () => {
  using world = new DeviceWorld();
  const { host } = describe(world);
  assert.ok(
    host.heard().includes(`${CREATOR}@4.set_icc_file(fd, 0, 7)`),
    "the host was told",
  );
  const bytes = new Uint8Array(7);
  const fd = host.takeFd();
  assert.equal(readFdAt(fd, bytes, 0), 7);
  closeFd(fd);
  assert.equal(new TextDecoder().decode(bytes), "profile");
  assert.deepEqual(world.machine.violations, []);
});

Deno.test("without host memory for it an image description fails, and the client lives", () => {
  using world = new DeviceWorld();
  world.faults.windowBytes = 0;
  const guest = describe(world);
  assert.match(
    guest.client.heard().join("\n"),
    /wp_image_description_v1@5\.failed\(2, "the host has no memory left for it"\)/,
  );
  assert.equal(guest.ended, false);
  assert.deepEqual(world.machine.violations, []);
});
