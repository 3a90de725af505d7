/**
 * Memory of this machine that the host sees as it is: a file in memory becomes a
 * dma-buf (/dev/udmabuf), and that a resource which the host knows.
 *
 * Linux, as released until 2026, has not got it, nor has any VMM that was seen:
 * this follows the description of those who build it, and was tested with an
 * emulated device only. A host that refuses such a resource does not tell, but
 * drops the message that it came with, and the client's connection is lost. So
 * it is tried first, with a page and on a connection of its own.
 */
import { SyscallError } from "../../ffi/error.ts";
import { fileSize } from "../../ffi/file_kind.ts";
import type { OwnedFd } from "../../ffi/fd.ts";
import {
  addSeals,
  createMemfd,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  readSeals,
} from "../../ffi/memfd.ts";
import type { Loop, Timer } from "../loop/loop.ts";
import { type Channel, wholePages } from "../virtgpu/channel.ts";
import type { VirtgpuDevice } from "../virtgpu/device.ts";
import {
  CALLBACK,
  DISPLAY,
  ExampleClient,
  type ExampleHandler,
} from "../virtgpu/example_client.ts";
import type { MemoryExporter } from "./endpoint.ts";

/** How long the compositor may take to answer, in milliseconds. */
const PATIENCE = 5_000;

// object ids of the trial, each used once, in this order
const SHM = 4;
const POOL = 5;
const DONE = 6;

/** Whether the host takes it: not known before it was tried, and not tried where the kernel does not offer it. */
export type GuestMemoryState =
  | "untried"
  | "unoffered"
  | "trying"
  | "taken"
  | "refused";

/** Tries whether the host takes memory of this machine. */
export class GuestMemoryTrial implements ExampleHandler, Disposable {
  readonly #loop: Loop;
  state: GuestMemoryState = "untried";
  #client: ExampleClient | null = null;
  #device: VirtgpuDevice | null = null;
  /** What is tried; kept until the answer. */
  #memory: OwnedFd | null = null;
  #timer: Timer | null = null;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /**
   * Begins, unless it has begun before or the device does not offer it.
   *
   * @param open opens one more channel
   */
  begin(device: VirtgpuDevice, open: () => Channel): void {
    if (this.state !== "untried") return;
    this.state = "unoffered";
    if (!isOffered(device)) return;
    this.state = "trying";
    // whoever waits to be connected goes first
    this.#timer = this.#loop.after(0, () => this.#connect(open));
  }

  event(object: number, opcode: number): void {
    if (object === CALLBACK) this.#ask();
    else if (object === DONE) this.#decide("taken");
    else if (object === DISPLAY && opcode === 0) this.#decide("refused");
  }

  ended(): void {
    this.#decide("refused");
  }

  [Symbol.dispose](): void {
    this.#decide("refused");
    this.#close();
  }

  #connect(open: () => Channel): void {
    this.#timer = this.#loop.after(PATIENCE, () => this.#decide("refused"));
    try {
      const channel = open();
      this.#device = channel.device;
      this.#client = new ExampleClient(channel, this);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.#decide("refused");
    }
  }

  /** Makes a pool of a page, and destroys it: an error, if the host did not pass it on. */
  #ask(): void {
    const client = this.#client;
    const device = this.#device;
    if (client === null || device === null || this.#memory !== null) return;
    const { pageSize } = device;
    try {
      using file = createMemfd("wayferry-trial", pageSize);
      addSeals(file.number, F_SEAL_SHRINK);
      this.#memory = device.createUdmabuf(file.number, pageSize);
      const handle = this.#memory === null
        ? null
        : device.primeFdToHandle(this.#memory.number);
      if (handle === null || !client.bind("wl_shm", SHM)) {
        this.#decide("refused");
        return;
      }
      const { resource } = device.resourceInfo(handle);
      client.addBeside(resource, SHM, 0, [POOL, pageSize]); // create_pool
      device.closeHandle(handle);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.#decide("refused");
      return;
    }
    client.add(POOL, 1, []); // destroy
    client.add(DISPLAY, 0, [DONE]); // sync
  }

  #decide(state: "taken" | "refused"): void {
    if (this.state !== "trying") return;
    this.state = state;
    this.#timer?.[Symbol.dispose]();
    // later, when the client has done with what it told
    this.#timer = this.#loop.after(0, () => this.#close());
  }

  #close(): void {
    this.#timer?.[Symbol.dispose]();
    this.#memory?.[Symbol.dispose]();
    this.#client?.[Symbol.dispose]();
    this.#client =
      this.#device =
      this.#memory =
      this.#timer =
        null;
  }
}

function isOffered(device: VirtgpuDevice): boolean {
  try {
    return device.getParameter("CREATE_GUEST_HANDLE") === 1;
  } catch (error) {
    // the device is gone, which the channel finds out as well
    if (error instanceof SyscallError) return false;
    throw error;
  }
}

/** One connection's. */
export class VirtgpuExporter implements MemoryExporter {
  readonly #device: VirtgpuDevice;
  readonly #trial: GuestMemoryTrial;

  constructor(device: VirtgpuDevice, trial: GuestMemoryTrial) {
    this.#device = device;
    this.#trial = trial;
  }

  export(fd: number, size: number): OwnedFd | null {
    if (this.#trial.state !== "taken") return null;
    const { pageSize } = this.#device;
    const bytes = wholePages(size, pageSize);
    // the file is the client's: it is neither sealed nor made larger here
    const seals = readSeals(fd);
    const isSealed = seals > 0 && (seals & F_SEAL_SHRINK) !== 0 &&
      (seals & F_SEAL_WRITE) === 0;
    // a file's last page is whole, however little of it is the file's
    if (!isSealed || wholePages(fileSize(fd), pageSize) < bytes) return null;
    return this.#device.createUdmabuf(fd, bytes);
  }
}
