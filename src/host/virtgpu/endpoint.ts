/**
 * The endpoint of a compositor on the host of this virtual machine, through a
 * cross-domain channel of the virtio-gpu device.
 *
 * Memory that the host can see is made by the host; nothing that a client has
 * made crosses, but buffers of the device itself, where the machine has a GPU.
 */
import { SyscallError } from "../../../ffi/error.ts";
import type { FdKind } from "../../../protocols/tables.ts";
import type { Flushable, Loop, Timer } from "../../loop/loop.ts";
import { BlobMaker } from "../../virtgpu/blob_maker.ts";
import type {
  Channel,
  ChannelHandler,
  ReceivedIdentifier,
} from "../../virtgpu/channel.ts";
import {
  DIALECT_4,
  MAX_PAYLOAD,
  MAX_PROBE,
} from "../../virtgpu/cross_domain.ts";
import { Handles } from "../../virtgpu/handles.ts";
import type { UsableNode } from "../../virtgpu/find/mod.ts";
import type { MappedBlob } from "../../virtgpu/mapped_blob.ts";
import {
  type Arrivals,
  Pipes,
  type PipesHandler,
} from "../../virtgpu/pipes/mod.ts";
import { Queue } from "../../wayland/queue.ts";
import type { CopiedFiles } from "./copied_files.ts";
import type {
  Carrier,
  Endpoint,
  EndpointHandler,
  GuestGpu,
  ImageMaker,
  MemoryExporter,
} from "../endpoint.ts";
import { type MeterLimits, SendMeter } from "../send_meter.ts";
import { type GuestMemoryTrial, VirtgpuExporter } from "./guest_memory.ts";
import { virtgpuCarrier } from "./carrier.ts";
import { VirtgpuGpu } from "./gpu.ts";
import { ReceivedFds } from "./received_fds.ts";
import { measureSend, SentFds, UnsendableError } from "./sent_fds.ts";

/**
 * A SEND waits, and the whole virtual machine with it, while the compositor's
 * socket is full. With weston and sway stopped that is the case after 278 small
 * ones; this is far below.
 */
const METER: MeterLimits = {
  sends: 64,
  bytes: 64 * 1024,
  bytesPerSend: MAX_PAYLOAD,
  // other hosts take more
  fdsPerSend: DIALECT_4.identifiers,
};

/**
 * Milliseconds for which a connection stays without its client, which has
 * written data for others and ended. It takes as long only where somebody else
 * still has the pipe open.
 */
const LINGER_TIMEOUT_MS = 1_000;

/** What all connections of a machine share. */
export interface Shared {
  readonly files: CopiedFiles;
  readonly guestMemory: GuestMemoryTrial;
  readonly arrivals: Arrivals;
  /** Those whose clients are gone, but not yet all that these have written. */
  readonly lingering: Set<Disposable>;
}

