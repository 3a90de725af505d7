/**
 * A window drawn straight into the host's memory: everything that a program
 * needs to show something through this device, with no Wayland library.
 *
 * Run inside a virtual machine: `deno run -A src/virtgpu/example.ts`. The window
 * stays until the compositor closes it, or for as many seconds as the argument
 * says.
 */

import { EventLog, MessageBuffer } from "./example_messages.ts";
import { Loop } from "../loop/loop.ts";
import { type Channel, type ChannelHandler, openChannel } from "./channel.ts";
import type { SentIdentifiers } from "./commands.ts";
import { IDENTIFIER_BLOB } from "./cross_domain.ts";
import { findNode } from "./find_device.ts";
import { Handles } from "./handles.ts";
import { type HostMemory, HostMemoryPool } from "./host_memory.ts";
import { openDevice } from "./kernel_device.ts";
import { Wakeups } from "./wakeups.ts";

// object ids of our own choice, each used once, in this order
const DISPLAY = 1;
const REGISTRY = 2;
const SYNC = 3;
const COMPOSITOR = 4;
const SHM = 5;
const WM_BASE = 6;
const SURFACE = 7;
const XDG_SURFACE = 8;
const TOPLEVEL = 9;
const POOL = 10;
const BUFFER = 11;
const FRAME = 12;

const WIDTH = 320;
const HEIGHT = 200;
const STRIDE = WIDTH * 4;
const XRGB8888 = 1;

/** What became of the window. */
export type WindowState = "connecting" | "waiting" | "shown" | "closed";

/** One window with a moving gradient. */
export class ExampleWindow implements ChannelHandler, Disposable {
  /** Frames that the compositor has asked for. */
  frames = 0;
  state: WindowState = "connecting";
  /** Why it is closed, where it is and somebody knows. */
  reason: string | null = null;
  readonly #channel: Channel;
  readonly #memory: HostMemoryPool;
  readonly #messages = new MessageBuffer();
  readonly #events = new EventLog();
  readonly #sent: SentIdentifiers = {
    count: 0,
    identifiers: new Int32Array(1),
    types: new Int32Array([IDENTIFIER_BLOB]),
  };
  #pixels: HostMemory | null = null;

  /** Takes over the channel, and greets the compositor: the first bytes, which also tell the host's dialect. */
  constructor(channel: Channel) {
    this.#channel = channel;
    this.#memory = new HostMemoryPool(channel, new Handles(channel.device));
    channel.attach(this);
    this.#messages.add(DISPLAY, 1, [REGISTRY]); // wl_display.get_registry
    this.#messages.add(DISPLAY, 0, [SYNC]); // wl_display.sync
    this.#send();
  }

  collect(bytes: Uint8Array, offset: number, length: number): void {
    this.#events.append(bytes.subarray(offset, offset + length));
  }

  collectPipe(): void {}

  collected(): void {
    for (
      let event = this.#events.next();
      event !== null;
      event = this.#events.next()
    ) this.#handle(event.object, event.opcode, event.words);
    this.#send();
  }

  ended(reason: string | null): void {
    this.state = "closed";
    this.reason ??= reason;
  }

  [Symbol.dispose](): void {
    this.#pixels?.[Symbol.dispose]();
    this.#channel[Symbol.dispose]();
  }

  #handle(object: number, opcode: number, words: Uint32Array): void {
    const [first = 0] = words;
    if (object === DISPLAY && opcode === 0) {
      this.reason = `wl_display.error of object ${first}`;
    } else if (object === REGISTRY && opcode === 0) {
      this.#events.addGlobal(first, words);
    } else if (object === SYNC) this.#createWindow();
    else if (object === WM_BASE) this.#messages.add(WM_BASE, 3, [first]); // pong
    else if (object === XDG_SURFACE) this.#configure(first);
    else if (object === TOPLEVEL && opcode === 1) this.state = "closed";
    else if (object === FRAME) this.#draw();
  }

  #createWindow(): void {
    const messages = this.#messages;
    const { globals } = this.#events;
    const wanted = [
      ["wl_compositor", COMPOSITOR],
      ["wl_shm", SHM],
      ["xdg_wm_base", WM_BASE],
    ] as const;
    for (const [name, id] of wanted) {
      const global = globals.get(name);
      if (global === undefined) {
        this.ended(`the host's compositor has no ${name}`);
        return;
      }
      messages.addBind(REGISTRY, global, name, id);
    }
    messages.add(COMPOSITOR, 0, [SURFACE]); // create_surface
    messages.add(WM_BASE, 2, [XDG_SURFACE, SURFACE]); // get_xdg_surface
    messages.add(XDG_SURFACE, 1, [TOPLEVEL]); // get_toplevel
    messages.add(SURFACE, 6, []); // commit
    this.state = "waiting";
  }

  #configure(serial: number): void {
    this.#messages.add(XDG_SURFACE, 4, [serial]); // ack_configure
    if (this.#pixels !== null) return;
    const pixels = this.#memory.allocate(STRIDE * HEIGHT);
    if (pixels === null) {
      this.ended("the host has no memory that can be seen here");
      return;
    }
    this.#pixels = pixels;
    // what was written so far goes first: the memory is named beside the bytes of its own message
    this.#send();
    this.#messages.add(SHM, 0, [POOL, STRIDE * HEIGHT]); // create_pool
    this.#sent.count = 1;
    this.#sent.identifiers[0] = pixels.resource;
    this.#send();
    const shape = [BUFFER, 0, WIDTH, HEIGHT, STRIDE, XRGB8888];
    this.#messages.add(POOL, 0, shape); // create_buffer
    this.state = "shown";
    this.#draw();
  }

  /** The compositor sees the memory at once; a real client would draw into another one while it shows this. */
  #draw(): void {
    const bytes = this.#pixels?.bytes;
    if (bytes === undefined) return;
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const at = y * STRIDE + x * 4;
        bytes[at] = x + this.frames;
        bytes[at + 1] = y;
        bytes[at + 2] = 128;
      }
    }
    this.#messages.add(SURFACE, 1, [BUFFER, 0, 0]); // attach
    this.#messages.add(SURFACE, 2, [0, 0, WIDTH, HEIGHT]); // damage
    this.#messages.add(SURFACE, 3, [FRAME]); // frame
    this.#messages.add(SURFACE, 6, []); // commit
    this.frames++;
  }

  #send(): void {
    const bytes = this.#messages.take();
    if (bytes.length === 0 || this.state === "closed") return;
    this.#channel.send(bytes, 0, bytes.length, this.#sent);
    this.#sent.count = 0;
  }
}

/** Shows the window for that long. @returns its last state, and how many frames were shown */
function showExampleWindow(seconds: number): ExampleWindow {
  const { path } = findNode();
  using loop = new Loop();
  using wakeups = new Wakeups(loop);
  using shown = new ExampleWindow(
    openChannel(loop, openDevice(path), wakeups),
  );
  const end = loop.now + seconds * 1000;
  while (shown.state !== "closed" && loop.now < end) loop.turn(100);
  return shown;
}

if (import.meta.main) {
  const { frames, state, reason } = showExampleWindow(
    Number(Deno.args[0] ?? Infinity),
  );
  const text = `${state}, ${frames} frames${
    reason === null ? "" : `: ${reason}`
  }\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
