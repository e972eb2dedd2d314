// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Print the samples that are in the queue, and end.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sample {
    uint64_t timestamp;
    double value;
    uint32_t channel;
    uint32_t unused;
};

static_assert(sizeof(struct sample) == 24, "a sample has 24 bytes");

int main(void)
{
    const mqd_t queue = mq_open("/ipc-samples", O_RDONLY | O_NONBLOCK);
    if (queue == (mqd_t)-1)
        err(EXIT_FAILURE, "mq_open /ipc-samples");

    struct sample sample;
    while (mq_receive(queue, (char *)&sample, sizeof sample, NULL) != -1) {
        if (dprintf(STDOUT_FILENO, "channel %" PRIu32 "\n", sample.channel) < 0)
            err(EXIT_FAILURE, "write to standard output");
    }
    if (errno != EAGAIN)
        err(EXIT_FAILURE, "mq_receive /ipc-samples");
    return EXIT_SUCCESS;
}
