/**
 * Where the host compositor is, by libwayland's rules for clients
 * (wl_display_connect).
 */

import { setCloseOnExec } from "../../ffi/fd.ts";
import { unixSocketKind } from "../../ffi/unix_socket.ts";
import type { Environment } from "./environment.ts";
import { socketPath } from "./socket_path.ts";
import { StartupError } from "./startup_error.ts";

/**
 * A socket to connect to, or a connection that was inherited and that the
 * caller now owns.
 */
export type HostAddress =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "descriptor"; readonly fd: number };

/**
 * The address for one connection to the host.
 *
 * WAYLAND_SOCKET serves one connection only: it is set to "" when it is handed
 * out, and later calls give WAYLAND_DISPLAY, "wayland-0" where that is not set
 * either.
 *
 * @throws {StartupError} where the environment makes no sense
 */
export function hostAddress(environment: Environment): HostAddress {
  const inherited = environment.get("WAYLAND_SOCKET") ?? "";
  if (inherited === "") return { kind: "path", path: hostPath(environment) };
  environment.set("WAYLAND_SOCKET", "");
  return { kind: "descriptor", fd: inheritedDescriptor(inherited) };
}

/**
 * The path of the host's socket, whether or not WAYLAND_SOCKET takes its place
 * for the first connection.
 *
 * @throws {StartupError} where the environment makes no sense
 */
export function hostPath(environment: Environment): string {
  return socketPath(
    environment.get("WAYLAND_DISPLAY") || "wayland-0",
    environment,
  );
}

function inheritedDescriptor(text: string): number {
  const fd = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (fd < 0) {
    throw new StartupError(
      `Cannot use WAYLAND_SOCKET: ${
        JSON.stringify(text)
      } is not a file descriptor`,
    );
  }
  if (unixSocketKind(fd) !== "connected") {
    throw new StartupError(
      `Cannot use WAYLAND_SOCKET: file descriptor ${fd} is not a connected socket`,
    );
  }
  setCloseOnExec(fd, "close");
  return fd;
}
