/**
 * The endpoint of a Unix socket: an application's connection, or a compositor
 * on this machine. Every descriptor crosses as it is.
 */
import type { OwnedFd } from "../../../ffi/fd.ts";
import { SyscallError } from "../../../ffi/error.ts";
import { closeForeignFd } from "../../../ffi/file_kind.ts";
import { EAGAIN, ECONNRESET, EPIPE, errnoName } from "../../../ffi/errno.ts";
import {
  receivedControl,
  receivedFdCount,
  receivedTruncated,
  receiveMessage,
  sendMessage,
} from "../../../ffi/socket_message.ts";
import type { Flushable, Loop, Source, Timer, Watch } from "../../loop/loop.ts";
import { BUFFER_SIZE } from "../../wayland/buffer_pool.ts";
import { Queue } from "../../wayland/queue.ts";
import type { Carrier, Endpoint, EndpointHandler } from "../endpoint.ts";

/**
 * libwayland reads at most this many descriptors at once (`MAX_FDS_OUT`), so no
 * more are sent with one `sendmsg`.
 */
export const FDS_PER_SEND = 28;

/** More than the kernel puts into one message (`SCM_MAX_FD` is 253). */
const receivedFds = new Int32Array(256);

/** A socket passes every descriptor on as it is. */
export const socketCarrier: Carrier = { carries: () => "as-is" };

/** A Unix socket that the loop watches. */
export class LocalSocket implements Endpoint, Source, Flushable {
  readonly incoming = new Queue();
  readonly outgoing = new Queue();
  readonly carrier = socketCarrier;
  readonly meter = null;
  /** Calls of `sendmsg` that sent something. */
  sends = 0;
  flushPending = false;
  readonly #loop: Loop;
  readonly #fd: OwnedFd;
  #watch: Watch | null;
  #handler: EndpointHandler | null = null;
  #paused = false;
  #blocked = false;
  #broken = false;
  #disposed = false;
  #deadline: Timer | null = null;

  /**
   * Takes the connected, non-blocking socket `fd`, and reads nothing before
   * `attach`.
   */
  constructor(loop: Loop, fd: OwnedFd) {
    this.#loop = loop;
    this.#fd = fd;
    this.#watch = null;
  }

  attach(handler: EndpointHandler): void {
    this.#handler = handler;
    this.#updateWatch();
  }

