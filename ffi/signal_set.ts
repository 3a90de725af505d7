/**
 * Signals by name, and sets of them: signal(7), sigset_t of <signal.h>. No C
 * function is needed for this.
 */

/**
 * The signals that the program deals with; the numbers are the same on x86-64
 * and aarch64.
 */
export const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGSYS: 31,
} as const;

/** The name of a signal. */
export type SignalName = keyof typeof SIGNALS;

/** Bytes of a sigset_t; the kernel looks at the first 8, glibc copies all. */
export const SIGNAL_SET_BYTES = 128;

const names = new Map<number, string>(
  Object.entries(SIGNALS).map(([name, number]) => [number, name]),
);

/**
 * The name of a signal's number, or "signal 34" for one without a name here.
 */
export function signalName(number: number): string {
  return names.get(number) ?? `signal ${number}`;
}

/** A sigset_t of these signals. */
export function encodeSignalSet(
  signals: readonly SignalName[],
): Uint8Array<ArrayBuffer> {
  const set = new Uint8Array(SIGNAL_SET_BYTES);
  for (const name of signals) {
    const bit = SIGNALS[name] - 1;
    set[bit >> 3] = (set[bit >> 3] ?? 0) | 1 << (bit & 7);
  }
  return set;
}

/** Whether a sigset_t has a signal. */
export function signalSetHas(set: Uint8Array, signal: SignalName): boolean {
  const bit = SIGNALS[signal] - 1;
  return ((set[bit >> 3] ?? 0) >> (bit & 7) & 1) === 1;
}
