/**
 * The control pipe: a named pipe beside the display's socket. A line written to
 * it flushes the log ring to its file:
 * `echo dump-log > $XDG_RUNTIME_DIR/wayland-1-ctl`.
 */

import { mkfifo } from "../../ffi/process.ts";
import {
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDWR,
  openFile,
  type OwnedFd,
  readFd,
} from "../../ffi/fd.ts";
import { memoryKind } from "../../ffi/file_kind.ts";
import type { Loop, Source, Watch } from "../loop/loop.ts";
import type { Log } from "./log.ts";

/** Enough for any command; what is longer counts as several. */
const READ_BYTES = 1024;

/** The pipe cannot be made. The proxy works without it. */
export class ControlPipeError extends Error {
  override readonly name = "ControlPipeError";
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(
      `Cannot make the control pipe ${JSON.stringify(path)}: ${problem}`,
      options,
    );
    this.path = path;
  }
}

/**
 * Where the pipe of a display is.
 *
 * @param display the display's name or the path of its socket; only the last
 * part counts.
 * @param runtimeDirectory $XDG_RUNTIME_DIR.
 */
export function controlPipePath(
  display: string,
  runtimeDirectory: string,
): string {
  const name = display.slice(display.lastIndexOf("/") + 1);
  return `${runtimeDirectory.replace(/\/+$/, "")}/${name}-ctl`;
}

/**
 * Makes the pipe, in place of one that an earlier process left behind, and
 * flushes the log's ring whenever something is written to it.
 *
 * @returns removes the pipe when it is disposed, which must come before the
 * loop's and the log's disposal.
 * @throws {ControlPipeError} something else has that name, or the folder is not
 * writable.
 */
export function openControlPipe(
  path: string,
  loop: Loop,
  log: Log,
): Disposable {
  try {
    removeStale(path);
    mkfifo(path, 0o600);
  } catch (error) {
    if (error instanceof ControlPipeError || !(error instanceof Error)) {
      throw error;
    }
    throw new ControlPipeError(path, error.message, { cause: error });
  }
  // For reading and writing, so that it never ends when a writer goes.
  using undo = new DisposableStack();
  const fd = undo.use(openFile(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW));
  if (memoryKind(fd.number) !== "pipe") {
    throw new ControlPipeError(path, "another process put a file in its place");
  }
  const pipe = new ControlPipe(path, fd, loop, log);
  undo.move();
  return pipe;
}

function removeStale(path: string): void {
  const found = fileIdentity(path);
  if (found === null) return;
  if (!found.isPipe) {
    throw new ControlPipeError(
      path,
      "a file of that name exists and is not a pipe",
    );
  }
  Deno.removeSync(path);
}

class ControlPipe implements Source, Disposable {
  readonly #path: string;
  readonly #fd: OwnedFd;
  readonly #log: Log;
  readonly #watch: Watch;
  readonly #identity: string | null;
  readonly #bytes = new Uint8Array(READ_BYTES);
  #disposed = false;

  /** Takes over `fd`. */
  constructor(path: string, fd: OwnedFd, loop: Loop, log: Log) {
    this.#path = path;
    this.#log = log;
    this.#identity = fileIdentity(path)?.identity ?? null;
    this.#watch = loop.watch(fd.number, this);
    this.#fd = fd;
  }

  /**
   * Anything that was written counts, with a line feed or without: a writer
   * that sends none has closed the pipe after it.
   */
  ready(): void {
    const count = readFd(this.#fd.number, this.#bytes);
    if (count <= 0) return;
    const command = new TextDecoder().decode(this.#bytes.subarray(0, count))
      .trimEnd();
    this.#log.warning(
      "proxy",
      `Got command on ${this.#path}: ${
        JSON.stringify(command.slice(0, 80))
      } (dumping log)`,
    );
    this.#log.flushRing();
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#watch[Symbol.dispose]();
    this.#fd[Symbol.dispose]();
    // not the pipe of another process that took the name over
    const found = fileIdentity(this.#path);
    if (found !== null && found.identity === this.#identity) {
      Deno.removeSync(this.#path);
    }
  }
}

/** Null where there is no such file. */
function fileIdentity(
  path: string,
): { isPipe: boolean; identity: string } | null {
  try {
    const { isFifo, dev, ino } = Deno.lstatSync(path);
    return { isPipe: isFifo === true, identity: `${dev}:${ino}` };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