  touch(): void {
    if (!this.flushPending && !this.#blocked) this.#loop.beforeWait(this);
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#updateWatch();
  }

  resume(): void {
    // one that is finished receives nothing any more
    if (!this.#paused || this.#deadline !== null) return;
    this.#paused = false;
    this.#updateWatch();
  }

  peek(handle: number): number {
    return handle;
  }

  open(handle: number): number {
    return handle;
  }

  discard(handle: number): void {
    closeForeignFd(handle);
  }

  finish(milliseconds: number): void {
    if (this.#disposed) return;
    this.#handler = null;
    this.incoming.clear();
    this.#paused = true;
    this.#send();
    if (this.outgoing.length === 0) {
      this[Symbol.dispose]();
    } else {
      this.#deadline = this.#loop.after(
        milliseconds,
        () => this[Symbol.dispose](),
      );
      this.#watchOrEnd();
    }
  }

  ready(readable: boolean, writable: boolean, hangup: boolean): void {
    if (writable) {
      this.#blocked = false;
      this.flush();
      if (this.#disposed) return;
    }
    if (this.#paused) {
      if (hangup) this.#peerGoneWhilePaused();
    } else if (readable || hangup) {
      this.#receive();
    }
  }

  flush(): void {
    if (this.#disposed) return;
    this.#send();
    this.#watchOrEnd();
    if (this.#handler !== null) this.#handler.sent();
    else if (this.outgoing.length === 0 && this.#deadline !== null) {
      this[Symbol.dispose]();
    }
  }

  /**
   * Sends what is queued until the kernel takes no more. Descriptors go with
   * the first byte of their message or earlier, never more than `FDS_PER_SEND`
   * at once.
   */
  #send(): void {
    const { outgoing } = this;
    if (this.#broken) outgoing.clear();
    while (outgoing.length > 0) {
      const buffer = outgoing.buffer;
      if (buffer === null) break;
      let length = outgoing.length;
      let fdCount = outgoing.fdCount;
      if (fdCount > FDS_PER_SEND) {
        fdCount = FDS_PER_SEND;
        length = Math.max(
          1,
          outgoing.fdPosition(FDS_PER_SEND) - outgoing.position,
        );
      }
      const sent = sendMessage(
        this.#fd.number,
        buffer,
        outgoing.head,
        length,
        outgoing.fds,
        outgoing.fdHead,
        fdCount,
      );
      if (sent < 0) {
        if (sent === -EAGAIN) {
          this.#blocked = true;
          break;
        }
        this.#broken = true;
        outgoing.clear();
        if (sent === -EPIPE || sent === -ECONNRESET) {
          // The peer may have said why before it closed: what it sent is still
          // to be read, so its end is found there.
          break;
        }
        this.#end(`sendmsg failed: ${errnoName(-sent)}`);
        return;
      }
      this.sends++;
      outgoing.closeFds(fdCount);
      outgoing.consume(sent);
    }
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#handler = null;
    this.#deadline?.[Symbol.dispose]();
    this.#watch?.[Symbol.dispose]();
    this.#watch = null;
    this.#fd[Symbol.dispose]();
    this.incoming.clear();
    this.outgoing.clear();
  }

  #receive(): void {
    const { incoming } = this;
    incoming.reserve(BUFFER_SIZE >> 1);
    const buffer = incoming.buffer;
    if (buffer === null) return;
    const room = buffer.size - incoming.tail;
    const received = receiveMessage(
      this.#fd.number,
      buffer,
      incoming.tail,
      room,
      receivedFds,
    );
    if (received > 0) {
      incoming.tail += received;
      const count = receivedFdCount();
      for (let i = 0; i < count; i++) incoming.pushHandle(receivedFds[i] ?? -1);
      if (receivedTruncated()) {
        this.#end(
          "the kernel dropped file descriptors on receipt; raise the limit of open files",
        );
        return;
      }
      // a stream socket that gives less than there is room for has no more,
      // except after what came beside the bytes
      if (receivedControl() || received === room) this.#watch?.again();
      this.#handler?.received();
      return;
    }
    incoming.consume(0);
    if (received === -EAGAIN) return;
    // A peer that left something unread resets the connection, which is an
    // ordinary end as well.
    this.#end(
      received === 0 || received === -ECONNRESET
        ? null
        : `recvmsg failed: ${errnoName(-received)}`,
    );
  }

  /**
   * A paused socket whose peer is gone would wake the loop without end, so it
   * is not watched until it is resumed.
   */
  #peerGoneWhilePaused(): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = null;
    if (this.#handler === null) this[Symbol.dispose]();
  }

  #updateWatch(): void {
    if (this.#disposed) return;
    if (this.#watch === null) {
      const reads = this.#handler !== null && !this.#paused;
      if (!reads && !this.#blocked) return;
      this.#watch = this.#loop.watch(this.#fd.number, this, "edge");
    }
    this.#watch.readable = !this.#paused;
    this.#watch.writable = this.#blocked;
  }

  /**
   * Where the kernel has no room for one more watch, nobody would tell when
   * there is room to send.
   */
  #watchOrEnd(): void {
    try {
      this.#updateWatch();
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (this.#handler === null) this[Symbol.dispose]();
      else this.#end(error.message);
    }
  }

  #end(reason: string | null): void {
    const handler = this.#handler;
    this.#paused = true;
    this.#watch?.[Symbol.dispose]();
    this.#watch = null;
    handler?.ended(reason);
  }
}
