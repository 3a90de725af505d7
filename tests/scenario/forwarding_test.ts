import assert from "node:assert/strict";
import { message } from "../support/words.ts";
import { RelayWorld } from "../support/relay_world.ts";

Deno.test("the host hears get_registry and sync before anything of the client", () => {
  using world = new RelayWorld();
  world.client.say(1, "wl_display.sync", { callback: 2 });
  world.host.mustHear(
    "wl_display@1.get_registry(new wl_registry#1)",
    "wl_display@1.sync(new wl_callback#1)",
  );
  world.host.answer("wl_callback#1");
  world.host.mustHear("wl_display@1.sync(new wl_callback@2)");
});

Deno.test("a client's requests reach the host under the host's ids, which have no gaps", () => {
  using world = RelayWorld.ready();
  world.client.bind(1, "wl_compositor", 6, 3);
  world.client.bind(3, "wl_seat", 8, 4);
  world.client.getRegistry(5);
  world.client.createSurface(6);
  world.client.damage(6, [1, -2, 3, 4]);
  world.client.say(6, "wl_surface.frame", { callback: 7 });
  world.host.mustHear(
    "wl_registry#1.bind(1, new wl_compositor v6@3)",
    "wl_registry#1.bind(3, new wl_seat v8@4)",
    "wl_compositor@3.create_surface(new wl_surface@6)",
    "wl_surface@6.damage(1, -2, 3, 4)",
    "wl_surface@6.frame(new wl_callback@7)",
  );
  const ids = [3, 4, 6, 7].map((id) => world.host.idOf(id));
  assert.deepEqual(ids, [3, 4, 5, 6]);
});

Deno.test("the host's events reach the client under the client's ids", () => {
  using world = RelayWorld.ready();
  world.client.getRegistry(3);
  world.bind(1, "wl_compositor", 6, 4);
  world.bind(6, "wl_output", 4, 5);
  world.client.createSurface(6);
  world.forget();
  world.host.say(5, "wl_output.name", { name: "HDMI-1" });
  world.host.say(6, "wl_surface.enter", { output: 5 });
  world.host.say(6, "wl_surface.preferred_buffer_scale", { factor: 2 });
  world.client.mustHear(
    'wl_output@5.name("HDMI-1")',
    "wl_surface@6.enter(wl_output@5)",
    "wl_surface@6.preferred_buffer_scale(2)",
  );
});

Deno.test("null objects and null strings stay null in both directions", () => {
  using world = RelayWorld.ready();
  world.bind(1, "wl_compositor", 6, 3);
  world.bind(3, "wl_seat", 8, 4);
  world.bind(4, "wl_data_device_manager", 3, 5);
  world.client.createSurface(6);
  world.client.say(5, "wl_data_device_manager.create_data_source", { id: 7 });
  world.forget();
  world.client.attach(6, null);
  world.host.say(7, "wl_data_source.target", { "mime_type": null });
  world.host.mustHear("wl_surface@6.attach(nil, 0, 0)");
  world.client.mustHear("wl_data_source@7.target(nil)");
});

Deno.test("strings and arrays arrive byte by byte, text or not", () => {
  using world = RelayWorld.withWindow();
  // A string in no known encoding, and the empty one, whose length on the wire
  // is 1.
  const invalid = Uint8Array.of(0xff, 0xc3, 0x28, 0x0d, 0);
  world.client.bytes(message(7, 3, invalid));
  world.settle();
  assert.deepEqual(world.host.lastMessage, message(7, 3, invalid));
  world.client.say(7, "xdg_toplevel.set_app_id", { "app_id": "" });
  const none = { width: 1, height: 2, states: new Uint8Array(0) };
  world.host.say(7, "xdg_toplevel.configure", none);
  const three = { width: 3, height: 4, states: Uint8Array.of(1, 2, 3) };
  world.host.say(7, "xdg_toplevel.configure", three);
  world.host.mustHear(
    'xdg_toplevel@7.set_app_id("\ufffd\ufffd(\\r")',
    'xdg_toplevel@7.set_app_id("")',
  );
  world.client.mustHear(
    "xdg_toplevel@7.configure(1, 2, array[0])",
    "xdg_toplevel@7.configure(3, 4, array[3])",
  );
});

