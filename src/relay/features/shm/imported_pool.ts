/**
 * Pools of the client that the host sees as they are, so that the relay copies
 * nothing: the host has a pool of its own of the same memory, and the client's
 * buffers are in it.
 *
 * The memory is this machine's. Its pages must stay in place as long as the
 * host reads them, and the exported descriptor keeps them there; so it stays
 * open until the host has heard that all buffers and the pool are gone.
 */
import { duplicateFd, type OwnedFd } from "../../../../ffi/fd.ts";
import { SyscallError } from "../../../../ffi/error.ts";
import type { Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import type { BufferShape } from "./pixel_format.ts";
import { ignoreEvents } from "../../ignore_events.ts";

/**
 * Pools that the host imports for one client; the relay copies further ones.
 * Each keeps a descriptor open here.
 */
export const MAX_IMPORTS = 256;
/** Bytes of them: their pages stay in memory, neither moved nor swapped. */
const MAX_IMPORTED_BYTES = 256 * 1024 * 1024;

/** The imported pools of one client. */
export class ImportedPools implements Disposable {
  readonly #relay: FeatureRelay;
  readonly #pools = new Set<ImportedPool>();
  #bytes = 0;
  #shm: Entry | null = null;

  constructor(relay: FeatureRelay) {
    this.#relay = relay;
  }

  /** Imports a client's file; null where the host cannot see it. */
  import(fd: number, size: number): ImportedPool | null {
    const relay = this.#relay;
    const exporter = relay.host.exporter ?? null;
    const isTooMuch = this.#pools.size >= MAX_IMPORTS ||
      this.#bytes + size > MAX_IMPORTED_BYTES;
    if (exporter === null || isTooMuch) return null;
    const memory = exporter.export(fd, size);
    if (memory === null) return null;
    const shm = this.#shm ??= relay.bindGlobal("wl_shm", 1, ignoreEvents);
    const sent = shm === null ? null : duplicate(memory);
    if (shm === null || sent === null) {
      memory[Symbol.dispose]();
      return null;
    }
    const entry = relay.createHostObject("wl_shm_pool", 1, ignoreEvents);
    relay.sendRequest(shm, "wl_shm.create_pool", { id: entry, fd: sent, size });
    const pool = new ImportedPool(relay, entry, memory, () => {
      this.#pools.delete(pool);
      this.#bytes -= size;
    });
    this.#bytes += size;
    this.#pools.add(pool);
    return pool;
  }

  [Symbol.dispose](): void {
    for (const pool of this.#pools) pool.close();
    this.#pools.clear();
  }
}

/** The host's pool of a client's memory. */
export class ImportedPool {
  readonly #relay: FeatureRelay;
  readonly #entry: Entry;
  readonly #memory: OwnedFd;
  readonly #onEnd: () => void;
  #users = 1;

  /** Takes the memory that the host's pool was made of. */
  constructor(
    relay: FeatureRelay,
    entry: Entry,
    memory: OwnedFd,
    onEnd: () => void,
  ) {
    this.#relay = relay;
    this.#entry = entry;
    this.#memory = memory;
    this.#onEnd = onEnd;
  }

  /** Makes the client's buffer on the host. */
  createBuffer(buffer: Entry, shape: BufferShape): void {
    const { offset, width, height, stride, code: format } = shape;
    this.#users++;
    buffer.record = new ImportedBuffer(this);
    this.#relay.addHostHalf(buffer);
    this.#relay.sendRequest(this.#entry, "wl_shm_pool.create_buffer", {
      id: buffer,
      offset,
      width,
      height,
      stride,
      format,
    });
  }

  /** The client's pool is gone, or has another size. */
  retire(): void {
    this.#relay.sendRequest(this.#entry, "wl_shm_pool.destroy", {});
    this.release();
  }

  /** One user is gone, and the host has been told. */
  release(): void {
    if (--this.#users > 0) return;
    this.#relay.afterAnswers(() => {
      this.#onEnd();
      this.close();
    });
  }

  /** Closes the descriptor, which frees the pages. */
  close(): void {
    this.#memory[Symbol.dispose]();
  }
}

/** The record of a `wl_buffer` in an imported pool. */
export class ImportedBuffer {
  readonly pool: ImportedPool;

  constructor(pool: ImportedPool) {
    this.pool = pool;
  }
}

/** Null where this process has no room for another descriptor. */
function duplicate(memory: OwnedFd): number | null {
  try {
    return duplicateFd(memory.number).release();
  } catch (error) {
    if (error instanceof SyscallError) return null;
    throw error;
  }
}
