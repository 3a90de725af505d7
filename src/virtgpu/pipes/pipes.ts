/**
 * The pipes of one channel, both ways. Pipes do not cross the boundary: each
 * side has a pipe of its own, and the bytes go between them as READ and WRITE.
 */

import type { Loop } from "../../loop/loop.ts";
import type { Channel } from "../channel.ts";
import { FIRST_READ_PIPE } from "../cross_domain.ts";
import type { Arrival, Arrivals, Asking } from "./pipe_credit.ts";
import { MAX_QUEUED_BYTES, PipeSink } from "./pipe_sink.ts";
import { PipeSource } from "./pipe_source.ts";
import type { OwnedFd } from "../../../ffi/fd.ts";
import { SyscallError } from "../../../ffi/error.ts";
import { closeForeignFd } from "../../../ffi/file_kind.ts";

/**
 * Transfers from the host at once; a further one ends at its beginning. Each
 * keeps a descriptor open, also where nobody reads or writes any more, and
 * those are shared by all clients.
 */
export const MAX_SINKS = 256;
/** What may be asked for at once, that without data included. */
export const MAX_PENDING = 4 * MAX_SINKS;
/** Transfers to the host at once, for the same reason. */
export const MAX_SOURCES = 256;
/** Bytes that wait for all slow readers of a connection together. */
const MAX_QUEUED_TOGETHER = 2 * MAX_QUEUED_BYTES;
/**
 * Bytes that wait for an application; for each of them we ask the host for the
 * next message a millisecond later.
 */
const QUEUED_PER_MILLISECOND = 1024 * 1024;
/**
 * The most of that delay. It delays everything on the connection, since
 * messages come one by one.
 */
const MAX_REST_MS = 4;
/**
 * What a pipe holds that nobody has read from. Its reader may wait for an
 * answer before it reads, as wl-paste does, and hosts give none as long as
 * there are data: the sooner they are all here, the better.
 */
const PIPE_BYTES = 64 * 1024;

/** A transfer from the host to an application here. */
interface Incoming extends Arrival {
  received: number;
  /** Null where there were too many at its beginning. */
  readonly sink: PipeSink | null;
}

/** What happens to transfers, for their owner. */
export interface PipesHandler {
  /** A transfer was cut off, as the text says. */
  cutOff(text: string): void;
  /** The last one to the host has ended. */
  sourcesEnded(): void;
  /**
   * The owner must ask the host for an answer, which it gives when everything
   * before is done.
   */
  ask(answered: () => void): void;
}

/** The transfers of one channel, both ways. */
export class Pipes implements Asking, Disposable {
  readonly #loop: Loop;
  readonly #channel: Channel;
  readonly #arrivals: Arrivals;
  readonly #handler: PipesHandler;
  readonly #incoming = new Map<number, Incoming>();
  /** How many of those have a sink. */
  #openSinks = 0;
  /** Those that have everything, and whose reader has not. */
  readonly #draining = new Set<PipeSink>();
  readonly #sources = new Set<PipeSource>();
  #nextReadPipe = FIRST_READ_PIPE;
  /** Who waits for the next question's answer. */
  #askers: (() => void)[] = [];
  #isAsking = false;
  #disposed = false;

  /** @param arrivals those of all channels of this machine */
  constructor(
    loop: Loop,
    channel: Channel,
    arrivals: Arrivals,
    handler: PipesHandler,
  ) {
    this.#loop = loop;
    this.#channel = channel;
    this.#arrivals = arrivals;
    this.#handler = handler;
  }

  /** Number of transfers under way. */
  get count(): number {
    this.#forgetDone();
    return this.#incoming.size + this.#draining.size + this.#sources.size;
  }

  /** Whether something is still to be read for the host. */
  get hasSources(): boolean {
    return this.#sources.size > 0;
  }

  /**
   * Whether no more can begin: the host has a pipe for each, also where we drop
   * its data.
   */
  get isFull(): boolean {
    return this.#incoming.size >= MAX_PENDING;
  }

  /**
   * The identifier of the next pipe that the host makes for us. It is a guess
   * that must be right, so it is used in one SEND, alone, and then `read` is
   * called.
   */
  get nextReadPipe(): number {
    return this.#nextReadPipe | 0;
  }

