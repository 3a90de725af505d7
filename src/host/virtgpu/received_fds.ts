/**
 * What came from the host beside bytes, until its message is decoded and says
 * what it is.
 */
import { O_WRONLY, openFile } from "../../../ffi/fd.ts";
import { SyscallError } from "../../../ffi/error.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import type { FdKind } from "../../../protocols/tables.ts";
import { type ReceivedIdentifier, wholePages } from "../../virtgpu/channel.ts";
import type { VirtgpuDevice } from "../../virtgpu/device.ts";
import { mapBlob } from "../../virtgpu/mapped_blob.ts";
import type { Pipes } from "../../virtgpu/pipes/mod.ts";
import { HostError } from "../../wayland/protocol_error.ts";
import type { CopiedFiles } from "./copied_files.ts";
import { MAX_COPY_BYTES } from "./sent_fds.ts";

const NOTHING = new Uint8Array(0);

/** The handles of one endpoint, until their messages are decoded. */
export class ReceivedFds implements Disposable {
  readonly #device: VirtgpuDevice;
  readonly #pipes: Pipes;
  readonly #files: CopiedFiles;
  readonly #received = new Map<number, ReceivedIdentifier>();
  #next = 1;

  constructor(device: VirtgpuDevice, pipes: Pipes, files: CopiedFiles) {
    this.#device = device;
    this.#pipes = pipes;
    this.#files = files;
  }

  /** Number of what was not opened yet. */
  get count(): number {
    return this.#received.size;
  }

  /** Keeps it, under the handle that is returned. */
  add(identifier: ReceivedIdentifier): number {
    const handle = this.#next++;
    this.#received.set(handle, identifier);
    return handle;
  }

  /**
   * Makes a descriptor of it for the client. The message decides what it is: a
   * host may mislabel it.
   *
   * @throws {HostError} it is too large
   */
  open(handle: number, kind: FdKind): number {
    if (kind === "pipe_write_end") return this.#openPipe(this.#take(handle));
    return this.#files.copy(this.#read(this.#take(handle), kind));
  }

  /** Drops it. */
  discard(handle: number): void {
    this.#drop(this.#take(handle));
  }

  /** Drops what is left. The connection ends with this, and pipes with it. */
  [Symbol.dispose](): void {
    for (const identifier of this.#received.values()) {
      if (identifier.kind === "memory") {
        this.#device.closeHandle(identifier.handle);
      }
    }
    this.#received.clear();
  }

  #take(handle: number): ReceivedIdentifier {
    const identifier = this.#received.get(handle);
    if (identifier === undefined) {
      throw new Error(`Cannot open handle ${handle}: it was opened before`);
    }
    this.#received.delete(handle);
    return identifier;
  }

  #drop(identifier: ReceivedIdentifier): void {
    if (identifier.kind === "memory") {
      this.#device.closeHandle(identifier.handle);
    } else if (identifier.kind === "pipe") this.#pipes.hangUp(identifier.pipe);
  }

  #openPipe(identifier: ReceivedIdentifier): number {
    if (identifier.kind !== "pipe") {
      // the host's application wants the data in a file, to which there is no
      // way
      this.#drop(identifier);
      return openFile("/dev/null", O_WRONLY).release();
    }
    const { reader, writer } = createPipe();
    using given = writer;
    this.#pipes.write(identifier.pipe, reader);
    return given.release();
  }

  /**
   * The contents. Where we cannot read them the client gets zeros, which are
   * not a keymap, instead of a shorter file, which would kill it when it reads.
   */
  #read(identifier: ReceivedIdentifier, kind: FdKind): Uint8Array {
    if (identifier.kind === "pipe") {
      this.#drop(identifier);
      return NOTHING;
    }
    const { size } = identifier;
    if (size > MAX_COPY_BYTES) {
      this.#drop(identifier);
      throw new HostError(
        `its ${kind} has ${size} bytes, more than the ${MAX_COPY_BYTES} that the proxy copies`,
      );
    }
    if (identifier.kind === "nothing") return new Uint8Array(size);
    const { handle } = identifier;
    try {
      using fd = this.#device.primeHandleToFd(handle);
      const mapped = wholePages(size, this.#device.pageSize);
      using mapping = mapBlob(this.#device, handle, fd.number, mapped, "read");
      return mapping.bytes.slice(0, size);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      return new Uint8Array(size);
    } finally {
      this.#device.closeHandle(handle);
    }
  }
}
