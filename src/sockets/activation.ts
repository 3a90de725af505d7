/**
 * Sockets handed over by a service manager: sd_listen_fds(3), with
 * wayland-proxy-virtwl's names and messages.
 *
 * The variables count only where LISTEN_PID is this process, so that programs
 * started by one that was activated do not take descriptors which they do not
 * have.
 */

import { setCloseOnExec, setNonBlocking } from "../../ffi/fd.ts";
import { unixSocketKind } from "../../ffi/unix_socket.ts";
import type { Environment } from "./environment.ts";
import { StartupError } from "./startup_error.ts";

/** SD_LISTEN_FDS_START */
const FIRST_FD = 3;

/**
 * What a service manager may hand over; undefined where it did not. The
 * descriptors belong to the caller.
 */
export interface ActivationSockets {
  readonly wayland: number | undefined;
  readonly x11: number | undefined;
}

/**
 * Takes the sockets that the environment announces, which must be listening
 * Unix sockets named "wayland" and "x11".
 *
 * @param processId this process
 * @throws {StartupError} where what was handed over is not what was announced
 * or can be used
 */
export function takeActivationSockets(
  environment: Environment,
  processId: number,
): ActivationSockets {
  if (environment.get("LISTEN_PID") !== String(processId)) {
    return { wayland: undefined, x11: undefined };
  }
  const names = announcedNames(environment);
  const others = [...new Set(names)].filter((name) =>
    name !== "wayland" && name !== "x11"
  ).sort();
  const sockets = { wayland: take(names, "wayland"), x11: take(names, "x11") };
  if (others.length > 0) {
    throw new StartupError(
      `Unexpected extra sockets ${
        others.map((name) => JSON.stringify(name)).join(", ")
      } from service manager`,
    );
  }
  return sockets;
}

/** The name of each descriptor, beginning with the first. */
function announcedNames(environment: Environment): string[] {
  const total = environment.get("LISTEN_FDS");
  if (total === undefined) throw new StartupError("LISTEN_FDS not set");
  if (!/^\d{1,6}$/.test(total)) {
    throw new StartupError("LISTEN_FDS not an integer");
  }
  const list = environment.get("LISTEN_FDNAMES") ?? "";
  const names = list === "" ? [] : list.split(":");
  if (names.length !== Number(total)) {
    throw new StartupError("Wrong number of LISTEN_FDNAMES provided");
  }
  return names;
}

function take(names: readonly string[], name: string): number | undefined {
  const index = names.indexOf(name);
  if (index < 0) return undefined;
  if (names.lastIndexOf(name) !== index) {
    throw new StartupError(
      `Multiple sockets named ${JSON.stringify(name)} from service manager!`,
    );
  }
  const fd = FIRST_FD + index;
  if (unixSocketKind(fd) !== "listening") {
    throw new StartupError(
      `Activated with a ${
        JSON.stringify(name)
      } socket that is not a listening Unix socket (file descriptor ${fd})`,
    );
  }
  setCloseOnExec(fd, "close");
  // Nobody but us accepts on it, and a connection that ends before it is
  // accepted must not stop the loop.
  setNonBlocking(fd);
  return fd;
}

/**
 * The path that a listening Unix socket is bound to, "@name" for an abstract
 * one.
 *
 * @throws {StartupError} where it is bound to none
 */
export function listeningPath(fd: number): string {
  const inode = /^socket:\[(\d+)\]$/.exec(
    Deno.readLinkSync(`/proc/self/fd/${fd}`),
  )?.[1];
  // unix(7): Num RefCount Protocol Flags Type St Inode Path
  const row = Deno.readTextFileSync("/proc/self/net/unix").split("\n")
    .map((line) => /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+) (.+)$/.exec(line))
    .find((match) => match?.[1] === inode);
  if (row?.[2] === undefined) {
    throw new StartupError(
      `Activated with a socket that has no address (file descriptor ${fd})`,
    );
  }
  return row[2];
}