  /**
   * The SEND with `nextReadPipe` went out: what the host reads from it is
   * written to `fd`, now ours.
   */
  read(fd: number): void {
    const pipe = this.#nextReadPipe++ | 0;
    const incoming: Incoming = {
      received: 0,
      connection: this,
      sink: this.#openSink(fd),
    };
    this.#incoming.set(pipe, incoming);
    this.#arrivals.add(incoming);
  }

  /** Takes what came as READ. */
  received(pipe: number, bytes: Uint8Array<ArrayBuffer>, end: boolean): void {
    const incoming = this.#incoming.get(pipe);
    if (incoming === undefined) return;
    const { sink } = incoming;
    incoming.received += bytes.length;
    if (sink !== null) this.#push(sink, bytes);
    this.#arrivals.came(incoming, bytes);
    if (!end) return;
    this.#incoming.delete(pipe);
    this.#arrivals.delete(incoming);
    if (sink === null) return;
    this.#openSinks--;
    sink.end();
    this.#forgetDone();
    if (!sink.isDone) this.#draining.add(sink);
  }

  /** Sends what is read from `reader`, now ours, into a pipe of the host. */
  write(pipe: number, reader: OwnedFd): void {
    if (this.#sources.size === MAX_SOURCES) {
      reader[Symbol.dispose]();
      this.hangUp(pipe);
      this.#handler.cutOff(
        `dropped a copy: the application already has ${MAX_SOURCES} unfinished copies`,
      );
      return;
    }
    const source: PipeSource = new PipeSource(
      this.#loop,
      reader,
      this.#arrivals,
      (bytes, length, end) => {
        if (!this.#disposed) this.#submit(pipe, bytes, length, end);
        if (end === "more") return;
        this.#sources.delete(source);
        if (this.#sources.size === 0) this.#handler.sourcesEnded();
      },
    );
    this.#sources.add(source);
  }

  /** Ends a pipe of the host that nobody writes into. */
  hangUp(pipe: number): void {
    this.#submit(pipe, new Uint8Array(0), 0, "hang-up");
  }

  /**
   * Asks the host on this channel; one question at a time, so that many who ask
   * cost no more than one.
   */
  ask(answered: () => void): void {
    this.#askers.push(answered);
    if (!this.#isAsking) this.#askNext();
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const incoming of this.#incoming.values()) {
      incoming.sink?.[Symbol.dispose]();
      this.#arrivals.delete(incoming);
    }
    this.#incoming.clear();
    for (const sink of this.#draining) sink[Symbol.dispose]();
    this.#draining.clear();
    for (const source of [...this.#sources]) source[Symbol.dispose]();
  }

  #askNext(): void {
    const askers = this.#askers;
    this.#isAsking = askers.length > 0;
    if (!this.#isAsking) return;
    this.#askers = [];
    this.#handler.ask(() => {
      for (const answered of askers) answered();
      this.#askNext();
    });
  }

  #openSink(fd: number): PipeSink | null {
    this.#forgetDone();
    if (this.#openSinks + this.#draining.size < MAX_SINKS) {
      this.#openSinks++;
      return new PipeSink(this.#loop, fd);
    }
    closeForeignFd(fd);
    this.#handler.cutOff(
      `dropped a paste: the application already has ${MAX_SINKS} unfinished pastes`,
    );
    return null;
  }

  #push(sink: PipeSink, bytes: Uint8Array<ArrayBuffer>): void {
    sink.push(bytes);
    const { queued } = sink;
    if (queued < QUEUED_PER_MILLISECOND) return;
    const together = this.#queued();
    if (queued > MAX_QUEUED_BYTES || together > MAX_QUEUED_TOGETHER) {
      sink[Symbol.dispose]();
      this.#handler.cutOff(
        queued > MAX_QUEUED_BYTES
          ? `cut off a paste: the application has not read ${
            megabytes(queued)
          } of it`
          : `cut off a paste: the application has not read ${
            megabytes(together)
          } of its pastes`,
      );
      return;
    }
    if (sink.written <= PIPE_BYTES) return;
    // a reader of a megabyte in a second gets all of it, however fast the host
    // is
    const rest = Math.floor(queued / QUEUED_PER_MILLISECOND);
    this.#channel.rest(Math.min(rest, MAX_REST_MS));
  }

  #queued(): number {
    let bytes = 0;
    for (const { sink } of this.#incoming.values()) bytes += sink?.queued ?? 0;
    for (const sink of this.#draining) bytes += sink.queued;
    return bytes;
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

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
