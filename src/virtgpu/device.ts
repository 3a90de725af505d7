/**
 * A virtio-gpu device as the cross-domain channel needs it: one typed method
 * per ioctl of `<drm/virtgpu_drm.h>` and `<drm/drm.h>`.
 *
 * There are two implementations: the kernel's (kernel_device.ts), and an
 * emulator in tests/, which speaks to a local compositor. Nothing above this
 * interface knows a struct, a flag or an ioctl number.
 *
 * Methods throw `SyscallError` unless they say otherwise. No method reports
 * what the host thought of a command: the host cannot tell (README.md).
 */

import type { OwnedFd } from "../../ffi/fd.ts";
import type { Mapping } from "../../ffi/mapping.ts";
import type { PinnedBuffer } from "../../ffi/pinned_buffer.ts";

/**
 * Names of the driver's parameters, as in the kernel's header without
 * `VIRTGPU_PARAM_`.
 */
export type DeviceParameter =
  /** Commands can be submitted at all. */
  | "3D_FEATURES"
  /** GET_CAPS counts capability sets rightly. */
  | "CAPSET_QUERY_FIX"
  /** Memory can be made as blobs. */
  | "RESOURCE_BLOB"
  /** There is a window through which this machine sees host memory. */
  | "HOST_VISIBLE"
  /** Blobs can be shared with other virtio devices. */
  | "CROSS_DEVICE"
  /** A context can be given a type and rings. */
  | "CONTEXT_INIT"
  /** A bit per capability set. */
  | "SUPPORTED_CAPSET_IDS"
  /** A context can be given a name. */
  | "EXPLICIT_DEBUG_NAME"
  /** What sizes of blobs must be a multiple of. */
  | "BLOB_ALIGNMENT"
  /** The guest's memory can be handed to the host (not in Linux as of 2026). */
  | "CREATE_GUEST_HANDLE";

/** What DRM_IOCTL_VERSION tells. */
export interface DriverVersion {
  /** The driver: "virtio_gpu" for the device that this is about. */
  readonly name: string;
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** How a context is made. */
export interface ContextSettings {
  /** Capability set that decides what the context's commands mean. */
  readonly capset: number;
  /** Number of rings (fence timelines). */
  readonly rings: number;
  /** A bit per ring whose fences become events to be read. */
  readonly polledRings: number;
}

/** Which memory a blob is made of. */
export interface BlobRequest {
  /**
   * "guest": pages of this machine's memory; "host3d": the host's, named by
   * `blobId`.
   */
  readonly memory: "guest" | "host3d";
  /** In bytes. Of a host's blob exactly what the host said. */
  readonly size: number;
  /** The host's name for it, used once; 0 for the guest's memory. */
  readonly blobId: number;
  /**
   * Whether it can be mapped here. A mappable host blob takes room in the
   * host-visible window.
   */
  readonly mappable: boolean;
}

/** A new blob, by its two names. */
export interface BlobNames {
  /**
   * The kernel's name, of this opened device only; ended by `closeHandle`.
   * Never 0.
   */
  readonly handle: number;
  /** The device's name, which the host knows: what a SEND refers to. */
  readonly resource: number;
}

/** What RESOURCE_INFO tells. */
export interface ResourceInfo {
  readonly resource: number;
  /** In bytes, below 2^32. */
  readonly size: number;
  /** 0: no blob; 1: the guest's memory; 2: the host's. */
  readonly blobMemory: number;
}

/** No ring: the submission makes no event. */
export const NO_RING = -1;
/** No object is tied to the submission. */
export const NO_HANDLE = 0;

/**
 * One opened device node: one context, and so at most one connection to the
 * host.
 *
 * Disposing of it closes the node. The host's context ends when that was the
 * last reference to the open file: mappings made by `map` hold it as well,
 * those made by `mapPrime` do not.
 */
export interface VirtgpuDevice extends Disposable {
  /** The node's path, for messages. */
  readonly path: string;
  /** The node's number (`st_rdev`), which dma-buf feedback speaks of. */
  readonly deviceNumber: bigint;
  /** Bytes per page of this machine: the size of the channel's pages. */
  readonly pageSize: number;
  /** For the loop: readable while `readEvents` has something. Borrowed. */
  readonly pollFd: number;

