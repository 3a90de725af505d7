/**
 * The lock file of a display's socket: `<socket>.lock`, as libwayland's servers
 * have it.
 *
 * The holder of the lock owns the socket's name. The kernel drops the lock of a
 * process that dies; the file that it leaves means nothing.
 */

import {
  O_CREAT,
  O_NOFOLLOW,
  O_RDWR,
  openFile,
  OwnedFd,
} from "../../ffi/fd.ts";
import { lockFile } from "../../ffi/process.ts";

/** A lock that is held. Disposing of it removes its file. */
class SocketLock implements Disposable {
  readonly #path: string;
  readonly #file: OwnedFd;

  constructor(path: string, file: OwnedFd) {
    this.#path = path;
    this.#file = file;
  }

  [Symbol.dispose](): void {
    // Removed while it is still locked, so that it cannot be another one's.
    if (isFileAt(this.#path, this.#file)) Deno.removeSync(this.#path);
    this.#file[Symbol.dispose]();
  }
}

/**
 * Takes the lock of a socket's path, without waiting.
 *
 * @returns null where somebody else holds it
 * @throws {SyscallError} where the lock file cannot be made
 */
export function takeDisplayLock(socketPath: string): Disposable | null {
  const path = `${socketPath}.lock`;
  for (;;) {
    using file = openFile(path, O_CREAT | O_RDWR | O_NOFOLLOW, 0o660);
    if (!lockFile(file.number)) return null;
    // Its last owner may have removed it between our opening and our locking
    // it: then this lock guards nothing.
    if (isFileAt(path, file)) {
      return new SocketLock(path, new OwnedFd(file.release()));
    }
  }
}

function isFileAt(path: string, file: OwnedFd): boolean {
  const ours = Deno.statSync(`/proc/self/fd/${file.number}`);
  try {
    const there = Deno.lstatSync(path);
    return there.ino === ours.ino && there.dev === ours.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
