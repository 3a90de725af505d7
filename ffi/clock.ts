/**
 * Clocks: clock_gettime(2).
 */

import { pointerTo } from "./address.ts";
import { libc } from "./libc.ts";

const { clock_gettime: readClock } = libc;

/**
 * CLOCK_MONOTONIC of <time.h>: never set back, and standing still while the
 * machine sleeps.
 */
export const CLOCK_MONOTONIC = 1;

/**
 * CLOCK_PROCESS_CPUTIME_ID of <time.h>: what all threads of this process have
 * used of processors.
 */
const CLOCK_PROCESS_CPUTIME_ID = 2;

// struct timespec: i64 tv_sec, i64 tv_nsec
const timespec = new Uint32Array(4);
const timespecPointer = pointerTo(timespec);

/** Milliseconds of the monotonic clock, with fractions. */
export function monotonicMilliseconds(): number {
  return milliseconds(CLOCK_MONOTONIC);
}

/** Milliseconds that this process has kept processors busy, with fractions. */
export function processorMilliseconds(): number {
  return milliseconds(CLOCK_PROCESS_CPUTIME_ID);
}

function milliseconds(clock: number): number {
  readClock(clock, timespecPointer);
  return (timespec[0] ?? 0) * 1000 + (timespec[2] ?? 0) / 1_000_000;
}
