/**
 * A cross-domain context on the host: it runs the guest's commands for one
 * connection to the compositor.
 */
import { SyscallError } from "../../ffi/error.ts";
import { errnoName } from "../../ffi/errno.ts";
import { O_NONBLOCK, OwnedFd, statusFlags, writeFd } from "../../ffi/fd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import type { Loop } from "../../src/loop/loop.ts";
import { Connection, duplicate } from "./connection.ts";
import { type Faults, happens } from "./faults.ts";
import type { Fence } from "./fences.ts";
import { HostError } from "./host_error.ts";
import type { HostProfile } from "./host_profile.ts";
import { type ImageAllocator, nameOf } from "./image_allocator.ts";
import { accessOf, Items } from "./items.ts";
import { isWritable } from "./system.ts";
import {
  command,
  encodeImage,
  identifierType,
  READ_WRITE_HEADER,
  readHeader,
  sendHeader,
} from "./wire.ts";
import { type Pace, Worker } from "./worker.ts";

const CHANNEL_WAYLAND = 1;
/** A write of at most so much to a pipe with room is all or nothing. */
const PIPE_BUF = 4096;

export interface ContextParts {
  readonly id: number;
  readonly loop: Loop;
  readonly profile: HostProfile;
  readonly faults: Faults;
  readonly pace: Pace;
  readonly allocator: ImageAllocator;
  connect(): OwnedFd;
  /**
   * The file of a resource that is attached to this context and the host's;
   * null where it is the guest's memory; undefined where there is none.
   */
  resource(id: number): OwnedFd | null | undefined;
  /**
   * The pages of a guest's resource that is attached to this context, or null.
   */
  page(resource: number): Uint8Array | null;
  signal(fence: Fence): void;
  /** What the host logs and the guest does not hear. */
  log(text: string): void;
  /** What would crash or hang the VM. */
  violation(text: string): void;
}

/** Memory that the guest has claimed by a blob's id. */
export interface ClaimedMemory {
  readonly fd: OwnedFd;
  readonly access: "read" | "write";
}

export class HostContext implements Disposable {
  readonly items: Items;
  readonly #parts: ContextParts;
  #queryRing = 0;
  #channelRing = 0;
  #initialized = false;
  #mayConnect = true;
  #connection: Connection | null = null;
  #worker: Worker | null = null;
  /**
   * SENDs and their bytes that reached the compositor's socket, for a test of
   * how much is unanswered.
   */
  readonly sent = { commands: 0, bytes: 0 };

  constructor(parts: ContextParts) {
    this.#parts = parts;
    this.items = new Items(parts.profile);
  }

  get id(): number {
    return this.#parts.id;
  }

  /** The thread, or null before INIT. */
  get worker(): Worker | null {
    return this.#worker;
  }

  /**
   * Runs a buffer of commands.
   *
   * @throws {HostError} with whatever comes after it not run
   */
  *execute(bytes: Uint8Array): Generator<number, void> {
    for (let rest = bytes; rest.length > 0;) {
      if (rest.length < 8) throw new HostError("invalid command buffer");
      const view = viewOf(rest);
      const { cmd, size } = readHeader(view, 0);
      yield* this.#command(cmd, size, rest, view);
      if (size === 0) {
        this.#parts.violation("a command of size 0: the host loops forever");
        return;
      }
      if (size > rest.length) throw new HostError("invalid command size");
      rest = rest.subarray(size);
    }
  }

  takeFence(fence: Fence): void {
    if (fence.ring === 0) this.#parts.signal(fence);
    else if (fence.ring !== 1) throw new HostError("unexpected ring type");
    else if (this.#worker !== null) {
      this.#worker.poll(fence);
      this.#worker.wake();
    }
  }

  /** The memory behind a blob's id. @throws {HostError} */
  claim(id: number, size: number): ClaimedMemory {
    const { faults, profile } = this.#parts;
    const item = this.items.get(id);
    if (item === undefined) throw new HostError("invalid item id");
    if (profile.itemIds === "parity" && id % 2 === 0 && item.kind !== "image") {
      throw new HostError("invalid item type");
    }
    if (item.kind === "image") {
      if (item.size !== size) throw new HostError("blob size mismatch");
      if (happens(faults, "refusedBlobs")) throw new HostError("out of memory");
      const fd = this.#parts.allocator.allocate(item.image, size);
      return { fd, access: "write" };
    }
    this.items.take(id);
    if (item.kind !== "blob" || happens(faults, "refusedBlobs")) {
      item.fd[Symbol.dispose]();
      throw new HostError("invalid item type");
    }
    try {
      return { fd: item.fd, access: accessOf(profile, item.fd) };
    } catch (error) {
      item.fd[Symbol.dispose]();
      throw error;
    }
  }

