/**
 * One end of a relay: a stream of Wayland bytes and descriptors in both
 * directions, whatever carries it.
 *
 * What arrives beside the bytes stays an unopened handle until its message is
 * decoded, because only the message says what kind it is.
 */
import type { OwnedFd } from "../../ffi/fd.ts";
import type { RowCopy } from "../../ffi/file_copy.ts";
import type { FdKind } from "../../protocols/tables.ts";
import type { Queue } from "../wayland/queue.ts";
import type { SendMeter } from "./send_meter.ts";

/** How an endpoint brings a descriptor of some kind across. */
export type Carriage =
  /** The descriptor itself. */
  | "as-is"
  /** A copy of the file's contents. */
  | "copied"
  /** A pipe of the endpoint's own, and a copy loop between the two. */
  | "bridged"
  /** Memory of the endpoint's own, which a feature keeps up to date. */
  | "shadowed"
  /** Not at all: globals that need it are not announced. */
  | "never";

/**
 * What carries a descriptor: a request, from the client, or an event, from the
 * host.
 */
export type MessageType = "request" | "event";

/**
 * What endpoints of one kind can carry. All of them share one object, so that
 * what follows from it is worked out once.
 */
export interface Carrier {
  /** How descriptors of this kind cross, in messages of this type. */
  carries(kind: FdKind, type: MessageType): Carriage;
}

/**
 * Whether the host is across a boundary that memory does not cross by itself.
 */
export function shadowsMemory(carrier: Carrier): boolean {
  return carrier.carries("shm", "request") === "shadowed";
}

/** Where a plane of an image lies in its memory, in bytes. */
export interface MemoryPlane {
  readonly offset: number;
  readonly stride: number;
}

/**
 * Memory that the host can see: plain bytes, or an image that its GPU can show.
 * Disposing of it ends our use of it; a host that has it open keeps it.
 */
export interface SharedMemory extends Disposable {
  /** In bytes. */
  readonly size: number;
  /**
   * Of an image as many as its format has, or more; empty where these are plain
   * bytes.
   */
  readonly planes: readonly MemoryPlane[];
  /**
   * A descriptor for the host, of the kind "dmabuf" for an image and "shm" for
   * bytes; the caller's.
   */
  share(): number;
  /** The caller begins to copy. */
  beginWriting(): void;
  /** The caller has copied, and the host may read. */
  endWriting(): void;
  /**
   * Copies rows from a client's file.
   *
   * @returns false: the file ends before its rows, or cannot be read
   */
  copyFrom(copy: Readonly<RowCopy>): boolean;
}

/**
 * Makes linear images that the host's GPU can show. Formats are fourcc codes.
 */
export interface ImageMaker {
  /** Whether the host makes images of this format. */
  makes(format: number): boolean;
  /** An image, or null where the host has no room for it. */
  allocate(width: number, height: number, format: number): SharedMemory | null;
}

/** Memory of this machine that we can give to the host as it is. */
export interface MemoryExporter {
  /**
   * A descriptor to send to the host with the kind "shm", of the first `size`
   * bytes of a client's file. As long as one of them is open the file's pages
   * stay where the host sees them.
   *
   * @returns null where the host cannot see such memory, or not this file's
   */
  export(fd: number, size: number): OwnedFd | null;
}

/** The GPU of this machine whose buffers reach the host as they are. */
export interface GuestGpu {
  /** The `dev_t` of the device that applications here draw with. */
  readonly deviceNumber: bigint;
  /** Whether its driver may make buffers of this format, with this layout. */
  makes(format: number, modifier: bigint): boolean;
  /** Whether a dma-buf is one of its buffers, so that it can cross. */
  owns(fd: number): boolean;
}

/** What happens at an endpoint, for its owner. */
export interface EndpointHandler {
  /** `incoming` has more bytes or descriptors. */
  received(): void;
  /** `outgoing` was sent, all of it or a part. */
  sent(): void;
  /** The peer has done something else than to send messages, so it is alive. */
  alive?(): void;
  /**
   * Data of a paste or a copy are lost, as the text says; the connection goes
   * on.
   */
  cutOff?(text: string): void;
  /**
   * The owner must ask the peer for an answer, which it gives when everything
   * before is done. Where it never comes the owner gives the peer up.
   */
  ask?(answered: () => void): void;
  /**
   * The peer is gone, and nothing more arrives. `reason` is null where it
   * simply closed the connection.
   */
  ended(reason: string | null): void;
}

/**
 * One end of a relay. Disposing of it closes the connection and everything
 * queued.
 */
export interface Endpoint extends Disposable {
  /** What arrived and was not yet consumed. */
  readonly incoming: Queue;
  /** What is still to be sent. Code that appends to it calls `touch`. */
  readonly outgoing: Queue;
  /** How descriptors cross. */
  readonly carrier: Carrier;
  /**
   * The GPU whose buffers it carries, where that is another one than the host's
   * compositor uses.
   */
  readonly gpu?: GuestGpu | null;
  /**
   * What limits how much may be unanswered, or null where nothing does. What it
   * does not allow stays in `outgoing`.
   */
  readonly meter: SendMeter | null;
  /** Whether the end of the peer may go unreported. */
  readonly endsSilently?: boolean;
  /** Starts to report to `handler`. */
  attach(handler: EndpointHandler): void;
  /** Has `outgoing` flushed before the loop next waits. */
  touch(): void;
  /** Stops receiving, so that the peer feels the back-pressure. */
  pause(): void;
  /** Receives again. */
  resume(): void;
  /**
   * The descriptor of a received handle, borrowed, or -1 where there is none.
   */
  peek(handle: number): number;
  /**
   * Makes an owned descriptor of a received handle, now that its kind is known.
   */
  open(handle: number, kind: FdKind): number;
  /** Drops a handle that nobody wants. */
  discard(handle: number): void;
  /**
   * Allocates plain bytes that the host can see, or null where the host has no
   * room. Only where `carrier` shadows "shm".
   */
  allocate?(bytes: number): SharedMemory | null;
  /**
   * Makes images, where compositors take host memory only as images, and not as
   * `wl_shm`.
   */
  readonly images?: ImageMaker | null;
  /**
   * Makes memory of clients visible to the host, where the device can do that.
   * Only where `carrier` shadows "shm".
   */
  readonly exporter?: MemoryExporter | null;
  /**
   * Sends what is queued, for at most `milliseconds`, and closes the
   * connection; nothing is received or reported any more.
   */
  finish(milliseconds: number): void;
}
