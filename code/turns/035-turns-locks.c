// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Take two semaphores in the order that everybody keeps to.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 1 && argc != 3)
        errx(2, "usage: 035-turns-locks [name name]");
    const char *const one = argc > 1 ? argv[1] : "/ipc-pen";
    const char *const two = argc > 1 ? argv[2] : "/ipc-paper";
    const bool sorted = strcmp(one, two) < 0;
    sem_t *const first = sem_open(sorted ? one : two, 0);
    if (first == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", sorted ? one : two);
    sem_t *const second = sem_open(sorted ? two : one, 0);
    if (second == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", sorted ? two : one);

    if (sem_wait(first) == -1) // TURN
        err(EXIT_FAILURE, "sem_wait");
    if (sem_wait(second) == -1) // TURN
        err(EXIT_FAILURE, "sem_wait");
    if (sem_post(second) == -1) // TURN
        err(EXIT_FAILURE, "sem_post");
    if (sem_post(first) == -1) // TURN
        err(EXIT_FAILURE, "sem_post");
    return EXIT_SUCCESS;
}
