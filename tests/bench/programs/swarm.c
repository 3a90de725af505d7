/*
 * Many clients at once, each a process of its own that draws 30 frames a second.
 *
 * Prints how many clients came through, how many frames they drew, and the median, 99th percentile and
 * greatest time in microseconds from a commit to its frame callback.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "session.h"

enum { FRAMES_PER_SECOND = 30 };

static void draw(const char *display_name, int number, int frames, int output)
{
    uint32_t *samples = malloc(sizeof *samples * (size_t)frames);
    const uint64_t interval = 1000000000u / FRAMES_PER_SECOND;
    struct session session;
    session_open(&session, display_name, SESSION_DRAWS);
    /* the clients' frames are spread over the interval */
    uint64_t next = bench_nanoseconds() + interval * (uint64_t)(number % 16) / 16;
    for (int i = 0; i < frames; i++, next += interval) {
        struct timespec due = { .tv_sec = (time_t)(next / 1000000000u), .tv_nsec = (long)(next % 1000000000u) };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        uint64_t start = bench_nanoseconds();
        session_frame(&session, &session.small, 1);
        samples[i] = (uint32_t)(bench_nanoseconds() - start);
    }
    session_close(&session);
    FILE *stream = fdopen(output, "w");
    if (stream == NULL || fwrite(samples, sizeof *samples, (size_t)frames, stream) != (size_t)frames ||
        fclose(stream) != 0)
        exit(1);
    exit(0);
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

int swarm(const char *display_name, int clients, int seconds)
{
    int frames = seconds * FRAMES_PER_SECOND, succeeded = 0;
    size_t room = (size_t)clients * (size_t)frames, count = 0, got;
    uint32_t *samples = malloc(sizeof *samples * (room + 1));
    int *outputs = malloc(sizeof *outputs * (size_t)clients);
    pid_t *children = malloc(sizeof *children * (size_t)clients);
    if (samples == NULL || outputs == NULL || children == NULL || room == 0)
        return 2;
    for (int i = 0; i < clients; i++) {
        int ends[2];
        if (pipe(ends) < 0 || (children[i] = fork()) < 0) {
            perror("client");
            return 1;
        }
        if (children[i] == 0) {
            close(ends[0]);
            draw(display_name, i, frames, ends[1]);
        }
        close(ends[1]);
        outputs[i] = ends[0];
    }
    for (int i = 0; i < clients; i++) {
        int status;
        FILE *stream = fdopen(outputs[i], "r");
        while (stream != NULL && (got = fread(samples + count, sizeof *samples, room - count, stream)) > 0)
            count += got;
        if (stream != NULL)
            fclose(stream);
        if (waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status) && WEXITSTATUS(status) == 0)
            succeeded++;
    }
    qsort(samples, count, sizeof *samples, compare);
    printf("clients %d\nframes %zu\n", succeeded, count);
    if (count > 0)
        printf("p50 %.3f\np99 %.3f\nmax %.3f\n", samples[count / 2] / 1e3, samples[count * 99 / 100] / 1e3,
               samples[count - 1] / 1e3);
    return succeeded == clients ? 0 : 1;
}
