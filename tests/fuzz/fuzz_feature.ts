/**
 * A feature without an opinion: it holds messages at random, and has others
 * written anew as they are. What reaches the other side must be the same as
 * without it.
 */
import type {
  Feature,
  FeatureRelay,
  Verdict,
} from "../../src/relay/feature.ts";
import type { Random } from "../support/random.ts";

/** What it does in the world that is being made. */
export interface Whims {
  readonly random: Random;
  /** In percent. */
  readonly holds: number;
  readonly rewrites: number;
  /** Told of the relay, to resume it. */
  opened(held: Held): void;
}

/** The directions of one relay that are held. */
export class Held {
  readonly #relay: FeatureRelay;
  readonly #whims: Whims;
  requests = false;
  events = false;

  constructor(relay: FeatureRelay, whims: Whims) {
    this.#relay = relay;
    this.#whims = whims;
  }

  /** Lets everything go on. @returns whether anything was held */
  resume(): boolean {
    const { requests, events } = this;
    this.requests = this.events = false;
    if (requests) this.#relay.resume("requests");
    if (events) this.#relay.resume("events");
    return requests || events;
  }

  decide(direction: "requests" | "events"): Verdict {
    const { random, holds, rewrites } = this.#whims;
    if (random.chance(holds)) {
      this[direction] = true;
      return "hold";
    }
    return random.chance(rewrites) ? "rewrite" : "forward";
  }
}

/** @param whims gives those of the relay that is being made */
export function fuzzFeature(whims: () => Whims): Feature<Held> {
  const request = (held: Held): Verdict => held.decide("requests");
  const event = (held: Held): Verdict => held.decide("events");
  return {
    name: "fuzz",
    open: (relay) => {
      const current = whims();
      const held = new Held(relay, current);
      current.opened(held);
      return held;
    },
    requests: {
      "wl_compositor.create_surface": request,
      "wl_surface.attach": request,
      "wl_surface.damage": request,
      "wl_surface.frame": request,
      "wl_surface.destroy": request,
      "wl_shm.create_pool": request,
      "wl_shm_pool.create_buffer": request,
      "xdg_toplevel.set_title": request,
      "xdg_toplevel.set_parent": request,
      "wl_data_source.offer": request,
      "wl_data_offer.accept": request,
      "wl_data_offer.receive": request,
      "wl_data_device.start_drag": request,
      "wl_seat.get_pointer": request,
      "zwp_linux_buffer_params_v1.add": request,
      "zwp_tablet_tool_v2.set_cursor": request,
    },
    events: {
      "wl_callback.done": event,
      "wl_surface.enter": event,
      "wl_pointer.enter": event,
      "wl_pointer.motion": event,
      "wl_keyboard.keymap": event,
      "wl_keyboard.enter": event,
      "wl_data_device.data_offer": event,
      "wl_data_device.enter": event,
      "wl_data_device.selection": event,
      "wl_data_offer.offer": event,
      "wl_data_source.send": event,
      "wl_seat.capabilities": event,
      "zwp_tablet_seat_v2.tool_added": event,
      "zwp_tablet_pad_v2.enter": event,
      "zwp_linux_dmabuf_feedback_v1.format_table": event,
      "zwp_linux_buffer_params_v1.created": event,
    },
  };
}
