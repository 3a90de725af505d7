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

/** A client with a compositor 3, a surface 4, a seat 5 and a pointer 6; the host's ids are the same. */
export function featureWorld(...features: Feature<FeatureRelay>[]): RelayWorld {
  const world = RelayWorld.ready({ features });
  world.bind(1, "wl_compositor", 6, 3);
  world.client.say(3, "wl_compositor.create_surface", { id: 4 });
  world.bind(3, "wl_seat", 8, 5);
  world.client.say(5, "wl_seat.get_pointer", { id: 6 });
  world.forget();
  return world;
}
