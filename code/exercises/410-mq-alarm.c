// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Send a sample; channel 9 is an alarm, which overtakes the others.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdlib.h>

struct sample {
    uint64_t timestamp;
    double value;
    uint32_t channel;
    uint32_t unused;
};

static_assert(sizeof(struct sample) == 24, "a sample has 24 bytes");

int main(int argc, char **argv)
{
    char *end;
    const long channel = strtol(argc > 1 ? argv[1] : "0", &end, 10);
    if (argc > 2 || end == argv[1] || *end || channel < 0 || channel > 9)
        errx(2, "usage: %s [channel]", argv[0]);

    const mqd_t queue = mq_open("/ipc-samples", O_WRONLY);
    if (queue == (mqd_t)-1)
        err(EXIT_FAILURE, "mq_open /ipc-samples");
    const struct sample sample = {.value = 20, .channel = (uint32_t)channel};
    if (mq_send(queue, (const char *)&sample, sizeof sample, 0) == -1)
        err(EXIT_FAILURE, "mq_send /ipc-samples");
    return EXIT_SUCCESS;
}
