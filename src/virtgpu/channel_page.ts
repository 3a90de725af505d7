/**
 * A page of this machine's memory that the host writes to: the protocol calls
 * it a ring, but it is a single page.
 */

import { ENOSPC } from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import type { Mapping } from "../../ffi/mapping.ts";
import {
  CHANNEL_BYTES,
  DIALECT_28,
  DIALECT_4,
  PIPE_HEADER_BYTES,
} from "./cross_domain.ts";
import type { VirtgpuDevice } from "./device.ts";

/**
 * Words in which data may begin. A message of a byte or two can only be
 * compared with this much, and a changing word would be equal by chance now and
 * then; with a constant one that depends on the data alone.
 */
const FIRST_WORDS: readonly number[] = [
  PIPE_HEADER_BYTES >> 2,
  DIALECT_4.headerBytes >> 2,
  DIALECT_28.headerBytes >> 2,
];
const FIRST_PATTERN = 0xa5a5_a5a5;

/** One page, known to the host by its resource. */
export class ChannelPage implements Disposable {
  readonly handle: number;
  readonly resource: number;
  readonly #device: VirtgpuDevice;
  readonly #mapping: Mapping;
  /** What the page was filled with last. */
  #pattern = Math.floor(Math.random() * 0x1_0000_0000);

  /** Takes over the handle and the mapping. */
  constructor(
    device: VirtgpuDevice,
    handle: number,
    resource: number,
    mapping: Mapping,
  ) {
    this.#device = device;
    this.handle = handle;
    this.resource = resource;
    this.#mapping = mapping;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#mapping.bytes;
  }

  get words(): Int32Array<ArrayBuffer> {
    return this.#mapping.words;
  }

  /**
   * Clears it for the host: the first word is zero, and what the host has not
   * written yet can be told from what it has. It is filled with another word
   * each time, so that nobody's data look unwritten but by chance.
   */
  clear(): void {
    this.#pattern = (Math.imul(this.#pattern, 1_664_525) + 1_013_904_223) >>> 0;
    const { words } = this;
    words.fill(this.#pattern, 0, CHANNEL_BYTES >> 2);
    for (const word of FIRST_WORDS) words[word] = FIRST_PATTERN;
    words[0] = 0;
  }

  /** Whether a word still is as `clear` left it. */
  isClear(word: number): boolean {
    return (this.words[word] ?? 0) >>> 0 === this.#patternOf(word);
  }

  /** Whether all bytes from `start` to `end` still are as `clear` left them. */
  areClear(start: number, end: number): boolean {
    for (let i = start; i < end; i++) {
      const byte = this.#patternOf(i >> 2) >>> 8 * (i & 3) & 0xff;
      if (this.bytes[i] !== byte) return false;
    }
    return true;
  }

  #patternOf(word: number): number {
    return FIRST_WORDS.includes(word) ? FIRST_PATTERN : this.#pattern;
  }

  /** Unmaps it first: a mapping keeps the whole connection open. */
  [Symbol.dispose](): void {
    if (this.#mapping.bytes.buffer.detached) return;
    this.#mapping[Symbol.dispose]();
    this.#device.closeHandle(this.handle);
  }
}

/** Makes a page. @throws {SyscallError} */
export function openChannelPage(device: VirtgpuDevice): ChannelPage {
  const size = device.pageSize;
  const blob = device.createBlob({
    memory: "guest",
    size,
    blobId: 0,
    mappable: true,
  });
  if (blob === null) throw new SyscallError("make a page", ENOSPC);
  try {
    const mapping = device.map(blob.handle, size, "write");
    return new ChannelPage(device, blob.handle, blob.resource, mapping);
  } catch (error) {
    device.closeHandle(blob.handle);
    throw error;
  }
}
