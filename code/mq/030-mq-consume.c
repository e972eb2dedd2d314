// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Receive samples and print them; from an empty queue, wait.
 */
#define _POSIX_C_SOURCE 200809L
#include "sample.h"
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 2)
        errx(2, "usage: %s [name]", argv[0]);
    const char *const name = argc > 1 ? argv[1] : "/ipc-samples";

    const mqd_t queue = mq_open(name, O_RDONLY);
    if (queue == (mqd_t)-1)
        err(EXIT_FAILURE, "mq_open %s", name);

    for (;;) {
        struct sample sample;
        unsigned priority;
        const ssize_t length =
            mq_receive(queue, (char *)&sample, sizeof sample, &priority);
        if (length == -1)
            err(EXIT_FAILURE, "mq_receive %s", name);
        if (length != sizeof sample)
            errx(EXIT_FAILURE, "%s: %zd bytes are not a sample", name, length);

        const time_t seconds = (time_t)(sample.timestamp / 1000000000);
        struct tm date;
        char when[sizeof "yyyy-mm-dd hh:mm:ss"];
        strftime(when, sizeof when, "%F %T", gmtime_r(&seconds, &date));
        if (dprintf(STDOUT_FILENO,
                    "%s  channel %" PRIu32 "  value %.1f  priority %u\n", when,
                    sample.channel, sample.value, priority) < 0)
            err(EXIT_FAILURE, "write to standard output");
    }
}