  /**
   * Reads what events there are.
   *
   * @returns how many fences of polled rings were signalled; 0 where none was.
   * Never waits.
   */
  readEvents(): number;

  /** DRM_IOCTL_VERSION. */
  version(): DriverVersion;

  /**
   * VIRTGPU_GETPARAM: the value, or null where the kernel or device does not
   * know the parameter.
   */
  getParameter(parameter: DeviceParameter): number | null;

  /**
   * VIRTGPU_GET_CAPS: the capability set's first `size` bytes, or null where
   * the host has no such set.
   */
  getCapset(
    capset: number,
    version: number,
    size: number,
  ): Uint8Array<ArrayBuffer> | null;

  /**
   * Takes one of the machine's places, which all programs on it share; it is
   * held until the node is closed for good. A lock of a byte of the node
   * (fcntl, F_OFD_SETLK).
   *
   * @returns false: another opening of the node has it. Where nodes have no
   * locks everybody gets it.
   */
  takePlace(place: number): boolean;

  /** VIRTGPU_CONTEXT_INIT: must come before any blob, import or submission. */
  contextInit(settings: ContextSettings): void;

  /**
   * VIRTGPU_RESOURCE_CREATE_BLOB. The host's refusal of a `blobId` shows when
   * the blob is mapped, not here.
   *
   * @returns null where the host-visible window has no room left (ENOSPC).
   */
  createBlob(request: BlobRequest): BlobNames | null;

  /**
   * VIRTGPU_MAP and mmap, all `size` bytes. EINVAL: the host refused the blob.
   */
  map(handle: number, size: number, access: "read" | "write"): Mapping;

  /**
   * PRIME_HANDLE_TO_FD: a dma-buf that keeps the memory alive without this
   * device; it can be mapped for writing.
   */
  primeHandleToFd(handle: number): OwnedFd;

  /** mmap of a dma-buf that `primeHandleToFd` made, all `size` bytes. */
  mapPrime(fd: number, size: number, access: "read" | "write"): Mapping;

  /**
   * PRIME_FD_TO_HANDLE: the handle of a dma-buf, which makes it known to this
   * context. The same dma-buf gives the same handle again, without a second
   * reference: one `closeHandle` ends it for all.
   *
   * @returns null where the descriptor is no dma-buf, or none that this device
   * can take (EINVAL, ENODEV).
   */
  primeFdToHandle(fd: number): number | null;

  /**
   * UDMABUF_CREATE, of the machine rather than of this device: a dma-buf of the
   * first `size` bytes of a file in memory, whole pages, which keeps them where
   * they are. Only where CREATE_GUEST_HANDLE is 1 `primeFdToHandle` makes
   * something of it that the host knows.
   *
   * @returns null where the machine makes none of this file.
   */
  createUdmabuf(memfd: number, size: number): OwnedFd | null;

  /** VIRTGPU_RESOURCE_INFO. */
  resourceInfo(handle: number): ResourceInfo;

  /**
   * VIRTGPU_EXECBUFFER: gives commands to the host, in order, and returns when
   * the kernel has them. They were copied; the buffer is free again.
   *
   * @param ring the ring of its fence, or `NO_RING`.
   * @param handle an object for `wait`, or `NO_HANDLE`.
   */
  executeBuffer(
    commands: PinnedBuffer,
    offset: number,
    length: number,
    ring: number,
    handle: number,
  ): void;

  /**
   * VIRTGPU_WAIT: whether all submissions with this object are done.
   *
   * @param patience "long": waits for them, at most 15 s, and everything else
   * waits with it.
   */
  wait(handle: number, patience: "long" | "none"): boolean;

  /** GEM_CLOSE. The host still sees what was submitted before with it. */
  closeHandle(handle: number): void;
}
