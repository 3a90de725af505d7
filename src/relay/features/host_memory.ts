/**
 * Memory that the host sees, in blocks, each the one pool of the host's `wl_shm` that its buffers are made in.
 *
 * Asking the host for memory is dear, and room for it is little: blocks come in few sizes, those that nobody uses are kept for a while, and
 * given back at once when there is no room.
 */
import { SyscallError } from "../../../ffi/error.ts";
import type { SharedMemory } from "../../host/endpoint.ts";
import type { Timer } from "../../loop/loop.ts";
import type { Entry, EventListener } from "../entry.ts";
import type { FeatureRelay } from "../feature.ts";
import type { CopyStatistics } from "./copy_statistics.ts";

/** Bytes of unused blocks that one client keeps. */
const CACHE_BYTES = 64 * 1024 * 1024;
/** How long an unused block is kept, in milliseconds. */
const CACHE_TIME = 5_000;
/** No block is smaller: the largest page that hosts and guests have. */
const SMALLEST = 16 * 1024;

/** No block is larger: the protocol has 31 bits for a pool's size, and hosts want whole pages. */
const LARGEST = 0x7fff_0000;

/** Events of no interest: formats, which the client's own `wl_shm` hears of as well. */
const ignored: EventListener = { event: () => {} };

/** A piece of the host's memory. */
export interface Block {
  readonly memory: SharedMemory;
  /** The host's `wl_shm_pool`. */
  readonly pool: Entry;
}

interface UnusedBlock {
  readonly block: Block;
  /** Milliseconds of the loop's clock. */
  readonly since: number;
}

/** The sizes of blocks: whole pages, powers of two and three steps between each two; null where there is none that large. */
export function blockSize(bytes: number): number | null {
  if (bytes > LARGEST) return null;
  if (bytes <= SMALLEST) return SMALLEST;
  const power = 2 ** Math.floor(Math.log2(bytes));
  const step = Math.max(SMALLEST, power / 4);
  return Math.min(LARGEST, Math.ceil(bytes / step) * step);
}

/** One client's blocks. */
export class HostMemory implements Disposable {
  readonly #relay: FeatureRelay;
  readonly #statistics: CopyStatistics;
  readonly #onExhausted: () => void;
  readonly #used = new Set<Block>();
  /** Those longest unused first. */
  readonly #unused: UnusedBlock[] = [];
  #unusedBytes = 0;
  #timer: Timer | null = null;
  #shm: Entry | null = null;

  /** @param onExhausted recycles what somebody has and could do without */
  constructor(
    relay: FeatureRelay,
    statistics: CopyStatistics,
    onExhausted: () => void,
  ) {
    this.#relay = relay;
    this.#statistics = statistics;
    this.#onExhausted = onExhausted;
  }

  /** A block of at least that size, whose contents are anything; null where the host has no room for it. */
  allocate(bytes: number): Block | null {
    const size = blockSize(bytes);
    if (size === null) return null;
    const block = this.#takeUnused(size) ?? this.#make(size) ??
      this.#makeWithoutCache(size);
    if (block !== null) this.#used.add(block);
    return block;
  }

  /** Keeps a block that neither we nor the host use any more. */
  recycle(block: Block): void {
    if (!this.#used.delete(block)) return;
    this.#unused.push({ block, since: this.#relay.loop.now });
    this.#unusedBytes += block.memory.size;
    while (this.#unusedBytes > CACHE_BYTES) this.#freeOldest();
    this.#startTimer();
  }

  /** Gives a block away that the host may still use. */
  discard(block: Block): void {
    if (this.#used.delete(block)) this.#free(block);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    for (const block of this.#used) this.#forget(block);
    for (const { block } of this.#unused) this.#forget(block);
    this.#used.clear();
    this.#unused.length = 0;
    this.#unusedBytes = 0;
  }

  /** Takes the block that was used last, which is the likeliest to be in some cache. */
  #takeUnused(size: number): Block | null {
    const index = this.#unused.findLastIndex(({ block }) =>
      block.memory.size === size
    );
    const [found] = index < 0 ? [] : this.#unused.splice(index, 1);
    if (found === undefined) return null;
    this.#unusedBytes -= size;
    return found.block;
  }

  #make(size: number): Block | null {
    const { host } = this.#relay;
    const shm = this.#shm ??= this.#relay.bindGlobal("wl_shm", 1, ignored);
    const memory = shm === null ? null : host.allocate?.(size) ?? null;
    if (shm === null || memory === null) return null;
    const fd = share(memory);
    if (fd === null) return null;
    this.#statistics.addAllocatedBytes(memory.size);
    const pool = this.#relay.createHostObject("wl_shm_pool", 1, ignored);
    this.#relay.sendRequest(shm, "wl_shm.create_pool", {
      id: pool,
      fd,
      size: memory.size,
    });
    return { memory, pool };
  }

  /** Gives back what is kept, and asks again; then what others could do without. */
  #makeWithoutCache(size: number): Block | null {
    return this.#makeAfterFreeing(size) ??
      (this.#onExhausted(), this.#makeAfterFreeing(size));
  }

  #makeAfterFreeing(size: number): Block | null {
    if (this.#unused.length === 0) return null;
    while (this.#unused.length > 0) this.#freeOldest();
    return this.#make(size);
  }

  #freeOldest(): void {
    const oldest = this.#unused.shift();
    if (oldest === undefined) return;
    this.#unusedBytes -= oldest.block.memory.size;
    this.#free(oldest.block);
  }

  #free(block: Block): void {
    this.#relay.sendRequest(block.pool, "wl_shm_pool.destroy", {});
    this.#forget(block);
  }

  #forget({ memory }: Block): void {
    this.#statistics.addAllocatedBytes(-memory.size);
    memory[Symbol.dispose]();
  }

  #startTimer(): void {
    const oldest = this.#unused[0];
    if (this.#timer !== null || oldest === undefined) return;
    const { loop } = this.#relay;
    this.#timer = loop.after(oldest.since + CACHE_TIME - loop.now, () => {
      this.#timer = null;
      this.#freeOld();
      this.#startTimer();
    });
  }

  #freeOld(): void {
    const limit = this.#relay.loop.now - CACHE_TIME;
    while ((this.#unused[0]?.since ?? Infinity) <= limit) this.#freeOldest();
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
