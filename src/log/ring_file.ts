/**
 * The file into which the log ring is flushed.
 */

import { EINTR } from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import {
  O_APPEND,
  O_CREAT,
  O_NONBLOCK,
  O_WRONLY,
  openFile,
  writeFd,
} from "../../ffi/fd.ts";

/** Stands in front of each flush, as in wayland-proxy-virtwl. */
export const FLUSH_HEADER = "=== flushing log to file ===";

/** About how many characters are encoded and written at once. */
const PIECE_CHARACTERS = 32768;

const encoder = new TextEncoder();

/**
 * Appends the header and these lines to a file, which is made for its owner
 * alone (lines show the titles of windows).
 *
 * @throws {SyscallError} where the file cannot be opened or written; a part may
 * have been written. A pipe that nobody reads is such a case: this never waits.
 */
export function appendToRingFile(path: string, lines: Iterable<string>): void {
  using file = openFile(
    path,
    O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK,
    0o600,
  );
  let piece = FLUSH_HEADER + "\n";
  for (const line of lines) {
    piece += line + "\n";
    if (piece.length >= PIECE_CHARACTERS) {
      writeAll(file.number, path, piece);
      piece = "";
    }
  }
  writeAll(file.number, path, piece);
}

function writeAll(fd: number, path: string, text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) {
    const count = writeFd(fd, bytes);
    if (count >= 0) bytes = bytes.subarray(count);
    else if (count !== -EINTR) {
      throw new SyscallError(`write to ${JSON.stringify(path)}`, -count);
    }
  }
}
