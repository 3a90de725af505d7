/**
 * An emulated virtual machine: what all opened device nodes share, of the
 * guest's kernel, the VMM and the host (README.md).
 */
import { SyscallError } from "../../ffi/error.ts";
import { O_RDWR, openFile, type OwnedFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import type { Loop } from "../../src/loop/loop.ts";
import type { DeviceParameter } from "../../src/virtgpu/device.ts";
import { HostContext } from "./context.ts";
import { ControlQueue } from "./control_queue.ts";
import { countExported, exportMemory, fileIdentity } from "./dma_bufs.ts";
import { Faults } from "./faults.ts";
import { type Fence, FenceList } from "./fences.ts";
import { GuestHandles } from "./guest_handles.ts";
import { HostError } from "./host_error.ts";
import type { HostProfile } from "./host_profile.ts";
import { HOST_MEMORY, ImageAllocator } from "./image_allocator.ts";
import { Resource } from "./resource.ts";
import { mapCounted } from "./system.ts";
import { wholePages } from "./wire.ts";
import type { Pace } from "./worker.ts";

/** Name of the guest's memory, by which a test finds it in /proc. */
const GUEST_MEMORY = "wayferry-emulated-guest";

export interface MachineOptions {
  readonly loop: Loop;
  readonly profile: HostProfile;
  /**
   * Connects one context to the compositor: a non-blocking socket.
   *
   * @throws {SyscallError}
   */
  readonly connect: () => OwnedFd;
  readonly faults?: Faults;
  readonly pace?: Pace;
  /** Bytes per page of the guest. */
  readonly pageSize?: number;
  /**
   * Whether the guest's memory can be handed to the host, and whether the host
   * then takes it.
   */
  readonly guestHandles?: "taken" | "refused";
  /**
   * Whether the guest's kernel takes dma-bufs of other devices, of which the
   * host then knows nothing.
   */
  readonly importsForeign?: boolean;
  /** What differs of the device's parameters. */
  readonly parameters?: Partial<Record<DeviceParameter, number | null>>;
  /** The capability set's words; null: the host has no such set. */
  readonly capset?: readonly number[] | null;
}

/** What is there that somebody must end: all 0 when all is ended. */
export interface Census {
  /** Connections to the compositor. */
  readonly contexts: number;
  /** Names of memory in the guest's kernel. */
  readonly handles: number;
  readonly resources: number;
  /** Bytes of the host-visible window. */
  readonly window: number;
  /** Descriptors of exported memory that the guest holds. */
  readonly dmaBufs: number;
  /** The guest's mappings of memory. */
  readonly mappings: number;
  /** Received files that nobody has claimed, and the host's ends of pipes. */
  readonly hostDescriptors: number;
}

/** An opened node, as the machine sees it. */
export interface OpenedNode {
  readonly handleCount: number;
  /** Mappings that were not ended. */
  readonly mappingCount: number;
  /** Closes it, whatever refers to it. */
  destroy(): void;
}

export class Machine implements Disposable {
  readonly options: MachineOptions;
  readonly profile: HostProfile;
  readonly faults: Faults;
  readonly pageSize: number;
  /** What the host wrote to its log: the guest has heard nothing of it. */
  readonly log: string[] = [];
  /** What would have crashed or hung a real VM. */
  readonly violations: string[] = [];
  readonly contexts = new Map<number, HostContext>();
  readonly resources = new Map<number, Resource>();
  readonly queue: ControlQueue;
  /** The guest's dma-bufs of its own memory, where they are of any use. */
  readonly guestHandles: GuestHandles | null;
  readonly #allocator: ImageAllocator;
  readonly #fences: FenceList;
  readonly #devices = new Set<OpenedNode>();
  /** Who has which byte of the node locked. */
  readonly #places = new Map<number, OpenedNode>();
  /** The kernel takes the lowest number that is free. */
  readonly #contextIds = new Set<number>();
  #lastResource = 0;
  #disposed = false;

  constructor(options: MachineOptions) {
    this.options = options;
    this.profile = options.profile;
    this.faults = options.faults ?? new Faults();
    this.pageSize = options.pageSize ?? 4096;
    this.guestHandles = options.guestHandles === undefined
      ? null
      : new GuestHandles(this.pageSize);
    this.#allocator = new ImageAllocator(options.profile);
    const { loop, profile: { fences, places } } = options;
    this.queue = new ControlQueue(loop, places, () => this.#fences.count);
    this.#fences = new FenceList(fences, loop, this.faults, this.queue);
  }

  /** Commands in the device's queue that only their fences keep there. */
  get commandsKept(): number {
    return this.#fences.count;
  }

  /** For devices: one is opened. */
  opened(device: OpenedNode): void {
    this.#devices.add(device);
  }

  /** For devices: one is closed for good. */
  closed(device: OpenedNode): void {
    this.#devices.delete(device);
    for (const [place, holder] of this.#places) {
      if (holder === device) this.#places.delete(place);
    }
  }

  /**
   * For devices: locks a byte of the node.
   *
   * @returns false: another opening has it
   */
  takePlace(place: number, device: OpenedNode): boolean {
    if ((this.#places.get(place) ?? device) !== device) return false;
    this.#places.set(place, device);
    return true;
  }

  /** For devices: makes a context. */
  createContext(): number {
    let id = 1;
    while (this.#contextIds.has(id)) id++;
    this.#contextIds.add(id);
    const { loop, connect, pace } = this.options;
    this.queue.submit(() => {
      this.contexts.set(
        id,
        new HostContext({
          id,
          loop,
          connect,
          pace: pace ?? "at once",
          profile: this.profile,
          faults: this.faults,
          allocator: this.#allocator,
          resource: (resource) => {
            const attached = this.#attached(id, resource);
            const isPage = attached?.memory === "guest" &&
              !attached.hasHandle;
            return isPage ? null : attached?.fd;
          },
          page: (resource) =>
            this.#attached(id, resource)?.pages?.bytes ?? null,
          signal: (fence) => this.#fences.signal(fence),
          log: (text) => this.log.push(`context ${id}: ${text}`),
          violation: (text) => this.violations.push(`context ${id}: ${text}`),
        }),
      );
    });
    return id;
  }

  /** For devices: ends a context. */
  destroyContext(id: number): void {
    this.#contextIds.delete(id);
    this.queue.submit(() => {
      const context = this.contexts.get(id);
      this.contexts.delete(id);
      context?.[Symbol.dispose]();
      for (const resource of this.resources.values()) {
        resource.contexts.delete(id);
      }
    });
  }

  /** For devices: memory of the guest. */
  createGuestMemory(size: number): Resource {
    const resource = this.#addResource("guest", size, 0);
    const fd = createMemfd(GUEST_MEMORY, size);
    resource.fd = fd;
    resource.pages = mapCounted(fd.number, size, "write", () => {});
    return resource;
  }

  /**
   * For devices: memory of the host, or null where the window is full. What the
   * host thinks of the id shows in `fd`, when the queue is through.
   */
  createHostMemory(
    context: number,
    blobId: number,
    size: number,
    mappable: boolean,
  ): Resource | null {
    const window = mappable ? size : 0;
    if (this.#window() + window > this.faults.windowBytes) {
      this.reap();
      if (this.#window() + window > this.faults.windowBytes) return null;
    }
    const resource = this.#addResource("host3d", size, window);
    this.queue.submit(() =>
      this.#attempt(context, () => {
        const host = this.contexts.get(context);
        if (host === undefined) throw new HostError("invalid context id");
        const { fd, access } = host.claim(blobId, size);
        resource.fd = fd;
        resource.access = access;
        if (mappable) this.#show(resource);
      })
    );
    return resource;
  }

  /**
   * For devices: the resource that a dma-buf of the guest's memory becomes, or
   * null for other dma-bufs.
   */
  importGuestMemory(fd: number): Resource | null {
    if (this.guestHandles?.owns(fd) !== true) return null;
    const { size } = Deno.statSync(`/proc/self/fd/${fd}`);
    const bytes = wholePages(size, this.pageSize);
    const resource = this.#addResource("guest", bytes, 0);
    resource.hasHandle = true;
    if (this.options.guestHandles === "refused") {
      this.log.push(`resource ${resource.id}: no handle of the guest's memory`);
    } else resource.fd = openFile(`/proc/self/fd/${fd}`, O_RDWR);
    return resource;
  }

  /**
   * For devices: what a dma-buf of another device becomes: a resource of the
   * kernel's, which no host knows. Null: it is not taken.
   */
  importForeign(): Resource | null {
    if (this.options.importsForeign !== true) return null;
    return this.#addResource("guest", this.pageSize, 0);
  }

  /**
   * A buffer as a program of the guest makes one with the GPU: its dma-buf,
   * which keeps it.
   */
  createGpuMemory(size: number): OwnedFd {
    const resource = this.#addResource(
      "host3d",
      wholePages(size, this.pageSize),
      0,
    );
    resource.fd = createMemfd(HOST_MEMORY, resource.size);
    resource.exported = true;
    return exportMemory(resource.fd.number);
  }

  /** For devices: lets a context name a resource, or no longer. */
  attach(resource: Resource, context: number, on: "attach" | "detach"): void {
    this.queue.submit(() => {
      if (on === "attach") resource.contexts.add(context);
      else resource.contexts.delete(context);
    });
  }

  /** For devices: commands, and the fence that is asked for with them. */
  submit(
    context: number,
    bytes: Uint8Array,
    ring: number,
    signal: (() => void) | null,
  ): void {
    const fence = signal === null
      ? null
      : this.#fences.create(context, ring, signal);
    this.queue.submit(() => this.#execute(context, bytes, fence));
  }

  /** For devices: a name or mapping of a resource has ended. */
  unreference(resource: Resource): void {
    resource.references--;
    if (resource.references === 0 && !resource.exported) this.#free(resource);
  }

  /** The resource whose memory this is, or null. */
  findByFile(fd: number): Resource | null {
    const file = fileIdentity(fd);
    let found: Resource | null = null;
    for (const resource of this.resources.values()) {
      if (resource.fd !== null && fileIdentity(resource.fd.number) === file) {
        found = resource;
      }
    }
    return found;
  }

  /** Frees what only exported descriptors kept, and they are gone. */
  reap(): Map<string, number> {
    const own = new Set<number>();
    for (const { fd } of this.resources.values()) {
      if (fd !== null) own.add(fd.number);
    }
    const exported = countExported(own);
    for (const resource of this.resources.values()) {
      if (resource.references > 0) continue;
      const file = resource.fd === null
        ? null
        : fileIdentity(resource.fd.number);
      if (file === null || !exported.has(file)) this.#free(resource);
    }
    return exported;
  }

  census(): Census {
    const exported = this.reap();
    const files = new Set<string | null>();
    for (const { fd } of this.resources.values()) {
      if (fd !== null) files.add(fileIdentity(fd.number));
    }
    let dmaBufs = 0;
    for (const [file, count] of exported) if (files.has(file)) dmaBufs += count;
    let hostDescriptors = 0;
    for (const context of this.contexts.values()) {
      for (const item of context.items.all) {
        if (item.kind !== "image") hostDescriptors++;
      }
    }
    const devices = [...this.#devices];
    return {
      contexts: this.contexts.size,
      handles: devices.reduce((sum, { handleCount }) => sum + handleCount, 0),
      resources: this.resources.size,
      window: this.#window(),
      dmaBufs,
      mappings: devices.reduce(
        (sum, { mappingCount }) => sum + mappingCount,
        0,
      ),
      hostDescriptors,
    };
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const device of [...this.#devices]) device.destroy();
    this.queue[Symbol.dispose]();
    for (const context of this.contexts.values()) context[Symbol.dispose]();
    for (const resource of this.resources.values()) resource[Symbol.dispose]();
  }

  #addResource(
    memory: Resource["memory"],
    size: number,
    window: number,
  ): Resource {
    const resource = new Resource(++this.#lastResource, memory, size, window);
    this.resources.set(resource.id, resource);
    return resource;
  }

  /**
   * RESOURCE_MAP_BLOB, which the guest's kernel asks for when it makes a
   * mappable blob.
   */
  #show(resource: Resource): void {
    let shown = 0;
    for (const { isShown } of this.resources.values()) if (isShown) shown++;
    if (shown >= this.profile.mappedBlobs) {
      throw new HostError(`no slot left for resource ${resource.id}`);
    }
    resource.isShown = true;
  }

  #attached(context: number, id: number): Resource | undefined {
    const resource = this.resources.get(id);
    return resource?.contexts.has(context) === true ? resource : undefined;
  }

  #free(resource: Resource): void {
    this.queue.submit(() => {
      this.resources.delete(resource.id);
      resource[Symbol.dispose]();
    });
  }

  #window(): number {
    let bytes = 0;
    for (const { window } of this.resources.values()) bytes += window;
    return bytes;
  }

  *#execute(
    id: number,
    bytes: Uint8Array,
    fence: Fence | null,
  ): Generator<number, void> {
    const context = this.contexts.get(id);
    if (fence !== null) this.#fences.keep(fence);
    try {
      if (context === undefined) throw new HostError("invalid context id");
      yield* context.execute(bytes);
      if (fence === null) return;
      if (fence.ring < 0) this.#fences.signal(fence);
      else context.takeFence(fence);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.log.push(`context ${id}: ${error.message}`);
      // An answer of failure carries the fence like any other.
      if (fence !== null) this.#fences.signal(fence);
    } finally {
      this.#fences.release();
    }
  }

  #attempt(context: number, step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof HostError || error instanceof SyscallError)) {
        throw error;
      }
      this.log.push(`context ${context}: ${error.message}`);
    }
  }
}
