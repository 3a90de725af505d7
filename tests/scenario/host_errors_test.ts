/**
 * What the host says is wrong reaches the client, about the right object and
 * after everything before it.
 */
import assert from "node:assert/strict";
import { message } from "../support/words.ts";
import { RelayWorld } from "../support/relay_world.ts";

Deno.test("an error of the host is about the client's object, and comes after what was queued before", () => {
  using world = RelayWorld.ready();
  world.client.getRegistry(3);
  world.bind(1, "wl_compositor", 6, 4);
  world.client.createSurface(5);
  world.forget();
  world.host.say(5, "wl_surface.preferred_buffer_scale", { factor: 2 });
  world.host.error(5, 1, "invalid transform 9");
  world.client.mustHear(
    "wl_surface@5.preferred_buffer_scale(2)",
    'wl_display@1.error(wl_surface@5, 1, "invalid transform 9")',
  );
  assert.ok(world.client.closed && world.host.closed);
  world.mustLog(
    "client ended: the compositor refused a request: wl_surface@5: error 1: invalid transform 9",
  );
});

Deno.test("an error of the host about the display is about the display", () => {
  using world = RelayWorld.ready();
  world.host.error(1, 2, "no memory");
  world.client.mustHearError(2, "no memory");
});

Deno.test("an error about an object that only the proxy knows is about the display", () => {
  using world = RelayWorld.ready();
  world.host.error("wl_registry#1", 0, "invalid global");
  world.client.mustHearError(0, "invalid global");
  world.mustLog(
    "client ended: the compositor refused a request: the proxy's own wl_registry: error 0: invalid global",
  );
});

Deno.test("an error about an object that nobody knows is about the display", () => {
  using world = RelayWorld.ready();
  world.host.bytes(message(1, 0, 77, 4, "gone"));
  world.client.mustHearError(4, "gone");
});

Deno.test("an error about an object that the client destroyed names it all the same", () => {
  using world = RelayWorld.withSurface();
  world.client.say(4, "wl_surface.destroy");
  world.forget();
  world.host.error(4, 0, "defunct role");
  world.client.mustHear('wl_display@1.error(wl_surface@4, 0, "defunct role")');
});

Deno.test("an error that the host sent before it closed its end is found, also when our next request fails", () => {
  using world = RelayWorld.ready();
  world.bind(1, "wl_compositor", 6, 3);
  world.forget();
  world.host.error(3, 5, "last words");
  world.host[Symbol.dispose]();
  world.client.createSurface(4);
  world.client.mustHear('wl_display@1.error(wl_compositor@3, 5, "last words")');
});

Deno.test("an empty error text stays empty", () => {
  using world = RelayWorld.ready();
  world.host.error(1, 2, "");
  world.client.mustHearError(2, "");
});

Deno.test("a host that closes the connection without a word ends the client with one", () => {
  using world = RelayWorld.ready();
  world.bind(6, "wl_output", 4, 3);
  world.forget();
  world.host.say(3, "wl_output.done");
  world.host[Symbol.dispose]();
  world.client.mustHear(
    "wl_output@3.done()",
    'wl_display@1.error(wl_display@1, 3, "the compositor closed the connection")',
  );
  assert.ok(world.client.closed);
  world.mustLog("client ended: the compositor closed the connection");
});

Deno.test("a host that closes the connection before it said what it has ends the client, too", () => {
  using world = new RelayWorld();
  world.client.getRegistry(2);
  world.settle();
  world.host[Symbol.dispose]();
  world.client.mustHearError(3, "the compositor closed the connection");
});

Deno.test("a host that refuses the connection itself is quoted", () => {
  using world = new RelayWorld();
  world.settle();
  world.host.error(1, 2, "too many clients");
  world.host[Symbol.dispose]();
  world.client.mustHearError(2, "too many clients");
});

Deno.test("an error of one client's host ends no other client", () => {
  using world = RelayWorld.ready();
  using other = RelayWorld.ready({ loop: world.loop });
  world.host.error(1, 2, "no memory");
  world.settle();
  assert.ok(world.ended);
  other.client.say(1, "wl_display.sync", { callback: 3 });
  other.host.mustHear("wl_display@1.sync(new wl_callback@3)");
});
