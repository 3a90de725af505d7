/** A client with pools and buffers on a surface, and what its host makes of them. `wl_shm` is its object 4. */
import { duplicateFd, type OwnedFd } from "../../../ffi/fd.ts";
import { mapFile, type Mapping } from "../../../ffi/mapping.ts";
import { createMemfd } from "../../../ffi/memfd.ts";
import { CopyStatistics } from "../../../src/relay/features/backing/copy_statistics.ts";
import { HostMemoryRoom } from "../../support/host_memory.ts";
import type {
  Rectangle,
  ScriptedClient,
} from "../../support/scripted_client.ts";
import type { ScriptedHost } from "../../support/scripted_host.ts";
import type { RelayWorld } from "../../support/relay_world.ts";

/** The client's surface. */
export const SURFACE = 5;
/** Bytes of a pixel of all formats here, unless a scenario says otherwise. */
export const PIXEL = 4;

/** What a client's pool is made of. */
export interface ClientFile {
  readonly fd: OwnedFd;
  readonly mapping: Mapping;
  readonly words: Uint32Array;
}

/** What such scenes have in common. */
export abstract class BufferScene implements Disposable {
  readonly room = new HostMemoryRoom();
  readonly statistics = new CopyStatistics();
  abstract readonly world: RelayWorld;
  readonly #files: ClientFile[] = [];

  /** What the host heard since the last time. */
  abstract hostHeard(): string[];

  get client(): ScriptedClient {
    return this.world.client;
  }

  get host(): ScriptedHost {
    return this.world.host;
  }

  /** The client makes a pool under this id. */
  pool(id: number, bytes: number, size = bytes): ClientFile {
    const fd = createMemfd("client", bytes);
    const mapping = mapFile(fd.number, bytes, "write");
    const words = new Uint32Array(mapping.bytes.buffer);
    const file: ClientFile = { fd, mapping, words };
    this.#files.push(file);
    const sent = duplicateFd(fd.number).release();
    this.client.createPool(4, { id, fd: sent, size });
    return file;
  }

  /** The client makes a pool and a buffer of ARGB8888 that fills it. */
  buffer(
    id: number,
    poolId: number,
    width: number,
    height: number,
  ): ClientFile {
    const stride = width * PIXEL;
    const file = this.pool(poolId, stride * height);
    this.client.createBuffer(poolId, id, { width, height });
    return file;
  }

  /** The client attaches a buffer, says which rectangles changed, and commits. */
  commit(
    buffer: number,
    ...damage: Rectangle[]
  ): void {
    const { client } = this;
    client.attach(SURFACE, buffer);
    for (const rectangle of damage) client.damageBuffer(SURFACE, rectangle);
    client.say(SURFACE, "wl_surface.commit");
    this.world.settle();
  }

  /** What the client heard since the last time, freed ids apart. */
  clientHeard(): string[] {
    this.world.settle();
    return this.client.heard().filter((line) => !line.includes("delete_id"));
  }

  /** The host's buffer that was attached last, as `wl_buffer#1`. */
  attached(): string {
    const [buffer = ""] = this.hostHeard().flatMap((line) => {
      const [, found] = /^wl_surface.*\.attach\(([^,]*),/.exec(line) ?? [];
      return found === undefined ? [] : [found];
    }).slice(-1);
    return buffer;
  }

  /** The host releases a buffer. */
  release(buffer: string): void {
    this.host.say(buffer, "wl_buffer.release");
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
}
