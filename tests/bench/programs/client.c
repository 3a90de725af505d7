/*
 * The client that measures, on libwayland-client, as applications are.
 *
 *   client WORKLOAD NAME MILLISECONDS [PID…]
 *
 * connects to the socket NAME, repeats the workload for a quarter of the time to warm everything up, then
 * for the whole of it measured, and prints "name value" lines: operations, seconds, microseconds of
 * latency where an operation is a round trip (p50, p99), and the processor time that the processes PID
 * (a proxy's) took meanwhile.
 *
 *   client steps WORKLOAD NAME COUNT    repeats the workload so often, without a clock
 *   client visits NAME COUNT            connects, looks at the registry and leaves, COUNT times
 *   client flood NAME REQUESTS          see flood.c
 *   client swarm NAME CLIENTS SECONDS   see swarm.c
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "processor_time.h"
#include "session.h"

struct workload {
    const char *name;
    int connects; /* makes its own connections */
    int round_trip; /* an operation is a round trip: its latency is of interest */
    int host_keeps; /* the host keeps the buffer that it shows */
    /* one step; the number of operations it was */
    uint64_t (*step)(struct session *session);
};

static uint64_t step_sync(struct session *session)
{
    session_roundtrip(session);
    return 1;
}

/* Requests that have no answer. At 170 of them libwayland's buffer is full and goes out. */
static uint64_t step_batched(struct session *session)
{
    enum { CHUNKS = 64 };
    for (int chunk = 0; chunk < CHUNKS; chunk++)
        session_damage_chunk(session, BENCH_DAMAGES_PER_CHUNK);
    session_roundtrip(session);
    return CHUNKS * BENCH_DAMAGES_PER_CHUNK;
}

static uint64_t step_events(struct session *session)
{
    enum { EVENTS = 64 * BENCH_MOTIONS_PER_CHUNK };
    uint64_t before = session->motions;
    wl_region_add(session->control, BENCH_MAGIC, 1, EVENTS, 0);
    session_roundtrip(session);
    if (session->motions - before != EVENTS) {
        fprintf(stderr, "client: %lu events arrived of %d\n", session->motions - before, EVENTS);
        exit(1);
    }
    return EVENTS;
}

static uint64_t step_objects(struct session *session)
{
    enum { OBJECTS = 100 };
    for (int i = 0; i < OBJECTS; i++)
        wl_region_destroy(wl_compositor_create_region(session->compositor));
    session_roundtrip(session); /* and with it the delete_ids, so that the ids are used again */
    return OBJECTS;
}

static uint64_t step_fds(struct session *session)
{
    enum { POOLS = 4 * 28 }; /* libwayland puts 28 fds into one message */
    for (int i = 0; i < POOLS; i++)
        wl_shm_pool_destroy(wl_shm_create_pool(session->shm, session->memory_fd, 4096));
    session_roundtrip(session);
    return POOLS;
}

static uint64_t step_connections(struct session *session)
{
    struct session another;
    (void)session;
    session_open(&another, session->display_name, SESSION_REGISTRY_ONLY);
    session_close(&another);
    return 1;
}

static uint64_t step_frames(struct session *session)
{
    session_frame(session, &session->small, 0);
    return 1;
}

static uint64_t step_full_frames(struct session *session)
{
    session_frame(session, &session->full, 1);
    return 1;
}

static uint64_t step_huge_frames(struct session *session)
{
    session_frame(session, &session->huge, 1);
    return 1;
}

static uint64_t step_changes_in_one(struct session *session)
{
    session_change(session, &session->full, 1);
    return 1;
}

static uint64_t step_changes_in_two(struct session *session)
{
    session_change(session, &session->full, 2);
    return 1;
}

static uint64_t step_huge_changes(struct session *session)
{
    session_change(session, &session->huge, 2);
    return 1;
}

