/**
 * What one context's ids stand for on the host: image layouts, received
 * descriptors, pipes.
 */
import {
  O_ACCMODE,
  O_RDONLY,
  O_WRONLY,
  OwnedFd,
  statusFlags,
} from "../../ffi/fd.ts";
import { F_SEAL_WRITE, readSeals } from "../../ffi/memfd.ts";
import { unixSocketKind } from "../../ffi/unix_socket.ts";
import { HostError } from "./host_error.ts";
import type { HostProfile } from "./host_profile.ts";
import { seekableSize } from "./system.ts";
import { type Identifier, identifierType, READ_PIPE_START } from "./wire.ts";

export type Item =
  | { readonly kind: "image"; readonly image: string; readonly size: number }
  | { readonly kind: "blob"; readonly fd: OwnedFd }
  | { readonly kind: "read pipe"; readonly fd: OwnedFd }
  | { readonly kind: "write pipe"; readonly fd: OwnedFd }
  | { readonly kind: "other"; readonly fd: OwnedFd };

export class Items implements Disposable {
  readonly #profile: HostProfile;
  readonly #items = new Map<number, Item>();
  #lastDescriptor = 1;
  #lastImage: number;
  #lastReadPipe = READ_PIPE_START;
  #isLocked = false;

  constructor(profile: HostProfile) {
    this.#profile = profile;
    this.#lastImage = profile.itemIds === "parity" ? 2 : 1;
  }

  /**
   * Whether a WRITE has it: the context's thread then waits where it needs an
   * item.
   */
  get isLocked(): boolean {
    return this.#isLocked;
  }

  /** Locks it until what is returned ends; `free` is called then. */
  lock(free: () => void): Disposable {
    this.#isLocked = true;
    return {
      [Symbol.dispose]: () => {
        this.#isLocked = false;
        free();
      },
    };
  }

  /** Everything in it, for a census. */
  get all(): Iterable<Item> {
    return this.#items.values();
  }

  get(id: number): Item | undefined {
    return this.#items.get(id);
  }

  add(item: Item): number {
    const id = this.#nextId(item.kind);
    this.#items.set(id, item);
    return id;
  }

  put(id: number, item: Item): void {
    this.#items.set(id, item);
  }

  /** Takes an item out; the caller owns its descriptor. */
  take(id: number): Item | undefined {
    const item = this.#items.get(id);
    this.#items.delete(id);
    return item;
  }

  /** Puts a received descriptor in; names it as the host does. */
  addReceived(received: number): Identifier {
    const fd = new OwnedFd(received);
    try {
      return this.#classify(fd);
    } catch (error) {
      fd[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const item of this.#items.values()) {
      if (item.kind !== "image") item.fd[Symbol.dispose]();
    }
    this.#items.clear();
  }

  #nextId(kind: Item["kind"]): number {
    if (kind === "read pipe") return ++this.#lastReadPipe;
    if (this.#profile.itemIds === "one counter") return ++this.#lastDescriptor;
    return kind === "image"
      ? (this.#lastImage += 2)
      : (this.#lastDescriptor += 2);
  }

  #classify(fd: OwnedFd): Identifier {
    const { eventLabel, socketLabel } = this.#profile;
    if (
      eventLabel !== null &&
      linkOf(fd.number).startsWith("anon_inode:[eventfd]")
    ) return this.#other(fd, eventLabel);
    if (socketLabel !== null && unixSocketKind(fd.number) !== "other") {
      return this.#other(fd, socketLabel);
    }
    const size = seekableSize(fd.number);
    if (size !== null) {
      const id = this.add({ kind: "blob", fd });
      return { id, type: identifierType.blob, size };
    }
    if ((statusFlags(fd.number) & O_ACCMODE) !== O_WRONLY) {
      throw new HostError("received a descriptor that it cannot pass on");
    }
    const id = this.add({ kind: "write pipe", fd });
    const type = this.#profile.pipeLabel === "pipe"
      ? identifierType.writePipe
      : identifierType.blob;
    return { id, type, size: 0 };
  }

  #other(fd: OwnedFd, type: number): Identifier {
    return { id: this.add({ kind: "other", fd }), type, size: 0 };
  }
}

/**
 * How the host maps a received file.
 *
 * @throws {HostError} where it cannot be mapped like that
 */
export function accessOf(
  { receivedAccess }: HostProfile,
  fd: OwnedFd,
): "read" | "write" {
  const allowed = allowedAccess(fd);
  switch (receivedAccess) {
    case "read":
      return "read";
    case "as opened":
      return allowed;
    case "write":
      if (allowed === "write") return "write";
      throw new HostError("cannot map it: permission denied");
  }
}

function allowedAccess(fd: OwnedFd): "read" | "write" {
  const seals = readSeals(fd.number);
  const sealed = seals > 0 && (seals & F_SEAL_WRITE) !== 0;
  return sealed || (statusFlags(fd.number) & O_ACCMODE) === O_RDONLY
    ? "read"
    : "write";
}

function linkOf(fd: number): string {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}
