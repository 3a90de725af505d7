/**
 * What an application here pastes: data of a pipe of the host, written into the
 * descriptor that the application gave.
 *
 * We cannot ask the host to stop with one pipe. So we keep what the application
 * does not read, up to a limit, and drop it after that, or when nobody reads.
 */

import {
  type ForeignOutput,
  openForeignOutput,
} from "../../../ffi/foreign_output.ts";
import { EAGAIN } from "../../../ffi/errno.ts";
import { SyscallError } from "../../../ffi/error.ts";
import type { Loop, Source, Watch } from "../../loop/loop.ts";

/** Bytes that wait for a slow application; with more its transfer ends. */
export const MAX_QUEUED_BYTES = 16 * 1024 * 1024;

/**
 * What waits is kept in blocks of this size, however small the pieces are in
 * which it came.
 */
const BLOCK = 64 * 1024;
/**
 * Blocks that are written before others have their turn: a disk always takes
 * more.
 */
const MAX_WRITES = 16;

/** Writes one transfer from the host to an application. */
export class PipeSink implements Source, Disposable {
  readonly #loop: Loop;
  #output: ForeignOutput | null;
  #watch: Watch | null = null;
  readonly #blocks: Uint8Array<ArrayBuffer>[] = [];
  /** Bytes of the first block that are written. */
  #head = 0;
  /** Bytes of the last block that are filled. */
  #tail = BLOCK;
  #queued = 0;
  #taken = 0;
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

  /** Bytes that were written. */
  get written(): number {
    return this.#taken;
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
      this.#taken += written;
    }
    if (written === bytes.length) return;
    this.#keep(bytes.subarray(written));
    this.#waitForRoom(output);
  }

  /** Nothing follows: the descriptor is closed when the rest is written. */
  end(): void {
    this.#ends = true;
    if (this.#queued === 0) this[Symbol.dispose]();
  }

  ready(_readable: boolean, _writable: boolean, hangup: boolean): void {
    if (hangup && this.#queued === 0) {
      // nobody reads, which only this shows while there is nothing to write
      this[Symbol.dispose]();
      return;
    }
    const output = this.#output;
    if (output === null) return;
    for (let writes = 0; this.#queued > 0 && writes < MAX_WRITES; writes++) {
      const result = this.#writeBlock(output);
      if (result === -EAGAIN) return;
      if (result < 0) {
        this[Symbol.dispose]();
        return;
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
    this.#forget();
  }

  #keep(bytes: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#tail === BLOCK) {
        this.#blocks.push(new Uint8Array(BLOCK));
        this.#tail = 0;
      }
      const part = bytes.subarray(at, at + BLOCK - this.#tail);
      this.#blocks.at(-1)?.set(part, this.#tail);
      this.#tail += part.length;
      at += part.length;
    }
    this.#queued += bytes.length;
  }

  /** @returns bytes written, or the negative error number */
  #writeBlock(output: ForeignOutput): number {
    const [block] = this.#blocks;
    if (block === undefined) return 0;
    const end = this.#blocks.length === 1 ? this.#tail : BLOCK;
    const result = output.write(block.subarray(this.#head, end));
    if (result < 0) return result;
    this.#head += result;
    this.#queued -= result;
    this.#taken += result;
    if (this.#queued === 0) this.#forget();
    else if (this.#head === BLOCK) {
      this.#blocks.shift();
      this.#head = 0;
    }
    return result;
  }

  #forget(): void {
    this.#blocks.length = 0;
    this.#head = 0;
    this.#tail = BLOCK;
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
