/** Features made for one scenario. */
import type {
  EventName,
  RequestName,
} from "../../../protocols/generated/messages.ts";
import type {
  Direction,
  EventHandlers,
  Feature,
  FeatureRelay,
  RequestHandlers,
  Verdict,
} from "../../../src/relay/feature.ts";
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

/** Holds these messages until a direction is released. */
export class Gate implements Feature<null> {
  readonly name = "gate";
  readonly requests: RequestHandlers<null>;
  readonly events: EventHandlers<null>;
  #isOpen = false;
  #relay: FeatureRelay | null = null;

  constructor(requests: readonly RequestName[], events: readonly EventName[]) {
    const verdict = (): Verdict => this.#isOpen ? "forward" : "hold";
    const held = (names: readonly string[]): Record<string, () => Verdict> =>
      Object.fromEntries(names.map((name) => [name, verdict]));
    this.requests = held(requests);
    this.events = held(events);
  }

  open(relay: FeatureRelay): null {
    this.#relay = relay;
    return null;
  }

  /** Lets that direction go on. */
  release(direction: Direction): void {
    this.#isOpen = true;
    this.#relay?.resume(direction);
    this.#isOpen = false;
  }
}

/** A client with a compositor 3, a surface 4, a seat 5 and a pointer 6. */
export function featureWorld(...features: Feature[]): RelayWorld {
  const world = RelayWorld.withSurface({ features });
  world.bind(3, "wl_seat", 8, 5);
  world.client.say(5, "wl_seat.get_pointer", { id: 6 });
  world.forget();
  return world;
}
