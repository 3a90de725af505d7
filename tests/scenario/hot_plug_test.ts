/** Outputs and seats that come and go, and clients that are a moment late. */
import assert from "node:assert/strict";
import { RelayWorld } from "../support/relay_world.ts";

Deno.test("an output that is plugged in is told to every registry, and can be bound", () => {
  using world = RelayWorld.ready();
  world.client.getRegistry(3);
  world.forget();
  world.host.announce(40, "wl_output", 4);
  world.client.mustHear(
    'wl_registry@2.global(40, "wl_output", 4)',
    'wl_registry@3.global(40, "wl_output", 4)',
  );
  world.bind(40, "wl_output", 4, 4);
  world.host.mustHear("wl_registry#1.bind(40, new wl_output v4@4)");
});

Deno.test("an output that is unplugged is told to every registry, and releasing it goes to the host", () => {
  using world = RelayWorld.ready();
  world.client.getRegistry(3);
  world.bind(6, "wl_output", 4, 4);
  world.forget();
  world.host.withdraw(6);
  world.client.mustHear(
    "wl_registry@2.global_remove(6)",
    "wl_registry@3.global_remove(6)",
  );
  world.client.say(4, "wl_output.release");
  world.host.mustHear("wl_output@4.release()");
});

Deno.test("a second seat is told and works beside the first", () => {
  using world = RelayWorld.ready();
  world.host.announce(41, "wl_seat", 8);
  world.client.heard();
  world.bind(3, "wl_seat", 8, 3);
  world.bind(41, "wl_seat", 5, 4);
  world.host.say(3, "wl_seat.name", { name: "seat0" });
  world.host.say(4, "wl_seat.name", { name: "seat1" });
  world.client.mustHear('wl_seat@3.name("seat0")', 'wl_seat@4.name("seat1")');
});

Deno.test("a hidden global that comes or goes is told to nobody", () => {
  using world = RelayWorld.ready();
  world.host.announce(42, "zwlr_layer_shell_v1", 4);
  world.host.withdraw(42);
  world.client.mustHearNothing();
});

Deno.test("an output bound when it is gone already, before the client can know, is inert", () => {
  using world = RelayWorld.withWindow();
  world.host.withdraw(6);
  world.settle();
  world.client.bind(6, "wl_output", 4, 8);
  world.client.say(7, "xdg_toplevel.set_fullscreen", { output: 8 });
  world.client.mustHear("wl_registry@2.global_remove(6)");
  world.host.mustHear("xdg_toplevel@7.set_fullscreen(nil)");
  assert.ok(!world.ended);
});

Deno.test("what is made of an inert object is inert, and their ids are free at once when they are destroyed", () => {
  using world = RelayWorld.ready({}, [
    [1, "wl_output", 4],
    [2, "zxdg_output_manager_v1", 3],
  ]);
  const { client } = world;
  world.bind(2, "zxdg_output_manager_v1", 3, 3);
  world.forget();
  world.host.withdraw(1);
  client.heard();
  client.bind(1, "wl_output", 4, 4);
  client.say(3, "zxdg_output_manager_v1.get_xdg_output", { id: 5, output: 4 });
  client.say(5, "zxdg_output_v1.destroy");
  client.say(4, "wl_output.release");
  world.host.mustHearNothing();
  client.mustHear("wl_display@1.delete_id(5)", "wl_display@1.delete_id(4)");
  assert.ok(!world.ended);
});

Deno.test("requests of inert objects leave no memory in the queue that they do not reach", () => {
  using world = RelayWorld.ready({}, [[1, "wl_compositor", 6]]);
  world.host.withdraw(1);
  world.settle();
  world.client.bind(1, "wl_compositor", 6, 3);
  world.client.createSurface(4);
  world.client.damage(4, [1, 2, 3, 4]);
  world.host.mustHearNothing();
  assert.equal(world.relay.host.outgoing.buffer, null);
});

Deno.test("a late bind is checked like any other", () => {
  using world = RelayWorld.ready();
  world.host.withdraw(6);
  world.client.heard();
  world.client.bind(6, "wl_seat", 4, 3);
  world.client.mustHear(
    'wl_display@1.error(wl_registry@2, 0, "invalid interface for global 6: have wl_output, wanted wl_seat")',
  );
});

Deno.test("a name that comes again is the new global", () => {
  using world = RelayWorld.ready();
  world.host.withdraw(6);
  world.host.announce(6, "wl_output", 3);
  world.client.mustHear(
    "wl_registry@2.global_remove(6)",
    'wl_registry@2.global(6, "wl_output", 3)',
  );
  world.bind(6, "wl_output", 3, 3);
  world.host.mustHear("wl_registry#1.bind(6, new wl_output v3@3)");
});

Deno.test("of very many removed outputs the oldest are forgotten", () => {
  using world = RelayWorld.ready();
  for (let name = 100; name < 400; name++) {
    world.host.announce(name, "wl_output", 4);
    world.host.withdraw(name);
    world.forget();
  }
  world.client.bind(399, "wl_output", 4, 3);
  world.settle();
  assert.ok(!world.ended);
  world.client.bind(100, "wl_output", 4, 4);
  world.client.mustHear(
    'wl_display@1.error(wl_registry@2, 0, "invalid global wl_output (100)")',
  );
});
