/**
 * Starting programs with chosen descriptors: posix_spawn(3).
 *
 * A child gets what a freshly started program expects, not what Deno made of
 * this process: no blocked signals, SIGPIPE not ignored, the usual limit of
 * open files, and no descriptor that was not meant for it.
 */

import { cString, encodeStringVector } from "./address.ts";
import { SyscallError } from "./error.ts";
import { duplicateFd, type OwnedFd } from "./fd.ts";
import { readFdLimit, setFdLimit } from "./process.ts";
import { openPidfd } from "./pidfd.ts";
import { encodeSignalSet } from "./signal_set.ts";
import { spawnFunctions } from "./spawn_functions.ts";

const {
  posix_spawn_file_actions_addchdir_np: addChdir,
  posix_spawn_file_actions_addclose: addClose,
  posix_spawn_file_actions_addclosefrom_np: addCloseFrom,
  posix_spawn_file_actions_adddup2: addDup2,
  posix_spawn_file_actions_destroy: destroyActions,
  posix_spawn_file_actions_init: initActions,
  posix_spawnattr_destroy: destroyAttributes,
  posix_spawnattr_init: initAttributes,
  posix_spawnattr_setflags: setFlags,
  posix_spawnattr_setsigdefault: setDefault,
  posix_spawnattr_setsigmask: setMask,
  posix_spawnp: spawnProgram,
} = spawnFunctions;

// <spawn.h>
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
// sizes on x86-64 are 80 and 336 bytes; with room to spare
const FILE_ACTIONS_BYTES = 128;
const ATTRIBUTES_BYTES = 512;

/**
 * What programs that use select(2) can cope with, and what systemd and every
 * distribution start them with.
 */
const USUAL_FD_LIMIT = 1024n;

/** What to start. */
export interface SpawnOptions {
  /**
   * The program, looked for along our PATH unless it has a slash, and its
   * arguments.
   */
  readonly argv: readonly string[];
  /** The child's whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * The child's descriptors: its number for each, and ours, which stays open
   * here. 0, 1 and 2 are ours if not named.
   */
  readonly fds: ReadonlyMap<number, number>;
  /** Where it starts; our working directory if missing. */
  readonly workingDirectory?: string;
}

/** A program that was started, and a way to hear of its end. */
export interface SpawnedProcess {
  readonly pid: number;
  /** Readable once it has ended; the caller's. */
  readonly pidfd: OwnedFd;
}

/**
 * Starts a program.
 *
 * @throws {SyscallError} ENOENT: no such program or working directory; EACCES:
 * it may not be executed.
 */
export function spawn(options: SpawnOptions): SpawnedProcess {
  const [program] = options.argv;
  if (program === undefined) {
    throw new TypeError("Cannot start a program: no name given");
  }
  using undo = new DisposableStack();
  const actions = fileActions(options, undo);
  const attributes = signalAttributes(undo);
  const argv = encodeStringVector(options.argv);
  const environment = encodeStringVector(
    Object.entries(options.environment).map(([name, value]) =>
      `${name}=${value}`
    ),
  );
  const pid = new Int32Array(1);
  const limit = readFdLimit();
  const lowered = limit.soft > USUAL_FD_LIMIT;
  if (lowered) setFdLimit({ soft: USUAL_FD_LIMIT, hard: limit.hard });
  const errno = spawnProgram(
    pid,
    cString(program),
    actions,
    attributes,
    argv,
    environment,
  );
  if (lowered) setFdLimit(limit);
  throwIf(errno, `start ${JSON.stringify(program)}`);
  return { pid: pid[0] ?? 0, pidfd: openPidfd(pid[0] ?? 0) };
}

function fileActions(
  options: SpawnOptions,
  undo: DisposableStack,
): Uint8Array<ArrayBuffer> {
  const actions = new Uint8Array(FILE_ACTIONS_BYTES);
  throwIf(initActions(actions), "prepare to start a program");
  undo.defer(() => destroyActions(actions));
  const end = Math.max(2, ...options.fds.keys()) + 1;
  for (const [target, source] of options.fds) {
    // one that would be overwritten before its turn is moved out of the way
    // first
    const moved = source !== target && options.fds.has(source);
    const fd = moved ? undo.use(duplicateFd(source, end)).number : source;
    // to the same number: glibc then only takes close-on-exec away
    throwIf(addDup2(actions, fd, target), `pass file descriptor ${source}`);
  }
  for (let fd = 3; fd < end; fd++) {
    if (!options.fds.has(fd)) {
      throwIf(addClose(actions, fd), "close a descriptor");
    }
  }
  throwIf(addCloseFrom(actions, end), "close all other descriptors");
  if (options.workingDirectory !== undefined) {
    throwIf(
      addChdir(actions, cString(options.workingDirectory)),
      "set the working directory",
    );
  }
  return actions;
}

function signalAttributes(
  undo: DisposableStack,
): Uint8Array<ArrayBuffer> {
  const attributes = new Uint8Array(ATTRIBUTES_BYTES);
  throwIf(initAttributes(attributes), "prepare to start a program");
  undo.defer(() => destroyAttributes(attributes));
  setMask(attributes, encodeSignalSet([]));
  // Deno ignores SIGPIPE. Signals that our caller ignores (nohup) stay so;
  // handlers do not survive execve anyway.
  const reset = encodeSignalSet(["SIGPIPE"]);
  // glibc's own signals, 32 and 33, which it would else set to be ignored
  reset[3] = (reset[3] ?? 0) | 0x80;
  reset[4] = (reset[4] ?? 0) | 0x01;
  setDefault(attributes, reset);
  setFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  return attributes;
}

/** These functions return the error number. */
function throwIf(errno: number, operation: string): void {
  if (errno !== 0) throw new SyscallError(operation, errno);
}
