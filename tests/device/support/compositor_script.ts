/** A scripted compositor that does what it is asked: it keeps pools, shows buffers, releases those that it showed before, and answers. */
import { OwnedFd, readFdAt } from "../../../ffi/fd.ts";
import type { Peer } from "../../support/peer.ts";
import {
  DmabufScript,
  type DmabufSettings,
  FIRST_OWN_ID,
  isGpuMemory,
} from "./dmabuf_script.ts";

interface Pool {
  readonly fd: OwnedFd;
  users: number;
}

/** A buffer, of whatever kind. */
export interface Buffer {
  readonly pool: Pool;
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
}

interface Surface {
  attached: number;
  shown: number;
  callbacks: number[];
}

/** One connection's compositor. */
export class CompositorScript implements Disposable {
  readonly #peer: Peer;
  readonly #pools = new Map<number, Pool>();
  readonly #buffers = new Map<number, Buffer>();
  readonly #surfaces = new Map<number, Surface>();
  /** How many commits brought a buffer. */
  frames = 0;
  readonly #dmabuf: DmabufScript | null;

  /** @param dmabuf what it takes of a GPU; null: it has no `zwp_linux_dmabuf_v1` */
  constructor(peer: Peer, dmabuf: DmabufSettings | null = null) {
    this.#peer = peer;
    this.#dmabuf = dmabuf === null ? null : new DmabufScript(peer, dmabuf);
  }

  /** Does what was asked for. @returns what it heard */
  obey(): string[] {
    const lines = this.#peer.heard();
    for (const line of lines) this.#obey(line);
    return lines;
  }

  /** What the only surface that shows something shows, row by row. */
  pixels(): Uint8Array {
    const surface = [...this.#surfaces.values()].find(({ shown }) =>
      shown !== 0
    );
    const buffer = this.#buffers.get(surface?.shown ?? 0);
    if (buffer === undefined) throw new Error("nothing is shown");
    const { pool, offset, stride, height, width } = buffer;
    const pixels = new Uint8Array(width * 4 * height);
    for (let row = 0; row < height; row++) {
      const bytes = new Uint8Array(width * 4);
      readFdAt(pool.fd.number, bytes, offset + row * stride);
      pixels.set(bytes, row * width * 4);
    }
    return pixels;
  }

  [Symbol.dispose](): void {
    const pools = new Set([...this.#buffers.values()].map(({ pool }) => pool));
    for (const pool of this.#pools.values()) pools.add(pool);
    for (const { fd } of pools) fd[Symbol.dispose]();
    this.#dmabuf?.[Symbol.dispose]();
  }

  #obey(line: string): void {
    if (line.startsWith("?@")) {
      this.#peer.say(1, "wl_display.error", 1, 0, `invalid object: ${line}`);
      return;
    }
    const [, type, id, message, words = ""] =
      /^(\w+)@(\d+)\.(\w+)\((.*)\)$/.exec(line) ?? [];
    const object = Number(id);
    const numbers = [...words.matchAll(/(?:^|[ @])(\d+)(?=,|$)/g)].map((
      match,
    ) => Number(match[1]));
    const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = numbers;
    const made = this.#dmabuf?.obey(
      object,
      `${type}.${message}`,
      words,
      numbers,
    ) ?? null;
    if (made !== null) this.#buffers.set(...made);
    switch (`${type}.${message}`) {
      case "wl_display.sync":
        this.#answer(first);
        break;
      case "wl_shm.create_pool":
        this.#addPool(first);
        break;
      case "wl_shm_pool.create_buffer": {
        const pool = this.#pools.get(object);
        if (pool === undefined) throw new Error(`no pool for ${line}`);
        pool.users++;
        this.#buffers.set(first, {
          pool,
          offset: second,
          width: third,
          height: fourth,
          stride: fifth,
        });
        break;
      }
      case "wl_shm_pool.destroy": {
        const pool = this.#pools.get(object);
        this.#pools.delete(object);
        if (pool !== undefined) this.#leave(pool);
        this.#end(object);
        break;
      }
      case "wl_buffer.destroy": {
        const buffer = this.#buffers.get(object);
        this.#buffers.delete(object);
        if (buffer !== undefined) this.#leave(buffer.pool);
        this.#end(object);
        break;
      }
      case "wl_surface.attach":
        this.#surface(object).attached = words.startsWith("nil") ? 0 : first;
        break;
      case "wl_surface.frame":
        this.#surface(object).callbacks.push(first);
        break;
      case "wl_surface.commit":
        this.#commit(this.#surface(object));
        break;
      case "wl_surface.destroy":
        this.#release(this.#surface(object).shown);
        this.#surfaces.delete(object);
        this.#end(object);
        break;
      default:
        if (message === "destroy") this.#end(object);
    }
  }

  #addPool(id: number): void {
    const fd = this.#peer.receivedFds.shift();
    if (fd === undefined) throw new Error("a pool came without its memory");
    if (isGpuMemory(fd)) {
      this.#peer.say(1, "wl_display.error", id, 2, "failed mmap");
    }
    this.#pools.set(id, { fd: new OwnedFd(fd), users: 1 });
  }

  #leave(pool: Pool): void {
    if (--pool.users === 0) pool.fd[Symbol.dispose]();
  }

  #surface(id: number): Surface {
    const known = this.#surfaces.get(id);
    if (known !== undefined) return known;
    const surface = { attached: -1, shown: 0, callbacks: [] };
    this.#surfaces.set(id, surface);
    return surface;
  }

  #commit(surface: Surface): void {
    if (surface.attached >= 0) {
      const before = surface.shown;
      surface.shown = surface.attached;
      surface.attached = -1;
      this.#release(before);
      if (surface.shown !== 0) this.frames++;
    }
    for (const callback of surface.callbacks.splice(0)) this.#answer(callback);
  }

  #release(buffer: number): void {
    if (this.#buffers.has(buffer)) this.#peer.say(buffer, "wl_buffer.release");
  }

  #answer(callback: number): void {
    this.#peer.say(callback, "wl_callback.done", 0);
    this.#end(callback);
  }

  #end(id: number): void {
    this.#peer.objects.delete(id);
    if (id < FIRST_OWN_ID) this.#peer.say(1, "wl_display.delete_id", id);
  }
}
