/** Features made for one scenario. */
import type { Feature, FeatureRelay } from "../../../src/relay/feature.ts";
import { RelayWorld } from "../../support/relay_world.ts";

/** A feature without state. */
export function feature(
  parts: Partial<Feature<FeatureRelay>>,
): Feature<FeatureRelay> {
  return {
    name: "test",
    open: (relay) => relay,
    requests: {},
    events: {},
    ...parts,
  };
}

/** A client with a compositor 3, a surface 4, a seat 5 and a pointer 6. */
export function featureWorld(...features: Feature[]): RelayWorld {
  const world = RelayWorld.withSurface({ features });
  world.bind(3, "wl_seat", 8, 5);
  world.client.say(5, "wl_seat.get_pointer", { id: 6 });
  world.forget();
  return world;
}
