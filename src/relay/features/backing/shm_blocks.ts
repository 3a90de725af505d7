/**
 * Memory that the host sees, in blocks, each the one pool of the host's `wl_shm` that its buffers are made in.
 *
 * Blocks come in few sizes, so that those which one window leaves serve the next.
 */
import { SyscallError } from "../../../../ffi/error.ts";
import type { SharedMemory } from "../../../host/endpoint.ts";
import type { Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import type { MemoryBudget, Shortage } from "./memory_budget.ts";
import { MemoryCache } from "./memory_cache.ts";
import { ignoreEvents } from "../../ignore_events.ts";

/** No block is smaller: the largest page that hosts and guests have. */
const MIN_BLOCK_BYTES = 16 * 1024;
/** No block is larger: the protocol has 31 bits for a pool's size, and hosts want whole pages. */
const MAX_BLOCK_BYTES = 0x7fff_0000;

/** A piece of the host's memory. */
export interface Block {
  readonly memory: SharedMemory;
  /** The host's `wl_shm_pool`. */
  readonly pool: Entry;
}

/** The sizes of blocks: whole pages, powers of two and three steps between each two; null where there is none that large. */
export function blockSize(bytes: number): number | null {
  if (bytes > MAX_BLOCK_BYTES) return null;
  if (bytes <= MIN_BLOCK_BYTES) return MIN_BLOCK_BYTES;
  const power = 2 ** Math.floor(Math.log2(bytes));
  const step = Math.max(MIN_BLOCK_BYTES, power / 4);
  return Math.min(MAX_BLOCK_BYTES, Math.ceil(bytes / step) * step);
}

/** One client's blocks. */
export class ShmBlocks implements Disposable {
  readonly #relay: FeatureRelay;
  readonly #budget: MemoryBudget;
  readonly #used = new Set<Block>();
  readonly #unused: MemoryCache<Block>;
  #shm: Entry | null = null;

  constructor(relay: FeatureRelay, budget: MemoryBudget) {
    this.#relay = relay;
    this.#budget = budget;
    this.#unused = new MemoryCache(relay.loop, (block) => this.#free(block));
  }

  /** A block of at least that size, whose contents are anything; or why there is none. */
  allocate(bytes: number): Block | Shortage {
    const size = blockSize(bytes);
    if (size === null) return "host";
    const block = this.#unused.take(({ memory }) => memory.size === size) ??
      this.#budget.obtain(
        size,
        () => this.#make(size),
        () => this.#unused.freeAll(),
      );
    if (typeof block !== "string") this.#used.add(block);
    return block;
  }

  /** Keeps a block that neither we nor the host use any more. */
  recycle(block: Block): void {
    if (this.#used.delete(block)) this.#unused.add(block);
  }

  /** Gives a block away that the host may still use. */
  discard(block: Block): void {
    if (this.#used.delete(block)) this.#free(block);
  }

  [Symbol.dispose](): void {
    for (const block of this.#used) this.#forget(block);
    for (const block of this.#unused.takeAll()) this.#forget(block);
    this.#used.clear();
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

  #free(block: Block): void {
    this.#relay.sendRequest(block.pool, "wl_shm_pool.destroy", {});
    this.#forget(block);
  }

  #forget({ memory }: Block): void {
    this.#budget.giveBack(memory.size);
    memory[Symbol.dispose]();
  }
}

/** A descriptor of the memory, or null where this process has no room for one; the memory is given back then. */
function share(memory: SharedMemory): number | null {
  try {
    return memory.share();
  } catch (error) {
    memory[Symbol.dispose]();
    if (error instanceof SyscallError) return null;
    throw error;
  }
}
