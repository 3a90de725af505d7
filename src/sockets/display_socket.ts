/**
 * The socket of a Wayland display that we serve.
 *
 * As libwayland's servers do it (wl_display_add_socket): the holder of the lock
 * may remove a socket that an earlier server left. Servers without a lock file
 * exist, wayland-proxy-virtwl among them, so we also try to connect to a socket
 * that is there: where a server answers, we leave it alone.
 */

import { EAGAIN, ECONNREFUSED, ENOENT } from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import { connectUnix, listenUnix } from "../../ffi/unix_socket.ts";
import { takeDisplayLock } from "./socket_lock.ts";
import type { Environment } from "./environment.ts";
import { isPath, socketPath } from "./socket_path.ts";
import { StartupError } from "./startup_error.ts";

/**
 * How many connections may wait to be accepted: as many as libwayland lets
 * wait.
 */
const BACKLOG = 128;

/** wl_display_add_socket_auto tries as many names. */
const MAX_AUTOMATIC_NAMES = 32;

/** A server listens on the display already. */
export class DisplayInUseError extends StartupError {
  constructor(path: string) {
    super(`A server is already listening on ${JSON.stringify(path)}!`);
  }
}

/** A display's listening socket. */
export interface DisplaySocket extends Disposable {
  /**
   * What WAYLAND_DISPLAY has to be for our clients: a name, or an absolute
   * path.
   */
  readonly display: string;
  readonly path: string;
  /** The listening descriptor, borrowed. */
  readonly fd: number;
}

/**
 * Listens on a display. Disposing of the result removes the socket and its lock
 * file.
 *
 * @param display a name, or a path
 * @throws {DisplayInUseError} where a server listens there
 * @throws {StartupError} where the socket cannot be made
 */
export function openDisplaySocket(
  display: string,
  environment: Environment,
): DisplaySocket {
  const path = socketPath(display, environment);
  try {
    return open(isPath(display) ? path : display, path);
  } catch (cause) {
    if (
      !(cause instanceof SyscallError) &&
      !(cause instanceof Deno.errors.PermissionDenied)
    ) throw cause;
    throw new StartupError(
      `Cannot listen on ${JSON.stringify(path)}: ${cause.message}`,
      { cause },
    );
  }
}

/**
 * Listens on the first name of wayland-1 to wayland-32 that no server uses.
 *
 * @param hostPath the host compositor's socket, whose name is not taken even
 * where the host is not running; null where it has none
 * @throws {StartupError} where all are in use
 */
export function openFreeDisplaySocket(
  environment: Environment,
  hostPath: string | null,
): DisplaySocket {
  for (let number = 1; number <= MAX_AUTOMATIC_NAMES; number++) {
    const display = `wayland-${number}`;
    if (socketPath(display, environment) === hostPath) continue;
    try {
      return openDisplaySocket(display, environment);
    } catch (error) {
      if (!(error instanceof DisplayInUseError)) throw error;
    }
  }
  throw new StartupError(
    `Cannot listen: all displays from wayland-1 to wayland-${MAX_AUTOMATIC_NAMES} are in use. ` +
      "Choose another one with --wayland-display.",
  );
}

function open(display: string, path: string): DisplaySocket {
  using undo = new DisposableStack();
  const lock = takeDisplayLock(path);
  if (lock === null) throw new DisplayInUseError(path);
  undo.use(lock);
  removeStaleSocket(path);
  const listener = undo.use(listenUnix(path, BACKLOG));
  const { ino } = Deno.lstatSync(path);
  undo.defer(() => {
    if (inodeAt(path) === ino) Deno.removeSync(path);
  });
  const owned = undo.move();
  return {
    display,
    path,
    fd: listener.number,
    [Symbol.dispose]: () => owned.dispose(),
  };
}

/** Removes what an earlier server left; the lock is held. */
function removeStaleSocket(path: string): void {
  if (inodeAt(path) === undefined) return;
  if (!Deno.lstatSync(path).isSocket) {
    throw new StartupError(
      `Cannot listen on ${
        JSON.stringify(path)
      }: a file of that name exists and is not a socket. Remove it, or choose another display.`,
    );
  }
  if (isListening(path)) throw new DisplayInUseError(path);
  Deno.removeSync(path);
}

function isListening(path: string): boolean {
  try {
    connectUnix(path)[Symbol.dispose]();
    return true;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    if (error.errno === EAGAIN) return true;
    if (error.errno === ECONNREFUSED || error.errno === ENOENT) return false;
    throw error;
  }
}

function inodeAt(path: string): number | undefined {
  try {
    return Deno.lstatSync(path).ino ?? undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
