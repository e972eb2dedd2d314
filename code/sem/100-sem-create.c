// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Create a named semaphore with an initial value.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-seven";
    char *end = "";
    errno = 0;
    const long value = argc > 2 ? strtol(argv[2], &end, 10) : 7;
    if (argc > 3 || (argc > 2 && end == argv[2]) || *end != '\0' ||
        errno != 0 || value < 0 || (unsigned long)value > UINT_MAX) {
        fprintf(stderr, "usage: %s [name [value]]\n", argv[0]);
        return 2;
    }

    // O_EXCL: without it, an existing semaphore is opened, its value ignored.
    sem_t *const semaphore =
        sem_open(name, O_CREAT | O_EXCL, 0600, (unsigned)value);
    if (semaphore == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", name);

    if (sem_close(semaphore) == -1)
        err(EXIT_FAILURE, "sem_close %s", name);
    return EXIT_SUCCESS;
}
