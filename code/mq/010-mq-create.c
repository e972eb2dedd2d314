// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Create a message queue for ten samples.
 */
#define _POSIX_C_SOURCE 200809L
#include "sample.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 2)
        errx(2, "usage: %s [name]", argv[0]);
    const char *const name = argc > 1 ? argv[1] : "/ipc-samples";

    // O_EXCL: without it, an existing queue is opened, these sizes ignored.
    struct mq_attr attributes = {
        .mq_maxmsg = 10,
        .mq_msgsize = sizeof(struct sample),
    };
    const mqd_t queue =
        mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
    if (queue == (mqd_t)-1 && errno == EMFILE) // one text for two limits
        errx(EXIT_FAILURE, "mq_open %s: %s (ulimit -n) or queues (ulimit -q)",
             name, strerror(errno));
    if (queue == (mqd_t)-1)
        err(EXIT_FAILURE, "mq_open %s", name);
    mq_close(queue);
    return EXIT_SUCCESS;
}
