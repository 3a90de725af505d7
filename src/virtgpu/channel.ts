/**
 * A channel: one context of the device, and through it one connection to the
 * host's compositor.
 *
 * The host delivers one message per POLL, onto one page, which stays as it is
 * until the next POLL. So a message is copied out, what it brings is claimed,
 * the next POLL goes out, and only then anybody works on it. Never more than
 * one POLL is outstanding, and none only where the host is not to send.
 */

import { SyscallError } from "../../ffi/error.ts";
import type { Loop, Source, Timer, Watch } from "../loop/loop.ts";
import { type ChannelPage, openChannelPage } from "./channel_page.ts";
import {
  type SentIdentifiers,
  submitInit,
  submitPoll,
  submitProbe,
  submitSend,
  submitWrite,
} from "./commands.ts";
import {
  CHANNEL_BYTES,
  CHANNEL_RING,
  COMMAND_READ,
  COMMAND_RECEIVE,
  CROSS_DOMAIN_CAPSET,
  type Dialect,
  DIALECT_28,
  DIALECT_4,
  IDENTIFIER_BLOB,
  IDENTIFIER_WRITE_PIPE,
  PIPE_HEADER_BYTES,
  RINGS,
  WORD_FIRST_IDENTIFIER,
  WORD_HANG_UP,
  WORD_IDENTIFIERS,
  WORD_PAYLOAD_BYTES,
  WORD_PIPE,
  WORD_PIPE_BYTES,
} from "./cross_domain.ts";
import type { VirtgpuDevice } from "./device.ts";
import type { Unfenced, Wakeups } from "./wakeups.ts";

/** What the host sent in place of a descriptor. */
export type ReceivedIdentifier =
  /**
   * Memory, claimed: a handle of the device, now its receiver's; `size` is the
   * file's, of which whole pages can be mapped.
   */
  | { readonly kind: "memory"; readonly handle: number; readonly size: number }
  /**
   * The writing end of a pipe, for `write`. Empty files and mislabelled pipes
   * look alike, so an empty file is one, too.
   */
  | { readonly kind: "pipe"; readonly pipe: number }
  /**
   * Nothing usable: memory for which the host-visible window had no room, of
   * `size` bytes, or a kind that Wayland does not send.
   */
  | { readonly kind: "nothing"; readonly size: number };

/**
 * What arrives, for the owner of the channel. The bytes of both are valid
 * during the call only.
 */
export interface ChannelHandler {
  /**
   * Bytes of the stream, with what came beside them. To be copied, and no more:
   * `collected` follows.
   */
  collect(
    bytes: Uint8Array,
    offset: number,
    length: number,
    identifiers: readonly ReceivedIdentifier[],
  ): void;
  /**
   * Data of a pipe that the host reads for us, to be copied. `end`: nothing
   * follows.
   */
  collectPipe(
    pipe: number,
    bytes: Uint8Array<ArrayBuffer>,
    end: boolean,
  ): void;
  /** Everything was copied, and the next message can come. */
  collected(): void;
  /**
   * Nothing arrives any more. `reason` is null where the host simply closed.
   */
  ended(reason: string | null): void;
}

/**
 * Milliseconds after which a message counts as whole although its end appears
 * unwritten. We do not count the checks instead: each signal for another
 * channel makes one.
 */
const ANSWER_TIMEOUT_MS = 100;

const NO_IDENTIFIERS: readonly ReceivedIdentifier[] = [];

/**
 * One connection to the host. Disposing of it closes the connection and the
 * device.
 */
export class Channel implements Source, Unfenced, Disposable {
  readonly device: VirtgpuDevice;
  /** For queries; see blob_maker.ts. */
  readonly queryPage: ChannelPage;
  readonly #page: ChannelPage;
  readonly #wakeups: Wakeups;
  readonly #resources: DisposableStack;
  readonly #watch: Watch;
  #handler: ChannelHandler | null = null;
  #dialect: Dialect | null = null;
  #probed = false;
  readonly #loop: Loop;
  /** When a message was first seen in part; 0: none is. */
  #partialSince = 0;
  /** Whether a POLL is outstanding. */
  #polled = false;
  #paused = false;
  #rest: Timer | null = null;
  #disposed = false;

  /**
   * For `openChannel`. Takes over the resources, unless it fails.
   *
   * @throws {SyscallError} it cannot be watched
   */
  constructor(
    loop: Loop,
    device: VirtgpuDevice,
    wakeups: Wakeups,
    queryPage: ChannelPage,
    page: ChannelPage,
    resources: DisposableStack,
  ) {
    this.#loop = loop;
    this.device = device;
    this.queryPage = queryPage;
    this.#page = page;
    this.#wakeups = wakeups;
    this.#watch = loop.watch(device.pollFd, this);
    this.#resources = resources.move();
  }

