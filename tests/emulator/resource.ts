/**
 * Memory that guest and host share under one number: the guest's pages, or a
 * file of the host.
 */
import type { OwnedFd } from "../../ffi/fd.ts";
import type { Mapping } from "../../ffi/mapping.ts";

/** One virtio-gpu resource. */
export class Resource implements Disposable {
  /** Its number, which the whole device shares. */
  readonly id: number;
  readonly memory: "guest" | "host3d";
  /** In bytes, whole pages of the guest. */
  readonly size: number;
  /** The bytes that it takes of the host-visible window. */
  readonly window: number;
  /** The memory; null where the host has refused it, or has not made it yet. */
  fd: OwnedFd | null = null;
  /**
   * Whether the VMM shows the host's memory to the guest, so that it can be
   * mapped.
   */
  isShown = false;
  /**
   * Whether the guest's memory has a handle on the host, so that a SEND can
   * name it.
   */
  hasHandle = false;
  /** The host's view of the guest's pages. */
  pages: Mapping | null = null;
  /** Whether the host lets its memory be written. */
  access: "read" | "write" = "write";
  /** Contexts that may name it. */
  readonly contexts = new Set<number>();
  /** The guest's names and mappings of it. */
  references = 0;
  /** Whether dma-bufs of it may be about. */
  exported = false;

  constructor(
    id: number,
    memory: "guest" | "host3d",
    size: number,
    window: number,
  ) {
    this.id = id;
    this.memory = memory;
    this.size = size;
    this.window = window;
  }

  [Symbol.dispose](): void {
    this.pages?.[Symbol.dispose]();
    this.fd?.[Symbol.dispose]();
  }
}
