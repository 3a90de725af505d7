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

/**
 * Memory that the host can see. Disposing of it ends our use of it; a host that
 * has it open keeps it.
 */
export interface SharedMemory extends Disposable {
  /** In bytes. */
  readonly size: number;
  /** A descriptor to send to the host with the kind "shm"; the caller's. */
  share(): number;
  /**
   * Copies rows from a client's file.
   *
   * @returns false: the file ends before its rows, or cannot be read
   */
  copyFrom(copy: Readonly<RowCopy>): boolean;
}

/** Where a plane of an image lies in its memory, in bytes. */
export interface ImagePlane {
  readonly offset: number;
  readonly stride: number;
}

/**
 * An image in memory that the host's GPU can show. Disposing of it ends our use
 * of it; a host that has it open keeps it.
 */
export interface SharedImage extends Disposable {
  /** Of its memory, in bytes. */
  readonly size: number;
  /** As many as the format has, or more. */
  readonly planes: readonly ImagePlane[];
  /** A descriptor to send to the host with the kind "dmabuf"; the caller's. */
  share(): number;
  /** Copying begins. */
  beginWriting(): void;
  /** Copying has ended. */
  endWriting(): void;
  /**
   * Copies rows from a client's file.
   *
   * @returns false: the file ends before its rows, or cannot be read
   */
  copyFrom(copy: Readonly<RowCopy>): boolean;
}

/**
 * Makes images in memory that the host's GPU can show. Formats are fourcc
 * codes, and layouts are linear.
 */
export interface ImageMaker {
  /** Whether there are images of this format. */
  makes(format: number): boolean;
  /** An image, or null where there is no room for it. */
  allocate(width: number, height: number, format: number): SharedImage | null;
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
   * Memory that the host can see, or null where there is none left; only where
   * `carrier` shadows "shm".
   */
  allocate?(bytes: number): SharedMemory | null;
  /**
   * What makes images, where memory that the host can see is usable as images
   * only, and not as `wl_shm`.
   */
  readonly images?: ImageMaker | null;
  /**
   * What makes memory of clients visible to the host, where anything does; only
   * where `carrier` shadows "shm".
   */
  readonly exporter?: MemoryExporter | null;
  /**
   * Sends what is queued, for at most `milliseconds`, and closes the
   * connection; nothing is received or reported any more.
   */
  finish(milliseconds: number): void;
}
