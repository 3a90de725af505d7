/**
 * A client whose shared memory its host does not see. The client has `wl_compositor` (3), `wl_shm` (4) and a surface (5), which are the
 * same numbers on the host; what the relay makes on the host for itself begins at 6.
 */
import { duplicateFd, type OwnedFd } from "../../../ffi/fd.ts";
import { mapFile, type Mapping } from "../../../ffi/mapping.ts";
import { createMemfd } from "../../../ffi/memfd.ts";
import { CopyStatistics } from "../../../src/relay/features/copy_statistics.ts";
import { HostMemoryRoom } from "./host_memory.ts";
import { usualGlobals, World, type WorldOptions } from "./world.ts";

/** The client's surface, on both sides. */
export const SURFACE = 5;
/** Bytes of a pixel of all formats here, unless a scenario says otherwise. */
export const PIXEL = 4;

/** What a client's pool is made of. */
export interface ClientFile {
  readonly fd: OwnedFd;
  readonly mapping: Mapping;
  readonly words: Uint32Array;
}

/** How many descriptors of clients' files this process has, the clients' own among them. */
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

/** The scene. */
export class ShadowScene implements Disposable {
  readonly room = new HostMemoryRoom();
  readonly statistics = new CopyStatistics();
  readonly world: World;
  readonly #files: ClientFile[] = [];
  /** The host's objects: number of a pool's block, and pool of a buffer. */
  readonly #blockOfPool = new Map<string, number>();
  readonly #poolOfBuffer = new Map<string, string>();
  #poolCount = 0;

  constructor(
    globals: readonly (readonly [number, string, number])[] = [],
    options: WorldOptions = {},
  ) {
    this.world = World.ready({
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
    this.world.client.say(3, "wl_compositor.create_surface", SURFACE);
    this.world.forget();
  }

  /** Sends a request. */
  say(id: number, name: string, ...values: (number | null)[]): void {
    this.world.client.say(id, name, ...values);
  }

  /** The client makes a pool under this id. */
  pool(id: number, bytes: number, size = bytes): ClientFile {
    const fd = createMemfd("client", bytes);
    const mapping = mapFile(fd.number, bytes, "write");
    const words = new Uint32Array(mapping.bytes.buffer);
    const file: ClientFile = { fd, mapping, words };
    this.#files.push(file);
    const sent = duplicateFd(fd.number).release();
    this.world.client.say(4, "wl_shm.create_pool", id, sent, size);
    return file;
  }

  /** The client makes a pool and a buffer that fills it. */
  buffer(
    id: number,
    poolId: number,
    width: number,
    height: number,
  ): ClientFile {
    const stride = width * PIXEL;
    const file = this.pool(poolId, stride * height);
    this.say(
      poolId,
      "wl_shm_pool.create_buffer",
      id,
      0,
      width,
      height,
      stride,
      0,
    );
    return file;
  }

  /** The client attaches a buffer, says which rectangles changed, and commits. */
  commit(
    buffer: number,
    ...damage: (readonly [number, number, number, number])[]
  ): void {
    this.say(SURFACE, "wl_surface.attach", buffer, 0, 0);
    for (const rectangle of damage) {
      this.say(SURFACE, "wl_surface.damage_buffer", ...rectangle);
    }
    this.say(SURFACE, "wl_surface.commit");
    this.world.settle();
  }

  /** What the host heard since the last time. */
  hostHeard(): string[] {
    this.world.settle();
    const lines = this.world.host.heard();
    for (const line of lines) this.#note(line);
    return lines;
  }

  /** What the host heard, without what concerns memory: as from a client whose memory it sees. */
  hostHeardOfSurfaces(): string[] {
    return this.hostHeard().filter((line) => !/^wl_(shm|registry)/.test(line));
  }

  /** What the client heard since the last time, freed ids apart. */
  clientHeard(): string[] {
    this.world.settle();
    return this.world.client.heard().filter((line) =>
      !line.includes("delete_id")
    );
  }

  /** The host's buffer that was attached last, as `wl_buffer@8`. */
  attached(): string {
    const [buffer = ""] = this.hostHeard().flatMap((line) => {
      const [, found] = /^wl_surface@\d+\.attach\(([^,]*),/.exec(line) ?? [];
      return found === undefined ? [] : [found];
    }).slice(-1);
    return buffer;
  }

  /** The words of a buffer of the host. */
  pixels(buffer: string): Uint32Array {
    const pool = this.#poolOfBuffer.get(buffer) ?? "";
    const block = this.room.blocks[this.#blockOfPool.get(pool) ?? -1];
    if (block === undefined) throw new Error(`${buffer} has no memory`);
    return new Uint32Array(block.bytes.buffer);
  }

  /** The host releases a buffer. */
  release(buffer: string): void {
    this.world.host.say(Number(buffer.split("@")[1]), "wl_buffer.release");
    this.world.settle();
  }

  /** Bytes copied since the last time. */
  copiedBytes(): number {
    const bytes = this.statistics.copiedBytes;
    this.statistics.copiedBytes = 0;
    return bytes;
  }

  [Symbol.dispose](): void {
    this.world[Symbol.dispose]();
    this.room[Symbol.dispose]();
    for (const { fd, mapping } of this.#files) {
      mapping[Symbol.dispose]();
      fd[Symbol.dispose]();
    }
  }

  #note(line: string): void {
    const [, pool] = /create_pool\(new (wl_shm_pool@\d+)/.exec(line) ?? [];
    if (pool !== undefined) this.#blockOfPool.set(pool, this.#poolCount++);
    const [, owner, buffer] =
      /^(wl_shm_pool@\d+)\.create_buffer\(new (wl_buffer@\d+)/.exec(line) ?? [];
    if (owner !== undefined && buffer !== undefined) {
      this.#poolOfBuffer.set(buffer, owner);
    }
  }
}
