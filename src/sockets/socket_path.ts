/**
 * Where the socket of a Wayland display is: wayland(7)'s rules for
 * WAYLAND_DISPLAY, and wayland-proxy-virtwl's addition that a name with a ./ or
 * ../ in front is a path, too.
 */

import { resolve } from "node:path";
import type { Environment } from "./environment.ts";
import { StartupError } from "./startup_error.ts";

/** unix(7): `sun_path` has 108 bytes, the last of which is a zero. */
const MAX_PATH_BYTES = 107;

/**
 * Whether a display is a path already, and no name in the runtime directory.
 */
export function isPath(display: string): boolean {
  return display.startsWith("/") || display.startsWith("./") ||
    display.startsWith("../");
}

/**
 * The absolute path of a display's socket.
 *
 * @param display a name or a path
 * @throws {StartupError} where there is no runtime directory for a name, or the
 * path is too long for a socket
 */
export function socketPath(display: string, environment: Environment): string {
  const path = isPath(display)
    ? resolve(display)
    : `${runtimeDirectory(display, environment)}/${display}`;
  if (display === "" || path.includes("\0")) {
    throw new StartupError(
      `Cannot use ${
        JSON.stringify(display)
      } as a display: it does not name a socket`,
    );
  }
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > MAX_PATH_BYTES) {
    throw new StartupError(
      `Cannot use ${
        JSON.stringify(path)
      } as a socket: the path has ${bytes} bytes, more than the ` +
        `${MAX_PATH_BYTES} that a socket may have. Use a shorter name, or a directory with a shorter path.`,
    );
  }
  return path;
}

function runtimeDirectory(display: string, environment: Environment): string {
  const directory = environment.get("XDG_RUNTIME_DIR") ?? "";
  if (directory === "") {
    throw new StartupError(
      `Cannot locate the socket of the display ${
        JSON.stringify(display)
      }: XDG_RUNTIME_DIR is not set. ` +
        "Set it, or name the display by an absolute path.",
    );
  }
  if (!directory.startsWith("/")) {
    throw new StartupError(
      `Cannot locate the socket of the display ${
        JSON.stringify(display)
      }: XDG_RUNTIME_DIR is ${JSON.stringify(directory)}, ` +
        "which is not an absolute path.",
    );
  }
  return directory.replace(/(?<=.)\/+$/, "");
}
