// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Print the value of a semaphore, as it was a moment ago.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 2)
        errx(2, "usage: %s [name]", argv[0]);
    const char *const name = argc > 1 ? argv[1] : "/ipc-seven";

    sem_t *const semaphore = sem_open(name, 0);
    if (semaphore == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", name);
    int value;
    if (sem_getvalue(semaphore, &value) == -1)
        err(EXIT_FAILURE, "sem_getvalue %s", name);
    if (dprintf(STDOUT_FILENO, "%d\n", value) < 0)
        err(EXIT_FAILURE, "write to standard output");
    return EXIT_SUCCESS;
}
