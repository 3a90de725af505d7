// A client that stands on src/virtgpu alone, as its example does: what the device costs without a proxy.

import { Loop } from "../../../src/loop/loop.ts";
import {
  type Channel,
  type ChannelHandler,
  openChannel,
} from "../../../src/virtgpu/channel.ts";
import type { SentIdentifiers } from "../../../src/virtgpu/commands.ts";
import { IDENTIFIER_BLOB } from "../../../src/virtgpu/cross_domain.ts";
import {
  EventLog,
  MessageBuffer,
} from "../../../src/virtgpu/example_messages.ts";
import { Handles } from "../../../src/virtgpu/handles.ts";
import {
  type HostMemory,
  HostMemoryPool,
} from "../../../src/virtgpu/host_memory.ts";
import { openDevice } from "../../../src/virtgpu/kernel_device.ts";
import { Wakeups } from "../../../src/virtgpu/wakeups.ts";
import type { DeviceWorkload } from "./workloads.ts";

const DISPLAY = 1;
const REGISTRY = 2;
/** Of one `wl_callback` after another: none is made before the last one's id is free again. */
const CALLBACK = 3;
const COMPOSITOR = 4;
const SHM = 5;
const SURFACE = 6;
/** Pools and buffers have the ids that follow: there may be no gap. */
const FIRST_POOL = 7;
const FIRST_BUFFER = 8;

const XRGB8888 = 1;
const SQUARE = 100;

/** One connection of its own, with the buffers of a workload. */
export class DirectClient implements ChannelHandler, Disposable {
  readonly #loop: Loop;
  readonly #channel: Channel;
  readonly #memory: HostMemoryPool;
  readonly #messages = new MessageBuffer();
  readonly #events = new EventLog();
  readonly #sent: SentIdentifiers = {
    count: 0,
    identifiers: new Int32Array(1),
    types: new Int32Array([IDENTIFIER_BLOB]),
  };
  readonly #workload: DeviceWorkload;
  readonly #buffers: HostMemory[] = [];
  readonly #resources: DisposableStack;
  #isAnswered = false;
  #frames = 0;

  /** Connects, and makes what the workload shows. */
  constructor(path: string, workload: DeviceWorkload) {
    using resources = new DisposableStack();
    this.#loop = resources.use(new Loop());
    const wakeups = resources.use(new Wakeups(this.#loop));
    this.#workload = workload;
    this.#channel = resources.use(
      openChannel(this.#loop, openDevice(path), wakeups),
    );
    this.#memory = new HostMemoryPool(
      this.#channel,
      new Handles(this.#channel.device),
    );
    this.#channel.attach(this);
    this.#messages.add(DISPLAY, 1, [REGISTRY]); // wl_display.get_registry
    this.#sync();
    this.#bind("wl_compositor", COMPOSITOR);
    this.#bind("wl_shm", SHM);
    this.#messages.add(COMPOSITOR, 0, [SURFACE]); // create_surface
    this.#makeBuffers(resources);
    this.#sync();
    this.#resources = resources.move();
  }

  /** Does once what the workload does again and again. */
  step(): void {
    if (this.#workload.picture === null) this.#sync();
    else this.#showFrame(this.#workload.picture);
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
    ) {
      const { object, opcode, words } = event;
      const [first = 0] = words;
      if (object === DISPLAY && opcode === 0) {
        throw new Error(`The compositor refuses object ${first}`);
      }
      if (object === REGISTRY) this.#events.addGlobal(first, words);
      // wl_display.delete_id, which follows wl_callback.done
      if (object === DISPLAY && first === CALLBACK) this.#isAnswered = true;
    }
  }

  ended(reason: string | null): void {
    throw new Error(`The compositor has gone: ${reason}`);
  }

  [Symbol.dispose](): void {
    this.#resources[Symbol.dispose]();
  }

  #bind(name: string, id: number): void {
    const global = this.#events.globals.get(name);
    if (global === undefined) throw new Error(`The host has no ${name}`);
    this.#messages.addBind(REGISTRY, global, name, id);
  }

  #makeBuffers(resources: DisposableStack): void {
    const { picture, buffers } = this.#workload;
    if (picture === null) return;
    const { width, height } = picture;
    const stride = width * 4;
    for (let i = 0; i < buffers; i++) {
      const memory = this.#memory.allocate(stride * height);
      if (memory === null) throw new Error("The host has no memory left");
      this.#buffers.push(resources.use(memory));
      this.#send();
      this.#messages.add(SHM, 0, [FIRST_POOL + 2 * i, stride * height]); // create_pool
      this.#sent.count = 1;
      this.#sent.identifiers[0] = memory.resource;
      this.#send();
      this.#messages.add(FIRST_POOL + 2 * i, 0, [
        FIRST_BUFFER + 2 * i,
        0,
        width,
        height,
        stride,
        XRGB8888,
      ]); // create_buffer
    }
  }

  #showFrame({ width, height }: { width: number; height: number }): void {
    const { drawing, buffers } = this.#workload;
    const frame = ++this.#frames;
    const turn = frame % buffers;
    const damage = [0, 0, width, height];
    if (drawing === "whole") this.#buffers[turn]?.bytes.fill(turn * 0x55);
    else if (drawing === "square") {
      // A buffer that was not shown last lacks what was changed then.
      for (let missed = buffers - 1; missed >= 0; missed--) {
        const square = frame - missed;
        const x = square * 2 * SQUARE % (width - SQUARE);
        const y = square * 2 * SQUARE % (height - SQUARE);
        this.#fillSquare(turn, square, 4 * (y * width + x), 4 * width);
        damage.splice(0, 4, x, y, SQUARE, SQUARE);
      }
    }
    this.#messages.add(SURFACE, 1, [FIRST_BUFFER + 2 * turn, 0, 0]); // attach
    this.#messages.add(SURFACE, 2, damage); // damage
    this.#messages.add(SURFACE, 3, [CALLBACK]); // frame
    this.#messages.add(SURFACE, 6, []); // commit
    this.#awaitAnswer();
  }

  #fillSquare(
    turn: number,
    color: number,
    start: number,
    stride: number,
  ): void {
    const bytes = this.#buffers[turn]?.bytes;
    for (let row = 0; row < SQUARE; row++) {
      const at = start + row * stride;
      bytes?.fill(color, at, at + 4 * SQUARE);
    }
  }

  #sync(): void {
    this.#messages.add(DISPLAY, 0, [CALLBACK]); // wl_display.sync
    this.#awaitAnswer();
  }

  #awaitAnswer(): void {
    this.#isAnswered = false;
    this.#send();
    while (!this.#isAnswered) this.#loop.turn(-1);
  }

  #send(): void {
    const bytes = this.#messages.take();
    if (bytes.length === 0) return;
    this.#channel.send(bytes, 0, bytes.length, this.#sent);
    this.#sent.count = 0;
  }
}
