/**
 * Anonymous files in memory, and seals that forbid to change them:
 * memfd_create(2), fcntl(2).
 */

import { cString } from "./address.ts";
import { check } from "./error.ts";
import { duplicateFd, O_RDONLY, OwnedFd, reopenFd } from "./fd.ts";
import { libc } from "./libc.ts";
import { mapFile } from "./mapping.ts";

// <sys/mman.h>
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
// <fcntl.h>
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
/** No seals can be added. */
export const F_SEAL_SEAL = 1;
/** The file cannot become smaller. */
export const F_SEAL_SHRINK = 2;
/** The file cannot become larger. */
export const F_SEAL_GROW = 4;
/** The contents cannot change. */
export const F_SEAL_WRITE = 8;

/**
 * Makes a file of `size` zero bytes.
 *
 * @param name shown in /proc.
 */
export function createMemfd(name: string, size: number): OwnedFd {
  using fd = new OwnedFd(
    check(
      "make a memory file",
      libc.memfd_create(cString(name), MFD_CLOEXEC | MFD_ALLOW_SEALING),
    ),
  );
  check(
    `make a memory file of ${size} bytes`,
    libc.ftruncate(fd.number, BigInt(size)),
  );
  return new OwnedFd(fd.release());
}

/**
 * Makes a file with these contents that nobody can change any more.
 *
 * @param name shown in /proc.
 */
export function createSealedFile(
  name: string,
  contents: Uint8Array,
): OwnedFd {
  using fd = createMemfd(name, contents.length);
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

/**
 * Another descriptor of a sealed file, for reading, for somebody else. Where
 * there is a /proc it has a position of its own: a duplicate shares the
 * position, and everybody who reads from the file moves it.
 */
export function openSealedFile(fd: OwnedFd): OwnedFd {
  return reopenFd(fd.number, O_RDONLY) ?? duplicateFd(fd.number);
}

/**
 * Adds seals.
 *
 * @throws {SyscallError} EBUSY: F_SEAL_WRITE while somebody has it mapped for
 * writing.
 */
export function addSeals(fd: number, seals: number): void {
  check("seal a memory file", libc.fcntl(fd, F_ADD_SEALS, seals));
}

/**
 * The F_SEAL_ bits of a file in memory; a negative number for a file that
 * cannot be sealed.
 */
export function readSeals(fd: number): number {
  return libc.fcntl(fd, F_GET_SEALS, 0);
}
