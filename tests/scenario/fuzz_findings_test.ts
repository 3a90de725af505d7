/** What the fuzzer has found, each as a scenario of its own. */
import assert from "node:assert/strict";
import { closesAllDescriptors, memoryFile } from "../support/descriptors.ts";
import { ShadowScene } from "./support/shadow_scene.ts";
import { RelayWorld } from "../support/relay_world.ts";

Deno.test("an event that is newer than its object is dropped: the client would have no handler for it", () => {
  using world = RelayWorld.ready();
  world.bind(6, "wl_output", 1, 3);
  world.forget();
  world.host.say(3, "wl_output.scale", { factor: 2 });
  world.host.say(3, "wl_output.mode", {
    flags: 1,
    width: 640,
    height: 480,
    refresh: 60_000,
  });
  world.client.mustHear("wl_output@3.mode(1, 640, 480, 60000)");
  assert.ok(!world.ended);
});

Deno.test("an object that the client never hears of is not destroyed by a request that is newer than it", () => {
  using world = RelayWorld.ready(
    { allow: ["kde_output_device_v2"] },
    [[1, "kde_output_device_v2", 21]],
  );
  world.bind(1, "kde_output_device_v2", 21, 3);
  world.forget();
  world.client.say(3, "kde_output_device_v2.release");
  world.settle();
  // modes can be destroyed since version 26
  world.host.say(3, "kde_output_device_v2.mode", { mode: 0xff000000 });
  world.host.mustHear("kde_output_device_v2@3.release()");
  world.client.mustHearNothing();
  assert.ok(!world.ended);
});

Deno.test("a host that deletes the relay's registry is broken: nothing is bound through object 0", () => {
  using world = RelayWorld.ready();
  world.host.deleteId("wl_registry#1");
  world.client.mustHear(
    `wl_display@1.error(wl_display@1, 3, "the compositor broke the protocol: it deleted the proxy's wl_registry, which is in use")`,
  );
  world.host.mustHearNothing();
  assert.ok(world.ended);
});

Deno.test("a host that stops in the middle of telling its globals is dead after 30 s", () => {
  using world = new RelayWorld();
  world.settle();
  world.host.announce(1, "wl_compositor", 6);
  world.pass(29_000);
  assert.ok(!world.ended);
  world.pass(2_000);
  world.client.mustHearError(3, "the compositor did not answer for 30 s");
  assert.ok(world.ended);
});

Deno.test("a surface that the host does not know is not drawn on, and nothing is said to object 0", () => {
  using scene = new ShadowScene();
  const { world } = scene;
  world.host.withdraw(1);
  world.settle();
  world.client.bind(1, "wl_compositor", 6, 6);
  world.client.say(6, "wl_compositor.create_surface", { id: 7 });
  const buffer = scene.buffer(4, 4);
  world.forget();
  world.client.attach(7, buffer);
  world.client.commit(7);
  world.host.mustHearNothing();
  assert.ok(!world.ended);
});

Deno.test("a host that deletes a buffer of the relay is broken", () => {
  using scene = new ShadowScene();
  scene.commitNew(4, 4);
  const { world } = scene;
  const buffer = scene.attached();
  world.forget();
  world.host.deleteId(buffer);
  world.client.mustHear(
    `wl_display@1.error(wl_display@1, 3, "the compositor broke the protocol: it deleted the proxy's wl_buffer, which is in use")`,
  );
  assert.ok(world.ended);
});

Deno.test("planes that come after their buffer failed are closed, too", () => {
  using _closed = closesAllDescriptors();
  using world = RelayWorld.ready(
    { host: { carriages: { shm: "shadowed" } } },
    [[1, "zwp_linux_dmabuf_v1", 3]],
  );
  const { client } = world;
  world.bind(1, "zwp_linux_dmabuf_v1", 3, 3);
  client.say(3, "zwp_linux_dmabuf_v1.create_params", { "params_id": 4 });
  client.addPlane(4, { fd: memoryFile(), stride: 0 });
  world.settle();
  world.host.say(4, "zwp_linux_buffer_params_v1.failed");
  world.settle();
  client.addPlane(4, { fd: memoryFile(), stride: 0 });
  world.settle();
  assert.equal(world.host.receivedFds.length, 2);
});
