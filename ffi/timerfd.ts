/**
 * A timer that is a descriptor: timerfd_create(2).
 */

import { pointerTo } from "./address.ts";
import { CLOCK_MONOTONIC } from "./clock.ts";
import { check } from "./error.ts";
import { OwnedFd, readFd } from "./fd.ts";
import { libc } from "./libc.ts";

const { timerfd_create: createTimer, timerfd_settime: setTimer } = libc;

// <sys/timerfd.h>
const TFD_NONBLOCK = 0o4000;
const TFD_CLOEXEC = 0o2000000;
const TFD_TIMER_ABSTIME = 1;

// struct itimerspec in 32-bit words: timespec it_interval, timespec it_value; a
// timespec is i64 tv_sec, i64 tv_nsec
const VALUE_SECONDS = 4;
const VALUE_NANOSECONDS = 6;
const ITIMERSPEC_WORDS = 8;

/**
 * Writes a struct itimerspec that expires once, at a time of the monotonic
 * clock in milliseconds.
 */
export function encodeDeadline(words: Uint32Array, milliseconds: number): void {
  const seconds = Math.floor(milliseconds / 1000);
  words[VALUE_SECONDS] = seconds;
  // rounded up, so that it never expires before its time; all zero would switch
  // the timer off
  words[VALUE_NANOSECONDS] = Math.min(
    999_999_999,
    Math.ceil((milliseconds - seconds * 1000) * 1_000_000) || 1,
  );
}

/** A timer that is readable once its time has come. */
export class TimerFd implements Disposable {
  readonly #fd = new OwnedFd(
    check(
      "make a timer",
      createTimer(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
    ),
  );
  readonly #time = new Uint32Array(ITIMERSPEC_WORDS);
  readonly #timePointer = pointerTo(this.#time);
  readonly #expirations = new Uint8Array(8);

  /** The descriptor, borrowed. */
  get fd(): number {
    return this.#fd.number;
  }

  /**
   * Lets it expire once, at a time of the monotonic clock in milliseconds; at
   * once when that is past.
   */
  set(milliseconds: number): void {
    encodeDeadline(this.#time, Math.max(milliseconds, 0));
    check(
      "set a timer",
      setTimer(this.#fd.number, TFD_TIMER_ABSTIME, this.#timePointer, null),
    );
  }

  /** Makes it not readable any more. */
  acknowledge(): void {
    readFd(this.#fd.number, this.#expirations);
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}
