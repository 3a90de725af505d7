/**
 * A client of a host whose memory is useless as `wl_shm`. Before `start` it has
 * nothing but a registry (2).
 */
import { BufferScene, SURFACE } from "./buffer_scene.ts";
import { PretendedImages } from "./host_images.ts";
import { RelayWorld, usualGlobals } from "../../support/relay_world.ts";

/** The buffer that the host makes of what it is given to try. */
const TRIED = 0xff00_0000;
const DMABUF = 9;
const MANAGER = "zwp_linux_dmabuf_v1#1";

/** The client, its buffers, and the images of the host. */
export class ImageScene extends BufferScene {
  readonly images: PretendedImages;
  override readonly world: RelayWorld;
  /**
   * The callback by which the relay learns that the host has seen what it was
   * given to try.
   */
  #sync = "";
  #params = "";

  constructor(images = new PretendedImages()) {
    super();
    this.images = images;
    this.world = new RelayWorld({
      statistics: this.statistics,
      host: {
        carriages: { shm: "shadowed", dmabuf: "never" },
        allocate: (bytes) => this.room.allocate(bytes),
        images,
      },
    });
  }

  /**
   * The host tells its globals, and what its compositor takes; null: it has no
   * `zwp_linux_dmabuf_v1`.
   *
   * @returns what it heard
   */
  greet(formats: readonly (readonly [number, bigint])[] | null): string[] {
    const { host } = this.world;
    const dmabuf = [DMABUF, "zwp_linux_dmabuf_v1", 5] as const;
    host.greet([
      ...usualGlobals,
      [10, "xdg_toplevel_icon_manager_v1", 1],
      ...(formats === null ? [] : [dmabuf]),
    ]);
    this.world.settle();
    for (const [format, modifier] of formats ?? []) {
      host.say(MANAGER, "zwp_linux_dmabuf_v1.format", { format });
      const [high, low] = [modifier >> 32n, modifier & 0xffff_ffffn].map(
        Number,
      );
      const words = { "modifier_hi": high ?? 0, "modifier_lo": low ?? 0 };
      host.say(MANAGER, "zwp_linux_dmabuf_v1.modifier", { format, ...words });
    }
    if (formats !== null) {
      host.say("wl_callback#2", "wl_callback.done", { "callback_data": 0 });
    }
    return this.hostHeard();
  }

  /** The host answers to what it was given to try. @returns what it heard */
  answerTrial(answer: "created" | "failed"): string[] {
    const { host } = this.world;
    const params = "zwp_linux_buffer_params_v1";
    if (answer === "failed") host.say(this.#params, `${params}.failed`);
    else host.say(this.#params, `${params}.created`, { buffer: TRIED });
    return this.hostHeard();
  }

  /** The host answers to the `sync` that it heard last. */
  answerSync(): void {
    this.world.host.say(this.#sync, "wl_callback.done", { "callback_data": 0 });
    this.world.settle();
  }

  /**
   * The client binds `wl_compositor` (3) and `wl_shm` (4), and makes its
   * surface (5).
   */
  start(): void {
    this.world.client.getRegistry(2);
    this.world.bind(1, "wl_compositor", 6, 3);
    this.world.bind(2, "wl_shm", 1, 4);
    this.client.createSurface(SURFACE);
    this.hostHeard();
    this.clientHeard();
  }

  /**
   * The host's `wl_shm` offers a format.
   *
   * @returns those that the client hears of
   */
  offer(format: number): number[] {
    const { host } = this.world;
    host.say(host.find("wl_shm"), "wl_shm.format", { format });
    return this.clientHeard().flatMap((line) => {
      const [, code] = /^wl_shm@4\.format\((\d+)\)$/.exec(line) ?? [];
      return code === undefined ? [] : [Number(code)];
    });
  }

  /** What the host heard since the last time, damage apart. */
  override hostHeard(): string[] {
    this.world.settle();
    const lines = this.world.host.heard();
    for (const line of lines) {
      const [, params] = /^(.*params_v1.*)\.create\(/.exec(line) ?? [];
      this.#params = params ?? this.#params;
      const [, sync] = /sync\(new (.*)\)/.exec(line) ?? [];
      this.#sync = sync ?? this.#sync;
    }
    return lines.filter((line) => !line.includes("damage"));
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    this.images[Symbol.dispose]();
  }
}
