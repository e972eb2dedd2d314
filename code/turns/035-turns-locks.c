// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Take two semaphores in the same order as everybody else.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *const one = argc > 1 ? argv[1] : "/ipc-pen";
    const char *const two = argc > 2 ? argv[2] : "/ipc-paper";
    if (argc > 3)
        errx(2, "usage: %s [name [name]]", argv[0]);
    const char *const low = strcmp(one, two) < 0 ? one : two;
    const char *const high = low == one ? two : one;

    sem_t *const first = sem_open(low, 0);
    if (first == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", low);
    sem_t *const second = sem_open(high, 0);
    if (second == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", high);

    if (sem_wait(first) == -1) // TURN
        err(EXIT_FAILURE, "sem_wait %s", low);
    if (sem_wait(second) == -1) // TURN
        err(EXIT_FAILURE, "sem_wait %s", high);
    if (sem_post(second) == -1) // TURN
        err(EXIT_FAILURE, "sem_post %s", high);
    if (sem_post(first) == -1) // TURN
        err(EXIT_FAILURE, "sem_post %s", low);
    return EXIT_SUCCESS;
}
