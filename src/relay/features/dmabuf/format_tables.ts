/**
 * Tables of GPU formats, without what our GPU does not make. A compositor sends the same table for every window, so those that were sent last
 * are kept.
 */
import { duplicateFd, OwnedFd, writeFd } from "../../../../ffi/fd.ts";
import {
  addSeals,
  createMemfd,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
} from "../../../../ffi/memfd.ts";

/** u32 format, 4 bytes unused, u64 modifier. */
export const ENTRY_BYTES = 16;
/** Where an entry went that our GPU does not make. */
export const LEFT_OUT = -1;

/** Each holds a descriptor open. */
const MAX_KEPT_TABLES = 4;
const SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

/** One of the host's tables, as clients get it. */
export interface FormatTable {
  /** In bytes, as clients get it. */
  readonly size: number;
  /** For each entry of the host's table its number in ours, or LEFT_OUT. */
  readonly places: readonly number[];
}

interface KeptTable extends FormatTable {
  /** What the host sent. */
  readonly contents: Uint8Array;
  readonly fd: OwnedFd;
}

/** The tables of one relay. */
export class FormatTables implements Disposable {
  readonly #makes: (format: number, modifier: bigint) => boolean;
  /** Those made last come last. */
  readonly #tables: KeptTable[] = [];

  /** @param makes whether our GPU makes buffers of a format, with a layout */
  constructor(makes: (format: number, modifier: bigint) => boolean) {
    this.#makes = makes;
  }

  /** The table with a descriptor of it, sealed, the caller's. */
  find(contents: Uint8Array<ArrayBuffer>): FormatTable & { fd: number } {
    const { fd, size, places } = this.#known(contents) ?? this.#add(contents);
    return { fd: duplicateFd(fd.number).release(), size, places };
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#tables) fd[Symbol.dispose]();
    this.#tables.length = 0;
  }

  #known(contents: Uint8Array): KeptTable | undefined {
    return this.#tables.find((table) => isEqual(table.contents, contents));
  }

  #add(contents: Uint8Array<ArrayBuffer>): KeptTable {
    const { kept, places } = this.#filter(contents);
    using memory = createMemfd("dmabuf formats", 0);
    writeFd(memory.number, kept);
    addSeals(memory.number, SEALS);
    const fd = new OwnedFd(memory.release());
    const table = { contents, fd, size: kept.length, places };
    this.#tables.push(table);
    if (this.#tables.length > MAX_KEPT_TABLES) {
      this.#tables.shift()?.fd[Symbol.dispose]();
    }
    return table;
  }

  #filter(
    contents: Uint8Array<ArrayBuffer>,
  ): { kept: Uint8Array<ArrayBuffer>; places: readonly number[] } {
    const view = new DataView(contents.buffer);
    const kept = new Uint8Array(contents.length);
    const places: number[] = [];
    let count = 0;
    for (let at = 0; at + ENTRY_BYTES <= contents.length; at += ENTRY_BYTES) {
      const format = view.getUint32(at, true);
      if (this.#makes(format, view.getBigUint64(at + 8, true))) {
        kept.set(contents.subarray(at, at + ENTRY_BYTES), count * ENTRY_BYTES);
        places.push(count++);
      } else places.push(LEFT_OUT);
    }
    return { kept: kept.slice(0, count * ENTRY_BYTES), places };
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length &&
    one.every((byte, index) => byte === other[index]);
}