Deno.test("a sync is the host's to answer, and its callback's id is free afterwards", () => {
  using world = RelayWorld.ready();
  world.client.say(1, "wl_display.sync", { callback: 3 });
  world.host.mustHear("wl_display@1.sync(new wl_callback@3)");
  world.client.mustHearNothing();
  world.host.answer(3, 7);
  world.client.mustHear("wl_callback@3.done(7)", "wl_display@1.delete_id(3)");
  world.client.say(1, "wl_display.sync", { callback: 3 });
  world.host.mustHear("wl_display@1.sync(new wl_callback@3)");
});

Deno.test("an id is free for the client when the host has deleted it, and not before", () => {
  using world = RelayWorld.ready();
  world.bind(1, "wl_compositor", 6, 3);
  world.client.say(3, "wl_compositor.create_region", { id: 4 });
  world.client.say(4, "wl_region.destroy");
  world.client.mustHearNothing();
  world.host.deleteId(4);
  world.client.mustHear("wl_display@1.delete_id(4)");
  world.client.say(3, "wl_compositor.create_region", { id: 4 });
  world.settle();
  assert.ok(!world.ended);
});

Deno.test("an id of the host is used again when the host has deleted it, and not before", () => {
  using world = RelayWorld.ready();
  world.bind(1, "wl_compositor", 6, 3);
  world.client.say(3, "wl_compositor.create_region", { id: 4 });
  world.client.say(4, "wl_region.destroy");
  world.client.say(3, "wl_compositor.create_region", { id: 5 });
  world.forget();
  world.host.deleteId(4);
  world.settle();
  world.client.say(3, "wl_compositor.create_region", { id: 6 });
  world.client.say(3, "wl_compositor.create_region", { id: 4 });
  world.host.mustHear(
    "wl_compositor@3.create_region(new wl_region@6)",
    "wl_compositor@3.create_region(new wl_region@4)",
  );
  assert.deepEqual([6, 4].map((id) => world.host.idOf(id)), [4, 6]);
});

Deno.test("an event may name an object that the client has destroyed", () => {
  using world = RelayWorld.ready();
  world.bind(1, "wl_compositor", 6, 3);
  world.bind(3, "wl_seat", 8, 4);
  world.client.say(4, "wl_seat.get_pointer", { id: 5 });
  world.client.createSurface(6);
  world.forget();
  world.client.say(6, "wl_surface.destroy");
  world.host.say(5, "wl_pointer.leave", { serial: 9, surface: 6 });
  world.host.deleteId(6);
  world.client.mustHear(
    "wl_pointer@5.leave(9, wl_surface@6)",
    "wl_display@1.delete_id(6)",
  );
});

Deno.test("a request may name an object that the client has destroyed: the host decides", () => {
  using world = RelayWorld.withSurface();
  world.client.say(3, "wl_compositor.create_region", { id: 5 });
  world.client.say(5, "wl_region.destroy");
  world.client.say(4, "wl_surface.set_input_region", { region: 5 });
  assert.deepEqual(world.host.heard().slice(-2), [
    "wl_region@5.destroy()",
    "wl_surface@4.set_input_region(wl_region@5)",
  ]);
});

Deno.test("a client that leaves takes its host connection with it, after its last requests", () => {
  using world = RelayWorld.ready();
  world.bind(1, "wl_compositor", 6, 3);
  world.forget();
  world.client.createSurface(4);
  world.client[Symbol.dispose]();
  world.host.mustHear("wl_compositor@3.create_surface(new wl_surface@4)");
  assert.ok(world.host.closed);
  assert.ok(world.ended);
  world.mustLog("client ended: it closed its connection");
});
