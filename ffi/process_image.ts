/**
 * The signal mask of this process, and executing its program again with that
 * mask: sigprocmask(2), execve(2).
 *
 * A signal that is to be read from a signalfd must be blocked in every thread.
 * Deno starts its threads before any program runs, with nothing blocked; a mask
 * survives execve, so the program blocks the signals and executes itself once
 * more. main.ts loads this file before everything else: it has a table of C
 * functions of its own, to be quick.
 */

import { cString, encodeStringVector } from "./address.ts";
import { errnoName, errnoText } from "./errno.ts";
import { openLibc } from "./library.ts";
import {
  encodeSignalSet,
  SIGNAL_SET_BYTES,
  type SignalName,
  SIGNALS,
  signalSetHas,
} from "./signal_set.ts";

const libc = openLibc({
  // <errno.h> int *__errno_location(void);
  __errno_location: { parameters: [], result: "pointer" },
  // <signal.h> int pthread_sigmask(int how, const sigset_t *set, sigset_t *oldset);  returns the error number
  pthread_sigmask: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // <unistd.h> int execv(const char *pathname, char *const argv[]);
  execv: { parameters: ["buffer", "buffer"], result: "i32" },
});
const { __errno_location: errnoLocation, execv, pthread_sigmask: changeMask } =
  libc;

const SIG_BLOCK = 0;

/**
 * Whether all these signals are blocked in this thread; and, if they were when
 * the program began, in all its threads.
 */
export function areSignalsBlocked(signals: readonly SignalName[]): boolean {
  const set = new Uint8Array(SIGNAL_SET_BYTES);
  changeMask(SIG_BLOCK, null, set);
  return signals.every((signal) => signalSetHas(set, signal));
}

/**
 * Which of these signals the parent process made this one ignore (nohup; a
 * shell, for a background job). We keep ignoring them.
 */
export function ignoredSignals(signals: readonly SignalName[]): SignalName[] {
  const mask =
    /^SigIgn:\s*([0-9a-f]+)$/m.exec(Deno.readTextFileSync("/proc/self/status"))
      ?.[1] ?? "0";
  return signals.filter((signal) =>
    (BigInt(`0x${mask}`) >> BigInt(SIGNALS[signal] - 1) & 1n) === 1n
  );
}

/**
 * Blocks signals in this thread, and so in every thread of a program that it
 * executes.
 */
function setSignalsBlocked(signals: readonly SignalName[]): void {
  changeMask(SIG_BLOCK, encodeSignalSet(signals), null);
}

/**
 * Executes a program in place of this one. The process stays the same: its id,
 * working directory, environment, signal mask and every descriptor that is not
 * close-on-exec. Comes back only by throwing.
 *
 * @param path the file, without a search.
 * @param argv all arguments, beginning with the name that the program is called
 * by.
 */
export function executeProgram(path: string, argv: readonly string[]): never {
  execv(cString(path), encodeStringVector(argv));
  const location = errnoLocation();
  const errno = location === null
    ? 0
    : new Deno.UnsafePointerView(location).getInt32();
  throw new Error(
    `Cannot execute ${JSON.stringify(path)}: ${errnoText(errno)} (${
      errnoName(errno)
    })`,
  );
}

/**
 * The arguments that this process was executed with, from the name that it was
 * called by on.
 */
export function commandLine(): string[] {
  return Deno.readTextFileSync("/proc/self/cmdline").split("\0").slice(0, -1);
}

/**
 * Makes sure that these signals are blocked in all threads: executes this
 * program again, unless they were from its start.
 */
export function executeWithSignalsBlocked(
  signals: readonly SignalName[],
): void {
  if (areSignalsBlocked(signals)) return;
  setSignalsBlocked(signals);
  executeProgram(Deno.execPath(), commandLine());
}
