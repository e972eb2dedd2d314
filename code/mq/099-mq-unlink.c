// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Remove the name of a message queue; its users keep it.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <mqueue.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc > 2)
        errx(2, "usage: %s [name]", argv[0]);
    const char *const name = argc > 1 ? argv[1] : "/ipc-samples";

    if (mq_unlink(name) == -1)
        err(EXIT_FAILURE, "mq_unlink %s", name);
    return EXIT_SUCCESS;
}
