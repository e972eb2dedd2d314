// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Drive into a car park when there is room, and out again.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    sem_t *const places = sem_open("/ipc-park", 0);
    if (places == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open /ipc-park");

    if (sem_wait(places) == -1)
        err(EXIT_FAILURE, "sem_wait /ipc-park");
    if (dprintf(STDOUT_FILENO, "in\n") < 0)
        err(EXIT_FAILURE, "write to standard output");

    char line[80];
    if (read(STDIN_FILENO, line, sizeof line) == -1)
        err(EXIT_FAILURE, "read standard input");

    if (dprintf(STDOUT_FILENO, "out\n") < 0)
        err(EXIT_FAILURE, "write to standard output");
    if (sem_post(places) == -1)
        err(EXIT_FAILURE, "sem_post /ipc-park");
    return EXIT_SUCCESS;
}
