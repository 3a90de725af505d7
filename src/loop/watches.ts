/**
 * Watched descriptors, and their sources, which hear when one is ready.
 *
 * A handler may dispose of any watch while events are delivered, and its
 * descriptor's number may be used again at once: every event carries the
 * generation of the watch it was made for.
 */

import {
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  EpollSet,
} from "../../ffi/epoll.ts";

/** The code that handles a descriptor when it is ready. */
export interface Source {
  /**
   * The descriptor is ready. What it throws leaves the loop's `turn`.
   *
   * @param readable reading will not block: bytes, a connection, the end, or an
   * error. Only when that was of interest.
   * @param writable writing will not block, or will fail. Only when that was of
   * interest.
   * @param hangup the other end is closed or broken; there may be bytes left to
   * read. Comes unasked, and again and again while the descriptor is watched
   * for anything; without any interest it comes once.
   */
  ready(readable: boolean, writable: boolean, hangup: boolean): void;
}

/**
 * A watched descriptor. Dispose it before the descriptor is closed; no event
 * comes afterwards.
 */
export interface Watch extends Disposable {
  /** Whether to be told when reading is possible; at first true. */
  readable: boolean;
  /** Whether to be told when writing is possible; at first false. */
  writable: boolean;
  /**
   * For a watch with the trigger "edge": its source may have left something
   * unread, and needs another call for it.
   */
  again(): void;
}

/**
 * When a source is called:
 * - "level": in every turn in which its descriptor is ready;
 * - "edge": when something arrives, or there is room again, or its interest
 *   changes. The source then takes all there is, or calls `again`. This saves
 *   the kernel from checking again, at every wait, what was just read.
 */
export type Trigger = "level" | "edge";

class FdWatch implements Watch {
  readonly fd: number;
  readonly source: Source;
  /**
   * Comes back with the events: tells this watch from earlier ones of a
   * descriptor with the same number.
   */
  readonly generation: number;
  readonly #trigger: Trigger;
  readonly #set: WatchSet;
  #readable = true;
  #writable = false;
  #disposed = false;

  constructor(
    set: WatchSet,
    fd: number,
    source: Source,
    trigger: Trigger,
    generation: number,
  ) {
    this.#set = set;
    this.#trigger = trigger;
    this.fd = fd;
    this.source = source;
    this.generation = generation;
  }

  get readable(): boolean {
    return this.#readable;
  }

  set readable(wanted: boolean) {
    if (wanted === this.#readable) return;
    this.#readable = wanted;
    if (!this.#disposed) this.#set.update(this);
  }

  get writable(): boolean {
    return this.#writable;
  }

  set writable(wanted: boolean) {
    if (wanted === this.#writable) return;
    this.#writable = wanted;
    if (!this.#disposed) this.#set.update(this);
  }

  /**
   * The EPOLL bits of its interest. Without any, epoll reports a hang-up once
   * (EPOLLET): else it would wake us forever.
   */
  get events(): number {
    if (!this.#readable && !this.#writable) return EPOLLET;
    const wanted = (this.#readable ? EPOLLIN : 0) |
      (this.#writable ? EPOLLOUT : 0);
    return this.#trigger === "level" ? wanted : wanted | EPOLLRDHUP | EPOLLET;
  }

  again(): void {
    if (!this.#disposed) this.#set.update(this);
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#set.remove(this);
  }
}

/** The watches of one loop, in one epoll set. */
export class WatchSet implements Disposable {
  readonly #epoll = new EpollSet();
  /** By descriptor. */
  readonly #watches: (FdWatch | null)[] = [];
  #count = 0;
  #generation = 0;
  #disposed = false;

  /** How many descriptors are watched. */
  get count(): number {
    return this.#count;
  }

  /** The descriptors that are watched now. */
  get fds(): number[] {
    return this.#watches.filter((watch) => watch !== null).map((watch) =>
      watch.fd
    );
  }

  /** Begins to watch a descriptor; see `Loop.watch`. */
  add(fd: number, source: Source, trigger: Trigger): Watch {
    while (this.#watches.length <= fd) this.#watches.push(null);
    if (this.#watches[fd] !== null) {
      throw new Error(
        `Cannot watch file descriptor ${fd}: it is already watched`,
      );
    }
    this.#generation = (this.#generation + 1) | 0;
    const watch = new FdWatch(this, fd, source, trigger, this.#generation);
    this.#epoll.add(fd, watch.events, fd, watch.generation);
    this.#watches[fd] = watch;
    this.#count++;
    return watch;
  }

  /** For the set's own watches: tells the kernel about a changed interest. */
  update(watch: FdWatch): void {
    if (!this.#disposed) {
      this.#epoll.modify(watch.fd, watch.events, watch.fd, watch.generation);
    }
  }

  /** For the set's own watches: forgets one. */
  remove(watch: FdWatch): void {
    if (this.#disposed) return;
    this.#watches[watch.fd] = null;
    this.#count--;
    this.#epoll.remove(watch.fd);
  }

  /** Waits for events; see `EpollSet.wait`. */
  wait(timeoutMilliseconds: number): number {
    return this.#epoll.wait(timeoutMilliseconds);
  }

  /**
   * Calls the source of event `index` of the last `wait`.
   *
   * @returns whether there was a source to call.
   */
  dispatch(index: number): boolean {
    const watch = this.#watches[this.#epoll.firstOf(index)] ?? null;
    // disposed, or its interest changed, by a handler before it
    if (watch === null || watch.generation !== this.#epoll.secondOf(index)) {
      return false;
    }
    const events = this.#epoll.eventsOf(index);
    const hangup = (events & (EPOLLHUP | EPOLLERR)) !== 0;
    // the end of a pipe and a failed connection come without EPOLLIN, but
    // reading answers
    const readable = watch.readable && (hangup || (events & EPOLLIN) !== 0);
    const writable = watch.writable && (events & (EPOLLOUT | EPOLLERR)) !== 0;
    if (!readable && !writable && !hangup) return false;
    watch.source.ready(readable, writable, hangup);
    // asked for by edge watches: an end that came with the last bytes has no
    // edge of its own
    if ((events & EPOLLRDHUP) !== 0 && watch.readable) watch.again();
    return true;
  }

  /** Closes the set; watches that are left become inert. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#epoll[Symbol.dispose]();
  }
}
