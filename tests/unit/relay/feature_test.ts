import assert from "node:assert/strict";
import type { Carrier } from "../../../src/host/endpoint.ts";
import {
  ActiveFeatures,
  type Feature,
  FeatureSet,
} from "../../../src/relay/feature.ts";

const IDLE: Feature<null> = {
  name: "idle",
  open: () => null,
  requests: {},
  events: {},
};

Deno.test("a feature that overrides a message that there is none of is refused", () => {
  // Types forbid it; a table from elsewhere could still have it.
  const requests: Feature["requests"] = {};
  Object.assign(requests, { "wl_surface.comit": () => "forward" });
  assert.throws(
    () => new ActiveFeatures([{ ...IDLE, requests }]),
    /Cannot override wl_surface.comit: there is no such message/,
  );
});

Deno.test("a feature looks at descriptors by their kind, and no two at the same", () => {
  const looking = { ...IDLE, descriptors: { shm: () => {} } };
  const { descriptorChecks } = new ActiveFeatures([IDLE, looking]);
  assert.deepEqual([...descriptorChecks.keys()], ["shm"]);
  assert.equal(descriptorChecks.get("shm")?.feature, 1);
  assert.throws(
    () => new ActiveFeatures([looking, looking]),
    /Cannot look at descriptors of the kind shm twice/,
  );
});

Deno.test("the features of endpoints of one kind are found once", () => {
  const set = new FeatureSet([IDLE]);
  const carrier: Carrier = { carries: () => "as-is" };
  assert.equal(set.activeFor(carrier), set.activeFor(carrier));
});
