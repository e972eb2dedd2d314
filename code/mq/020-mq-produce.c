// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Send a number of samples; into a full queue, wait.
 */
#define _POSIX_C_SOURCE 200809L
#include "sample.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-samples";
    char *end = "", *tail = "";
    errno = 0;
    const long count = argc > 2 ? strtol(argv[2], &end, 10) : 1;
    const long priority = argc > 3 ? strtol(argv[3], &tail, 10) : 0;
    if (argc > 4 || *end != '\0' || count < 1 || count > INT_MAX ||
        (argc > 3 && tail == argv[3]) || *tail != '\0' || priority < 0 ||
        priority > INT_MAX || errno != 0) {
        fprintf(stderr, "usage: %s [name [count [priority]]]\n", argv[0]);
        return 2;
    }

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
        while (mq_send(queue, (const char *)&sample, sizeof sample,
                       (unsigned)priority) == -1)
            if (errno != EINTR) // a signal handler ran: nothing has been sent
                err(EXIT_FAILURE, "mq_send %s", name);
    }

    if (mq_close(queue) == -1)
        err(EXIT_FAILURE, "mq_close %s", name);
    return EXIT_SUCCESS;
}
