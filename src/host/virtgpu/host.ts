/**
 * The host that the virtio-gpu device leads to: finds the device, and makes a
 * connection for each client.
 */
import { isExhaustion } from "../../../ffi/error.ts";
import type { Loop } from "../../loop/loop.ts";
import { type Channel, openChannel } from "../../virtgpu/channel.ts";
import type { VirtgpuDevice } from "../../virtgpu/device.ts";
import { findNode, type UsableNode } from "../../virtgpu/find/mod.ts";
import { openDevice } from "../../virtgpu/kernel_device.ts";
import { Wakeups } from "../../virtgpu/wakeups.ts";
import { CopiedFiles } from "./copied_files.ts";
import { Arrivals } from "../../virtgpu/pipes/mod.ts";
import { type Shared, VirtgpuEndpoint } from "./endpoint.ts";
import { GuestMemoryTrial } from "./guest_memory.ts";

/**
 * How many clients one machine should have, of all its proxies together. Each
 * keeps a POLL in the device's queue, which has 64 places in the smallest of
 * hosts, QEMU; when it is full the kernel stops everybody who uses the GPU, and
 * cannot be interrupted. The rest is for what they submit, and for POLLs that a
 * host has lost.
 */
export const MAX_CLIENTS = 40;

/** The machine has as many connections as it should. */
export class NoPlaceError extends Error {
  override readonly name = "NoPlaceError";

  constructor(path: string) {
    super(
      `${path} already has ${MAX_CLIENTS} connections, the maximum for all proxies on this machine; close an application and try again`,
    );
  }
}

/** Where devices come from; tests have one of their own. */
export interface DeviceSource {
  /** Finds the device. @throws {NoDeviceError} */
  find(): UsableNode;
  /** Opens it. @throws {SyscallError} */
  open(path: string): VirtgpuDevice;
}

/** The devices of this machine's kernel. */
const kernelDevices: DeviceSource = {
  find: findNode,
  open: openDevice,
};

/** What all connections to the host share. All of them end before it does. */
export class VirtgpuHost implements Disposable {
  readonly #loop: Loop;
  readonly #devices: DeviceSource;
  readonly #wakeups: Wakeups;
  readonly #files = new CopiedFiles();
  /**
   * Whether the host takes memory of this machine: tried when it first has
   * answered a client.
   */
  readonly guestMemory: GuestMemoryTrial;
  readonly #shared: Shared;
  #node: UsableNode | null = null;

  constructor(loop: Loop, devices: DeviceSource = kernelDevices) {
    this.#loop = loop;
    this.#devices = devices;
    this.#wakeups = new Wakeups(loop);
    this.guestMemory = new GuestMemoryTrial(
      loop,
      () => this.#open(this.check()),
    );
    this.#shared = {
      files: this.#files,
      guestMemory: this.guestMemory,
      arrivals: new Arrivals(),
      lingering: new Set(),
    };
  }

  /**
   * Looks whether there is a usable device.
   *
   * @throws {NoDeviceError} its message says what is missing.
   */
  check(): UsableNode {
    return this.#node ??= this.#devices.find();
  }

  /**
   * Connects to the host's compositor. Whether it answers shows later.
   *
   * @throws {NoDeviceError}
   * @throws {NoPlaceError}
   * @throws {SyscallError}
   */
  connect(): VirtgpuEndpoint {
    const node = this.check();
    try {
      using undo = new DisposableStack();
      const channel = undo.use(this.#open(node));
      const endpoint = new VirtgpuEndpoint(
        this.#loop,
        channel,
        node,
        this.#shared,
      );
      undo.move();
      return endpoint;
    } catch (error) {
      const isThere = isExhaustion(error) || error instanceof NoPlaceError;
      // it may come back under another name
      if (!isThere) this.#node = null;
      throw error;
    }
  }

  #open({ path }: UsableNode): Channel {
    using undo = new DisposableStack();
    const device = undo.use(this.#devices.open(path));
    if (!hasPlace(device)) throw new NoPlaceError(path);
    undo.move();
    return openChannel(this.#loop, device, this.#wakeups);
  }

  [Symbol.dispose](): void {
    for (const endpoint of this.#shared.lingering) endpoint[Symbol.dispose]();
    this.guestMemory[Symbol.dispose]();
    this.#wakeups[Symbol.dispose]();
    this.#files[Symbol.dispose]();
  }
}

/** Finds a place for an opened node, which has it until it is closed. */
function hasPlace(device: VirtgpuDevice): boolean {
  for (let place = 0; place < MAX_CLIENTS; place++) {
    if (device.takePlace(place)) return true;
  }
  return false;
}
