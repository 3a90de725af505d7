// A client that stands on src/virtgpu alone, as the test window of
// `wayferry doctor` does: what the device costs without a proxy.

import { Loop } from "../../../src/loop/loop.ts";
import { openChannel } from "../../../src/virtgpu/channel.ts";
import {
  CALLBACK,
  ProbeClient,
  type ProbeHandler,
} from "../../../src/virtgpu/probe/client.ts";
import { openDevice } from "../../../src/virtgpu/kernel_device.ts";
import type { MappedBlob } from "../../../src/virtgpu/mapped_blob.ts";
import { Wakeups } from "../../../src/virtgpu/wakeups.ts";
import { DISPLAY } from "../../../src/wayland/wire.ts";
import type { DeviceWorkload } from "./workloads.ts";

const COMPOSITOR = 4;
const SHM = 5;
const SURFACE = 6;
/** Pools and buffers have the ids that follow: there may be no gap. */
const FIRST_POOL = 7;
const FIRST_BUFFER = 8;

const SQUARE = 100;

/** One connection of its own, with the buffers of a workload. */
export class DirectClient implements ProbeHandler, Disposable {
  readonly #loop: Loop;
  readonly #client: ProbeClient;
  readonly #workload: DeviceWorkload;
  readonly #buffers: MappedBlob[] = [];
  readonly #resources: DisposableStack;
  /** Whether the only callback's id is free again. */
  #isAnswered = false;
  #frames = 0;

  /** Connects, and makes what the workload shows. */
  constructor(path: string, workload: DeviceWorkload) {
    using resources = new DisposableStack();
    this.#loop = resources.use(new Loop());
    const wakeups = resources.use(new Wakeups(this.#loop));
    this.#workload = workload;
    this.#client = resources.use(
      new ProbeClient(
        openChannel(this.#loop, openDevice(path), wakeups),
        this,
      ),
    );
    this.#awaitAnswer();
    this.#bind("wl_compositor", COMPOSITOR);
    this.#bind("wl_shm", SHM);
    this.#client.add(COMPOSITOR, 0, [SURFACE]); // create_surface
    this.#makeBuffers(resources);
    this.#sync();
    this.#resources = resources.move();
  }

  /** Does once what the workload does again and again. */
  step(): void {
    if (this.#workload.picture === null) this.#sync();
    else this.#showFrame(this.#workload.picture);
  }

  event(object: number, opcode: number, words: Uint32Array): void {
    const [first = 0] = words;
    if (object !== DISPLAY) return;
    if (opcode === 0) {
      throw new Error(`The compositor refuses object ${first}`);
    }
    // wl_display.delete_id, which follows wl_callback.done
    if (first === CALLBACK) this.#isAnswered = true;
  }

  ended(reason: string | null): void {
    throw new Error(`The compositor has gone: ${reason}`);
  }

  [Symbol.dispose](): void {
    this.#resources[Symbol.dispose]();
  }

  #bind(name: string, id: number): void {
    if (!this.#client.bind(name, id)) {
      throw new Error(`The host has no ${name}`);
    }
  }

  #makeBuffers(resources: DisposableStack): void {
    const { picture, buffers } = this.#workload;
    if (picture === null) return;
    for (let i = 0; i < buffers; i++) {
      const memory = this.#client.createBuffer(
        SHM,
        FIRST_POOL + 2 * i,
        FIRST_BUFFER + 2 * i,
        picture.width,
        picture.height,
      );
      if (memory === null) throw new Error("The host has no memory left");
      this.#buffers.push(resources.use(memory));
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
    const client = this.#client;
    client.add(SURFACE, 1, [FIRST_BUFFER + 2 * turn, 0, 0]); // attach
    client.add(SURFACE, 2, damage); // damage
    client.add(SURFACE, 3, [CALLBACK]); // frame
    client.add(SURFACE, 6, []); // commit
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
    this.#client.add(DISPLAY, 0, [CALLBACK]); // wl_display.sync
    this.#awaitAnswer();
  }

  #awaitAnswer(): void {
    this.#isAnswered = false;
    this.#client.send();
    while (!this.#isAnswered) this.#loop.turn(-1);
  }
}
