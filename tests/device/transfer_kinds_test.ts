/**
 * Data of the primary selection and of drags cross the device as those of the
 * clipboard do.
 */
import assert from "node:assert/strict";
import { hostProfile, releases } from "../emulator/host_profile.ts";
import { DeviceWorld } from "./support/device_world.ts";
import {
  assertSameBytes,
  noise,
  type SelectionKind,
  Selections,
} from "./support/selections.ts";

const GTK_MANAGER = "gtk_primary_selection_device_manager";
const sizes = [0, 1, 4073, 100_001];

/** A host that has every kind of selection, and a client with one of them. */
class KindWorld extends DeviceWorld {
  readonly selections: Selections;

  constructor(kind: SelectionKind, profile = hostProfile("0.1.85", "fixed")) {
    super({ profile, allow: [GTK_MANAGER] });
    const manager = kind === "GTK's primary selection"
      ? GTK_MANAGER
      : "zwp_primary_selection_device_manager_v1";
    const client = this.addReady([[10, manager, 1]]);
    this.selections = new Selections(this, client, kind);
  }

  /** What the host is given and gives arrives, whatever its size. */
  assertTransfers(): void {
    for (const way of ["paste", "offerTo"] as const) {
      for (const size of sizes) {
        using ends = this.selections[way]();
        ends.assertArrives(noise(size));
      }
    }
  }
}

for (const profile of releases) {
  for (
    const kind of ["primary selection", "GTK's primary selection"] as const
  ) {
    Deno.test(`${profile.name}: data of ${kind} arrive whole, both ways`, () => {
      using world = new KindWorld(kind, profile);
      const before = world.machine.census();
      world.assertTransfers();
      assert.deepEqual(world.machine.census(), before);
      assert.equal(world.selections.client.ended, false);
      world.assertSound();
    });
  }

  Deno.test(`${profile.name}: what is dragged can be looked at before it is dropped, and arrives whole, both ways`, () => {
    using world = new KindWorld("drag and drop", profile);
    const { selections } = world;
    const before = world.machine.census();
    world.assertTransfers();
    selections.dropOnClient();
    selections.dropOnHost();
    world.assertTransfers();
    selections.finishDrop();
    assert.deepEqual(world.machine.census(), before);
    assert.equal(selections.client.ended, false);
    world.assertSound();
  });
}

Deno.test("data of a drag go on after it: the offer is gone, and its pipe is not", () => {
  using world = new KindWorld("drag and drop");
  const { selections } = world;
  selections.dropOnClient();
  using ends = selections.paste();
  const data = noise(20_000);
  ends.write(data.subarray(0, 5000));
  selections.finishDrop();
  assert.match(
    selections.client.host.heard().join("\n"),
    /wl_data_offer@\d+\.finish\(\)\nwl_data_offer@\d+\.destroy\(\)/,
  );
  assertSameBytes(ends.transfer(data.subarray(5000)), data);
});

Deno.test("data of the clipboard, of the primary selection and of a drag cross at once", () => {
  using world = new KindWorld("primary selection");
  using pasted = world.selections.paste();
  using copied = new Selections(world).paste();
  using dragged = new Selections(world, world.addReady(), "drag and drop")
    .paste();
  const all = [pasted, copied, dragged];
  const data = noise(30_000);
  for (const [i, ends] of all.entries()) ends.write(data.subarray(i, 20_000));
  for (const [i, ends] of all.entries()) {
    assertSameBytes(ends.transfer(data.subarray(20_000)), data.subarray(i));
  }
});
