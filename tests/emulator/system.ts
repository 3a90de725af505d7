/**
 * System calls that only the emulated host needs: it classifies descriptors by
 * lseek(2), waits by epoll(7) and maps for itself.
 */
import { pointerTo } from "../../ffi/address.ts";
import { check, lastErrno, SyscallError } from "../../ffi/error.ts";
import { OwnedFd } from "../../ffi/fd.ts";
import { openLibc } from "../../ffi/library.ts";
import { Mapping } from "../../ffi/mapping.ts";

const { epoll_create1, epoll_ctl, epoll_wait, lseek, mmap, poll } = openLibc({
  // <sys/epoll.h> int epoll_create1(int flags);
  epoll_create1: { parameters: ["i32"], result: "i32" },
  // <sys/epoll.h> int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // <sys/epoll.h> int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout);
  epoll_wait: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },
  // <unistd.h> off_t lseek(int fd, off_t offset, int whence);
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  // <sys/mman.h> void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
  mmap: {
    parameters: ["pointer", "u64", "i32", "i32", "i32", "i64"],
    result: "pointer",
  },
  // <poll.h> int poll(struct pollfd *fds, nfds_t nfds, int timeout);
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
});

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
const EPOLLHUP = 0x10;
const SEEK_END = 2;
const POLLOUT = 4;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/**
 * As many events as rutabaga asks for at once, which decides who waits while
 * several are ready.
 */
const EVENTS = 16;
/** struct epoll_event is packed on x86-64 only. */
const EVENT_WORDS = Deno.build.arch === "x86_64" ? 3 : 4;
const EVENT_DATA = EVENT_WORDS - 2;

export interface ReadySource {
  readonly id: number;
  readonly readable: boolean;
  readonly hungUp: boolean;
}

/** An epoll set whose own descriptor can be watched. */
export class WaitSet implements Disposable {
  readonly #fd = new OwnedFd(
    check("make an epoll set", epoll_create1(EPOLL_CLOEXEC)),
  );
  readonly #events = new Int32Array(EVENT_WORDS * EVENTS);
  readonly #pointer = pointerTo(new Uint32Array(this.#events.buffer));

  /** Readable while a source is ready. Borrowed. */
  get fd(): number {
    return this.#fd.number;
  }

  /** Adds a descriptor under a name. */
  add(fd: number, id: number): void {
    const event = new Int32Array(EVENT_WORDS);
    event[0] = EPOLLIN;
    event[EVENT_DATA] = id | 0;
    check("add to an epoll set", epoll_ctl(this.fd, EPOLL_CTL_ADD, fd, event));
  }

  remove(fd: number): void {
    check(
      "remove from an epoll set",
      epoll_ctl(this.fd, EPOLL_CTL_DEL, fd, null),
    );
  }

  /**
   * The source that is first in the kernel's list, or null where none is ready.
   */
  first(): ReadySource | null {
    const count = check(
      "wait for an epoll set",
      epoll_wait(this.fd, this.#pointer, EVENTS, 0),
    );
    if (count === 0) return null;
    const flags = this.#events[0] ?? 0;
    return {
      id: (this.#events[EVENT_DATA] ?? 0) >>> 0,
      readable: (flags & EPOLLIN) !== 0,
      hungUp: (flags & EPOLLHUP) !== 0,
    };
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/** A file's size as lseek to its end tells it, or null where it cannot seek. */
export function seekableSize(fd: number): number | null {
  const size = Number(lseek(fd, 0n, SEEK_END));
  return size < 0 ? null : size;
}

/** Whether a write of at most a page would not wait. */
export function isWritable(fd: number): boolean {
  const request = new Int32Array([fd, POLLOUT]);
  check("poll", poll(request, 1n, 0));
  return ((request[1] ?? 0) >>> 16) !== 0;
}

/** A mapping that tells when it is gone. */
export class CountedMapping extends Mapping {
  readonly #onEnd: () => void;
  #ended = false;

  /** Takes over what mmap returned. */
  constructor(pointer: Deno.PointerObject, size: number, onEnd: () => void) {
    super(pointer, size);
    this.#onEnd = onEnd;
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
  }
}

/**
 * Maps a file.
 *
 * @param access "copy": for writing, but what is written changes no file
 */
export function mapCounted(
  fd: number,
  size: number,
  access: "read" | "write" | "copy",
  onEnd: () => void,
): CountedMapping {
  const pointer = mmap(
    null,
    BigInt(size),
    access === "read" ? PROT_READ : PROT_READ | PROT_WRITE,
    access === "copy" ? MAP_PRIVATE : MAP_SHARED,
    fd,
    0n,
  );
  if (pointer === null || Deno.UnsafePointer.value(pointer) === MAP_FAILED) {
    throw new SyscallError(`map ${size} bytes`, lastErrno());
  }
  return new CountedMapping(pointer, size, onEnd);
}