/** A connection to the host's compositor, for one client. */
export class VirtgpuEndpoint
  implements Endpoint, ChannelHandler, PipesHandler, Flushable {
  readonly incoming = new Queue();
  readonly outgoing = new Queue();
  readonly carrier: Carrier;
  readonly gpu: GuestGpu | null;
  readonly images: ImageMaker | null;
  readonly exporter: MemoryExporter;
  readonly meter = new SendMeter(this.outgoing, METER);
  readonly endsSilently = true;
  flushPending = false;
  readonly #loop: Loop;
  readonly #channel: Channel;
  readonly #handles: Handles;
  readonly #blobs: BlobMaker;
  readonly #pipes: Pipes;
  readonly #received: ReceivedFds;
  readonly #sending: SentFds;
  readonly #size = { bytes: 0, fds: 0 };
  readonly #guestMemory: GuestMemoryTrial;
  readonly #lingering: Set<Disposable>;
  #handler: EndpointHandler | null = null;
  /**
   * While what its client has written is still sent, although the client is
   * gone.
   */
  #timer: Timer | null = null;
  #hasNews = false;
  #isAnswered = false;
  #broken = false;
  #disposed = false;

  /** Takes over the channel, of a device like `node`. */
  constructor(
    loop: Loop,
    channel: Channel,
    { hasGpu, capabilities: { allocatesDmabuf } }: UsableNode,
    { files, guestMemory, arrivals, lingering }: Shared,
  ) {
    const { device } = channel;
    this.carrier = virtgpuCarrier(
      hasGpu ? "with a GPU" : "without a GPU",
    );
    this.#loop = loop;
    this.#channel = channel;
    this.#handles = new Handles(device);
    this.gpu = hasGpu ? new VirtgpuGpu(device, this.#handles) : null;
    const blobs = new BlobMaker(
      channel,
      this.#handles,
      allocatesDmabuf ? "dma-bufs" : "files",
    );
    this.#blobs = blobs;
    this.images = allocatesDmabuf
      ? {
        makes: (format) => blobs.makes(format),
        allocate: (width, height, format) =>
          unlessGone(() => blobs.makeImage(width, height, format)),
      }
      : null;
    this.exporter = new VirtgpuExporter(device, guestMemory);
    this.#guestMemory = guestMemory;
    this.#lingering = lingering;
    this.#pipes = new Pipes(loop, channel, arrivals, this);
    this.#received = new ReceivedFds(device, this.#pipes, files);
    this.#sending = new SentFds(
      device,
      this.#handles,
      (bytes) => this.allocate(bytes),
      this.#pipes,
    );
  }

  /**
   * How many identifiers a message of the host's has room for; null until it
   * answered.
   */
  get identifiersPerMessage(): number | null {
    return this.#channel.dialect?.identifiers ?? null;
  }

  attach(handler: EndpointHandler): void {
    this.#handler = handler;
    this.#channel.attach(this);
  }

  touch(): void {
    if (!this.flushPending) this.#loop.beforeWait(this);
  }

  pause(): void {
    this.#channel.pause();
  }

  resume(): void {
    this.#channel.resume();
  }

  peek(): number {
    return -1;
  }

  open(handle: number, kind: FdKind): number {
    return this.#received.open(handle, kind);
  }

  discard(handle: number): void {
    this.#received.discard(handle);
  }

  allocate(bytes: number): MappedBlob | null {
    return unlessGone(() => this.#blobs.makeBytes(bytes));
  }

  finish(): void {
    if (this.#disposed) return;
    this.#handler = null;
    // a SEND does not wait for us, so there is nothing to be given time for
    const reason = this.#send();
    if (reason === null && !this.#broken && this.#pipes.hasSources) {
      this.#lingering.add(this);
      this.#timer = this.#loop.after(
        LINGER_TIMEOUT_MS,
        () => this[Symbol.dispose](),
      );
      this.#channel.resume();
    } else this[Symbol.dispose]();
  }

  flush(): void {
    if (this.#disposed) return;
    const reason = this.#send();
    if (reason === null) this.#handler?.sent();
    else this.ended(reason);
  }

  collect(
    bytes: Uint8Array,
    offset: number,
    length: number,
    identifiers: readonly ReceivedIdentifier[],
  ): void {
    if (this.#timer !== null) {
      // nobody is there any more who would read it
      for (const identifier of identifiers) {
        this.#received.discard(this.#received.add(identifier));
      }
      return;
    }
    const { incoming } = this;
    incoming.reserve(length);
    incoming.bytes.set(bytes.subarray(offset, offset + length), incoming.tail);
    incoming.tail += length;
    for (const identifier of identifiers) {
      incoming.pushHandle(this.#received.add(identifier));
    }
    this.#hasNews = true;
  }

  collectPipe(
    pipe: number,
    bytes: Uint8Array<ArrayBuffer>,
    end: boolean,
  ): void {
    this.#pipes.received(pipe, bytes, end);
    // hosts tell nothing else of a connection while one of its pipes is never
    // empty
    this.#handler?.alive?.();
  }

  collected(): void {
    if (!this.#hasNews) return;
    this.#hasNews = false;
    if (!this.#isAnswered) {
      this.#isAnswered = true;
      this.#guestMemory.begin(this.#channel.device);
    }
    // what waited for the host's dialect
    if (this.outgoing.length > 0) this.touch();
    this.#handler?.received();
  }

  cutOff(text: string): void {
    this.#handler?.cutOff?.(text);
  }

  ask(answered: () => void): void {
    this.#handler?.ask?.(answered);
  }

  sourcesEnded(): void {
    if (this.#timer !== null) this[Symbol.dispose]();
  }

  ended(reason: string | null): void {
    if (this.#timer !== null) {
      this[Symbol.dispose]();
      return;
    }
    this.#broken = true;
    this.outgoing.clear();
    this.#handler?.ended(reason);
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#handler = null;
    this.#lingering.delete(this);
    this.#timer?.[Symbol.dispose]();
    this.outgoing.clear();
    // handles of the queue are in the table of what was received
    this.incoming.fdHead = this.incoming.fdTail = 0;
    this.incoming.clear();
    this.#pipes[Symbol.dispose]();
    this.#received[Symbol.dispose]();
    this.#channel[Symbol.dispose]();
  }

  /**
   * Sends all that can be sent.
   *
   * @returns why the connection is at its end, or null
   */
  #send(): string | null {
    if (this.#broken) return null;
    try {
      while (this.outgoing.length > 0 && this.#channel.canSend) {
        if (!this.#sendPiece()) break;
      }
      return null;
    } catch (error) {
      this.#sending.release();
      if (error instanceof UnsendableError || error instanceof SyscallError) {
        return error.message;
      }
      throw error;
    }
  }

  /**
   * @returns false: what comes next must wait for the host's dialect, or for
   * its answers
   */
  #sendPiece(): boolean {
    const { outgoing } = this;
    const size = this.#size;
    const { dialect } = this.#channel;
    if (dialect !== null) measureSend(outgoing, dialect, size);
    else {
      size.fds = 0;
      size.bytes = Math.min(outgoing.length, MAX_PROBE);
      if (outgoing.fdCount > 0) {
        const first = outgoing.fdPosition(0) - outgoing.position;
        size.bytes = Math.min(size.bytes, first);
      }
      if (size.bytes <= 0) return false;
    }
    if (!this.meter.allows(size.bytes)) return false;
    this.#sending.prepare(outgoing, size.fds);
    this.#channel.send(
      outgoing.bytes,
      outgoing.head,
      size.bytes,
      this.#sending.identifiers,
    );
    this.#sending.sent(outgoing, size.fds);
    outgoing.consume(size.bytes);
    this.meter.sent();
    return true;
  }
}

/**
 * Null where the device is gone: the channel notices that as well, and ends the
 * connection.
 */
function unlessGone(make: () => MappedBlob | null): MappedBlob | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof SyscallError) return null;
    throw error;
  }
}
