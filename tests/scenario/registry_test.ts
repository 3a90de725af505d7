/** What a client sees of the host's globals, and what it may bind. */
import assert from "node:assert/strict";
import type { Globals } from "../support/scripted_host.ts";
import { RelayWorld } from "../support/relay_world.ts";

/** What a client's second registry, its object 3, is told. */
function announced(world: RelayWorld): string[] {
  world.client.getRegistry(3);
  return world.client.heard().map((line) =>
    line.replace(/^wl_registry@3\.global\((.*)\)$/, "$1")
  );
}

Deno.test("a client is told nothing before the host has said all that it has", () => {
  using world = new RelayWorld();
  world.client.getRegistry(2);
  world.settle();
  world.host.announce(5, "wl_compositor", 6);
  world.client.mustHearNothing();
  world.host.announce(6, "wl_subcompositor", 1);
  world.host.answer("wl_callback#1");
  world.client.mustHear(
    'wl_registry@2.global(5, "wl_compositor", 6)',
    'wl_registry@2.global(6, "wl_subcompositor", 1)',
    'wl_registry@2.global(4294967294, "wl_fixes", 2)',
  );
});

Deno.test("data device managers are told before seats, and outputs last, in the host's order otherwise", () => {
  const globals: Globals = [
    [1, "wl_output", 4],
    [2, "wl_seat", 8],
    [3, "wl_shm", 1],
    [4, "wl_seat", 8],
    [5, "zwp_primary_selection_device_manager_v1", 1],
    [6, "wl_data_device_manager", 3],
    [7, "wl_output", 4],
    [8, "wl_compositor", 6],
  ];
  using world = RelayWorld.ready({}, globals);
  assert.deepEqual(announced(world), [
    '3, "wl_shm", 1',
    '5, "zwp_primary_selection_device_manager_v1", 1',
    '4294967281, "gtk_primary_selection_device_manager", 1',
    '6, "wl_data_device_manager", 3',
    '8, "wl_compositor", 6',
    '4294967294, "wl_fixes", 2',
    '2, "wl_seat", 8',
    '4, "wl_seat", 8',
    '1, "wl_output", 4',
    '7, "wl_output", 4',
  ]);
});

Deno.test("a version is the host's where that is the lowest", () => {
  using world = RelayWorld.ready({}, [[1, "wl_compositor", 3]]);
  assert.equal(announced(world)[0], '1, "wl_compositor", 3');
});

Deno.test("a version is the newest that we know where the host's is newer", () => {
  using world = RelayWorld.ready({}, [[1, "wl_subcompositor", 9]]);
  assert.equal(announced(world)[0], '1, "wl_subcompositor", 1');
});

Deno.test("globals that nobody knows, and those that the policy hides, are not told", () => {
  using world = RelayWorld.ready({ deny: ["wp_viewporter"] }, [
    [1, "acme_time_machine_v1", 1],
    [2, "zwlr_screencopy_manager_v1", 3],
    [3, "wp_viewporter", 1],
    [4, "wl_shm", 1],
  ]);
  assert.deepEqual(announced(world), [
    '4, "wl_shm", 1',
    '4294967294, "wl_fixes", 2',
  ]);
});

Deno.test("a global that is allowed by name is told at the newest version", () => {
  using world = RelayWorld.ready({ allow: ["zwlr_screencopy_manager_v1"] }, [
    [2, "zwlr_screencopy_manager_v1", 3],
  ]);
  assert.equal(announced(world)[0], '2, "zwlr_screencopy_manager_v1", 3');
});

Deno.test("every registry of a client is told all, and the host hears of none", () => {
  using world = RelayWorld.ready({}, [[1, "wl_shm", 1]]);
  world.client.getRegistry(3);
  world.client.getRegistry(4);
  world.client.mustHear(
    'wl_registry@3.global(1, "wl_shm", 1)',
    'wl_registry@3.global(4294967294, "wl_fixes", 2)',
    'wl_registry@4.global(1, "wl_shm", 1)',
    'wl_registry@4.global(4294967294, "wl_fixes", 2)',
  );
  world.host.mustHearNothing();
});

Deno.test("one global can be bound twice, from different registries and at different versions", () => {
  using world = RelayWorld.ready();
  world.client.getRegistry(3);
  world.client.bind(1, "wl_compositor", 6, 4);
  world.client.say(3, "wl_registry.bind", {
    name: 1,
    interface: "wl_compositor",
    version: 4,
    id: 5,
  });
  world.client.say(4, "wl_compositor.create_surface", { id: 6 });
  world.client.say(5, "wl_compositor.create_surface", { id: 7 });
  world.host.mustHear(
    "wl_registry#1.bind(1, new wl_compositor v6@4)",
    "wl_registry#1.bind(1, new wl_compositor v4@5)",
    "wl_compositor@4.create_surface(new wl_surface@6)",
    "wl_compositor@5.create_surface(new wl_surface@7)",
  );
});

const refusals: {
  name: string;
  bind: [number, string, number];
  error: string;
}[] = [
  {
    name: "of a name that nobody announced",
    bind: [77, "wl_shm", 1],
    error: "invalid global wl_shm (77)",
  },
  {
    name: "of a global that the policy hides",
    bind: [8, "zwlr_screencopy_manager_v1", 3],
    error: "invalid global zwlr_screencopy_manager_v1 (8)",
  },
  {
    name: "under another interface's name",
    bind: [2, "wl_seat", 1],
    error: "invalid interface for global 2: have wl_shm, wanted wl_seat",
  },
  {
    name: "at a version above what was announced",
    bind: [2, "wl_shm", 2],
    error: "invalid version for global wl_shm (2): have 1, wanted 2",
  },
  {
    name: "at version 0",
    bind: [2, "wl_shm", 0],
    error: "invalid version for global wl_shm (2): have 1, wanted 0",
  },
  {
    name: "at a version that is negative as a signed number",
    bind: [2, "wl_shm", -1],
    error: "invalid version for global wl_shm (2): have 1, wanted 4294967295",
  },
  {
    name: "of an interface that nobody knows",
    bind: [2, "acme_time_machine_v1", 1],
    error: "invalid global acme_time_machine_v1: no such interface",
  },
];

for (const { name, bind, error } of refusals) {
  Deno.test(`a bind ${name} is refused, and the host hears nothing of it`, () => {
    using world = RelayWorld.ready({}, [
      [2, "wl_shm", 1],
      [8, "zwlr_screencopy_manager_v1", 3],
    ]);
    world.client.bind(...bind, 3);
    world.client.mustHear(`wl_display@1.error(wl_registry@2, 0, "${error}")`);
    world.host.mustHearNothing();
    world.mustLog(`client ended: it broke the protocol: ${error}`);
    assert.ok(world.client.closed && world.host.closed);
  });
}

Deno.test("what the host cannot be told the truth about is not touched: its names in our range are ignored", () => {
  using world = RelayWorld.ready();
  world.host.announce(0xfffffff5, "wl_seat", 8);
  world.host.withdraw(0xfffffffe);
  world.host.withdraw(4711);
  world.client.mustHearNothing();
  world.bind(0xfffffffe, "wl_fixes", 2, 3);
  assert.ok(!world.ended);
});
