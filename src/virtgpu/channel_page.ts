/** A page of this machine's memory that the host writes to: what the protocol calls a ring, though it is none. */

import type { Mapping } from "../../ffi/mapping.ts";
import { CHANNEL_BYTES } from "./cross_domain.ts";
import type { VirtgpuDevice } from "./device.ts";

/** One page, known to the host by its resource. */
export class ChannelPage implements Disposable {
  readonly handle: number;
  readonly resource: number;
  readonly #device: VirtgpuDevice;
  readonly #mapping: Mapping;
  /** What the page was filled with last. */
  readonly #pattern = new Uint32Array([Math.random() * 0x1_0000_0000]);
  readonly #patternBytes = new Uint8Array(this.#pattern.buffer);

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
   * written yet can be told from what it has. It is filled with another word each
   * time, so that nobody's data look unwritten but by chance.
   */
  clear(): void {
    const pattern = Math.imul(this.#pattern[0] ?? 0, 1_664_525) + 1_013_904_223;
    this.#pattern[0] = pattern;
    this.words.fill(pattern, 0, CHANNEL_BYTES >> 2);
    this.words[0] = 0;
  }

  /** Whether a word still is as `clear` left it. */
  isClear(word: number): boolean {
    return (this.words[word] ?? 0) >>> 0 === this.#pattern[0];
  }

  /** Whether all bytes from `start` to `end` still are as `clear` left them. */
  areClear(start: number, end: number): boolean {
    const { bytes } = this;
    for (let i = start; i < end; i++) {
      if (bytes[i] !== this.#patternBytes[i & 3]) return false;
    }
    return true;
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
  if (blob === null) throw new Error("Cannot make a page: no memory is left");
  try {
    const mapping = device.map(blob.handle, size, "write");
    return new ChannelPage(device, blob.handle, blob.resource, mapping);
  } catch (error) {
    device.closeHandle(blob.handle);
    throw error;
  }
}
