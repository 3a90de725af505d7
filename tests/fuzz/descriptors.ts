/**
 * The descriptors that the fuzzer sends: a few files that can be told apart by
 * their size, so that the receiver knows which one reached it.
 */
import { closeFd, O_RDWR, openFile, type OwnedFd } from "../../ffi/fd.ts";
import { fileSize } from "../../ffi/file_kind.ts";
import { createMemfd } from "../../ffi/memfd.ts";

/**
 * Labels below this are of memory files; it is itself the label of everything
 * else.
 */
export const DEVICE_LABEL = 6;

/** One file for each label, sent again and again. */
export class Descriptors implements Disposable {
  readonly #files: OwnedFd[] = [];

  constructor() {
    for (let label = 0; label < DEVICE_LABEL; label++) {
      this.#files.push(createMemfd("fuzz", (label + 1) * 4096));
    }
    this.#files.push(openFile("/dev/null", O_RDWR));
  }

  /** The descriptor of a label, borrowed. */
  get(label: number): number {
    const file = this.#files[label];
    if (file === undefined) throw new RangeError(`no descriptor ${label}`);
    return file.number;
  }

  [Symbol.dispose](): void {
    for (const file of this.#files) file[Symbol.dispose]();
  }
}

/**
 * Closes a received descriptor and says which one it was; -1 where it is not
 * ours.
 */
export function takeLabel(fd: number): number {
  const size = fileSize(fd);
  closeFd(fd);
  if (size === 0) return DEVICE_LABEL;
  const label = size / 4096 - 1;
  return Number.isInteger(label) && label < DEVICE_LABEL ? label : -1;
}
