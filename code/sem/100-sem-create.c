// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Create a named semaphore with an initial value.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-seven";
    const char *const number = argc > 2 ? argv[2] : "7";
    char *end;
    const long long value = strtoll(number, &end, 10);
    if (argc > 3 || end == number || *end || value < 0 || value > UINT_MAX)
        errx(2, "usage: %s [name [value]]", argv[0]);

    // O_EXCL: without it, an existing semaphore is opened, its value ignored.
    sem_t *const semaphore =
        sem_open(name, O_CREAT | O_EXCL, 0600, (unsigned)value);
    if (semaphore == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", name);
    sem_close(semaphore);
    return EXIT_SUCCESS;
}
