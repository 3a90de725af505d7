/**
 * The guest kernel's half: one opened node of the emulated device, with the
 * rules of Linux 6.6 and later.
 */
import {
  EBADF,
  EBUSY,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOMEM,
} from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import {
  O_NONBLOCK,
  OwnedFd,
  readFd,
  setNonBlocking,
  statusFlags,
  writeFd,
} from "../../ffi/fd.ts";
import type { Mapping } from "../../ffi/mapping.ts";
import type { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import { createPipe } from "../../ffi/pipe.ts";
import type {
  BlobNames,
  BlobRequest,
  ContextSettings,
  DeviceParameter,
  DriverVersion,
  ResourceInfo,
  VirtgpuDevice,
} from "../../src/virtgpu/device.ts";
import { exportMemory } from "./dma_bufs.ts";
import { happens } from "./faults.ts";
import type { Machine, OpenedNode } from "./machine.ts";
import type { Resource } from "./resource.ts";
import { mapCounted } from "./system.ts";
import { wholePages } from "./wire.ts";

/** struct drm_event: u32 type, u32 length. */
const FENCE_SIGNALED = new Uint8Array(
  new Uint32Array([0x9000_0000, 8]).buffer,
);
/** 4096 bytes of event space. */
const MOST_EVENTS = 512;
const CROSS_DOMAIN = 5;
/** Driver, render node: 226, 128. */
const DEVICE_NUMBER = (226n << 8n) | 128n;

const parameters: Record<DeviceParameter, number | null> = {
  "3D_FEATURES": 1,
  CAPSET_QUERY_FIX: 1,
  RESOURCE_BLOB: 1,
  HOST_VISIBLE: 1,
  CROSS_DEVICE: 0,
  CONTEXT_INIT: 1,
  SUPPORTED_CAPSET_IDS: 1 << CROSS_DOMAIN,
  EXPLICIT_DEBUG_NAME: null,
  BLOB_ALIGNMENT: null,
  CREATE_GUEST_HANDLE: null,
};

export class EmulatedDevice implements VirtgpuDevice, OpenedNode {
  readonly path = "/dev/dri/renderD128 (emulated)";
  readonly deviceNumber = DEVICE_NUMBER;
  readonly #machine: Machine;
  readonly #eventReader: OwnedFd;
  readonly #eventWriter: OwnedFd;
  readonly #handles = new Map<number, Resource>();
  /** Fences that a handle is tied to. */
  readonly #busy = new Map<number, number>();
  #lastHandle = 0;
  #context: number | null = null;
  #settings: ContextSettings | null = null;
  #outstandingEvents = 0;
  #mappings = 0;
  #pins = 0;
  #open = true;
  #destroyed = false;

  constructor(machine: Machine) {
    this.#machine = machine;
    const { reader, writer } = createPipe();
    setNonBlocking(reader.number);
    setNonBlocking(writer.number);
    this.#eventReader = reader;
    this.#eventWriter = writer;
    machine.opened(this);
  }

  get pageSize(): number {
    return this.#machine.pageSize;
  }

  get pollFd(): number {
    return this.#eventReader.number;
  }

  /** The context's number on the host, or null. */
  get context(): number | null {
    return this.#context;
  }

  get handleCount(): number {
    return this.#handles.size;
  }

  /** Mappings that were not ended, of whichever kind. */
  get mappingCount(): number {
    return this.#mappings;
  }

  readEvents(): number {
    this.#requireOpen("read events");
    const events = new Uint8Array(MOST_EVENTS * FENCE_SIGNALED.length);
    const count = readFd(this.pollFd, events);
    if (count <= 0) return 0;
    const read = count / FENCE_SIGNALED.length;
    this.#outstandingEvents -= read;
    return read;
  }

  version(): DriverVersion {
    this.#requireOpen("VERSION");
    return { name: "virtio_gpu", major: 0, minor: 1, patch: 0 };
  }

  getParameter(parameter: DeviceParameter): number | null {
    this.#requireOpen("GETPARAM");
    const { options: { parameters: changed }, guestHandles } = this.#machine;
    if (changed?.[parameter] !== undefined) return changed[parameter];
    if (parameter === "CREATE_GUEST_HANDLE" && guestHandles !== null) return 1;
    return parameters[parameter];
  }

  getCapset(
    capset: number,
    version: number,
    size: number,
  ): Uint8Array<ArrayBuffer> | null {
    this.#requireOpen("GET_CAPS");
    const words = this.#machine.options.capset;
    if (capset !== CROSS_DOMAIN || version !== 0 || words === null) return null;
    const bytes = new Uint8Array(size);
    const allocatesDmabuf = this.#machine.profile.allocator === "GPU" ? 1 : 0;
    const all = new Uint8Array(
      new Uint32Array(words ?? [1, 2, allocatesDmabuf, 0]).buffer,
    );
    bytes.set(all.subarray(0, size));
    return bytes;
  }

  takePlace(place: number): boolean {
    this.#requireOpen("F_OFD_SETLK");
    return this.#machine.takePlace(place, this);
  }

  contextInit(settings: ContextSettings): void {
    this.#requireOpen("CONTEXT_INIT");
    if (
      settings.capset !== CROSS_DOMAIN || settings.rings > 64 ||
      settings.polledRings >>> settings.rings !== 0
    ) throw new SyscallError("CONTEXT_INIT", EINVAL);
    if (this.#context !== null) throw new SyscallError("CONTEXT_INIT", EEXIST);
    this.#settings = settings;
    this.#context = this.#machine.createContext();
  }

  createBlob(request: BlobRequest): BlobNames | null {
    const operation = "RESOURCE_CREATE_BLOB";
    this.#requireOpen(operation);
    const context = this.#requireContext();
    const size = wholePages(request.size, this.pageSize);
    if (size === 0 || (request.memory === "guest" && request.blobId !== 0)) {
      throw new SyscallError(operation, EINVAL);
    }
    const resource = request.memory === "guest"
      ? this.#machine.createGuestMemory(size)
      : this.#machine.createHostMemory(
        context,
        request.blobId,
        size,
        request.mappable,
      );
    if (resource === null) return null;
    this.#machine.attach(resource, context, "attach");
    return { handle: this.#addHandle(resource), resource: resource.id };
  }

  map(handle: number, size: number, access: "read" | "write"): Mapping {
    this.#requireOpen("MAP");
    const resource = this.#resource("MAP", handle);
    const mapping = this.#map(resource, size, access, () => {
      this.#pins--;
      if (!this.#open && this.#pins === 0) this.destroy();
    });
    this.#pins++;
    return mapping;
  }

  primeHandleToFd(handle: number): OwnedFd {
    this.#requireOpen("PRIME_HANDLE_TO_FD");
    const resource = this.#resource("PRIME_HANDLE_TO_FD", handle);
    this.#requireAnswer("PRIME_HANDLE_TO_FD");
    // A refused blob can be exported all the same; only mapping it fails.
    if (resource.fd === null) return createPipe().reader;
    resource.exported = true;
    return exportMemory(resource.fd.number);
  }

  mapPrime(fd: number, size: number, access: "read" | "write"): Mapping {
    const resource = (statusFlags(fd) & O_NONBLOCK) === 0
      ? null
      : this.#machine.findByFile(fd);
    if (
      resource === null ||
      happens(this.#machine.faults, "refusedDmaBufMappings")
    ) throw new SyscallError("map a dma-buf", EINVAL);
    return this.#map(resource, size, access, () => {});
  }

  createUdmabuf(memfd: number, size: number): OwnedFd | null {
    this.#requireOpen("UDMABUF_CREATE");
    return this.#machine.guestHandles?.create(memfd, size) ?? null;
  }

  primeFdToHandle(fd: number): number | null {
    this.#requireOpen("PRIME_FD_TO_HANDLE");
    const context = this.#requireContext();
    const resource = this.#machine.findByFile(fd) ??
      this.#machine.importGuestMemory(fd);
    if (resource === null) {
      const foreign = this.#machine.importForeign();
      return foreign === null ? null : this.#addHandle(foreign);
    }
    for (const [handle, known] of this.#handles) {
      if (known === resource) return handle;
    }
    this.#machine.attach(resource, context, "attach");
    return this.#addHandle(resource);
  }

  resourceInfo(handle: number): ResourceInfo {
    this.#requireOpen("RESOURCE_INFO");
    const { id, size, memory } = this.#resource("RESOURCE_INFO", handle);
    return { resource: id, size, blobMemory: memory === "guest" ? 1 : 2 };
  }

  executeBuffer(
    commands: PinnedBuffer,
    offset: number,
    length: number,
    ring: number,
    handle: number,
  ): void {
    const operation = "EXECBUFFER";
    this.#requireOpen(operation);
    const context = this.#requireContext();
    if (ring >= (this.#settings?.rings ?? 0)) {
      throw new SyscallError(operation, EINVAL);
    }
    if (handle !== 0) this.#resource(operation, handle);
    const isPolled = ring >= 0 &&
      ((this.#settings?.polledRings ?? 0) >>> ring & 1) !== 0;
    if (isPolled && this.#outstandingEvents >= MOST_EVENTS) {
      throw new SyscallError(operation, ENOMEM);
    }
    if (isPolled) this.#outstandingEvents++;
    if (handle !== 0) this.#tie(handle, 1);
    const bytes = commands.bytes.slice(offset, offset + length);
    const signal = isPolled || handle !== 0
      ? (): void => {
        if (handle !== 0) this.#tie(handle, -1);
        if (isPolled) this.#writeEvent();
      }
      : null;
    this.#machine.submit(context, bytes, ring, signal);
  }

  wait(handle: number, patience: "long" | "none"): boolean {
    this.#requireOpen("WAIT");
    this.#resource("WAIT", handle);
    if ((this.#busy.get(handle) ?? 0) === 0) return true;
    if (patience === "long") {
      this.#machine.violations.push(`WAIT for handle ${handle} takes 15 s`);
    }
    return false;
  }

  closeHandle(handle: number): void {
    this.#requireOpen("GEM_CLOSE");
    const resource = this.#handles.get(handle);
    if (resource === undefined) throw new SyscallError("GEM_CLOSE", EINVAL);
    this.#close(handle, resource);
  }

  /** An event though no fence was signalled. */
  signalEvent(): void {
    this.#outstandingEvents++;
    this.#writeEvent();
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#pins === 0) this.destroy();
  }

  /** Ends the opened file: nothing refers to it any more. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#open = false;
    for (const [handle, resource] of this.#handles) {
      this.#close(handle, resource);
    }
    if (this.#context !== null) this.#machine.destroyContext(this.#context);
    this.#eventReader[Symbol.dispose]();
    this.#eventWriter[Symbol.dispose]();
    this.#machine.closed(this);
  }

  #map(
    resource: Resource,
    size: number,
    access: "read" | "write",
    onEnd: () => void,
  ): Mapping {
    const operation = `map resource ${resource.id}`;
    this.#requireAnswer(operation);
    const { fd } = resource;
    const isHidden = resource.memory === "host3d" && !resource.isShown;
    if (fd === null || isHidden || size !== resource.size) {
      throw new SyscallError(operation, EINVAL);
    }
    const file = Deno.statSync(`/proc/self/fd/${fd.number}`);
    if (!file.isFile) throw new SyscallError(operation, EINVAL);
    if (wholePages(file.size, this.pageSize) < size) {
      this.#machine.violations.push(
        `resource ${resource.id}: a mapping larger than its file crashes the VMM when it is read`,
      );
      throw new SyscallError(operation, EINVAL);
    }
    const isForbidden = access === "write" && resource.access === "read";
    if (isForbidden) {
      this.#machine.violations.push(
        `resource ${resource.id}: mapped for writing, a write crashes the VMM`,
      );
    }
    const mapping = mapCounted(
      fd.number,
      size,
      isForbidden ? "copy" : access,
      () => {
        this.#mappings--;
        this.#machine.unreference(resource);
        onEnd();
      },
    );
    this.#mappings++;
    resource.references++;
    return mapping;
  }

  #addHandle(resource: Resource): number {
    resource.references++;
    const handle = ++this.#lastHandle;
    this.#handles.set(handle, resource);
    return handle;
  }

  #close(handle: number, resource: Resource): void {
    this.#handles.delete(handle);
    if (this.#context !== null) {
      this.#machine.attach(resource, this.#context, "detach");
    }
    this.#machine.unreference(resource);
  }

  #resource(operation: string, handle: number): Resource {
    const resource = this.#handles.get(handle);
    if (resource === undefined) throw new SyscallError(operation, ENOENT);
    return resource;
  }

  #tie(handle: number, change: 1 | -1): void {
    this.#busy.set(handle, (this.#busy.get(handle) ?? 0) + change);
  }

  #writeEvent(): void {
    if (!this.#destroyed) writeFd(this.#eventWriter.number, FENCE_SIGNALED);
  }

  /** Whatever needs the host's answer waits while the VM stands still. */
  #requireAnswer(operation: string): void {
    if (!this.#machine.queue.isStuck) return;
    this.#machine.violations.push(
      `${operation}: waits, for the VM stands still`,
    );
    throw new SyscallError(operation, EBUSY);
  }

  /**
   * The kernel makes a context of another kind where none was asked for, which
   * then cannot be changed.
   */
  #requireContext(): number {
    if (this.#context === null) {
      this.#machine.violations.push("a context was made without CONTEXT_INIT");
      this.#context = this.#machine.createContext();
    }
    return this.#context;
  }

  #requireOpen(operation: string): void {
    if (!this.#open) throw new SyscallError(operation, EBADF);
  }
}
