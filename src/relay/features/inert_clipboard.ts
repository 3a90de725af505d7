/**
 * Gives a client that may not use the host's clipboard one that stays empty.
 *
 * Many toolkits do not start without `wl_data_device_manager`, so the registry
 * offers one that the host does not know, and what is made from it is inert:
 * copying is accepted, nothing is ever offered. Only a drag must be answered,
 * or its source would wait forever.
 *
 * Unlike plain forwarding: `wl_data_device.start_drag` of an inert device
 * (wayland.xml).
 */
import type { Feature, FeatureRelay } from "../feature.ts";

/** The feature; without an inert manager it never has anything to do. */
export const inertClipboard: Feature<FeatureRelay> = {
  name: "inert clipboard",
  open: (relay) => relay,
  requests: {
    "wl_data_device.start_drag": (relay, device, { source }) => {
      if (device.hostId !== 0) return "forward";
      if (source !== null && !source.destroyed) {
        relay.sendEvent(source, "wl_data_source.cancelled", {});
      }
      return "take";
    },
  },
  events: {},
};
