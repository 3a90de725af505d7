/** The primary selection and its older name: one protocol under two names. */
import assert from "node:assert/strict";
import { memoryFile } from "../support/descriptors.ts";
import { RelayWorld, type RelayWorldOptions } from "../support/relay_world.ts";

const FIRST = 0xff000000;
const STANDARD = "zwp_primary_selection_device_manager_v1";
const OLD = "gtk_primary_selection_device_manager";

function worldWith(
  names: string[],
  options: RelayWorldOptions = {},
): RelayWorld {
  return RelayWorld.ready(options, [
    ...names.map((name, index) => [index + 1, name, 1] as const),
    [9, "wl_seat", 8],
  ]);
}

/**
 * Which of the two names a new registry, object 3, is told, with the number of
 * each.
 */
function told(world: RelayWorld): [number, string][] {
  world.client.getRegistry(3);
  return world.client.heard().flatMap((line): [number, string][] => {
    const [, name, type] = /global\((\d+), "(.*primary.*)"/.exec(line) ?? [];
    return type === undefined ? [] : [[Number(name), type]];
  });
}

Deno.test("an old client uses a new host's primary selection under its old name", () => {
  using world = worldWith([STANDARD]);
  const { client, host } = world;
  const names = told(world);
  assert.deepEqual(names, [[1, STANDARD], [0xfffffff1, OLD]]);
  world.bind(0xfffffff1, OLD, 1, 4);
  world.bind(9, "wl_seat", 8, 5);
  client.say(4, `${OLD}.get_device`, { id: 6, seat: 5 });
  client.say(4, `${OLD}.create_source`, { id: 7 });
  client.say(7, "gtk_primary_selection_source.offer", { "mime_type": "a/b" });
  client.say(6, "gtk_primary_selection_device.set_selection", {
    source: 7,
    serial: 1,
  });
  host.mustHear(
    `wl_registry#1.bind(1, new ${STANDARD} v1@4)`,
    "wl_registry#1.bind(9, new wl_seat v8@5)",
    `${STANDARD}@4.get_device(new zwp_primary_selection_device_v1@6, wl_seat@5)`,
    `${STANDARD}@4.create_source(new zwp_primary_selection_source_v1@7)`,
    'zwp_primary_selection_source_v1@7.offer("a/b")',
    "zwp_primary_selection_device_v1@6.set_selection(zwp_primary_selection_source_v1@7, 1)",
  );
  host.say(6, "zwp_primary_selection_device_v1.data_offer", { offer: FIRST });
  host.say(FIRST, "zwp_primary_selection_offer_v1.offer", {
    "mime_type": "c/d",
  });
  host.say(6, "zwp_primary_selection_device_v1.selection", { id: FIRST });
  host.say(6, "zwp_primary_selection_device_v1.selection", { id: null });
  host.say(7, "zwp_primary_selection_source_v1.send", {
    "mime_type": "a/b",
    fd: memoryFile(),
  });
  client.mustHear(
    "gtk_primary_selection_device@6.data_offer(new gtk_primary_selection_offer@4278190080)",
    'gtk_primary_selection_offer@4278190080.offer("c/d")',
    "gtk_primary_selection_device@6.selection(gtk_primary_selection_offer@4278190080)",
    "gtk_primary_selection_device@6.selection(nil)",
    'gtk_primary_selection_source@7.send("a/b", fd)',
  );
});

Deno.test("a new client uses an old host's primary selection under its new name", () => {
  using world = worldWith([OLD]);
  const { host } = world;
  assert.deepEqual(told(world), [[1, OLD], [0xfffffff2, STANDARD]]);
  world.bind(0xfffffff2, STANDARD, 1, 4);
  world.bind(9, "wl_seat", 8, 5);
  world.client.say(4, `${STANDARD}.get_device`, { id: 6, seat: 5 });
  world.settle();
  host.say(6, "gtk_primary_selection_device.data_offer", { offer: FIRST });
  host.say(6, "gtk_primary_selection_device.selection", { id: FIRST });
  host.mustHear(
    `wl_registry#1.bind(1, new ${OLD} v1@4)`,
    "wl_registry#1.bind(9, new wl_seat v8@5)",
    `${OLD}@4.get_device(new gtk_primary_selection_device@6, wl_seat@5)`,
  );
  world.client.say(FIRST, "zwp_primary_selection_offer_v1.receive", {
    "mime_type": "a/b",
    fd: memoryFile(),
  });
  world.client.mustHear(
    "zwp_primary_selection_device_v1@6.data_offer(new zwp_primary_selection_offer_v1@4278190080)",
    "zwp_primary_selection_device_v1@6.selection(zwp_primary_selection_offer_v1@4278190080)",
  );
  host.mustHear('gtk_primary_selection_offer@4278190080.receive("a/b", fd)');
});

for (const names of [[STANDARD, OLD], [OLD, STANDARD]]) {
  Deno.test(`a host with both names needs no alias, whichever comes first: ${names[0]}`, () => {
    using world = worldWith(names);
    assert.deepEqual(told(world).sort(), [[1, names[0]], [2, names[1]]]);
  });
}

Deno.test("an empty primary selection is a null offer", () => {
  using world = worldWith([STANDARD]);
  world.bind(1, STANDARD, 1, 3);
  world.bind(9, "wl_seat", 8, 4);
  world.client.say(3, `${STANDARD}.get_device`, { id: 5, seat: 4 });
  world.forget();
  world.host.say(5, "zwp_primary_selection_device_v1.selection", { id: null });
  world.client.mustHear("zwp_primary_selection_device_v1@5.selection(nil)");
});

Deno.test("a primary selection that is denied is denied under both names", () => {
  using world = worldWith([STANDARD, OLD], { deny: [STANDARD] });
  assert.deepEqual(told(world), []);
});

Deno.test("the old name can be denied alone", () => {
  using world = worldWith([STANDARD], { deny: [OLD] });
  assert.deepEqual(told(world), [[1, STANDARD]]);
});

Deno.test("with the manager its alias goes", () => {
  using world = worldWith([STANDARD]);
  world.host.withdraw(1);
  world.client.mustHear(
    "wl_registry@2.global_remove(1)",
    `wl_registry@2.global_remove(${0xfffffff1})`,
  );
});
