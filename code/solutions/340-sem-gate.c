// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Wait at a gate that one post opens for everybody.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <semaphore.h>
#include <stdlib.h>

int main(void)
{
    sem_t *const gate = sem_open("/ipc-gate", 0);
    if (gate == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open /ipc-gate");
    if (sem_wait(gate) == -1)
        err(EXIT_FAILURE, "sem_wait /ipc-gate");
    if (sem_post(gate) == -1) // who has come through holds it open
        err(EXIT_FAILURE, "sem_post /ipc-gate");
    return EXIT_SUCCESS;
}
