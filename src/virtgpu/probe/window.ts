/**
 * A window drawn straight into host memory: everything that a program needs to
 * show something through this device, with no Wayland library.
 *
 * Run inside a virtual machine: `deno run -A src/virtgpu/probe/window.ts`. The
 * window stays until the compositor closes it, or for as many seconds as the
 * argument says.
 */

import { Loop } from "../../loop/loop.ts";
import { type Channel, openChannel } from "../channel.ts";
import { CALLBACK, ProbeClient, type ProbeHandler, XR24 } from "./client.ts";
import { findNode } from "../find/mod.ts";
import type { HostMemoryKind } from "../blob_maker.ts";
import { openDevice } from "../kernel_device.ts";
import type { MappedBlob } from "../mapped_blob.ts";
import { Wakeups } from "../wakeups.ts";
import { DISPLAY } from "../../wayland/wire.ts";

// object ids of our own choice, each used once, in this order
const COMPOSITOR = 4;
/** `wl_shm`, or, where host memory is dma-bufs, `zwp_linux_dmabuf_v1`. */
const MEMORY = 5;
const WM_BASE = 6;
const SURFACE = 7;
const XDG_SURFACE = 8;
const TOPLEVEL = 9;
/** A pool of `wl_shm`, or the parameters of a dma-buf. */
const POOL = 10;
const BUFFER = 11;
const FRAME = 12;

const WIDTH = 320;
const HEIGHT = 200;

const DMABUF = "zwp_linux_dmabuf_v1";

/** What became of the window. */
export type WindowState = "connecting" | "waiting" | "shown" | "closed";

/** A window with a moving gradient. */
export class ProbeWindow implements ProbeHandler, Disposable {
  /** Frames drawn: each after the first at the compositor's request. */
  frames = 0;
  state: WindowState = "connecting";
  /** Why it is closed, where that is known. */
  reason: string | null = null;
  readonly #client: ProbeClient;
  readonly #hostMemory: HostMemoryKind;
  #pixels: MappedBlob | null = null;
  #stride = WIDTH * 4;
  /**
   * Whether it is an image of the host's GPU, and whether the compositor
   * accepts those.
   */
  #isImage = false;
  #takesImages = false;

  /**
   * Takes over the channel, and greets the compositor.
   *
   * @param hostMemory what the capability set says of host memory
   */
  constructor(channel: Channel, hostMemory: HostMemoryKind = "files") {
    this.#hostMemory = hostMemory;
    this.#client = new ProbeClient(channel, this, hostMemory);
  }

  event(object: number, opcode: number, words: Uint32Array): void {
    const [first = 0] = words;
    if (this.state === "closed") return;
    if (object === DISPLAY && opcode === 0) {
      this.reason = `wl_display.error of object ${first}`;
    } else if (object === CALLBACK) this.#createWindow();
    else if (object === WM_BASE) this.#client.add(WM_BASE, 3, [first]); // pong
    else if (object === XDG_SURFACE) this.#configure(first);
    else if (object === TOPLEVEL && opcode === 1) this.state = "closed";
    else if (object === FRAME) this.#draw();
    else if (object === MEMORY && this.#isImage && opcode === 1) {
      const [format, high, low] = words; // modifier
      this.#takesImages ||= format === XR24 && high === 0 && low === 0;
    }
  }

  ended(reason: string | null): void {
    this.state = "closed";
    this.reason ??= reason;
  }

  [Symbol.dispose](): void {
    this.#pixels?.[Symbol.dispose]();
    this.#client[Symbol.dispose]();
  }

  #createWindow(): void {
    const client = this.#client;
    this.#isImage = this.#hostMemory === "dma-bufs" && client.has(DMABUF);
    const wanted: readonly (readonly [string, number, number])[] = [
      ["wl_compositor", COMPOSITOR, 1],
      this.#isImage ? [DMABUF, MEMORY, 3] : ["wl_shm", MEMORY, 1],
      ["xdg_wm_base", WM_BASE, 1],
    ];
    for (const [name, id, version] of wanted) {
      if (client.bind(name, id, version)) continue;
      this.ended(`the host's compositor has no ${name}`);
      return;
    }
    client.add(COMPOSITOR, 0, [SURFACE]); // create_surface
    client.add(WM_BASE, 2, [XDG_SURFACE, SURFACE]); // get_xdg_surface
    client.add(XDG_SURFACE, 1, [TOPLEVEL]); // get_toplevel
    client.add(SURFACE, 6, []); // commit
    this.state = "waiting";
  }

  #configure(serial: number): void {
    this.#client.add(XDG_SURFACE, 4, [serial]); // ack_configure
    if (this.#pixels !== null) return;
    if (this.#isImage && !this.#takesImages) {
      this.ended(
        "the host only offers dma-buf memory, and its compositor takes no linear dma-bufs",
      );
      return;
    }
    if (!this.#createBuffer()) {
      this.ended("the host gave no memory that this machine can see");
      return;
    }
    this.state = "shown";
    this.#draw();
  }

  #createBuffer(): boolean {
    const ids = [MEMORY, POOL, BUFFER] as const;
    if (!this.#isImage) {
      this.#pixels = this.#client.createBuffer(...ids, WIDTH, HEIGHT);
      return this.#pixels !== null;
    }
    const image = this.#client.createImage(...ids, WIDTH, HEIGHT);
    this.#pixels = image;
    this.#stride = image?.planes[0]?.stride ?? 0;
    return image !== null;
  }

  /**
   * The compositor sees the memory at once; a real client would draw into
   * another buffer meanwhile.
   */
  #draw(): void {
    const bytes = this.#pixels?.bytes;
    if (bytes === undefined) return;
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const at = y * this.#stride + x * 4;
        bytes[at] = x + this.frames;
        bytes[at + 1] = y;
        bytes[at + 2] = 128;
      }
    }
    const client = this.#client;
    client.add(SURFACE, 1, [BUFFER, 0, 0]); // attach
    client.add(SURFACE, 2, [0, 0, WIDTH, HEIGHT]); // damage
    client.add(SURFACE, 3, [FRAME]); // frame
    client.add(SURFACE, 6, []); // commit
    this.frames++;
  }
}

/**
 * Shows the window for that long.
 *
 * @returns its last state, and how many frames were shown
 */
function showProbeWindow(seconds: number): ProbeWindow {
  const { path, capabilities: { allocatesDmabuf } } = findNode();
  using loop = new Loop();
  using wakeups = new Wakeups(loop);
  using shown = new ProbeWindow(
    openChannel(loop, openDevice(path), wakeups),
    allocatesDmabuf ? "dma-bufs" : "files",
  );
  const end = loop.now + seconds * 1000;
  while (shown.state !== "closed" && loop.now < end) loop.turn(100);
  return shown;
}

if (import.meta.main) {
  const { frames, state, reason } = showProbeWindow(
    Number(Deno.args[0] ?? Infinity),
  );
  const text = `${state}, ${frames} frames${
    reason === null ? "" : `: ${reason}`
  }\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
