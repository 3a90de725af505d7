/**
 * Which display we serve: one that the service manager listens on for us, the
 * one that was asked for, or a free one.
 */

import { OwnedFd } from "../../ffi/fd.ts";
import { listeningPath, takeActivationSockets } from "./activation.ts";
import {
  type DisplaySocket,
  openDisplaySocket,
  openFreeDisplaySocket,
} from "./display_socket.ts";
import type { Environment } from "./environment.ts";
import { hostPath } from "./host_address.ts";
import { StartupError } from "./startup_error.ts";

/** What the command line says about the display. */
export interface DisplayRequest {
  /** A name or a path; undefined where none was given. */
  readonly display: string | undefined;
  /**
   * What undefined stands for: a name, or the first of wayland-1 to wayland-32
   * that is free.
   */
  readonly otherwise: "wayland-1" | "first free";
  /**
   * Where the host's compositor is: if it is at WAYLAND_DISPLAY, then we must
   * not listen on that display.
   */
  readonly host: "at WAYLAND_DISPLAY" | "elsewhere";
  /** Whether X clients are served. */
  readonly servesX: boolean;
}

/**
 * Listens on the display. Disposing of the result removes what was made for it;
 * a socket that was handed over is only closed.
 *
 * @param processId this process
 * @throws {StartupError}
 */
export function openDisplay(
  request: DisplayRequest,
  environment: Environment,
  processId: number,
): DisplaySocket {
  const { wayland, x11 } = takeActivationSockets(environment, processId);
  const isHere = request.host === "at WAYLAND_DISPLAY";
  if (x11 !== undefined && !request.servesX) {
    throw new StartupError(
      "x11 socket passed, but no --x-display option set",
    );
  }
  if (wayland !== undefined) {
    if (request.display !== undefined) {
      throw new StartupError(
        "--wayland-display cannot be used with socket activation",
      );
    }
    const path = listeningPath(wayland);
    if (isHere) refuseHost(path, environment);
    return handedOver(wayland, path);
  }
  const name = request.display ?? request.otherwise;
  if (name === "first free") {
    const taken = isHere ? hostPath(environment) : null;
    return openFreeDisplaySocket(environment, taken);
  }
  using undo = new DisposableStack();
  // Where a server answers on it, that is what is told, as by the original.
  const socket = undo.use(openDisplaySocket(name, environment));
  if (isHere) refuseHost(socket.path, environment);
  undo.move();
  return socket;
}

function handedOver(fd: number, path: string): DisplaySocket {
  const socket = new OwnedFd(fd);
  return {
    display: path,
    path,
    fd,
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

/**
 * Clients of a proxy that is its own host would connect to it again and again,
 * until nothing is left.
 */
function refuseHost(path: string, environment: Environment): void {
  if ((environment.get("WAYLAND_SOCKET") ?? "") !== "") return;
  if (path !== hostPath(environment)) return;
  throw new StartupError(
    `Cannot listen on ${
      JSON.stringify(path)
    }: that is the host compositor's socket. ` +
      "Choose another display with --wayland-display, or set WAYLAND_DISPLAY to the socket of the host compositor.",
  );
}
