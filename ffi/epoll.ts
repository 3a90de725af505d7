/**
 * epoll(7): which of many descriptors are ready. Level-triggered unless EPOLLET
 * is asked for.
 */

import { pointerTo } from "./address.ts";
import { check, lastErrno, SyscallError } from "./error.ts";
import { EINTR } from "./errno.ts";
import { OwnedFd } from "./fd.ts";
import { libc } from "./libc.ts";

const {
  epoll_create1: createEpoll,
  epoll_ctl: controlEpoll,
  epoll_wait: waitEpoll,
} = libc;

// <sys/epoll.h>
export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
/** Reported whether asked for or not, as is EPOLLHUP. */
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
/** The peer sends nothing more, with or without reading on. */
export const EPOLLRDHUP = 0x2000;
/**
 * Report a state when it begins or something is added to it, not as long as it
 * lasts.
 */
export const EPOLLET = 0x80000000 | 0;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;

/**
 * struct epoll_event in 32-bit words: u32 events, u64 data. x86-64 packs it
 * into 12 bytes, other machines align `data`.
 */
export interface EventLayout {
  readonly words: number;
  readonly data: number;
}

/** The layout of struct epoll_event on a machine. */
export function eventLayout(arch: typeof Deno.build.arch): EventLayout {
  return arch === "x86_64" ? { words: 3, data: 1 } : { words: 4, data: 2 };
}

const { words: EVENT_WORDS, data: EVENT_DATA } = eventLayout(Deno.build.arch);
const CAPACITY = 64;

/**
 * A set of watched descriptors. Each has two 32-bit numbers that come back with
 * its events.
 */
export class EpollSet implements Disposable {
  readonly #fd: OwnedFd;
  readonly #events = new Int32Array(CAPACITY * EVENT_WORDS);
  readonly #eventsPointer = pointerTo(this.#events);
  readonly #change = new Int32Array(EVENT_WORDS);
  readonly #changePointer = pointerTo(this.#change);

  constructor() {
    this.#fd = new OwnedFd(
      check("make an epoll set", createEpoll(EPOLL_CLOEXEC)),
    );
  }

  /** The set's own descriptor, borrowed: readable while events wait. */
  get fd(): number {
    return this.#fd.number;
  }

  /**
   * Begins to watch a descriptor. `first` and `second` come back as `firstOf`
   * and `secondOf` of its events.
   */
  add(fd: number, events: number, first: number, second: number): void {
    this.#control(EPOLL_CTL_ADD, fd, events, first, second);
  }

  /** Changes the events that are watched for. */
  modify(fd: number, events: number, first: number, second: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events, first, second);
  }

  /**
   * Ends watching. Must come before the descriptor is closed: the kernel
   * watches the open file, not the number.
   */
  remove(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd, 0, 0, 0);
  }

  #control(
    operation: number,
    fd: number,
    events: number,
    first: number,
    second: number,
  ): void {
    this.#change[0] = events;
    this.#change[EVENT_DATA] = first;
    this.#change[EVENT_DATA + 1] = second;
    if (controlEpoll(this.#fd.number, operation, fd, this.#changePointer) < 0) {
      throw new SyscallError(
        `watch file descriptor ${fd} (epoll operation ${operation})`,
        lastErrno(),
      );
    }
  }

  /**
   * Waits until something is ready.
   *
   * @param timeoutMilliseconds 0: only look; -1: without limit.
   * @returns how many events there are now; 0 also when the wait was
   * interrupted (a stopped process that continues).
   */
  wait(timeoutMilliseconds: number): number {
    const count = waitEpoll(
      this.#fd.number,
      this.#eventsPointer,
      CAPACITY,
      timeoutMilliseconds,
    );
    if (count >= 0) return count;
    const errno = lastErrno();
    if (errno === EINTR) return 0;
    throw new SyscallError("wait for events", errno);
  }

  /** The event's EPOLL bits. */
  eventsOf(index: number): number {
    return this.#events[index * EVENT_WORDS] ?? 0;
  }

  firstOf(index: number): number {
    return this.#events[index * EVENT_WORDS + EVENT_DATA] ?? 0;
  }

  secondOf(index: number): number {
    return this.#events[index * EVENT_WORDS + EVENT_DATA + 1] ?? 0;
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}
