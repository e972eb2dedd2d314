// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Wrong on purpose: take two semaphores in the order of the arguments.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <semaphore.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *const one = argc > 1 ? argv[1] : "/ipc-pen";
    const char *const two = argc > 2 ? argv[2] : "/ipc-paper";
    if (argc > 3)
        errx(2, "usage: %s [name [name]]", argv[0]);
    sem_t *const first = sem_open(one, 0);
    if (first == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", one);
    sem_t *const second = sem_open(two, 0);
    if (second == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", two);

    if (sem_wait(first) == -1) // TURN
        err(EXIT_FAILURE, "sem_wait %s", one);
    if (sem_wait(second) == -1) // TURN
        err(EXIT_FAILURE, "sem_wait %s", two);
    if (sem_post(second) == -1) // TURN
        err(EXIT_FAILURE, "sem_post %s", two);
    if (sem_post(first) == -1) // TURN
        err(EXIT_FAILURE, "sem_post %s", one);
    return EXIT_SUCCESS;
}
