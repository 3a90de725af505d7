/**
 * Copies the client's shared memory to where the host sees it.
 *
 * Client pools and buffers have no host half. When the client commits a buffer,
 * the relay copies what changed into memory that the host does see. Unlike
 * plain forwarding: `wl_surface.attach`, `commit`, `get_release`; see also
 * shm_messages.ts and icon_messages.ts. The feature must see a commit last, so
 * it stands after all features that may hold one.
 */
import { shadowsMemory } from "../../../host/endpoint.ts";
import type { Feature } from "../../feature.ts";
import type { CopyStatistics } from "../backing/mod.ts";
import { shmEvents, shmRequests } from "./shm_messages.ts";
import { ClientShadows } from "./client_shadows.ts";
import { iconRequests } from "./icon_messages.ts";
import { surfaceOf } from "../surface/mod.ts";

/** @param statistics counts what the relay copies for all clients */
export function shadowedMemory(
  statistics: CopyStatistics,
): Feature<ClientShadows> {
  return {
    name: "shadowed memory",
    appliesTo: shadowsMemory,
    open: (relay) => new ClientShadows(relay, statistics),
    globalsKnown: ({ backings }) => backings.globalsKnown(),
    requests: {
      ...shmRequests,
      ...iconRequests,
      "wl_surface.attach": (state, entry, { buffer }) =>
        state.findOrAdd(entry)?.attach(buffer) ?? "forward",
      "wl_surface.get_release": (state, entry, { callback }) => {
        const surface = state.findOrAdd(entry);
        if (surface === null) return "forward";
        surface.addReleaseCallback(callback);
        return "take";
      },
      "wl_surface.commit": (state, entry) => {
        const surface = surfaceOf(entry);
        if (surface === null) return "forward";
        const verdict = state.find(surface)?.commit() ?? "forward";
        if (verdict === "forward") surface.committed();
        return verdict;
      },
      "wl_surface.destroy": (state, entry) => {
        const surface = surfaceOf(entry);
        if (surface !== null) state.remove(surface);
        return "forward";
      },
    },
    events: shmEvents,
  };
}
