/* What the benchmark's host and client agree on, and the clock of both. */
#pragma once
#include <stdint.h>
#include <time.h>

#define BENCH_MAGIC 0x62656e63
/* libwayland's buffer has 4096 bytes: wl_surface.damage takes 24 of them, wl_pointer.motion 20 */
#define BENCH_DAMAGES_PER_CHUNK 170
#define BENCH_MOTIONS_PER_CHUNK 204

static inline uint64_t bench_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