  /** Ends it: the compositor sees the connection close. */
  [Symbol.dispose](): void {
    this.#worker?.[Symbol.dispose]();
    this.items[Symbol.dispose]();
    this.#connection?.[Symbol.dispose]();
    this.#connection = null;
  }

  *#command(
    cmd: number,
    size: number,
    bytes: Uint8Array,
    view: DataView,
  ): Generator<number, void> {
    switch (cmd) {
      case command.init:
        this.#init(size, bytes, view);
        break;
      case command.getImageRequirements:
        if (bytes.length < 24) throw new HostError("invalid command buffer");
        this.#queryImage(view);
        break;
      case command.poll:
        break;
      case command.send:
        yield* this.#send(bytes, view);
        break;
      case command.write:
        yield* this.#write(bytes, view);
        break;
      default:
        throw new HostError("invalid cross domain command");
    }
  }

  #init(size: number, bytes: Uint8Array, view: DataView): void {
    const { faults, profile } = this.#parts;
    const known = profile.initLayout === "by size" ? size : bytes.length;
    const legacy = profile.initLayout === "by size" ? known === 16 : known < 20;
    if (
      bytes.length < 16 ||
      (profile.initLayout === "by size" && ![16, 20, 36].includes(known))
    ) throw new HostError("invalid command buffer");
    const query = view.getUint32(8, true);
    const channel = legacy ? query : view.getUint32(12, true);
    const type = view.getUint32(legacy ? 12 : 16, true);
    if (this.#parts.resource(query) === undefined) {
      throw new HostError("invalid resource id");
    }
    if (type !== 0) {
      if (this.#parts.resource(channel) === undefined) {
        throw new HostError("invalid resource id");
      }
      this.#openChannel(type, happens(faults, "failedInits"));
    }
    this.#queryRing = query;
    this.#channelRing = channel;
    this.#initialized = true;
  }

  #openChannel(type: number, fails: boolean): void {
    if (!this.#mayConnect) throw new HostError("invalid cross domain channel");
    this.#mayConnect = false;
    if (type !== CHANNEL_WAYLAND || fails) {
      throw new HostError("invalid cross domain channel");
    }
    const { loop, profile, faults, pace, signal, log } = this.#parts;
    try {
      this.#connection = new Connection(this.#parts.connect());
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw new HostError(error.message);
    }
    this.#worker = new Worker({
      loop,
      profile,
      faults,
      pace,
      items: this.items,
      connection: this.#connection,
      page: () => this.#parts.page(this.#channelRing),
      signal,
      log,
    });
  }

  #queryImage(view: DataView): void {
    const { loop, faults, profile, allocator } = this.#parts;
    if (!this.#initialized) throw new HostError("invalid cross domain state");
    const [width, height, fourcc] = [
      view.getUint32(8, true),
      view.getUint32(12, true),
      view.getUint32(16, true),
    ];
    if (happens(faults, "failedQueries")) {
      throw new HostError("invalid gralloc format");
    }
    const layout = allocator.require(width, height, fourcc);
    const page = this.#parts.page(this.#queryRing);
    if (page === null) throw new HostError("invalid iovec");
    const size = happens(faults, "shortImages")
      ? Math.max(0, layout.size - profile.pageSize)
      : layout.size;
    const image = nameOf(width, height, fourcc);
    const id = this.items.add({ kind: "image", image, size });
    const answer = encodeImage(layout, size, id);
    if (faults.answerDelay === 0) page.set(answer);
    else {
      loop.after(
        faults.answerDelay,
        () => this.#parts.page(this.#queryRing)?.set(answer),
      );
    }
  }

  *#send(bytes: Uint8Array, view: DataView): Generator<number, void> {
    const { identifiers: slots } = this.#parts.profile;
    const header = sendHeader(slots);
    if (bytes.length < header) throw new HostError("invalid command buffer");
    const count = view.getUint32(8, true);
    const length = view.getUint32(12, true);
    if (header + length > bytes.length) {
      throw new HostError(`invalid command size ${length}`);
    }
    if (happens(this.#parts.faults, "droppedSends")) {
      throw new HostError("SEND dropped by the test");
    }
    if (count > slots) {
      throw new HostError("max cross domain identifiers exceeded");
    }
    using fds = new OwnedFds();
    let pipe = 0;
    for (let i = 0; i < count; i++) {
      const id = view.getUint32(16 + 4 * i, true);
      const type = view.getUint32(16 + 4 * (slots + i), true);
      if (type === identifierType.blob) fds.add(this.#resource(id));
      else if (type === identifierType.readPipe) {
        if (pipe !== 0) throw new HostError("expected just one pipe pair");
        const { reader, writer } = createPipe();
        fds.add(writer);
        pipe = this.items.add({ kind: "read pipe", fd: reader });
        if (pipe !== id) {
          throw new HostError(`invalid item id: 0x${id.toString(16)}`);
        }
      } else throw new HostError(`invalid item type ${type}`);
    }
    const { worker } = this;
    if (this.#connection === null || worker === null) {
      throw new HostError("invalid cross domain state");
    }
    if (length === 0) {
      this.#parts.log("SEND of nothing: its descriptors are lost");
    }
    this.sent.commands++;
    this.sent.bytes += length;
    yield* this.#connection.send(
      bytes.subarray(header, header + length),
      fds.release(),
    );
    if (pipe !== 0) {
      worker.addPipe(pipe);
      worker.wake();
    }
  }

  #resource(id: number): OwnedFd {
    const fd = this.#parts.resource(id);
    if (fd === undefined) throw new HostError(`invalid resource id ${id}`);
    if (fd === null) throw new HostError(`invalid handle: resource ${id}`);
    return duplicate(fd);
  }

  *#write(bytes: Uint8Array, view: DataView): Generator<number, void> {
    if (bytes.length < READ_WRITE_HEADER) {
      throw new HostError("invalid command buffer");
    }
    const id = view.getUint32(8, true);
    const hangUp = view.getUint32(12, true) !== 0;
    const length = view.getUint32(16, true);
    if (READ_WRITE_HEADER + length > bytes.length) {
      throw new HostError(`invalid command size ${length}`);
    }
    const item = this.items.take(id);
    if (item === undefined) throw new HostError(`invalid item id ${id}`);
    if (item.kind === "image") throw new HostError("invalid item type");
    if (
      item.kind !== "write pipe" || happens(this.#parts.faults, "droppedWrites")
    ) {
      item.fd[Symbol.dispose]();
      throw new HostError("WRITE dropped, with the pipe");
    }
    const data = bytes.slice(READ_WRITE_HEADER, READ_WRITE_HEADER + length);
    // It writes with the table locked: where the reader is its own thread,
    // neither goes on.
    using _lock = this.items.lock(() => this.#worker?.unlocked());
    try {
      yield* writeAll(item.fd, data);
    } catch (error) {
      item.fd[Symbol.dispose]();
      throw error;
    }
    if (hangUp) item.fd[Symbol.dispose]();
    else this.items.put(id, item);
  }
}

/**
 * One write(2): waits for a reader where the pipe's reader says so; what a full
 * non-blocking pipe does not take is lost.
 */
function* writeAll(
  fd: OwnedFd,
  data: Uint8Array<ArrayBuffer>,
): Generator<number, void> {
  const waits = (statusFlags(fd.number) & O_NONBLOCK) === 0;
  const step = waits ? PIPE_BUF : data.length;
  for (let at = 0; at < data.length; at += step) {
    while (waits && !isWritable(fd.number)) yield fd.number;
    const count = writeFd(fd.number, data.subarray(at, at + step));
    if (count < 0) throw new HostError(`write: ${errnoName(-count)}`);
  }
}

/** Descriptors that are closed unless they are given away. */
class OwnedFds implements Disposable {
  #fds: OwnedFd[] = [];

  add(fd: OwnedFd): void {
    this.#fds.push(fd);
  }

  release(): OwnedFd[] {
    return this.#fds.splice(0);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) fd[Symbol.dispose]();
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
