/**
 * The kernel's virtio-gpu device: the interface's methods, each one a request
 * to the opened node.
 */

import { lockByte } from "../../ffi/byte_lock.ts";
import { deviceNumberOf, memoryPageSize } from "../../ffi/device_node.ts";
import {
  drmGemClose,
  drmPrimeFdToHandle,
  drmPrimeHandleToFd,
  drmVersion,
} from "../../ffi/drm.ts";
import { EAGAIN } from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import { O_NONBLOCK, O_RDWR, openFile, type OwnedFd } from "../../ffi/fd.ts";
import { mapFile, type Mapping } from "../../ffi/mapping.ts";
import type { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import { createUdmabuf } from "../../ffi/udmabuf.ts";
import {
  BLOB_FLAG_USE_MAPPABLE,
  BLOB_FLAG_USE_SHAREABLE,
  BLOB_MEM_GUEST,
  BLOB_MEM_HOST3D,
  readFenceEvents,
  VIRTGPU_PARAMETERS,
  virtgpuContextInit,
  virtgpuCreateBlob,
  virtgpuExecbuffer,
  virtgpuGetCaps,
  virtgpuGetParam,
  virtgpuMap,
  virtgpuResourceInfo,
  virtgpuWait,
} from "../../ffi/virtgpu.ts";
import type {
  BlobNames,
  BlobRequest,
  ContextSettings,
  DeviceParameter,
  DriverVersion,
  ResourceInfo,
  VirtgpuDevice,
} from "./device.ts";

/**
 * Opens a device node, whatever its driver.
 *
 * @throws {SyscallError} EACCES: no permission; ENOENT: no such node.
 */
export function openDevice(path: string): VirtgpuDevice {
  return new KernelDevice(path, openFile(path, O_RDWR | O_NONBLOCK));
}

class KernelDevice implements VirtgpuDevice {
  readonly path: string;
  readonly pageSize = memoryPageSize();
  readonly #fd: OwnedFd;

  /** Takes over the descriptor. */
  constructor(path: string, fd: OwnedFd) {
    this.path = path;
    this.#fd = fd;
  }

  get pollFd(): number {
    return this.#fd.number;
  }

  get deviceNumber(): bigint {
    return deviceNumberOf(this.#fd.number);
  }

  readEvents(): number {
    const fences = readFenceEvents(this.#fd.number);
    if (fences >= 0) return fences;
    if (fences === -EAGAIN) return 0;
    throw new SyscallError(`read events of ${this.path}`, -fences);
  }

  version(): DriverVersion {
    return drmVersion(this.#fd.number);
  }

  getParameter(parameter: DeviceParameter): number | null {
    return virtgpuGetParam(this.#fd.number, VIRTGPU_PARAMETERS[parameter]);
  }

  getCapset(
    capset: number,
    version: number,
    size: number,
  ): Uint8Array<ArrayBuffer> | null {
    return virtgpuGetCaps(this.#fd.number, capset, version, size);
  }

  takePlace(place: number): boolean {
    return lockByte(this.#fd.number, place) !== "taken";
  }

  contextInit({ capset, rings, polledRings }: ContextSettings): void {
    virtgpuContextInit(this.#fd.number, capset, rings, polledRings);
  }

  createBlob(
    { memory, size, blobId, mappable }: BlobRequest,
  ): BlobNames | null {
    const shared = memory === "host3d" ? BLOB_FLAG_USE_SHAREABLE : 0;
    return virtgpuCreateBlob(
      this.#fd.number,
      memory === "guest" ? BLOB_MEM_GUEST : BLOB_MEM_HOST3D,
      (mappable ? BLOB_FLAG_USE_MAPPABLE : 0) | shared,
      size,
      blobId,
    );
  }

  map(handle: number, size: number, access: "read" | "write"): Mapping {
    return virtgpuMap(this.#fd.number, handle, size, access);
  }

  primeHandleToFd(handle: number): OwnedFd {
    return drmPrimeHandleToFd(this.#fd.number, handle);
  }

  mapPrime(fd: number, size: number, access: "read" | "write"): Mapping {
    return mapFile(fd, size, access);
  }

  primeFdToHandle(fd: number): number | null {
    return drmPrimeFdToHandle(this.#fd.number, fd);
  }

  createUdmabuf(memfd: number, size: number): OwnedFd | null {
    return createUdmabuf(memfd, size);
  }

  resourceInfo(handle: number): ResourceInfo {
    return virtgpuResourceInfo(this.#fd.number, handle);
  }

  executeBuffer(
    commands: PinnedBuffer,
    offset: number,
    length: number,
    ring: number,
    handle: number,
  ): void {
    virtgpuExecbuffer(this.#fd.number, commands, offset, length, ring, handle);
  }

  wait(handle: number, patience: "long" | "none"): boolean {
    return virtgpuWait(this.#fd.number, handle, patience);
  }

  closeHandle(handle: number): void {
    drmGemClose(this.#fd.number, handle);
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}
