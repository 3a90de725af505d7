/**
 * `wl_shm` where the host cannot see the client's memory: the relay keeps pools
 * and buffers to itself, apart from those whose memory the host can import.
 *
 * Unlike plain forwarding: everything of `wl_shm_pool`, `wl_shm.create_pool`,
 * and `wl_shm.format`, of which the client does not hear where it cannot be
 * copied (wayland.xml).
 */
import { O_ACCMODE, O_RDWR, statusFlags } from "../../../../ffi/fd.ts";
import type { EventHandlers, RequestHandlers } from "../../feature.ts";
import {
  checkBufferShape,
  checkPoolSize,
  ImportedBuffer,
  ShmBuffer,
  shmBufferOf,
  ShmPool,
  unmappable,
} from "../shm/mod.ts";
import type { ClientShadows } from "./client_shadows.ts";

/** Requests of pools and buffers. */
export const shmRequests: RequestHandlers<ClientShadows> = {
  "wl_shm.create_pool": (state, shm, { id, fd, size }) => {
    checkPoolSize(shm, size);
    state.checkPoolCount();
    const { relay } = state;
    const borrowed = relay.peekFromClient(fd);
    if ((statusFlags(borrowed) & O_ACCMODE) !== O_RDWR) {
      throw unmappable(shm, borrowed, "Permission denied");
    }
    const pool = state.addPool(relay.openFromClient(fd, "shm"), size);
    pool.imported = state.imports.import(pool.fd, size);
    id.record = pool;
    return "take";
  },
  "wl_shm_pool.create_buffer": ({ offeredFormats }, entry, values) => {
    const { record: pool } = entry;
    if (!(pool instanceof ShmPool)) return "forward";
    const shape = checkBufferShape(entry, pool, values, offeredFormats);
    if (pool.imported !== null) pool.imported.createBuffer(values.id, shape);
    else values.id.record = new ShmBuffer(values.id, pool, shape);
    return "take";
  },
  "wl_shm_pool.resize": ({ imports }, entry, { size }) => {
    const { record: pool } = entry;
    if (!(pool instanceof ShmPool)) return "forward";
    pool.resize(entry, size);
    if (pool.imported !== null) {
      // its buffers stay where they are
      pool.imported.retire();
      pool.imported = imports.import(pool.fd, size);
    }
    return "take";
  },
  "wl_shm_pool.destroy": (_state, entry) => {
    const { record: pool } = entry;
    if (!(pool instanceof ShmPool)) return "forward";
    pool.imported?.retire();
    pool.release();
    return "take";
  },
  "wl_buffer.destroy": ({ relay }, entry) => {
    const { record } = entry;
    if (record instanceof ImportedBuffer) {
      relay.sendRequest(entry, "wl_buffer.destroy", {});
      record.pool.release();
      return "take";
    }
    const buffer = shmBufferOf(entry);
    if (buffer === null) return "forward";
    buffer.release();
    return "take";
  },
};

/** Formats that the host offers. */
export const shmEvents: EventHandlers<ClientShadows> = {
  "wl_shm.format": ({ offeredFormats, backings }, _shm, { format }) => {
    if (!offeredFormats.has(format) && !backings.shows(format)) return "take";
    offeredFormats.add(format);
    return "forward";
  },
};
