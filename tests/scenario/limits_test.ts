/**
 * What one client may have: objects, and descriptors that no message asks for.
 */
import assert from "node:assert/strict";
import {
  closesAllDescriptors,
  memoryFile,
  memoryFiles,
} from "../support/descriptors.ts";
import { join, series } from "../support/words.ts";
import { RelayWorld } from "../support/relay_world.ts";

Deno.test("a client may have 262144 objects and no more", () => {
  using world = RelayWorld.ready({ deny: ["wl_data_device_manager"] });
  // Inert objects, so that only the relay has anything to do.
  world.bind(0xfffffffd, "wl_data_device_manager", 3, 3);
  const name = "wl_data_device_manager.create_data_source";
  let id = 4;
  // The display and the registry are among them; a relay has a registry of its
  // own on the host besides.
  for (const last = 262_144; id <= last;) {
    const count = Math.min(4096, last + 1 - id);
    world.client.bytes(series(world.client.encode(3, name, { id }), 2, count));
    world.settle();
    id += count;
  }
  assert.ok(!world.ended);
  world.client.say(3, name, { id });
  world.client.mustHearError(2, "no memory: more than 262144 objects");
});

Deno.test("objects that are gone do not count", () => {
  using world = RelayWorld.ready();
  world.bind(1, "wl_compositor", 6, 3);
  const pair = [
    world.client.encode(3, "wl_compositor.create_region", { id: 4 }),
    world.client.encode(4, "wl_region.destroy"),
  ];
  for (let i = 0; i < 1000; i++) {
    world.client.bytes(join(...pair));
    world.settle();
    world.host.deleteId(4);
    world.settle();
  }
  world.host.heard();
  world.client.say(3, "wl_compositor.create_region", { id: 4 });
  world.host.mustHear("wl_compositor@3.create_region(new wl_region@4)");
});

Deno.test("1024 descriptors may wait for a message, and one more ends the client", () => {
  using _closed = closesAllDescriptors();
  using world = RelayWorld.ready();
  // The first byte of a message that never becomes whole carries them.
  const request = world.client.encode(1, "wl_display.sync", { callback: 3 });
  for (let i = 0; i < 8; i++) {
    const fds = memoryFiles(128);
    world.client.bytes(request.subarray(i, i + 1), fds);
    world.settle();
  }
  assert.ok(!world.ended);
  world.client.bytes(request.subarray(8, 9), [memoryFile()]);
  world.client.mustHear(
    'wl_display@1.error(wl_display@1, 3, "1025 file descriptors came without a message that carries them")',
  );
});

Deno.test("descriptors that whole messages did not ask for count, too", () => {
  using world = RelayWorld.ready();
  for (let id = 3; id < 20 && !world.ended; id++) {
    const fds = memoryFiles(128);
    world.client.bytes(
      world.client.encode(1, "wl_display.sync", { callback: id }),
      fds,
    );
    world.settle();
  }
  world.logMustMatch(
    /^client ended: it broke the protocol: 1152 file descriptors came without/,
  );
});
