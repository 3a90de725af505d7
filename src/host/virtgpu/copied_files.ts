/**
 * Files that applications get copies of: keymaps, format tables, colour
 * profiles. The copies are sealed, so all clients share those that are kept.
 */
import { OwnedFd } from "../../../ffi/fd.ts";
import { createSealedFile, openSealedFile } from "../../../ffi/memfd.ts";
import { ContentsCache } from "../contents_cache.ts";

const MAX_KEPT = 16;
/** Larger files are rare, and not kept. */
const MAX_KEPT_BYTES = 1024 * 1024;

/** The copies, by their contents. */
export class CopiedFiles implements Disposable {
  readonly #files = new ContentsCache<OwnedFd>(MAX_KEPT);

  /** Number of copies that are kept. */
  get count(): number {
    return this.#files.count;
  }

  /**
   * A sealed file in memory with these bytes, at their beginning: a new
   * descriptor, the caller's, with a position of its own.
   */
  copy(contents: Uint8Array): number {
    const known = this.#files.find(contents);
    if (known !== null) return openSealedFile(known).release();
    using file = createSealedFile("wayferry-copy", contents);
    if (contents.length > MAX_KEPT_BYTES) return file.release();
    const given = openSealedFile(file);
    this.#files.add(contents.slice(), new OwnedFd(file.release()));
    return given.release();
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}
