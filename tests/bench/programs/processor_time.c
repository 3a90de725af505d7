/*
 * /proc/PID/task/TID/schedstat counts in nanoseconds, but only for threads that live. Children that
 * came and went (waypipe has one for each connection) are in the "cutime" and "cstime" of their
 * parent's /proc/PID/stat, in clock ticks.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "processor_time.h"

static uint64_t ended_children(int pid)
{
    char path[64], line[1024];
    unsigned long cutime = 0, cstime = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(line, sizeof line, file) != NULL) {
        char *rest = strrchr(line, ')'); /* field 2, the name, may hold anything */
        if (rest != NULL)
            sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lu %lu", &cutime, &cstime);
    }
    fclose(file);
    return (cutime + cstime) * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

uint64_t processor_time(int pid)
{
    char path[80];
    uint64_t total = ended_children(pid);
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        return total;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        int task = atoi(entry->d_name), child;
        unsigned long long on_processor;
        if (task == 0)
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", pid, task);
        FILE *file = fopen(path, "re");
        if (file != NULL) {
            if (fscanf(file, "%llu", &on_processor) == 1)
                total += on_processor;
            fclose(file);
        }
        snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, task);
        file = fopen(path, "re");
        if (file != NULL) {
            while (fscanf(file, "%d", &child) == 1)
                total += processor_time(child);
            fclose(file);
        }
    }
    closedir(tasks);
    return total;
}
