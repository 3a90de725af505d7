/**
 * The pipes of one channel, both ways. Pipes do not cross the boundary: each
 * side has a pipe of its own, and the bytes go between them as READ and WRITE.
 */

import type { Loop } from "../loop/loop.ts";
import type { Channel } from "./channel.ts";
import { FIRST_READ_PIPE } from "./cross_domain.ts";
import { PipeSink } from "./pipe_sink.ts";
import { PipeSource } from "./pipe_source.ts";
import type { OwnedFd } from "../../ffi/fd.ts";
import { SyscallError } from "../../ffi/error.ts";
import { closeForeignFd } from "../../ffi/file_kind.ts";

/**
 * Transfers from the host at once; a further one ends at its beginning. Each
 * keeps a descriptor open, also where nobody reads or writes any more, and
 * those are shared by all clients.
 */
export const MOST_SINKS = 256;

/** Bytes that wait for an application, for each of which the host is asked for the next message a millisecond later. */
const QUEUED_PER_MILLISECOND = 1024 * 1024;
/** The most of that: of everything of its connection, since messages come one by one, whatever they are. */
const LONGEST_REST = 4;

/** All transfers of a channel. */
export class Pipes implements Disposable {
  readonly #loop: Loop;
  readonly #channel: Channel;
  readonly #sinks = new Map<number, PipeSink>();
  /** Those that have everything, and whose reader has not. */
  readonly #draining = new Set<PipeSink>();
  readonly #sources = new Set<PipeSource>();
  #nextReadPipe = FIRST_READ_PIPE;
  #disposed = false;

  constructor(loop: Loop, channel: Channel) {
    this.#loop = loop;
    this.#channel = channel;
  }

  /** Number of transfers under way. */
  get count(): number {
    this.#forgetDone();
    return this.#sinks.size + this.#draining.size + this.#sources.size;
  }

  /**
   * The identifier of the next pipe that the host makes for us. It is a guess
   * that must be right, so it is used in one SEND, alone, and then `read` is
   * called.
   */
  get nextReadPipe(): number {
    return this.#nextReadPipe | 0;
  }

  /** The SEND with `nextReadPipe` went out: what the host reads from it is written to `fd`, now ours. */
  read(fd: number): void {
    const pipe = this.#nextReadPipe++ | 0;
    this.#forgetDone();
    if (this.#sinks.size + this.#draining.size < MOST_SINKS) {
      this.#sinks.set(pipe, new PipeSink(this.#loop, fd));
    } else closeForeignFd(fd);
  }

  /** Takes what came as READ. */
  received(pipe: number, bytes: Uint8Array<ArrayBuffer>, end: boolean): void {
    const sink = this.#sinks.get(pipe);
    if (sink === undefined) return;
    sink.push(bytes);
    if (!end) {
      // a reader of a megabyte in a second gets all of it, however fast the host is
      const rest = Math.floor(sink.queued / QUEUED_PER_MILLISECOND);
      if (rest > 0) this.#channel.rest(Math.min(rest, LONGEST_REST));
      return;
    }
    this.#sinks.delete(pipe);
    sink.end();
    this.#forgetDone();
    if (!sink.isDone) this.#draining.add(sink);
  }

  /** Sends what is read from `reader`, now ours, into a pipe of the host's. */
  write(pipe: number, reader: OwnedFd): void {
    const source: PipeSource = new PipeSource(
      this.#loop,
      reader,
      (bytes, length, end) => {
        if (end === "hang-up") this.#sources.delete(source);
        if (!this.#disposed) this.#submit(pipe, bytes, length, end);
      },
    );
    this.#sources.add(source);
  }

  /** Ends a pipe of the host's that nobody writes into. */
  hangUp(pipe: number): void {
    this.#submit(pipe, new Uint8Array(0), 0, "hang-up");
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const sink of this.#sinks.values()) sink[Symbol.dispose]();
    for (const sink of this.#draining) sink[Symbol.dispose]();
    this.#draining.clear();
    for (const source of [...this.#sources]) source[Symbol.dispose]();
    this.#sinks.clear();
  }

  #forgetDone(): void {
    for (const sink of this.#draining) {
      if (sink.isDone) this.#draining.delete(sink);
    }
  }

  #submit(
    pipe: number,
    bytes: Uint8Array,
    length: number,
    end: "hang-up" | "more",
  ): void {
    try {
      this.#channel.write(pipe, bytes, length, end);
    } catch (error) {
      // the device is gone, which the channel's next POLL finds out as well
      if (!(error instanceof SyscallError)) throw error;
    }
  }
}
