/**
 * A socket that pretends to be an endpoint of another kind: with limits, or
 * unable to carry some descriptors.
 */
import type {
  Carriage,
  Carrier,
  Endpoint,
  EndpointHandler,
  GuestGpu,
  ImageMaker,
  SharedMemory,
} from "../../src/host/endpoint.ts";
import { type MeterLimits, SendMeter } from "../../src/host/send_meter.ts";
import type { LocalSocket } from "../../src/host/local/socket.ts";
import type { Queue } from "../../src/wayland/queue.ts";
import type { FdKind } from "../../protocols/tables.ts";

/** How it differs from a socket. */
export interface Differences {
  readonly meter?: MeterLimits;
  readonly endsSilently?: boolean;
  readonly carriages?: { readonly [kind in FdKind]?: Carriage };
  readonly allocate?: (bytes: number) => SharedMemory | null;
  readonly gpu?: GuestGpu;
  readonly images?: ImageMaker;
}

/** Everything goes through the socket all the same. */
export class OtherEndpoint implements Endpoint {
  readonly carrier: Carrier;
  /**
   * The socket sends all that is queued, also what the meter does not allow.
   */
  readonly meter: SendMeter | null;
  readonly endsSilently: boolean;
  readonly gpu: GuestGpu | null;
  readonly images: ImageMaker | null;
  readonly #socket: LocalSocket;
  readonly #allocate: (bytes: number) => SharedMemory | null;

  constructor(socket: LocalSocket, differences: Differences) {
    this.#socket = socket;
    this.#allocate = differences.allocate ?? (() => null);
    this.meter = differences.meter === undefined
      ? null
      : new SendMeter(socket.outgoing, differences.meter);
    this.endsSilently = differences.endsSilently ?? false;
    this.gpu = differences.gpu ?? null;
    this.images = differences.images ?? null;
    const carriages = differences.carriages ?? {};
    this.carrier = { carries: (kind) => carriages[kind] ?? "as-is" };
  }

  get incoming(): Queue {
    return this.#socket.incoming;
  }

  get outgoing(): Queue {
    return this.#socket.outgoing;
  }

  attach(handler: EndpointHandler): void {
    let sends = 0;
    this.#socket.attach({
      received: () => handler.received(),
      sent: () => {
        for (; sends < this.#socket.sends; sends++) this.meter?.sent();
        handler.sent();
      },
      ended: (reason) => handler.ended(reason),
    });
  }

  touch(): void {
    this.#socket.touch();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  peek(handle: number): number {
    return this.#socket.peek(handle);
  }

  open(handle: number): number {
    return this.#socket.open(handle);
  }

  discard(handle: number): void {
    this.#socket.discard(handle);
  }

  allocate(bytes: number): SharedMemory | null {
    return this.#allocate(bytes);
  }

  finish(milliseconds: number): void {
    this.#socket.finish(milliseconds);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
