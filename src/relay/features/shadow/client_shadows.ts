/**
 * The pools and shadows of one client whose shared memory the host cannot see.
 */
import type { Entry } from "../../entry.ts";
import type { FeatureRelay } from "../../feature.ts";
import { noMemory } from "../../refusals.ts";
import { Backings, CopyStatistics } from "../backing/mod.ts";
import { ImportedPools, ShmPool } from "../shm/mod.ts";
import { LateReleases } from "./late_releases.ts";
import { ShadowedSurface } from "./shadowed_surface.ts";
import { type Surface, surfaceOf } from "../surface/mod.ts";

/**
 * Pools that one client may have. Each keeps its file open here, where all
 * clients share the descriptors: when they run out, others end.
 */
export const MAX_POOLS = 4096;

/** Formats that every compositor has, announced or not: argb8888, xrgb8888. */
const ALWAYS_OFFERED = [0, 1];

/** Ends with the client. */
export class ClientShadows implements Disposable {
  readonly relay: FeatureRelay;
  readonly backings: Backings;
  readonly imports: ImportedPools;
  /** Values of `wl_shm.format` that the client may use. */
  readonly offeredFormats = new Set<number>(ALWAYS_OFFERED);
  /** Whether the log has said that icons are not shown. */
  hasWarnedOfIcons = false;
  readonly #pools = new Set<ShmPool>();
  readonly #surfaces = new Map<Surface, ShadowedSurface>();
  readonly #lateReleases: LateReleases;

  /** @param total counts for all clients together */
  constructor(relay: FeatureRelay, total: CopyStatistics) {
    this.relay = relay;
    this.imports = new ImportedPools(relay);
    this.#lateReleases = new LateReleases(relay);
    this.backings = new Backings(relay, new CopyStatistics(total), {
      onReady: () => relay.resume("requests"),
      onShortage: () => {
        for (const surface of this.#surfaces.values()) surface.trim();
      },
    });
  }

  /** Rejects a pool where the client has too many. @throws {ClientError} */
  checkPoolCount(): void {
    if (this.#pools.size < MAX_POOLS) return;
    throw noMemory(`more than ${MAX_POOLS} pools of shared memory`);
  }

  /** Takes the file of a new pool. */
  addPool(fd: number, size: number): ShmPool {
    const pool = new ShmPool(fd, size, (closed) => {
      this.#pools.delete(closed);
      closed.close();
    });
    this.#pools.add(pool);
    return pool;
  }

  /** The shadows of a surface that has some, or null. */
  find(surface: Surface): ShadowedSurface | null {
    return this.#surfaces.get(surface) ?? null;
  }

  /**
   * The shadows of a surface that may have none yet; null where the object is
   * not a surface that the relay knows.
   */
  findOrAdd(entry: Entry): ShadowedSurface | null {
    const surface = surfaceOf(entry);
    if (surface === null) return null;
    let shadowed = this.#surfaces.get(surface);
    if (shadowed === undefined) {
      shadowed = new ShadowedSurface(this.relay, this.backings, surface);
      this.#surfaces.set(surface, shadowed);
    }
    return shadowed;
  }

  /** Forgets a surface that is destroyed. */
  remove(surface: Surface): void {
    const shadowed = this.#surfaces.get(surface);
    if (shadowed === undefined) return;
    this.#surfaces.delete(surface);
    this.#lateReleases.add(shadowed.destroy());
  }

  [Symbol.dispose](): void {
    const { copies, copiedBytes } = this.backings.statistics;
    if (copies > 0) {
      this.relay.inform(`${copies} buffers were copied, ${copiedBytes} bytes`);
    }
    this.#lateReleases[Symbol.dispose]();
    this.backings[Symbol.dispose]();
    this.imports[Symbol.dispose]();
    for (const pool of this.#pools) pool.close();
    this.#pools.clear();
    this.#surfaces.clear();
  }
}
