/**
 * Host memory in blocks, each of which is one pool of the host's `wl_shm`.
 *
 * Blocks come in few sizes, so that those of a closed window serve the next.
 */
import { SyscallError } from "../../../../ffi/error.ts";
import type { SharedMemory } from "../../../host/endpoint.ts";
import type { Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import { ignoreEvents } from "../../ignore_events.ts";
import type { ShmBuffer } from "../shm/mod.ts";
import type { BackingSource } from "./backing.ts";
import type { MemoryBudget, Piece, Shortage } from "./memory_budget.ts";
import { PieceStore } from "./piece_store.ts";

/** No block is smaller: the largest page that hosts and guests have. */
const MIN_BLOCK_BYTES = 16 * 1024;
/**
 * No block is larger: the protocol has 31 bits for a pool's size, and hosts
 * want whole pages.
 */
const MAX_BLOCK_BYTES = 0x7fff_0000;

/** Host memory, and the host's `wl_shm_pool` of it. */
export interface Block extends Piece {
  readonly pool: Entry;
}

/**
 * The sizes of blocks: whole pages, powers of two and three steps between each
 * two; null where no block is that large.
 */
export function blockSize(bytes: number): number | null {
  if (bytes > MAX_BLOCK_BYTES) return null;
  if (bytes <= MIN_BLOCK_BYTES) return MIN_BLOCK_BYTES;
  const power = 2 ** Math.floor(Math.log2(bytes));
  const step = Math.max(MIN_BLOCK_BYTES, power / 4);
  return Math.min(MAX_BLOCK_BYTES, Math.ceil(bytes / step) * step);
}

/** The blocks of one client. */
export class ShmBlocks implements BackingSource<Block>, Disposable {
  readonly pieces: PieceStore<Block>;
  readonly #relay: FeatureRelay;
  #shm: Entry | null = null;

  constructor(relay: FeatureRelay, budget: MemoryBudget) {
    this.#relay = relay;
    this.pieces = new PieceStore(relay.loop, budget, ({ pool }) => {
      relay.sendRequest(pool, "wl_shm_pool.destroy", {});
    });
  }

  allocate(buffer: ShmBuffer): Block | Shortage {
    const size = blockSize(buffer.bytes);
    if (size === null) return "host";
    return this.pieces.obtain(
      size,
      ({ memory }) => memory.size === size,
      () => this.#make(size),
    );
  }

  createBuffer({ pool }: Block, buffer: ShmBuffer): Entry {
    const { width, height, stride, code: format } = buffer;
    const id = this.#relay.createHostObject("wl_buffer", 1, ignoreEvents);
    this.#relay.sendRequest(pool, "wl_shm_pool.create_buffer", {
      id,
      offset: 0,
      width,
      height,
      stride,
      format,
    });
    return id;
  }

  [Symbol.dispose](): void {
    this.pieces[Symbol.dispose]();
  }

  #make(size: number): Block | null {
    const { host } = this.#relay;
    const shm = this.#shm ??= this.#relay.bindGlobal("wl_shm", 1, ignoreEvents);
    const memory = shm === null ? null : host.allocate?.(size) ?? null;
    if (shm === null || memory === null) return null;
    const fd = share(memory);
    if (fd === null) return null;
    const pool = this.#relay.createHostObject("wl_shm_pool", 1, ignoreEvents);
    this.#relay.sendRequest(shm, "wl_shm.create_pool", {
      id: pool,
      fd,
      size: memory.size,
    });
    return { memory, pool };
  }
}

/**
 * A descriptor of the memory. Where this process has no room for one, gives the
 * memory back and returns null.
 */
function share(memory: SharedMemory): number | null {
  try {
    return memory.share();
  } catch (error) {
    memory[Symbol.dispose]();
    if (error instanceof SyscallError) return null;
    throw error;
  }
}
