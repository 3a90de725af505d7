/**
 * The monotonic clock: clock_gettime(2).
 */

import { pointerTo } from "./address.ts";
import { libc } from "./libc.ts";

const { clock_gettime: readClock } = libc;

/**
 * CLOCK_MONOTONIC of <time.h>: never set back, and standing still while the
 * machine sleeps.
 */
export const CLOCK_MONOTONIC = 1;

// struct timespec: i64 tv_sec, i64 tv_nsec
const timespec = new Uint32Array(4);
const timespecPointer = pointerTo(timespec);

/** Milliseconds of the monotonic clock, with fractions. */
export function monotonicMilliseconds(): number {
  readClock(CLOCK_MONOTONIC, timespecPointer);
  return (timespec[0] ?? 0) * 1000 + (timespec[2] ?? 0) / 1_000_000;
}
