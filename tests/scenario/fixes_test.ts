/** wl_fixes, which is answered here whatever the host has. */
import assert from "node:assert/strict";
import { RelayWorld, usualGlobals } from "../support/relay_world.ts";

const FIXES = 0xfffffffe;

Deno.test("wl_fixes is there without the host's help, and is ours where the host has it", () => {
  using world = RelayWorld.ready({}, [...usualGlobals, [9, "wl_fixes", 1]]);
  world.client.getRegistry(3);
  assert.deepEqual(
    world.client.heard().filter((line) => line.includes("wl_fixes")),
    [`wl_registry@3.global(${FIXES}, "wl_fixes", 2)`],
  );
  world.bind(FIXES, "wl_fixes", 2, 4);
  world.host.mustHearNothing();
});

Deno.test("a destroyed registry hears no more, and its id is free", () => {
  using world = RelayWorld.ready();
  world.client.getRegistry(3);
  world.bind(FIXES, "wl_fixes", 2, 4);
  world.forget();
  world.client.say(4, "wl_fixes.destroy_registry", { registry: 2 });
  world.host.announce(40, "wl_output", 4);
  world.client.mustHear(
    "wl_display@1.delete_id(2)",
    'wl_registry@3.global(40, "wl_output", 4)',
  );
  world.client.say(1, "wl_display.sync", { callback: 2 });
  world.host.mustHear("wl_display@1.sync(new wl_callback@2)");
});

Deno.test("what was bound from a destroyed registry lives on", () => {
  using world = RelayWorld.ready();
  world.bind(1, "wl_compositor", 6, 3);
  world.bind(FIXES, "wl_fixes", 2, 4);
  world.client.say(4, "wl_fixes.destroy_registry", { registry: 2 });
  world.client.createSurface(5);
  world.forget();
  assert.ok(!world.ended);
});

Deno.test("a destroyed registry cannot be used or destroyed again", () => {
  using world = RelayWorld.ready();
  world.bind(FIXES, "wl_fixes", 2, 3);
  world.client.say(3, "wl_fixes.destroy_registry", { registry: 2 });
  world.client.say(3, "wl_fixes.destroy_registry", { registry: 2 });
  world.client.mustHear(
    "wl_display@1.delete_id(2)",
    'wl_display@1.error(wl_display@1, 1, "invalid arguments for wl_fixes#3.destroy_registry: object 2 is unknown")',
  );
});

Deno.test("the acknowledgement of a removed global goes nowhere", () => {
  using world = RelayWorld.ready();
  world.bind(FIXES, "wl_fixes", 2, 3);
  world.host.withdraw(6);
  world.settle();
  world.client.say(3, "wl_fixes.ack_global_remove", { registry: 2, name: 6 });
  world.client.say(3, "wl_fixes.destroy");
  world.host.mustHearNothing();
  world.client.mustHear(
    "wl_registry@2.global_remove(6)",
    "wl_display@1.delete_id(3)",
  );
  assert.ok(!world.ended);
});

Deno.test("an acknowledgement by version 1 of wl_fixes is refused", () => {
  using world = RelayWorld.ready();
  world.bind(FIXES, "wl_fixes", 1, 3);
  world.client.say(3, "wl_fixes.ack_global_remove", { registry: 2, name: 6 });
  world.client.mustHear(
    'wl_display@1.error(wl_display@1, 1, "invalid method 2 (since 1 < 2), object wl_fixes#3")',
  );
});

Deno.test("wl_fixes is denied by name", () => {
  using world = RelayWorld.ready({ deny: ["wl_fixes"] });
  world.client.bind(FIXES, "wl_fixes", 1, 3);
  world.client.mustHear(
    `wl_display@1.error(wl_registry@2, 0, "invalid global wl_fixes (${FIXES})")`,
  );
});
