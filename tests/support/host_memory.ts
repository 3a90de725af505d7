/**
 * Memory that a pretended host sees: files in memory, which the scenario can
 * look into.
 */
import { duplicateFd } from "../../ffi/fd.ts";
import { copyRows, type RowCopy } from "../../ffi/file_copy.ts";
import { mapFile, type Mapping } from "../../ffi/mapping.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import type { OwnedFd } from "../../ffi/fd.ts";
import type { SharedMemory } from "../../src/host/endpoint.ts";

export class HostBlock implements SharedMemory {
  /** As the host says. */
  size: number;
  readonly planes = [];
  isDisposed = false;
  readonly #fd: OwnedFd;
  readonly #mapping: Mapping;

  constructor(size: number) {
    this.size = size;
    this.#fd = createMemfd("host", size);
    this.#mapping = mapFile(this.#fd.number, size, "write");
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#mapping.bytes;
  }

  share(): number {
    return duplicateFd(this.#fd.number).release();
  }

  beginWriting(): void {}

  endWriting(): void {}

  copyFrom(copy: Readonly<RowCopy>): boolean {
    return copyRows(this.bytes, copy);
  }

  /** It stays readable for the scenario, as it does for a host. */
  [Symbol.dispose](): void {
    this.isDisposed = true;
  }

  /** Really ends it. */
  close(): void {
    this.#mapping[Symbol.dispose]();
    this.#fd[Symbol.dispose]();
  }
}

export class HostMemoryRoom implements Disposable {
  /** Bytes that the host can allocate. */
  limit = Infinity;
  /** Every piece that was ever had, in order. */
  readonly blocks: HostBlock[] = [];

  /** Bytes that are allocated now. */
  get used(): number {
    return this.blocks.reduce(
      (sum, { isDisposed, size }) => isDisposed ? sum : sum + size,
      0,
    );
  }

  allocate(bytes: number): HostBlock | null {
    if (this.used + bytes > this.limit) return null;
    const block = new HostBlock(bytes);
    this.blocks.push(block);
    return block;
  }

  [Symbol.dispose](): void {
    for (const block of this.blocks) block.close();
  }
}
