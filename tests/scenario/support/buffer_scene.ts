/**
 * A client with pools and buffers on a surface, and what its host makes of
 * them. `wl_shm` is its object 4.
 */
import assert from "node:assert/strict";
import { duplicateFd, type OwnedFd } from "../../../ffi/fd.ts";
import { mapFile, type Mapping } from "../../../ffi/mapping.ts";
import { createMemfd } from "../../../ffi/memfd.ts";
import { CopyStatistics } from "../../../src/relay/features/backing/copy_statistics.ts";
import { HostMemoryRoom } from "../../support/host_memory.ts";
import type {
  BufferShape,
  Rectangle,
  ScriptedClient,
} from "../../support/scripted_client.ts";
import type { ObjectName } from "../../support/spoken.ts";
import type { ScriptedHost } from "../../support/scripted_host.ts";
import type { RelayWorld } from "../../support/relay_world.ts";

const SHM = 4;
/** The client's surface. */
export const SURFACE = 5;
/** Bytes of a pixel of all formats here, unless a scenario says otherwise. */
export const PIXEL = 4;

/** A client's pool, and its memory as the client sees it. */
export class ClientPool implements Disposable {
  readonly id: number;
  readonly fd: OwnedFd;
  readonly mapping: Mapping;
  readonly words: Uint32Array;
  readonly #client: ScriptedClient;

  /** @param size what the client says that it is, in bytes */
  constructor(client: ScriptedClient, bytes: number, size: number) {
    this.#client = client;
    this.id = client.nextId;
    this.fd = createMemfd("client", bytes);
    this.mapping = mapFile(this.fd.number, bytes, "write");
    this.words = new Uint32Array(this.mapping.bytes.buffer);
    const fd = duplicateFd(this.fd.number).release();
    client.createPool(SHM, { id: this.id, fd, size });
  }

  createBuffer(shape: BufferShape): ClientBuffer {
    const id = this.#client.nextId;
    this.#client.createBuffer(this, id, shape);
    return new ClientBuffer(id, this);
  }

  [Symbol.dispose](): void {
    this.mapping[Symbol.dispose]();
    this.fd[Symbol.dispose]();
  }
}

export class ClientBuffer {
  readonly id: number;
  readonly pool: ClientPool;

  constructor(id: number, pool: ClientPool) {
    this.id = id;
    this.pool = pool;
  }

  get words(): Uint32Array {
    return this.pool.words;
  }

  /** Its name on both sides. */
  toString(): string {
    return `wl_buffer@${this.id}`;
  }
}

/** What such scenes have in common. */
export abstract class BufferScene implements Disposable {
  readonly room = new HostMemoryRoom();
  readonly statistics = new CopyStatistics();
  abstract readonly world: RelayWorld;
  readonly #pools: ClientPool[] = [];

  /** What the host heard since the last time. */
  abstract hostHeard(): string[];

  /** Whether a line that the host heard since the last time contains `text`. */
  hostHears(text: string): boolean {
    return this.hostHeard().some((line) => line.includes(text));
  }

  /** Fails unless the host heard exactly these lines since the last time. */
  hostMustHear(...lines: readonly string[]): void {
    assert.deepEqual(this.hostHeard(), lines);
  }

  /** Fails if the host heard anything since the last time. */
  hostMustHearNothing(): void {
    this.hostMustHear();
  }

  /** As `hostMustHear`, of the client, freed ids apart. */
  clientMustHear(...lines: readonly string[]): void {
    assert.deepEqual(this.clientHeard(), lines);
  }

  /** As `hostMustHearNothing`, of the client, freed ids apart. */
  clientMustHearNothing(): void {
    this.clientMustHear();
  }

  get client(): ScriptedClient {
    return this.world.client;
  }

  get host(): ScriptedHost {
    return this.world.host;
  }

  pool(bytes: number, size = bytes): ClientPool {
    const pool = new ClientPool(this.client, bytes, size);
    this.#pools.push(pool);
    return pool;
  }

  /** The client makes a pool and a buffer of ARGB8888 that fills it. */
  buffer(width: number, height: number): ClientBuffer {
    return this.pool(width * PIXEL * height).createBuffer({ width, height });
  }

  /**
   * The client attaches a buffer, says which rectangles changed, and commits.
   */
  commit(buffer: ObjectName | null, ...damage: Rectangle[]): void {
    this.commitOn(SURFACE, buffer, ...damage);
  }

  /** The same on another surface. */
  commitOn(
    surface: ObjectName,
    buffer: ObjectName | null,
    ...damage: Rectangle[]
  ): void {
    const { client } = this;
    client.attach(surface, buffer);
    for (const rectangle of damage) client.damageBuffer(surface, rectangle);
    client.commit(surface);
    this.world.settle();
  }

  /** The client makes a buffer, and commits it without damage. */
  commitNew(width: number, height: number): ClientBuffer {
    const buffer = this.buffer(width, height);
    this.commit(buffer);
    return buffer;
  }

  /**
   * The host releases the buffer that was attached last. What was copied so far
   * counts no more.
   *
   * @returns that buffer, as `wl_buffer#1`
   */
  finishFrame(): string {
    const buffer = this.attached();
    this.release(buffer);
    this.copiedBytes();
    return buffer;
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
    for (const pool of this.#pools) pool[Symbol.dispose]();
  }
}
