import assert from "node:assert/strict";
import { World } from "./support/world.ts";

Deno.test("the host hears get_registry and sync before anything of the client", () => {
  using world = new World();
  world.client.say(1, "wl_display.sync", 2);
  world.settle();
  assert.deepEqual(world.host.heard(), [
    "wl_display@1.get_registry(new wl_registry@2)",
    "wl_display@1.sync(new wl_callback@3)",
  ]);
  world.host.say(3, "wl_callback.done", 0);
  world.settle();
  assert.deepEqual(world.host.heard(), [
    "wl_display@1.sync(new wl_callback@4)",
  ]);
});

Deno.test("a client's requests reach the host under the host's ids", () => {
  using world = World.ready();
  world.bind(1, "wl_compositor", 6, 3);
  world.client.say(3, "wl_compositor.create_surface", 4);
  world.client.say(4, "wl_surface.damage", 1, 2, 3, 4);
  world.client.say(4, "wl_surface.frame", 5);
  world.settle();
  assert.deepEqual(world.host.heard(), [
    'wl_registry@2.bind(1, "wl_compositor", new wl_compositor v6@3)'.replace(
      '"wl_compositor", new',
      "new",
    ),
    "wl_compositor@3.create_surface(new wl_surface@4)",
    "wl_surface@4.damage(1, 2, 3, 4)",
    "wl_surface@4.frame(new wl_callback@5)",
  ]);
});

Deno.test("an id is free for the client when the host has deleted it, and not before", () => {
  using world = World.ready();
  world.client.heard();
  world.bind(1, "wl_compositor", 6, 3);
  world.client.say(3, "wl_compositor.create_region", 4);
  world.client.say(4, "wl_region.destroy");
  world.settle();
  assert.deepEqual(world.client.heard(), []);
  world.host.say(1, "wl_display.delete_id", 4);
  world.settle();
  assert.deepEqual(world.client.heard(), ["wl_display@1.delete_id(4)"]);
  world.client.say(3, "wl_compositor.create_region", 4);
  world.settle();
  assert.ok(!world.ended);
});
