/**
 * A scripted compositor that does what it is asked: it keeps pools, shows
 * buffers, releases those that it showed before, and answers.
 */
import { OwnedFd, readFdAt } from "../../../ffi/fd.ts";
import type { ScriptedHost } from "../../support/scripted_host.ts";
import { isHostId } from "../../support/peer.ts";
import {
  DmabufScript,
  type DmabufSettings,
  isGpuMemory,
} from "./dmabuf_script.ts";

interface Pool {
  readonly fd: OwnedFd;
  users: number;
}

export interface Buffer {
  readonly pool: Pool;
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
}

interface Surface {
  /** Null: nothing new; "": no buffer. */
  attached: string | null;
  shown: string;
  callbacks: string[];
}

export class CompositorScript implements Disposable {
  readonly #peer: ScriptedHost;
  readonly #pools = new Map<string, Pool>();
  readonly #buffers = new Map<string, Buffer>();
  readonly #surfaces = new Map<string, Surface>();
  /** How many commits brought a buffer. */
  frames = 0;
  readonly #dmabuf: DmabufScript | null;

  /**
   * @param dmabuf what it takes of a GPU; null: it has no `zwp_linux_dmabuf_v1`
   */
  constructor(peer: ScriptedHost, dmabuf: DmabufSettings | null = null) {
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
      shown !== ""
    );
    const buffer = this.#buffers.get(surface?.shown ?? "");
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
      this.#peer.error(1, 0, `invalid object: ${line}`);
      return;
    }
    const [, object = "", type, message, words = ""] =
      /^((\w+)[@#]\d+)\.(\w+)\((.*)\)$/.exec(line) ?? [];
    const values = words.split(", ").map((word) => word.replace(/^new /, ""));
    const [first = ""] = values;
    const numbers = values.map(Number);
    const [, offset = 0, width = 0, height = 0, stride = 0] = numbers;
    const name = `${type}.${message}`;
    const made = this.#dmabuf?.obey(object, name, values) ?? null;
    if (made !== null) this.#buffers.set(...made);
    switch (name) {
      case "wl_display.sync":
        this.#peer.answer(first);
        break;
      case "wl_shm.create_pool":
        this.#addPool(first);
        break;
      case "wl_shm_pool.create_buffer": {
        const pool = this.#pools.get(object);
        if (pool === undefined) throw new Error(`no pool for ${line}`);
        pool.users++;
        this.#buffers.set(first, { pool, offset, width, height, stride });
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
        this.#surface(object).attached = first === "nil" ? "" : first;
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

  #addPool(id: string): void {
    const fd = this.#peer.receivedFds.shift();
    if (fd === undefined) throw new Error("a pool came without its memory");
    if (isGpuMemory(fd)) {
      this.#peer.error(id, 2, "failed mmap");
    }
    this.#pools.set(id, { fd: new OwnedFd(fd), users: 1 });
  }

  #leave(pool: Pool): void {
    if (--pool.users === 0) pool.fd[Symbol.dispose]();
  }

  #surface(id: string): Surface {
    const known = this.#surfaces.get(id);
    if (known !== undefined) return known;
    const surface = { attached: null, shown: "", callbacks: [] };
    this.#surfaces.set(id, surface);
    return surface;
  }

  #commit(surface: Surface): void {
    if (surface.attached !== null) {
      const before = surface.shown;
      surface.shown = surface.attached;
      surface.attached = null;
      this.#release(before);
      if (surface.shown !== "") this.frames++;
    }
    for (const callback of surface.callbacks.splice(0)) {
      this.#peer.answer(callback);
    }
  }

  #release(buffer: string): void {
    if (this.#buffers.has(buffer)) this.#peer.say(buffer, "wl_buffer.release");
  }

  #end(object: string): void {
    if (!isHostId(this.#peer.idOf(object))) this.#peer.deleteId(object);
  }
}
