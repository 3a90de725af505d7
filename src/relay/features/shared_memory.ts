/**
 * Refuses shared memory that is none.
 *
 * Whoever maps a pool trusts the file behind it: one on a file system of the client's own, FUSE say, may never answer, and a pipe
 * or directory is no memory at all. Unlike plain forwarding: `wl_shm.create_pool` (wayland.xml).
 */
import { memoryKind } from "../../../ffi/file_kind.ts";
import { ClientError } from "../../wayland/protocol_error.ts";
import type { Feature, FeatureRelay } from "../feature.ts";

/** `wl_shm.error.invalid_fd`. */
const INVALID_FD = 2;

/** The feature; it keeps the relay that it looks at descriptors through. */
export const sharedMemory: Feature<FeatureRelay> = {
  name: "shared memory",
  open: (relay) => relay,
  requests: {
    "wl_shm.create_pool": (relay, shm, { fd }) => {
      const kind = memoryKind(relay.peekFromClient(fd));
      if (kind === "memory" || kind === "disk") return "forward";
      throw new ClientError(
        shm.clientId,
        INVALID_FD,
        `the descriptor of a pool is no memory but ${
          descriptions[kind]
        }; make it with memfd_create or shm_open`,
      );
    },
  },
  events: {},
};

const descriptions = {
  foreign: "a file of a file system that may never answer",
  pipe: "a pipe",
  directory: "a directory",
  socket: "a socket",
  device: "a device",
  invalid: "not open",
} as const;