static const struct workload workloads[] = {
    { "sync", 0, 1, 0, step_sync },
    { "batched", 0, 0, 0, step_batched },
    { "events", 0, 0, 0, step_events },
    { "objects", 0, 0, 0, step_objects },
    { "fds", 0, 0, 0, step_fds },
    { "connections", 1, 1, 0, step_connections },
    { "frames", 0, 1, 0, step_frames },
    { "full-frames", 0, 1, 0, step_full_frames },
    { "huge-frames", 0, 1, 0, step_huge_frames },
    { "changes-in-one", 0, 1, 0, step_changes_in_one },
    { "changes-in-two", 0, 1, 0, step_changes_in_two },
    { "kept-changes", 0, 1, 1, step_changes_in_two },
    { "huge-changes", 0, 1, 0, step_huge_changes },
};

static const struct workload *find_workload(const char *name)
{
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
        if (strcmp(name, workloads[i].name) == 0)
            return &workloads[i];
    }
    fprintf(stderr, "client: there is no workload \"%s\"\n", name);
    exit(2);
}

static void open_for(const struct workload *workload, struct session *session)
{
    if (workload->connects)
        return;
    session_open(session, session->display_name, SESSION_DRAWS);
    session_host_keeps(session, workload->host_keeps);
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static uint64_t time_of_all(char **pids, int count)
{
    uint64_t total = 0;
    for (int i = 0; i < count; i++)
        total += processor_time(atoi(pids[i]));
    return total;
}

static void measure(const struct workload *workload, const char *display_name, uint64_t duration, char **pids,
                    int pid_count)
{
    enum { MAX_SAMPLES = 4 << 20 };
    static uint32_t samples[MAX_SAMPLES];
    size_t sample_count = 0;
    struct session session = { .display_name = display_name };
    uint64_t operations = 0, start, now, before;

    open_for(workload, &session);
    for (start = bench_nanoseconds(); bench_nanoseconds() - start < duration / 4;)
        workload->step(&session);

    before = time_of_all(pids, pid_count);
    start = now = bench_nanoseconds();
    while (now - start < duration) {
        operations += workload->step(&session);
        uint64_t after = bench_nanoseconds();
        if (sample_count < MAX_SAMPLES)
            samples[sample_count++] = (uint32_t)(after - now);
        now = after;
    }
    uint64_t processor = time_of_all(pids, pid_count) - before;
    printf("operations %lu\nseconds %.9f\nprocessorSeconds %.9f\n", operations, (double)(now - start) / 1e9,
           (double)processor / 1e9);
    if (workload->round_trip) {
        qsort(samples, sample_count, sizeof samples[0], compare);
        printf("p50 %.3f\np99 %.3f\n", samples[sample_count / 2] / 1e3, samples[sample_count * 99 / 100] / 1e3);
    }
    if (!workload->connects)
        session_close(&session);
}

static int steps(const struct workload *workload, const char *display_name, uint64_t count)
{
    struct session session = { .display_name = display_name };
    open_for(workload, &session);
    for (uint64_t i = 0; i < count; i++)
        workload->step(&session);
    if (!workload->connects)
        session_close(&session);
    return 0;
}

static int visits(const char *display_name, uint64_t visit_count)
{
    struct session session = { .display_name = display_name };
    uint64_t start = bench_nanoseconds();
    for (uint64_t i = 0; i < visit_count; i++)
        step_connections(&session);
    printf("operations %lu\nseconds %.9f\n", visit_count, (double)(bench_nanoseconds() - start) / 1e9);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 4) {
        if (strcmp(argv[1], "visits") == 0)
            return visits(argv[2], strtoull(argv[3], NULL, 10));
        if (strcmp(argv[1], "flood") == 0)
            return flood(argv[2], strtoull(argv[3], NULL, 10));
        if (strcmp(argv[1], "swarm") == 0 && argc == 5)
            return swarm(argv[2], atoi(argv[3]), atoi(argv[4]));
        if (strcmp(argv[1], "steps") == 0 && argc == 5)
            return steps(find_workload(argv[2]), argv[3], strtoull(argv[4], NULL, 10));
        measure(find_workload(argv[1]), argv[2], strtoull(argv[3], NULL, 10) * 1000000u, argv + 4, argc - 4);
        return 0;
    }
    fprintf(stderr, "usage: client WORKLOAD NAME MILLISECONDS [PID…]\n");
    return 2;
}
