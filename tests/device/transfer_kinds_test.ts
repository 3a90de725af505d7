/**
 * Data of the primary selection and of drags cross the device as those of the
 * clipboard do.
 */
import assert from "node:assert/strict";
import { hostProfile, rutabagas } from "../emulator/host_profile.ts";
import { usualGlobals } from "../support/relay_world.ts";
import { DeviceWorld } from "./support/device_world.ts";
import {
  assertArrives,
  assertSameBytes,
  fill,
  noise,
  type SelectionKind,
  Selections,
  transfer,
} from "./support/selections.ts";

const GTK_MANAGER = "gtk_primary_selection_device_manager";
const sizes = [0, 1, 4073, 100_001];

/**
 * A world whose host has every kind of selection, and a client with one of
 * them.
 */
function open(
  kind: SelectionKind,
  rutabaga = rutabagas[0] ?? "0.1.85",
): { world: DeviceWorld; selections: Selections } {
  const world = new DeviceWorld({
    profile: hostProfile(rutabaga, "fixed"),
    allow: [GTK_MANAGER],
  });
  const manager = kind === "GTK's primary selection"
    ? GTK_MANAGER
    : "zwp_primary_selection_device_manager_v1";
  const client = world.addReady([...usualGlobals, [10, manager, 1]]);
  return { world, selections: new Selections(world, client, kind) };
}

/** What the host is given and gives, whatever their size. */
function assertTransfers(world: DeviceWorld, selections: Selections): void {
  for (const way of ["paste", "offerTo"] as const) {
    for (const size of sizes) {
      using ends = selections[way]();
      assertArrives(world, ends, noise(size));
    }
  }
}

for (const rutabaga of rutabagas) {
  for (
    const kind of ["primary selection", "GTK's primary selection"] as const
  ) {
    Deno.test(`${rutabaga}: data of ${kind} arrive whole, both ways`, () => {
      const { world, selections } = open(kind, rutabaga);
      using _world = world;
      const before = world.machine.census();
      assertTransfers(world, selections);
      assert.deepEqual(world.machine.census(), before);
      assert.deepEqual(world.machine.log, []);
      assert.equal(selections.client.ended, false);
    });
  }

  Deno.test(`${rutabaga}: what is dragged can be looked at before it is dropped, and arrives whole, both ways`, () => {
    const { world, selections } = open("drag and drop", rutabaga);
    using _world = world;
    const before = world.machine.census();
    assertTransfers(world, selections);
    selections.dropOnClient();
    selections.dropOnHost();
    assertTransfers(world, selections);
    selections.finishDrop();
    assert.deepEqual(world.machine.census(), before);
    assert.deepEqual(world.machine.log, []);
    assert.equal(selections.client.ended, false);
  });
}

Deno.test("data of a drag go on after it: the offer is gone, and its pipe is not", () => {
  const { world, selections } = open("drag and drop");
  using _world = world;
  selections.dropOnClient();
  using ends = selections.paste();
  const { writer } = ends;
  const data = noise(20_000);
  fill(writer, data.subarray(0, 5000));
  world.settle();
  selections.finishDrop();
  assert.match(
    selections.client.host.heard().join("\n"),
    /wl_data_offer@\d+\.finish\(\)\nwl_data_offer@\d+\.destroy\(\)/,
  );
  assertSameBytes(
    transfer(world, ends, data.subarray(5000)),
    data,
  );
});

Deno.test("data of the clipboard, of the primary selection and of a drag cross at once", () => {
  const { world, selections: primary } = open("primary selection");
  using _world = world;
  const all = [
    primary,
    new Selections(world),
    new Selections(world, world.addReady(), "drag and drop"),
  ];
  using ends = new DisposableStack();
  const pastes = all.map((selections, i) => {
    const reader = ends.use(selections.ask());
    const writer = ends.use(selections.takeAsked());
    return { reader, writer, data: noise(30_000 + i) };
  });
  for (const { writer, data } of pastes) fill(writer, data.subarray(0, 20_000));
  world.settle();
  for (const { reader, writer, data } of pastes) {
    const out = transfer(world, { reader, writer }, data.subarray(20_000));
    assertSameBytes(out, data);
  }
});
