/**
 * Exported memory. What goes out is a second opening of the memory's file, with
 * O_NONBLOCK as its mark, which means nothing for such a file and which every
 * duplicate shares: so /proc tells whether the guest still holds one, and does
 * not mistake the compositor's descriptors for it.
 */
import { SyscallError } from "../../ffi/error.ts";
import {
  duplicateFd,
  O_ACCMODE,
  O_NONBLOCK,
  openFile,
  type OwnedFd,
  setNonBlocking,
  statusFlags,
} from "../../ffi/fd.ts";

const FDS = "/proc/self/fd";

/** Which file a descriptor refers to. */
export function fileIdentity(fd: number): string | null {
  try {
    const { dev, ino } = Deno.statSync(`${FDS}/${fd}`);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** Opens a file's memory for the guest. */
export function exportMemory(fd: number): OwnedFd {
  const path = `${FDS}/${fd}`;
  const access = statusFlags(fd) & O_ACCMODE;
  try {
    return openFile(path, access | O_NONBLOCK);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    // A file whose permissions forbid to open it again: the mark then is on the
    // host's descriptor as well, which is ours.
    const copy = duplicateFd(fd);
    setNonBlocking(copy.number);
    return copy;
  }
}

/** How many descriptors the guest holds of each file, those in `own` apart. */
export function countExported(own: ReadonlySet<number>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of Deno.readDirSync(FDS)) {
    const fd = Number(name);
    if (own.has(fd) || !isMarked(fd)) continue;
    const file = fileIdentity(fd);
    if (file !== null) counts.set(file, (counts.get(file) ?? 0) + 1);
  }
  return counts;
}

function isMarked(fd: number): boolean {
  try {
    return (statusFlags(fd) & O_NONBLOCK) !== 0;
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}
