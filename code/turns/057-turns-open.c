// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Wait until the object is said to be complete, then open it.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-answer";
    const char *const ready_name = argc > 2 ? argv[2] : "/ipc-ready";
    if (argc > 3)
        errx(2, "usage: %s [name [ready]]", argv[0]);

    sem_t *const ready = sem_open(ready_name, 0);
    if (ready == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", ready_name);

    if (sem_wait(ready) == -1) // TURN
        err(EXIT_FAILURE, "sem_wait %s", ready_name);
    const int fd = shm_open(name, O_RDONLY, 0); // TURN
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    const _Atomic uint64_t *const answer =
        mmap(NULL, sizeof *answer, PROT_READ, MAP_SHARED, fd, 0);
    if (answer == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    if (atomic_load(answer) != 42) // TURN
        errx(EXIT_FAILURE, "%s: not 42", name);
    return EXIT_SUCCESS;
}
