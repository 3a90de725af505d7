/**
 * The application that the proxy was asked to run.
 */

import { EACCES, ENOENT } from "../../../ffi/errno.ts";
import { SyscallError } from "../../../ffi/error.ts";
import { sendSignal } from "../../../ffi/pidfd.ts";
import { spawn } from "../../../ffi/spawn.ts";
import { type ChildExit, watchChild } from "../../loop/children.ts";
import type { Loop } from "../../loop/loop.ts";
import { StartupError } from "../../sockets/startup_error.ts";

/**
 * What belongs to this process alone: another program that saw it would take
 * descriptors that it does not have.
 */
const ownVariables: ReadonlySet<string> = new Set([
  "WAYLAND_SOCKET",
  "LISTEN_PID",
  "LISTEN_FDS",
  "LISTEN_FDNAMES",
]);

/** The environment of an application whose compositor we are. */
export function applicationEnvironment(
  ours: Readonly<Record<string, string>>,
  waylandDisplay: string,
): Record<string, string> {
  const kept = Object.entries(ours).filter(([name]) => !ownVariables.has(name));
  return { ...Object.fromEntries(kept), "WAYLAND_DISPLAY": waylandDisplay };
}

/**
 * Runs a command, with our standard streams. Disposing of the result while it
 * runs asks it to end (SIGTERM).
 *
 * @param onExit called from a turn of the loop when the command has ended, but
 * not after disposal
 * @throws {StartupError} where it cannot be started
 */
export function runApplication(
  loop: Loop,
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
  onExit: (exit: ChildExit) => void,
): Disposable {
  const { pidfd } = start(argv, environment);
  const fd = pidfd.number;
  let running = true;
  const watch = watchChild(loop, pidfd, (exit) => {
    running = false;
    onExit(exit);
  });
  return {
    [Symbol.dispose]: () => {
      if (running) sendSignal(fd, "SIGTERM");
      running = false;
      watch[Symbol.dispose]();
    },
  };
}

function start(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): ReturnType<typeof spawn> {
  try {
    return spawn({ argv, environment, fds: new Map() });
  } catch (cause) {
    if (!(cause instanceof SyscallError)) throw cause;
    const program = JSON.stringify(argv[0]);
    switch (cause.errno) {
      case ENOENT:
        throw new StartupError(
          `Cannot run ${program}: there is no such program`,
          { cause },
        );
      case EACCES:
        throw new StartupError(
          `Cannot run ${program}: this user may not execute it`,
          { cause },
        );
      default:
        throw new StartupError(`Cannot run ${program}: ${cause.message}`, {
          cause,
        });
    }
  }
}

/** "exited with status 1", "was killed by SIGSEGV". */
export function describeExit(exit: ChildExit): string {
  return exit.signal === undefined
    ? `exited with status ${exit.code}`
    : `was killed by ${exit.signal}`;
}
