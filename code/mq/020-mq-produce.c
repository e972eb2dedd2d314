// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Send a number of samples; into a full queue, wait.
 */
#define _POSIX_C_SOURCE 200809L
#include "sample.h"
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-samples";
    const char *const level = argc > 3 ? argv[3] : "0";
    char *end, *tail;
    const long long count = strtoll(argc > 2 ? argv[2] : "1", &end, 10);
    const long long priority = strtoll(level, &tail, 10);
    if (argc > 4 || *end != '\0' || count < 1 || count > INT_MAX ||
        tail == level || *tail || priority < 0 || priority >= MQ_PRIO_MAX)
        errx(2, "usage: %s [name [count [priority]]]", argv[0]);

    const mqd_t queue = mq_open(name, O_WRONLY);
    if (queue == (mqd_t)-1)
        err(EXIT_FAILURE, "mq_open %s", name);

    for (int done = 0; done < count; done++) {
        struct timespec now;
        if (clock_gettime(CLOCK_REALTIME, &now) == -1)
            err(EXIT_FAILURE, "clock_gettime");
        const struct sample sample = {
            .timestamp =
                (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec,
            .value = 20 + 0.5 * done,
            .channel = (uint32_t)done,
        };
        if (mq_send(queue, (const char *)&sample, sizeof sample,
                    (unsigned)priority) == -1)
            err(EXIT_FAILURE, "mq_send %s", name);
    }
    return EXIT_SUCCESS;
}
