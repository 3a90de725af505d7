/**
 * Lines on their way to an output that may be slow or gone: collected, written
 * as far as it takes them, and counted where they had to be left out.
 */

import { EAGAIN } from "../../ffi/errno.ts";
import type { ForeignOutput } from "../../ffi/foreign_output.ts";
import { PinnedBuffer } from "../../ffi/pinned_buffer.ts";

const BUFFER_BYTES = 131_072;
/** A longer line is cut. */
const MAX_LINE_CHARACTERS = 16_384;
/**
 * The most that a line needs: three bytes for each UTF-16 unit, the mark of a
 * cut and the line feed included.
 */
const LINE_BYTES = 3 * (MAX_LINE_CHARACTERS + 2);

const encoder = new TextEncoder();

/**
 * How a flush ended: all is written; some is left, because the reader is slow;
 * nothing can be written any more.
 */
export type FlushResult = "done" | "pending" | "gone";

/** Collects lines and writes them without waiting. */
export class LineWriter implements Disposable {
  readonly #output: ForeignOutput;
  readonly #describeLoss: (lines: number) => string;
  #buffer: PinnedBuffer | null = null;
  /** What waits in the buffer; it may begin within a line. */
  #start = 0;
  #end = 0;
  #lostLines = 0;
  #gone = false;

  /**
   * @param output owned.
   * @param describeLoss makes the line that stands where `lines` lines had to
   * be left out.
   */
  constructor(output: ForeignOutput, describeLoss: (lines: number) => string) {
    this.#output = output;
    this.#describeLoss = describeLoss;
  }

  /**
   * Keeps a line for the next flush; flushes by itself when there is no room.
   *
   * @param line without the line feed.
   */
  write(line: string): void {
    if (this.#gone) return;
    if (!this.#hasRoom()) {
      this.#lostLines++;
      return;
    }
    this.#mentionLoss();
    if (this.#hasRoom()) this.#append(line);
    else this.#lostLines++;
  }

  /** Writes what the output takes now. */
  flush(): FlushResult {
    if (this.#gone) return "gone";
    const result = this.#writeOut();
    if (result !== "done" || this.#lostLines === 0) return result;
    this.#mentionLoss();
    return this.#writeOut();
  }

  #writeOut(): FlushResult {
    const buffer = this.#buffer;
    if (buffer === null) return "done";
    while (this.#start < this.#end) {
      const length = this.#end - this.#start;
      const count = this.#output.writePinned(buffer, this.#start, length);
      if (count >= 0) this.#start += count;
      else if (count === -EAGAIN) return "pending";
      else {
        // closed, broken or full for good: nobody reads it
        this.#gone = true;
        this.#lostLines = 0;
        return "gone";
      }
    }
    this.#start = 0;
    this.#end = 0;
    return "done";
  }

  #hasRoom(): boolean {
    if (BUFFER_BYTES - this.#end >= LINE_BYTES) return true;
    this.#writeOut();
    if (this.#start > 0) {
      this.#buffer?.bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    return BUFFER_BYTES - this.#end >= LINE_BYTES;
  }

  #mentionLoss(): void {
    if (this.#lostLines === 0) return;
    const notice = this.#describeLoss(this.#lostLines);
    this.#lostLines = 0;
    this.#append(notice);
  }

  #append(line: string): void {
    const buffer = this.#buffer ??= new PinnedBuffer(BUFFER_BYTES);
    const text = line.length > MAX_LINE_CHARACTERS
      ? line.slice(0, MAX_LINE_CHARACTERS) + "…\n"
      : line + "\n";
    this.#end += encoder.encodeInto(text, buffer.bytes.subarray(this.#end))
      .written;
  }

  /** Writes what is taken at once; the rest is lost. */
  [Symbol.dispose](): void {
    this.flush();
    this.#gone = true;
    this.#buffer?.free();
    this.#buffer = null;
    this.#output[Symbol.dispose]();
  }
}
