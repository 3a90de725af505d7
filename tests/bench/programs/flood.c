/*
 * More requests than any buffer holds, to a host that does not read for a while.
 *
 * Prints "ready 0" when connected, starts at the first line of its standard input, prints how many
 * requests it has sent once the host has answered after the last of them, and stays connected until its
 * standard input ends, so that the proxy's memory can be looked at meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "session.h"

int flood(const char *display_name, uint64_t requests)
{
    struct session session;
    char line[16];
    session_open(&session, display_name, SESSION_DRAWS);
    printf("ready 0\n");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        return 1;
    uint64_t start = bench_nanoseconds();
    for (uint64_t sent = 0; sent < requests;) {
        uint64_t left = requests - sent;
        int chunk = left < BENCH_DAMAGES_PER_CHUNK ? (int)left : BENCH_DAMAGES_PER_CHUNK;
        session_damage_chunk(&session, chunk);
        sent += (uint64_t)chunk;
    }
    session_roundtrip(&session);
    printf("operations %lu\nseconds %.9f\nend 0\n", requests, (double)(bench_nanoseconds() - start) / 1e9);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL)
        ;
    session_roundtrip(&session);
    session_close(&session);
    return 0;
}