  /** The host's dialect; null until it answered. */
  get dialect(): Dialect | null {
    return this.#dialect;
  }

  /**
   * Whether `send` may be called: not between the first bytes and the answer to
   * them.
   */
  get canSend(): boolean {
    return this.#dialect !== null || !this.#probed;
  }

  /** Begins to report, and to receive. */
  attach(handler: ChannelHandler): void {
    this.#handler = handler;
    this.#poll();
  }

  /**
   * Stops asking for messages. The host then reads nothing from the compositor,
   * which gives up after a while.
   */
  pause(): void {
    this.#paused = true;
  }

  /** Asks for messages again. */
  resume(): void {
    this.#paused = false;
    this.#poll();
  }

  /** Asks for the next message only after this many milliseconds. */
  rest(milliseconds: number): void {
    this.#rest ??= this.#loop.after(milliseconds, this.#endRest);
  }

  /**
   * Sends bytes of the stream, at most MAX_PAYLOAD; before the dialect is known
   * at most MAX_PROBE, once, and without identifiers.
   *
   * @throws {SyscallError} the device is gone.
   */
  send(
    bytes: Uint8Array,
    offset: number,
    length: number,
    identifiers: SentIdentifiers,
  ): void {
    this.#wakeups.traffic();
    const dialect = this.#dialect;
    if (dialect !== null) {
      submitSend(this.device, dialect, bytes, offset, length, identifiers);
      return;
    }
    if (this.#probed || identifiers.count > 0) {
      throw new Error("Cannot send: the host's dialect is not known yet");
    }
    this.#probed = true;
    submitProbe(this.device, bytes, offset, length);
  }

  /**
   * Writes into a pipe of the host, at most 4 KiB less the header.
   *
   * @throws {SyscallError}
   */
  write(
    pipe: number,
    bytes: Uint8Array,
    length: number,
    end: "hang-up" | "more",
  ): void {
    this.#wakeups.traffic();
    submitWrite(this.device, pipe, bytes, length, end);
  }

