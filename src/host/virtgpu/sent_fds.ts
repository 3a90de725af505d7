/**
 * Turns descriptors that are queued for the host into the identifiers of a
 * SEND.
 */
import { fileSize, memoryKind } from "../../../ffi/file_kind.ts";
import type { FdKind } from "../../../protocols/tables.ts";
import type { SentIdentifiers } from "../../virtgpu/commands.ts";
import {
  type Dialect,
  DIALECT_28,
  IDENTIFIER_BLOB,
  IDENTIFIER_READ_PIPE,
  MAX_PAYLOAD,
} from "../../virtgpu/cross_domain.ts";
import type { VirtgpuDevice } from "../../virtgpu/device.ts";
import type { Handles } from "../../virtgpu/handles.ts";
import type { MappedBlob } from "../../virtgpu/mapped_blob.ts";
import { MAX_PENDING, type Pipes } from "../../virtgpu/pipes/mod.ts";
import type { Queue } from "../../wayland/queue.ts";

/** Larger keymaps and colour profiles do not exist. */
export const MAX_COPY_BYTES = 64 * 1024 * 1024;

/**
 * A descriptor cannot be brought to the host. Its message went with it, so the
 * connection ends: features see to it that it does not come to this where an
 * application can help it.
 */
export class UnsendableError extends Error {
  override readonly name = "UnsendableError";
}

/**
 * Makes memory that the host sees; null where there is no room, or no device
 * any more.
 */
export type Allocate = (bytes: number) => MappedBlob | null;

/** What one SEND can take from the front of a queue. */
export interface SendSize {
  bytes: number;
  fds: number;
}

/**
 * How much of the queue goes with the next SEND: descriptors go with the first
 * byte of their message or earlier, and there is one pipe in a SEND at most.
 */
export function measureSend(
  queue: Queue,
  dialect: Dialect,
  size: SendSize,
): void {
  size.bytes = Math.min(queue.length, MAX_PAYLOAD);
  size.fds = 0;
  for (let pipes = 0; size.fds < queue.fdCount; size.fds++) {
    const at = queue.fdPosition(size.fds) - queue.position;
    if (at >= size.bytes) return;
    if (queue.fdKind(size.fds) === "pipe_write_end") pipes++;
    if (pipes > 1 || size.fds === dialect.identifiers) {
      size.bytes = Math.max(1, at);
      return;
    }
  }
}

/** The identifiers of one endpoint's SENDs. */
export class SentFds {
  readonly identifiers: SentIdentifiers = {
    count: 0,
    identifiers: new Int32Array(DIALECT_28.identifiers),
    types: new Int32Array(DIALECT_28.identifiers),
  };
  readonly #device: VirtgpuDevice;
  readonly #handles: Handles;
  readonly #allocate: Allocate;
  readonly #pipes: Pipes;
  /** What must live until the SEND went out. */
  readonly #used: Disposable[] = [];

  constructor(
    device: VirtgpuDevice,
    handles: Handles,
    allocate: Allocate,
    pipes: Pipes,
  ) {
    this.#device = device;
    this.#handles = handles;
    this.#allocate = allocate;
    this.#pipes = pipes;
  }

  /**
   * Finds the identifiers of the first `count` descriptors.
   *
   * @throws {UnsendableError}
   */
  prepare(queue: Queue, count: number): void {
    const { identifiers } = this;
    identifiers.count = count;
    for (let i = 0; i < count; i++) {
      const fd = queue.fds[queue.fdHead + i] ?? -1;
      const kind = queue.fdKind(i);
      const isPipe = kind === "pipe_write_end";
      if (isPipe && this.#pipes.isFull) {
        throw new UnsendableError(
          `the application has ${MAX_PENDING} unfinished pastes, the maximum`,
        );
      }
      identifiers.types[i] = isPipe ? IDENTIFIER_READ_PIPE : IDENTIFIER_BLOB;
      identifiers.identifiers[i] = isPipe
        ? this.#pipes.nextReadPipe
        : this.#resourceOf(fd, kind);
    }
  }

  /**
   * The SEND went out: takes the first `count` descriptors out of the queue.
   */
  sent(queue: Queue, count: number): void {
    for (let i = 0; i < count; i++) {
      if (queue.fdKind(0) === "pipe_write_end") {
        this.#pipes.read(queue.shiftFd());
      } else queue.closeFds(1);
    }
    this.release();
  }

  /** Lets go of what the SEND needed. */
  release(): void {
    for (const resource of this.#used) resource[Symbol.dispose]();
    this.#used.length = 0;
  }

  #resourceOf(fd: number, kind: FdKind | undefined): number {
    switch (kind) {
      case "shm":
      case "dmabuf":
        return this.#import(fd);
      case "keymap":
      case "icc":
      case "gamma":
      case "format_table":
        return this.#copy(fd, kind);
      default:
        throw new UnsendableError(
          `virtio-gpu cannot carry this kind of file descriptor (${kind})`,
        );
    }
  }

  #import(fd: number): number {
    const handle = this.#handles.import(fd);
    if (handle === null) {
      throw new UnsendableError(
        "a buffer was not allocated on this virtio-gpu device, so the host cannot see it",
      );
    }
    this.#used.push({
      [Symbol.dispose]: () => this.#handles.release(handle),
    });
    return this.#device.resourceInfo(handle).resource;
  }

  #copy(fd: number, kind: FdKind): number {
    const file = memoryKind(fd);
    if (file !== "memory" && file !== "disk") {
      throw new UnsendableError(
        `the application's ${kind} is not a file that the proxy can read without waiting`,
      );
    }
    const size = fileSize(fd);
    if (size === 0 || size > MAX_COPY_BYTES) {
      throw new UnsendableError(
        `the application's ${kind} has ${size} bytes, not 1 to ${MAX_COPY_BYTES}`,
      );
    }
    const memory = this.#allocate(size);
    if (memory === null) {
      throw new UnsendableError(
        `there is no host-visible memory left for the application's ${kind}`,
      );
    }
    this.#used.push(memory);
    const isRead = memory.copyFrom({
      fd,
      sourceOffset: 0,
      sourceStride: size,
      targetOffset: 0,
      targetStride: size,
      rowBytes: size,
      rows: 1,
    });
    if (!isRead) {
      throw new UnsendableError(
        `the application shortened its ${kind} while the proxy read it`,
      );
    }
    return memory.resource;
  }
}
