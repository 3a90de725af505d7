/** A scripted client that draws, and the compositor that shows it. */
import assert from "node:assert/strict";
import { duplicateFd, type OwnedFd } from "../../../ffi/fd.ts";
import { createMemfd } from "../../../ffi/memfd.ts";
import { mapFile, type Mapping } from "../../../ffi/mapping.ts";
import { join } from "../../support/words.ts";
import { CompositorScript } from "./compositor_script.ts";
import type { DmabufSettings } from "./dmabuf_script.ts";
import type { DeviceClient, DeviceWorld } from "./device_world.ts";

const XRGB8888 = 1;

/** One window: a surface with a pool of its own and one buffer in it. */
export interface Window {
  readonly surface: number;
  readonly pool: number;
  readonly buffer: number;
  readonly width: number;
  readonly height: number;
  readonly memory: Mapping;
  readonly file: OwnedFd;
}

/**
 * The client's drawing. Its `wl_compositor` is object 3, its `wl_shm` object 4.
 */
export class Windows implements Disposable {
  readonly client: DeviceClient;
  readonly compositor: CompositorScript;
  readonly #world: DeviceWorld;
  readonly #open = new Set<Window>();
  #nextId = 5;

  /**
   * @param dmabuf what the compositor takes of a GPU, where its client was told
   * that it has `zwp_linux_dmabuf_v1`
   */
  constructor(
    world: DeviceWorld,
    client = world.addReady(),
    dmabuf: DmabufSettings | null = null,
  ) {
    this.#world = world;
    this.client = client;
    this.compositor = new CompositorScript(client.host, dmabuf);
    client.bind(1, "wl_compositor", 6, 3);
    client.bind(2, "wl_shm", 1, 4);
    this.settle();
  }

  /** Turns until nothing happens any more, the compositor having obeyed. */
  settle(): string[] {
    const heard: string[] = [];
    for (let quiet = 0; quiet < 2;) {
      this.#world.settle();
      if (this.client.ended) throw new Error(this.client.log.join("\n"));
      const lines = this.compositor.obey();
      heard.push(...lines);
      quiet = lines.length === 0 ? quiet + 1 : 0;
    }
    return heard;
  }

  /** Lets the clock run on, the compositor obeying. */
  pass(milliseconds: number): void {
    this.#world.loop.pass(milliseconds, () => this.settle());
    this.settle();
  }

  nextId(): number {
    return this.#nextId++;
  }

  /**
   * A surface and its memory, whose file is prepared first; nothing is shown
   * yet.
   */
  open(
    width: number,
    height: number,
    prepare: (file: OwnedFd) => void = () => {},
  ): Window {
    const { client } = this.client;
    const size = width * height * 4;
    const file = createMemfd("window", size);
    prepare(file);
    const memory = mapFile(file.number, size, "write");
    const surface = this.#nextId++;
    const pool = this.#nextId++;
    const buffer = this.#nextId++;
    client.say(3, "wl_compositor.create_surface", { id: surface });
    client.createPool(4, {
      id: pool,
      fd: duplicateFd(file.number).release(),
      size,
    });
    client.createBuffer(pool, buffer, { width, height, format: XRGB8888 });
    const window = { surface, pool, buffer, width, height, memory, file };
    this.#open.add(window);
    return window;
  }

  /** An icon, where the client was told of its manager's name. */
  createIcon(name: number): number {
    const [manager, id] = [this.#nextId++, this.#nextId++];
    const type = "xdg_toplevel_icon_manager_v1";
    this.client.bind(name, type, 1, manager);
    this.client.client.say(manager, `${type}.create_icon`, { id });
    return id;
  }

  /** Gives an icon a window's buffer at scales from 1 on, in one piece. */
  fillIcon(icon: number, { buffer }: Window, scales: number): void {
    const { client } = this.client;
    const name = "xdg_toplevel_icon_v1.add_buffer";
    const messages = Array.from(
      { length: scales },
      (_, i) => client.encode(icon, name, { buffer, scale: i + 1 }),
    );
    client.bytes(join(...messages));
  }

  /** Fills a window with a byte and commits it whole, with a frame callback. */
  paint(window: Window, byte: number): void {
    const { client } = this.client;
    window.memory.bytes.fill(byte);
    client.attach(window.surface, window.buffer);
    client.damageBuffer(window.surface, [0, 0, window.width, window.height]);
    client.say(window.surface, "wl_surface.frame", {
      callback: this.#nextId++,
    });
    client.say(window.surface, "wl_surface.commit");
  }

  /** The same, and the compositor has shown it, or cannot. */
  show(window: Window, byte: number): void {
    this.paint(window, byte);
    this.settle();
  }

  /** Fails unless the compositor shows a window that is full of a byte. */
  assertShown({ width, height }: Window, byte: number): void {
    const expected = new Uint8Array(width * height * 4).fill(byte);
    assert.deepEqual(this.compositor.pixels(), expected);
  }

  /**
   * Fails unless a window of that size shows what is drawn into it, each time
   * with its buffer free at once.
   */
  assertDraws(width: number, height: number): void {
    const window = this.open(width, height);
    for (const byte of [1, 2, 3, 4, 5]) {
      this.show(window, byte);
      this.assertShown(window, byte);
      this.assertFreed();
    }
    this.close(window);
    this.settle();
  }

  /** Fails unless the client heard of one frame and one free buffer. */
  assertFreed(): void {
    const heard = this.client.client.heard();
    assert.equal(count(heard, "wl_callback"), 1, "a frame callback");
    assert.equal(count(heard, "release"), 1, "a release");
  }

  close(window: Window): void {
    const { client } = this.client;
    client.say(window.buffer, "wl_buffer.destroy");
    client.say(window.pool, "wl_shm_pool.destroy");
    client.say(window.surface, "wl_surface.destroy");
    this.settle();
    this.#forget(window);
  }

  /** The client ends, with all of its windows. */
  leave(): void {
    this.client.leave();
    for (const window of this.#open) this.#forget(window);
  }

  #forget(window: Window): void {
    this.#open.delete(window);
    window.memory[Symbol.dispose]();
    window.file[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    for (const window of this.#open) this.#forget(window);
    this.compositor[Symbol.dispose]();
  }
}

/** How many of the lines say something. */
export function count(lines: readonly string[], what: string): number {
  return lines.filter((line) => line.includes(what)).length;
}