  ready(): void {
    try {
      if (this.device.readEvents() > 0) this.look();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Takes the message from the page where one is there. */
  look(): void {
    if (!this.#polled || this.#disposed) return;
    const { words } = this.#page;
    const command = (words[0] ?? 0) & 0xff;
    if (command === 0 || !(this.#isWhole(command) || this.#isPatient())) {
      this.#wakeups.add(this);
      return;
    }
    this.#partialSince = 0;
    this.#polled = false;
    this.#wakeups.remove(this);
    this.#wakeups.traffic();
    try {
      if (!this.#take(command)) return;
      this.#poll();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#handler?.collected();
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#handler = null;
    this.#rest?.[Symbol.dispose]();
    this.#wakeups.remove(this);
    this.#watch[Symbol.dispose]();
    this.#resources[Symbol.dispose]();
  }

  #isPatient(): boolean {
    const { now } = this.#loop;
    if (this.#partialSince === 0) {
      this.#partialSince = now;
      // the rest is to be expected at once
      this.#wakeups.traffic();
    }
    return now - this.#partialSince >= ANSWER_TIMEOUT_MS;
  }

  /**
   * Whether the host has written all of the message. It writes the header
   * before the data, and a channel without a fence may look in between.
   */
  #isWhole(command: number): boolean {
    const page = this.#page;
    let start: number;
    let sizeWord: number;
    if (command === COMMAND_RECEIVE) {
      start = (this.#dialect ?? guessDialect(page)).headerBytes;
      sizeWord = WORD_PAYLOAD_BYTES;
      if (page.isClear((start >> 2) - 1)) return false;
    } else if (command === COMMAND_READ) {
      start = PIPE_HEADER_BYTES;
      sizeWord = WORD_PIPE_BYTES;
    } else return true;
    if (page.isClear(sizeWord)) return false;
    const size = page.words[sizeWord] ?? 0;
    const end = start + size;
    // what is too long is found out where it is taken
    return size <= 0 || end > CHANNEL_BYTES ||
      !page.areClear(Math.max(start, end - 4), end);
  }

  /** Copies the message out of the page. False: it was the last one. */
  #take(command: number): boolean {
    if (command === COMMAND_RECEIVE) return this.#takeBytes();
    if (command === COMMAND_READ) this.#takePipe();
    // others belong to channels that are no Wayland connection
    return true;
  }

  #takeBytes(): boolean {
    const { words, bytes } = this.#page;
    const count = words[WORD_IDENTIFIERS] ?? 0;
    const length = (words[WORD_PAYLOAD_BYTES] ?? 0) >>> 0;
    if (length === 0 && count === 0) {
      this.#end(null);
      return false;
    }
    this.#dialect ??= guessDialect(this.#page);
    const { headerBytes, identifiers } = this.#dialect;
    if (length > CHANNEL_BYTES - headerBytes || count < 0) {
      this.#end(`the host announced ${length} bytes, more than it can send`);
      return false;
    }
    const received = count === 0
      ? NO_IDENTIFIERS
      : this.#claim(Math.min(count, identifiers), identifiers);
    this.#handler?.collect(bytes, headerBytes, length, received);
    if (count <= identifiers) return true;
    this.#end(
      `the host lost ${count - identifiers} of ${count} file descriptors`,
    );
    return false;
  }

  /** Claims all memory at once: what is not claimed the host keeps. */
  #claim(count: number, room: number): readonly ReceivedIdentifier[] {
    const { words } = this.#page;
    const received: ReceivedIdentifier[] = [];
    for (let i = 0; i < count; i++) {
      const word = WORD_FIRST_IDENTIFIER + i;
      const identifier = words[word] ?? 0;
      const type = words[word + room] ?? 0;
      const size = (words[word + 2 * room] ?? 0) >>> 0;
      if (type === IDENTIFIER_BLOB && size > 0) {
        const blob = this.device.createBlob({
          memory: "host3d",
          size: wholePages(size, this.device.pageSize),
          blobId: identifier >>> 0,
          mappable: true,
        });
        received.push(
          blob === null
            ? { kind: "nothing", size }
            : { kind: "memory", handle: blob.handle, size },
        );
      } else if (type === IDENTIFIER_WRITE_PIPE || type === IDENTIFIER_BLOB) {
        // hosts of 2025 call a pipe memory of no size
        received.push({ kind: "pipe", pipe: identifier });
      } else received.push({ kind: "nothing", size: 0 });
    }
    return received;
  }

  #takePipe(): void {
    const { words, bytes } = this.#page;
    const length = (words[WORD_PIPE_BYTES] ?? 0) >>> 0;
    this.#handler?.collectPipe(
      words[WORD_PIPE] ?? 0,
      bytes.subarray(
        PIPE_HEADER_BYTES,
        Math.min(PIPE_HEADER_BYTES + length, CHANNEL_BYTES),
      ),
      words[WORD_HANG_UP] !== 0,
    );
  }

  #poll(): void {
    if (this.#polled || this.#paused || this.#rest !== null) return;
    if (this.#handler === null) return;
    this.#page.clear();
    this.#polled = true;
    submitPoll(this.device);
  }

  readonly #endRest = (): void => {
    this.#rest = null;
    try {
      this.#poll();
    } catch (error) {
      this.#fail(error);
    }
  };

  #fail(error: unknown): void {
    if (!(error instanceof SyscallError)) throw error;
    this.#end(error.message);
  }

  #end(reason: string | null): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#polled = false;
    this.#wakeups.remove(this);
    this.#watch.readable = false;
    // what came with the last message still counts
    handler?.collected();
    handler?.ended(reason);
  }
}

/**
 * Opens a channel: a context with its two pages, connected to the host's
 * compositor. Whether it really is shows when something arrives.
 *
 * @param device now the channel's; closed where this fails.
 * @throws {SyscallError}
 */
export function openChannel(
  loop: Loop,
  device: VirtgpuDevice,
  wakeups: Wakeups,
): Channel {
  using undo = new DisposableStack();
  undo.use(device);
  device.contextInit({
    capset: CROSS_DOMAIN_CAPSET,
    rings: RINGS,
    polledRings: 1 << CHANNEL_RING,
  });
  const queryPage = undo.use(openChannelPage(device));
  const page = undo.use(openChannelPage(device));
  submitInit(device, queryPage.resource, page.resource);
  return new Channel(loop, device, wakeups, queryPage, page, undo);
}

/** `size` rounded up to what can be mapped. */
export function wholePages(size: number, pageSize: number): number {
  return Math.ceil(size / pageSize) * pageSize;
}

/**
 * Tells the dialect by the first message: where the shorter header ends, there
 * is either an object's id, never 0, or an unused identifier.
 */
function guessDialect(page: ChannelPage): Dialect {
  const word = DIALECT_4.headerBytes >> 2;
  return page.words[word] === 0 || page.isClear(word) ? DIALECT_28 : DIALECT_4;
}
