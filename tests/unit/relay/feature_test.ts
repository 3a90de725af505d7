import assert from "node:assert/strict";
import { getEvent, getRequest } from "../../../protocols/tables.ts";
import type { Carriage, Carrier } from "../../../src/host/endpoint.ts";
import {
  ActiveFeatures,
  type Feature,
  FeatureSet,
} from "../../../src/relay/feature.ts";
import { shorten } from "../../../src/relay/features/title_tag.ts";
import { announcementRank } from "../../../src/relay/registry.ts";

Deno.test("handlers stand at the index of their message, in the order of the features", () => {
  const first: Feature<null> = {
    name: "first",
    open: () => null,
    requests: { "wl_surface.commit": () => "forward" },
    events: { "wl_surface.enter": () => "forward" },
  };
  const second: Feature<null> = {
    name: "second",
    open: () => null,
    requests: { "wl_surface.commit": () => "take" },
    events: {},
  };
  const { handlers } = new ActiveFeatures([first, second]);
  const placesOf = (index: number): number[] | undefined =>
    handlers[index]?.map(({ feature }) => feature);
  assert.deepEqual(placesOf(getRequest("wl_surface.commit").index), [0, 1]);
  assert.deepEqual(placesOf(getEvent("wl_surface.enter").index), [0]);
  assert.equal(handlers[getRequest("wl_surface.damage").index] ?? null, null);
});

Deno.test("a feature that overrides a message that there is none of is refused", () => {
  const wrong: Feature<null> = {
    name: "wrong",
    open: () => null,
    requests: {},
    events: {},
  };
  // Types forbid it; a table from elsewhere could still have it.
  Object.assign(wrong.requests, { "wl_surface.comit": () => "forward" });
  assert.throws(
    () => new ActiveFeatures([wrong]),
    /Cannot override wl_surface.comit: there is no such message/,
  );
});

Deno.test("a feature looks at descriptors by their kind, and no two at the same", () => {
  const looking: Feature<null> = {
    name: "looking",
    open: () => null,
    requests: {},
    events: {},
    descriptors: { shm: () => {} },
  };
  const other: Feature<null> = { ...looking, descriptors: {} };
  const { descriptorChecks } = new ActiveFeatures([other, looking]);
  assert.deepEqual([...descriptorChecks.keys()], ["shm"]);
  assert.equal(descriptorChecks.get("shm")?.feature, 1);
  assert.throws(
    () => new ActiveFeatures([looking, looking]),
    /Cannot check descriptors of the kind shm twice/,
  );
});

Deno.test("a feature is there where it applies to how the host gets its descriptors", () => {
  const carrier = (shm: Carriage): Carrier => ({ carries: () => shm });
  const everywhere: Feature<null> = {
    name: "everywhere",
    open: () => null,
    requests: {},
    events: {},
  };
  const shadowing: Feature<null> = {
    ...everywhere,
    name: "shadowing",
    appliesTo: ({ carries }) => carries("shm", "request") === "shadowed",
  };
  const set = new FeatureSet([shadowing, everywhere]);
  const namesFor = (shm: Carriage): string[] =>
    set.activeFor(carrier(shm)).features.map(({ name }) => name);
  assert.deepEqual(namesFor("as-is"), ["everywhere"]);
  assert.deepEqual(namesFor("shadowed"), ["shadowing", "everywhere"]);
  const same = carrier("as-is");
  assert.equal(set.activeFor(same), set.activeFor(same));
});

Deno.test("seats are told behind everything else, and outputs behind them", () => {
  const ranks = ["wl_data_device_manager", "wl_seat", "wl_output"].map(
    announcementRank,
  );
  assert.deepEqual(ranks, [0, 1, 2]);
});

const cuts: [text: string, bytes: number, expected: string][] = [
  ["", 0, ""],
  ["abc", 3, "abc"],
  ["abc", 2, "ab"],
  ["abc", 0, ""],
  ["\u00e4\u00e4", 4, "\u00e4\u00e4"],
  ["\u00e4\u00e4", 3, "\u00e4"],
  ["\u20ac", 2, ""],
  ["a\u{1f4a1}b", 4, "a"],
  ["a\u{1f4a1}b", 5, "a\u{1f4a1}"],
  ["a\u{1f4a1}b", 6, "a\u{1f4a1}b"],
];

for (const [text, bytes, expected] of cuts) {
  Deno.test(`the beginning of ${JSON.stringify(text)} in ${bytes} bytes`, () => {
    assert.equal(shorten(text, bytes), expected);
  });
}
