/* The processor time of a process, of all its threads, and of all its descendants, in nanoseconds. */
#pragma once
#include <stdint.h>

uint64_t processor_time(int pid);
