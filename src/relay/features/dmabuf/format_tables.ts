/**
 * Tables of GPU formats, without what our GPU does not make. A compositor sends
 * the same table for every window, so the relay keeps those that it used last.
 */
import type { OwnedFd } from "../../../../ffi/fd.ts";
import { createSealedFile, openSealedFile } from "../../../../ffi/memfd.ts";
import { ContentsCache } from "../../../host/contents_cache.ts";

/** u32 format, 4 bytes unused, u64 modifier. */
export const ENTRY_BYTES = 16;
/** Where an entry went that our GPU does not make. */
export const LEFT_OUT = -1;

/** Each holds a descriptor open. */
const MAX_KEPT_TABLES = 4;

/** A table of the host, as clients get it. */
export interface FormatTable {
  /** In bytes, as clients get it. */
  readonly size: number;
  /** For each entry of the host's table its number in ours, or LEFT_OUT. */
  readonly places: readonly number[];
}

/** A table that is kept, and the sealed file that clients get. */
interface KeptTable extends FormatTable, Disposable {
  readonly file: OwnedFd;
}

/** Makes the tables of one relay, and keeps them. */
export class FormatTables implements Disposable {
  readonly #makes: (format: number, modifier: bigint) => boolean;
  readonly #tables = new ContentsCache<KeptTable>(MAX_KEPT_TABLES);

  /** @param makes whether our GPU makes buffers of a format, with a layout */
  constructor(makes: (format: number, modifier: bigint) => boolean) {
    this.#makes = makes;
  }

  /**
   * The table that a client gets for one of the host, with a new descriptor of
   * it, sealed, the caller's.
   *
   * @param contents what the host sent; kept, not copied
   */
  find(contents: Uint8Array<ArrayBuffer>): FormatTable & { fd: number } {
    const table = this.#tables.find(contents) ?? this.#add(contents);
    const { file, size, places } = table;
    return { fd: openSealedFile(file).release(), size, places };
  }

  [Symbol.dispose](): void {
    this.#tables[Symbol.dispose]();
  }

  #add(contents: Uint8Array<ArrayBuffer>): KeptTable {
    const { kept, places } = this.#filter(contents);
    const file = createSealedFile("dmabuf formats", kept);
    const table: KeptTable = {
      file,
      size: kept.length,
      places,
      [Symbol.dispose]: () => file[Symbol.dispose](),
    };
    this.#tables.add(contents, table);
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
