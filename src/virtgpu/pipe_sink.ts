/**
 * What an application here pastes: data of a pipe of the host's, written into
 * the descriptor that the application gave.
 *
 * The host cannot be asked to stop with one pipe, so what the application does
 * not read is kept, up to a limit, and thrown away after that, or when nobody
 * reads.
 */

import {
  type ForeignOutput,
  openForeignOutput,
} from "../../ffi/foreign_output.ts";
import { EAGAIN } from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import type { Loop, Source, Watch } from "../loop/loop.ts";

/** Bytes that wait for a slow application; with more its transfer ends. */
export const MOST_QUEUED = 16 * 1024 * 1024;

/** One transfer from the host. */
export class PipeSink implements Source, Disposable {
  readonly #loop: Loop;
  #output: ForeignOutput | null;
  #watch: Watch | null = null;
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  /** Bytes of the first chunk that are written. */
  #written = 0;
  #queued = 0;
  #ends = false;

  /** Takes over the descriptor. */
  constructor(loop: Loop, fd: number) {
    this.#loop = loop;
    this.#output = openForeignOutput(fd);
  }

  /** Whether everything is written, or nobody wants it. */
  get isDone(): boolean {
    return this.#output === null;
  }

  /** Bytes that the application has not taken. */
  get queued(): number {
    return this.#queued;
  }

  /** Takes data; they are copied where they cannot be written at once. */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    const output = this.#output;
    if (output === null || bytes.length === 0) return;
    let written = 0;
    if (this.#queued === 0 && !output.needsReadiness) {
      const result = output.write(bytes);
      if (result < 0 && result !== -EAGAIN) {
        this[Symbol.dispose]();
        return;
      }
      written = Math.max(0, result);
    }
    if (written === bytes.length) return;
    const rest = bytes.slice(written);
    this.#chunks.push(rest);
    this.#queued += rest.length;
    if (this.#queued > MOST_QUEUED) this[Symbol.dispose]();
    else this.#waitForRoom(output);
  }

  /** Nothing follows: the descriptor is closed when the rest is written. */
  end(): void {
    this.#ends = true;
    if (this.#queued === 0) this[Symbol.dispose]();
  }

  ready(_readable: boolean, _writable: boolean, hangup: boolean): void {
    const output = this.#output;
    if (hangup && this.#queued === 0) {
      // nobody reads, which only this tells while there is nothing to write
      this[Symbol.dispose]();
      return;
    }
    for (let chunk = this.#chunks[0]; output !== null && chunk !== undefined;) {
      const result = output.write(chunk.subarray(this.#written));
      if (result === -EAGAIN) return;
      if (result < 0) {
        this[Symbol.dispose]();
        return;
      }
      this.#written += result;
      this.#queued -= result;
      if (this.#written === chunk.length) {
        this.#chunks.shift();
        this.#written = 0;
        chunk = this.#chunks[0];
      }
      if (output.needsReadiness) break;
    }
    if (this.#queued > 0) return;
    if (this.#ends) this[Symbol.dispose]();
    else if (this.#watch !== null) this.#watch.writable = false;
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = null;
    this.#output?.[Symbol.dispose]();
    this.#output = null;
    this.#chunks.length = 0;
    this.#queued = 0;
  }

  #waitForRoom(output: ForeignOutput): void {
    if (this.#watch === null) {
      try {
        this.#watch = this.#loop.watch(output.fd, this);
      } catch (error) {
        // a file that is full: there is no waiting for room on a disk
        if (!(error instanceof SyscallError)) throw error;
        this[Symbol.dispose]();
        return;
      }
      this.#watch.readable = false;
    }
    this.#watch.writable = true;
  }
}
