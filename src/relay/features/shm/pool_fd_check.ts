/**
 * Rejects pool descriptors that are not memory: pipes, sockets, directories,
 * and files whose file system may never answer.
 *
 * A file system of the client's own (FUSE) may make a compositor that maps its
 * file wait forever. A file on a disk is memory, and so is one on a share of
 * this virtual machine's host. Unlike plain forwarding: every descriptor of the
 * kind "shm", which is that of `wl_shm.create_pool` (wayland.xml).
 */
import { memoryKind } from "../../../../ffi/file_kind.ts";
import { ClientError } from "../../../wayland/protocol_error.ts";
import type { Feature } from "../../feature.ts";

/** `wl_shm.error.invalid_fd`. */
const INVALID_FD = 2;

/** Keeps no state. */
export const sharedMemoryCheck: Feature<null> = {
  name: "shared memory",
  open: () => null,
  requests: {},
  events: {},
  descriptors: {
    shm: (_, shm, fd) => {
      const kind = memoryKind(fd);
      if (kind === "memory" || kind === "disk") return;
      throw new ClientError(
        shm.clientId,
        INVALID_FD,
        `the descriptor of a pool is no memory but ${
          descriptions[kind]
        }; make it with memfd_create or shm_open`,
      );
    },
  },
};

const descriptions = {
  foreign: "a file of a file system that may never answer",
  pipe: "a pipe",
  directory: "a directory",
  socket: "a socket",
  device: "a device",
  invalid: "not open",
} as const;
