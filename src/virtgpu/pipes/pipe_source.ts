/**
 * What an application here offers, a selection or what is dragged: data that it
 * writes into a pipe of ours, and that we send on into one of the host.
 *
 * A WRITE is not acknowledged. The host writes it at once: where the reader
 * there is slow and its pipe waits, the host's device thread waits with it, and
 * where its pipe does not wait, what does not fit is lost. So data go in pieces
 * of less than 4 KiB, and not faster than a reader can be expected to read; to
 * a reader in this machine, which we know of, not faster than it does. Only the
 * application's closing is the end, never a short read.
 */

import { EAGAIN } from "../../../ffi/errno.ts";
import { SyscallError } from "../../../ffi/error.ts";
import { type OwnedFd, readFd, setNonBlocking } from "../../../ffi/fd.ts";
import type { Loop, Source, Timer, Watch } from "../../loop/loop.ts";
import { CHANNEL_BYTES, PIPE_HEADER_BYTES } from "../cross_domain.ts";
import { type Arrivals, PipeCredit } from "./pipe_credit.ts";

/** What is written at once: a page with its header. */
const PIECE = CHANNEL_BYTES - PIPE_HEADER_BYTES;
/**
 * What a new pipe holds, and so what may be sent at once; a piece is sent whole
 * where a byte of it may be.
 */
const FIRST = 64 * 1024 - PIECE;
/** What may be sent per interval after that. */
const BURST = 32 * 1024;
/** Milliseconds between bursts. */
const INTERVAL = 4;

const piece = new Uint8Array(PIECE);

/** Sends a piece on; the last one, which may be empty, with "hang-up". */
export type WritePiece = (
  bytes: Uint8Array,
  length: number,
  end: "hang-up" | "more",
) => void;

/** Sends one transfer from an application to the host. */
export class PipeSource implements Source, Disposable {
  readonly #loop: Loop;
  readonly #reader: OwnedFd;
  readonly #write: WritePiece;
  readonly #credit: PipeCredit;
  #watch: Watch | null = null;
  #allowed = FIRST;
  #timer: Timer | null = null;
  #disposed = false;

  /**
   * Takes over the reading end of a pipe.
   *
   * @throws {SyscallError} it cannot be watched, and is closed
   */
  constructor(
    loop: Loop,
    reader: OwnedFd,
    arrivals: Arrivals,
    write: WritePiece,
  ) {
    this.#loop = loop;
    this.#reader = reader;
    this.#write = write;
    this.#credit = new PipeCredit(loop, arrivals, () => this.#goOn());
    try {
      setNonBlocking(reader.number);
      this.#watchOrWait();
    } catch (error) {
      this.#credit[Symbol.dispose]();
      reader[Symbol.dispose]();
      throw error;
    }
  }

  ready(): void {
    const length = readFd(this.#reader.number, piece);
    if (length === -EAGAIN) return;
    if (length <= 0) {
      this[Symbol.dispose]();
      return;
    }
    this.#allowed -= length;
    this.#credit.wrote(piece.subarray(0, length));
    this.#write(piece, length, "more");
    if (this.#disposed) return;
    this.#timer ??= this.#loop.after(INTERVAL, this.#allow);
    this.#goOn();
  }

  /** Ends the transfer on both sides. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#timer?.[Symbol.dispose]();
    this.#credit[Symbol.dispose]();
    this.#unwatch();
    this.#reader[Symbol.dispose]();
    this.#write(piece, 0, "hang-up");
  }

  /**
   * Goes on, or ends the transfer where the kernel has no room for one more
   * watch.
   */
  #goOn(): void {
    try {
      this.#watchOrWait();
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this[Symbol.dispose]();
    }
  }

  /** Reads on as soon as something may be written. */
  #watchOrWait(): void {
    const hasRoom = this.#credit.hasRoom;
    if (this.#allowed > 0 && hasRoom) {
      this.#watch ??= this.#loop.watch(this.#reader.number, this);
    } else this.#unwatch();
    if (!hasRoom) this.#credit.wait();
  }

  /**
   * A watch whose descriptor we do not read from would report the application's
   * closing again and again.
   */
  #unwatch(): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = null;
  }

  readonly #allow = (): void => {
    this.#timer = null;
    this.#allowed = Math.min(FIRST, this.#allowed + BURST);
    if (this.#allowed < FIRST) {
      this.#timer = this.#loop.after(INTERVAL, this.#allow);
    }
    this.#goOn();
  };
}
