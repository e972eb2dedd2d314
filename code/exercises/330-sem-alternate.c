// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Say a word three times, in turns with somebody else.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 4)
        errx(2, "usage: %s word mine other", argv[0]);
    sem_t *const mine = sem_open(argv[2], 0);
    if (mine == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", argv[2]);
    sem_t *const other = sem_open(argv[3], 0);
    if (other == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", argv[3]);

    for (int round = 0; round < 3; round++) {
        if (sem_wait(mine) == -1)
            err(EXIT_FAILURE, "sem_wait %s", argv[2]);
        if (dprintf(STDOUT_FILENO, "%s\n", argv[1]) < 0)
            err(EXIT_FAILURE, "write to standard output");
        if (sem_post(mine) == -1)
            err(EXIT_FAILURE, "sem_post %s", argv[2]);
    }
    return EXIT_SUCCESS;
}
