/**
 * Files that applications get copies of: keymaps, format tables, colour
 * profiles. All clients get the same few, so those are kept, sealed, and handed
 * out again.
 */
import { SyscallError } from "../../../ffi/error.ts";
import { duplicateFd, O_RDONLY, openFile, OwnedFd } from "../../../ffi/fd.ts";
import {
  addSeals,
  createMemfd,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
} from "../../../ffi/memfd.ts";
import { mapFile } from "../../../ffi/mapping.ts";

/** How many are kept; those longest unused go. */
const MAX_KEPT = 16;
/** Larger files are rare, and not kept. */
const MAX_KEPT_BYTES = 1024 * 1024;

interface CopiedFile {
  readonly contents: Uint8Array;
  readonly fd: OwnedFd;
}

/** The copies, by their contents. */
export class CopiedFiles implements Disposable {
  /** Those used last come last. */
  readonly #files: CopiedFile[] = [];

  /** Number of copies that are kept. */
  get count(): number {
    return this.#files.length;
  }

  /**
   * A sealed file in memory with these bytes, at their beginning: a new
   * descriptor, the caller's, with a position of its own.
   */
  copy(contents: Uint8Array): number {
    const index = this.#files.findIndex((file) =>
      isEqual(file.contents, contents)
    );
    const [known] = index < 0 ? [] : this.#files.splice(index, 1);
    if (known !== undefined) {
      this.#files.push(known);
      return openAgain(known.fd);
    }
    using fd = makeFile(contents);
    if (contents.length > MAX_KEPT_BYTES) return fd.release();
    const given = openAgain(fd);
    const kept = new OwnedFd(fd.release());
    this.#files.push({ contents: contents.slice(), fd: kept });
    if (this.#files.length > MAX_KEPT) {
      this.#files.shift()?.fd[Symbol.dispose]();
    }
    return given;
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#files) fd[Symbol.dispose]();
    this.#files.length = 0;
  }
}

function makeFile(contents: Uint8Array): OwnedFd {
  using fd = createMemfd("wayferry-copy", contents.length);
  if (contents.length > 0) {
    using mapping = mapFile(fd.number, contents.length, "write");
    mapping.bytes.set(contents);
  }
  addSeals(
    fd.number,
    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
  );
  return new OwnedFd(fd.release());
}

/** A duplicate would share its position with all others, which clients that read the file move. */
function openAgain(fd: OwnedFd): number {
  try {
    return openFile(`/proc/self/fd/${fd.number}`, O_RDONLY).release();
  } catch (error) {
    // no /proc
    if (!(error instanceof SyscallError)) throw error;
    return duplicateFd(fd.number).release();
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length &&
    one.every((byte, index) => byte === other[index]);
}
