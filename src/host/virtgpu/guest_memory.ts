/**
 * Memory of this machine that the host sees as it is: a file in memory becomes
 * a dma-buf (/dev/udmabuf), and that a resource which the host knows.
 *
 * Neither Linux, as released until 2026, nor any VMM that was tested has this:
 * it follows the description of those who build it, and was tested with an
 * emulated device only. A host that refuses such a resource does not report it,
 * but drops the message that it came with, and the client's connection is lost.
 * So we try it first, with a page and on a connection of its own, once the
 * compositor is known to answer. Only its answer decides: without an answer,
 * for any reason, the next client tries again.
 */
import { fileSize } from "../../../ffi/file_kind.ts";
import type { OwnedFd } from "../../../ffi/fd.ts";
import {
  addSeals,
  createMemfd,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  readSeals,
} from "../../../ffi/memfd.ts";
import type { Loop, Timer } from "../../loop/loop.ts";
import { type Channel, wholePages } from "../../virtgpu/channel.ts";
import type { VirtgpuDevice } from "../../virtgpu/device.ts";
import {
  CALLBACK,
  ProbeClient,
  type ProbeHandler,
} from "../../virtgpu/probe/mod.ts";
import { DISPLAY } from "../../wayland/wire.ts";
import type { MemoryExporter } from "../endpoint.ts";

/** How long the compositor may take to answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 5_000;

// object ids of the trial, each used once, in this order
const SHM = 4;
const POOL = 5;
const DONE = 6;

/**
 * Whether the host takes it: not known before it was tried, and not tried where
 * the kernel does not offer it. "undecided": it was tried, and there was no
 * answer.
 */
export type GuestMemoryState =
  | "untried"
  | "unoffered"
  | "trying"
  | "undecided"
  | "taken"
  | "refused";

/** Tries whether the host takes memory of this machine. */
export class GuestMemoryTrial implements ProbeHandler, Disposable {
  readonly #loop: Loop;
  readonly #open: () => Channel;
  state: GuestMemoryState = "untried";
  #client: ProbeClient | null = null;
  #device: VirtgpuDevice | null = null;
  /** What is tried; kept until the answer. */
  #memory: OwnedFd | null = null;
  #isAsked = false;
  #timer: Timer | null = null;

  /** @param open opens a channel for it */
  constructor(loop: Loop, open: () => Channel) {
    this.#loop = loop;
    this.#open = open;
  }

  /**
   * The host has answered a client, for the first time. Begins, unless it is
   * decided or the device does not offer it.
   */
  begin(device: VirtgpuDevice): void {
    if (this.state !== "untried" && this.state !== "undecided") return;
    this.#close();
    this.state = "trying";
    this.#attempt(() => {
      if (device.getParameter("CREATE_GUEST_HANDLE") !== 1) {
        this.state = "unoffered";
        return;
      }
      this.#memory = makePage(device);
      // the client goes first
      if (this.#memory === null) this.#decide("undecided");
      else this.#timer = this.#loop.after(0, () => this.#connect());
    });
  }

  event(object: number, opcode: number): void {
    if (object === CALLBACK) this.#ask();
    else if (object === DONE) this.#decide("taken");
    else if (object === DISPLAY && opcode === 0) {
      this.#decide(this.#isAsked ? "refused" : "undecided");
    }
  }

  ended(): void {
    this.#decide("undecided");
  }

  [Symbol.dispose](): void {
    this.#decide("undecided");
    this.#close();
  }

  #connect(): void {
    this.#timer = this.#loop.after(
      ANSWER_TIMEOUT_MS,
      () => this.#decide("undecided"),
    );
    this.#attempt(() => {
      const channel = this.#open();
      this.#device = channel.device;
      this.#client = new ProbeClient(channel, this);
    });
  }

  /**
   * Makes a pool of a page, and destroys it: an error, if the host did not pass
   * it on.
   */
  #ask(): void {
    const client = this.#client;
    const device = this.#device;
    const memory = this.#memory;
    if (client === null || device === null || memory === null) return;
    if (this.#isAsked) return;
    this.#isAsked = true;
    const { pageSize } = device;
    this.#attempt(() => {
      const handle = device.primeFdToHandle(memory.number);
      if (handle === null || !client.bind("wl_shm", SHM)) {
        this.#decide("undecided");
        return;
      }
      const { resource } = device.resourceInfo(handle);
      client.addBeside(resource, SHM, 0, [POOL, pageSize]); // create_pool
      device.closeHandle(handle);
      client.add(POOL, 1, []); // destroy
      client.add(DISPLAY, 0, [DONE]); // sync
    });
  }

  /**
   * No client needs the trial, so an error while making it ends only the trial.
   */
  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#decide("undecided");
    }
  }

  #decide(state: "taken" | "refused" | "undecided"): void {
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
    this.#isAsked = false;
  }
}

/** A page to be tried, or null where the machine makes no dma-buf of it. */
function makePage(device: VirtgpuDevice): OwnedFd | null {
  const { pageSize } = device;
  using file = createMemfd("wayferry-trial", pageSize);
  addSeals(file.number, F_SEAL_SHRINK);
  return device.createUdmabuf(file.number, pageSize);
}

/** Makes the memory of one connection's client visible to the host. */
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
