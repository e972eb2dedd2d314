// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Send a sample of some version, or receive one and print it in degrees.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sample {
    uint64_t timestamp;
    double value; // in degrees, and in version 1 in millionths
    uint32_t channel;
    uint32_t version; // it was unused, and 0
};

static_assert(sizeof(struct sample) == 24, "a sample has 24 bytes");

int main(int argc, char **argv)
{
    char *end, *tail;
    const long version = strtol(argc > 1 ? argv[1] : "0", &end, 10);
    const double value = strtod(argc > 2 ? argv[2] : "0", &tail);
    if (argc == 2 || argc > 3 || end == argv[1] || *end || *tail ||
        version < 0 || version > 9)
        errx(2, "usage: %s [version value]", argv[0]);
    const mqd_t queue = mq_open("/ipc-samples", O_RDWR);
    if (queue == (mqd_t)-1)
        err(EXIT_FAILURE, "mq_open /ipc-samples");

    struct sample sample = {.value = value, .version = (uint32_t)version};
    if (argc > 1) {
        if (mq_send(queue, (const char *)&sample, sizeof sample, 0) == -1)
            err(EXIT_FAILURE, "mq_send /ipc-samples");
        return EXIT_SUCCESS;
    }
    if (mq_receive(queue, (char *)&sample, sizeof sample, NULL) == -1)
        err(EXIT_FAILURE, "mq_receive /ipc-samples");
    if (sample.version == 1)
        sample.value /= 1e6;
    else if (sample.version != 0)
        errx(EXIT_FAILURE, "version %u is not known", sample.version);
    if (dprintf(STDOUT_FILENO, "%.2f degrees\n", sample.value) < 0)
        err(EXIT_FAILURE, "write to standard output");
    return EXIT_SUCCESS;
}
