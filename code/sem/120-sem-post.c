// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Give one to a semaphore; a waiter, if there is one, is woken.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <semaphore.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc > 2)
        errx(2, "usage: %s [name]", argv[0]);
    const char *const name = argc > 1 ? argv[1] : "/ipc-seven";

    sem_t *const semaphore = sem_open(name, 0);
    if (semaphore == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", name);
    if (sem_post(semaphore) == -1)
        err(EXIT_FAILURE, "sem_post %s", name);
    return EXIT_SUCCESS;
}
