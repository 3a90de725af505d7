/**
 * A client whose shared memory its host does not see. The client has
 * `wl_compositor` (3), `wl_shm` (4) and a surface (5), which are the same
 * numbers on the host; what the relay makes on the host for itself begins at 6.
 */
import type { Rectangle } from "../../support/scripted_client.ts";
import { BufferScene, type ClientBuffer, SURFACE } from "./buffer_scene.ts";
import {
  RelayWorld,
  type RelayWorldOptions,
  usualGlobals,
} from "../../support/relay_world.ts";

/**
 * How many descriptors of clients' files this process has, the clients' own
 * among them.
 */
export function openClientFiles(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (target.includes("memfd:client")) count++;
    } catch {
      // the descriptor of the folder itself, which is closed by now
    }
  }
  return count;
}

/** The client, its buffers, and the memory of the host. */
export class ShadowScene extends BufferScene {
  override readonly world: RelayWorld;
  /** The host's objects: number of a pool's block, and pool of a buffer. */
  readonly #blockOfPool = new Map<string, number>();
  readonly #poolOfBuffer = new Map<string, string>();
  #poolCount = 0;

  constructor(
    globals: readonly (readonly [number, string, number])[] = [],
    options: RelayWorldOptions = {},
  ) {
    super();
    this.world = RelayWorld.ready({
      ...options,
      statistics: this.statistics,
      host: {
        carriages: { shm: "shadowed" },
        allocate: (bytes) => this.room.allocate(bytes),
        ...options.host,
      },
    }, [...usualGlobals, ...globals]);
    this.world.bind(1, "wl_compositor", 6, 3);
    this.world.bind(2, "wl_shm", 1, 4);
    this.client.createSurface(SURFACE);
    this.world.forget();
  }

  override hostHeard(): string[] {
    this.world.settle();
    const lines = this.world.host.heard();
    for (const line of lines) this.#note(line);
    return lines;
  }

  /**
   * What the host heard, without what concerns memory: as from a client whose
   * memory it sees.
   */
  hostHeardOfSurfaces(): string[] {
    return this.hostHeard().filter((line) => !/^wl_(shm|registry)/.test(line));
  }

  /** The client commits a new buffer; the host has no memory from now on. */
  missNew(width: number, height: number, ...damage: Rectangle[]): ClientBuffer {
    this.room.limit = 0;
    const buffer = this.buffer(width, height);
    this.commit(buffer, ...damage);
    this.hostHeard();
    return buffer;
  }

  /** The words of a buffer of the host. */
  pixels(buffer: string): Uint32Array {
    const pool = this.#poolOfBuffer.get(buffer) ?? "";
    const block = this.room.blocks[this.#blockOfPool.get(pool) ?? -1];
    if (block === undefined) throw new Error(`${buffer} has no memory`);
    return new Uint32Array(block.bytes.buffer);
  }

  #note(line: string): void {
    const [, pool] = /create_pool\(new (wl_shm_pool#\d+)/.exec(line) ?? [];
    if (pool !== undefined) this.#blockOfPool.set(pool, this.#poolCount++);
    const [, owner, buffer] =
      /^(wl_shm_pool#\d+)\.create_buffer\(new (wl_buffer#\d+)/.exec(line) ?? [];
    if (owner !== undefined && buffer !== undefined) {
      this.#poolOfBuffer.set(buffer, owner);
    }
  }
}
