/**
 * `wl_shm` where the host cannot see the client's memory: pools and buffers stay ours.
 *
 * Unlike plain forwarding: everything of `wl_shm_pool`, `wl_shm.create_pool`, and formats that cannot be copied are not told to the client
 * (wayland.xml).
 */
import { O_ACCMODE, O_RDWR, statusFlags } from "../../../ffi/fd.ts";
import type { EventHandlers, RequestHandlers } from "../feature.ts";
import type { Shadowing } from "./shadowing.ts";
import {
  checkBufferShape,
  checkPoolSize,
  ShmBuffer,
  shmBufferOf,
  ShmPool,
  unmappable,
} from "./shm_buffer.ts";

/** Requests of pools and buffers. */
export const shmRequests: RequestHandlers<Shadowing> = {
  "wl_shm.create_pool": (state, shm, { id, fd, size }) => {
    checkPoolSize(shm, size);
    state.checkPoolCount();
    const { relay } = state;
    const borrowed = relay.peekFromClient(fd);
    if ((statusFlags(borrowed) & O_ACCMODE) !== O_RDWR) {
      throw unmappable(shm, borrowed, "Permission denied");
    }
    id.record = state.addPool(relay.openFromClient(fd, "shm"), size);
    return "take";
  },
  "wl_shm_pool.create_buffer": ({ offeredFormats }, entry, values) => {
    const { record: pool } = entry;
    if (!(pool instanceof ShmPool)) return "forward";
    const shape = checkBufferShape(entry, pool, values, offeredFormats);
    values.id.record = new ShmBuffer(values.id, pool, shape);
    return "take";
  },
  "wl_shm_pool.resize": (_state, entry, { size }) => {
    if (entry.record instanceof ShmPool) entry.record.resize(entry, size);
    return "forward";
  },
  "wl_shm_pool.destroy": (_state, entry) => {
    if (entry.record instanceof ShmPool) entry.record.release();
    return "forward";
  },
  "wl_buffer.destroy": (_state, entry) => {
    shmBufferOf(entry)?.release();
    return "forward";
  },
};

/** What the host says of formats. */
export const shmEvents: EventHandlers<Shadowing> = {
  "wl_shm.format": ({ offeredFormats, canvases }, _shm, { format }) => {
    if (!offeredFormats.has(format) && !canvases.shows(format)) return "take";
    offeredFormats.add(format);
    return "forward";
  },
};
