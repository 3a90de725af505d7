/**
 * Signals that are read like bytes: signalfd(2). They must be blocked in every
 * thread (see process_image.ts).
 */

import { check, lastErrno, SyscallError } from "./error.ts";
import { EAGAIN } from "./errno.ts";
import { OwnedFd, readFd } from "./fd.ts";
import { libc } from "./libc.ts";
import { encodeSignalSet, type SignalName, signalName } from "./signal_set.ts";

// <sys/signalfd.h>
const SFD_NONBLOCK = 0o4000;
const SFD_CLOEXEC = 0o2000000;
const SIGINFO_BYTES = 128;

// struct signalfd_siginfo, in 32-bit words
const SSI_SIGNO = 0;
const SSI_PID = 3;
const SSI_UID = 4;

/** A signal that was sent to this process. */
export interface ReceivedSignal {
  readonly name: string;
  /** Who sent it; 0 when the kernel did. */
  readonly pid: number;
  readonly uid: number;
}

/** Opens a descriptor from which these signals are read; non-blocking. */
export function openSignalFd(signals: readonly SignalName[]): OwnedFd {
  const set = encodeSignalSet(signals);
  return new OwnedFd(
    check(
      "make a signal descriptor",
      libc.signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC),
    ),
  );
}

/** What a struct signalfd_siginfo says. */
export function parseSignal(words: Uint32Array): ReceivedSignal {
  return {
    name: signalName(words[SSI_SIGNO] ?? 0),
    pid: words[SSI_PID] ?? 0,
    uid: words[SSI_UID] ?? 0,
  };
}

/** The next signal that has come; null when there is none. */
export function readSignal(fd: number): ReceivedSignal | null {
  const words = new Uint32Array(SIGINFO_BYTES / 4);
  const count = readFd(fd, new Uint8Array(words.buffer));
  if (count === SIGINFO_BYTES) return parseSignal(words);
  if (count === -EAGAIN) return null;
  throw new SyscallError("read a signal", count < 0 ? -count : lastErrno());
}
