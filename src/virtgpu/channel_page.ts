/** A page of this machine's memory that the host writes to: what the protocol calls a ring, though it is none. */

import type { Mapping } from "../../ffi/mapping.ts";
import type { VirtgpuDevice } from "./device.ts";

/** One page, known to the host by its resource. */
export class ChannelPage implements Disposable {
  readonly handle: number;
  readonly resource: number;
  readonly #device: VirtgpuDevice;
  readonly #mapping: Mapping;

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
