/**
 * Processes by descriptor, so that a number which is used again cannot be
 * mistaken: pidfd_open(2), waitid(2).
 */

import { check } from "./error.ts";
import { OwnedFd } from "./fd.ts";
import { libc } from "./libc.ts";
import { type SignalName, signalName, SIGNALS } from "./signal_set.ts";

// <sys/wait.h>
const P_PIDFD = 3;
const WNOHANG = 1;
const WEXITED = 4;
const CLD_EXITED = 1;

// siginfo_t of a child, in 32-bit words (128 bytes in all)
const SI_CODE = 2;
const SI_PID = 4;
const SI_STATUS = 6;
const SIGINFO_WORDS = 32;

/** How a child ended: by itself, with a status, or by a signal. */
export type ChildExit =
  | { readonly code: number; readonly signal?: undefined }
  | { readonly code?: undefined; readonly signal: string };

/** A descriptor of a process; readable once the process has ended. */
export function openPidfd(pid: number): OwnedFd {
  return new OwnedFd(check(`open process ${pid}`, libc.pidfd_open(pid, 0)));
}

/**
 * Sends a signal.
 *
 * @returns false when the process has ended and was waited for.
 */
export function sendSignal(pidfd: number, signal: SignalName): boolean {
  return libc.pidfd_send_signal(pidfd, SIGNALS[signal], null, 0) === 0;
}

/** What a siginfo_t says about a child; null when it says nothing. */
export function parseChildExit(words: Int32Array): ChildExit | null {
  if (words[SI_PID] === 0) return null;
  const status = words[SI_STATUS] ?? 0;
  return words[SI_CODE] === CLD_EXITED
    ? { code: status }
    : { signal: signalName(status) };
}

/**
 * Takes the result of a child that has ended, and removes it from the process
 * table; null while it runs.
 */
export function takeChildExit(pidfd: number): ChildExit | null {
  const words = new Int32Array(SIGINFO_WORDS);
  check(
    "wait for a child process",
    libc.waitid(P_PIDFD, pidfd, words, WEXITED | WNOHANG),
  );
  return parseChildExit(words);
}
