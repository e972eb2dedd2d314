// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Count; and whoever dies, the others go on.
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

int main(void)
{
    sem_t *const guard = sem_open("/ipc-guard", 0);
    if (guard == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open /ipc-guard");
    const int fd = shm_open("/ipc-counter", O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open /ipc-counter");
    _Atomic uint64_t *const counter =
        mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap /ipc-counter");

    if (sem_wait(guard) == -1) // TURN
        err(EXIT_FAILURE, "sem_wait /ipc-guard");
    const uint64_t seen = atomic_load(counter); // TURN
    atomic_store(counter, seen + 1);            // TURN
    if (sem_post(guard) == -1)                  // TURN
        err(EXIT_FAILURE, "sem_post /ipc-guard");
    return EXIT_SUCCESS;
}
