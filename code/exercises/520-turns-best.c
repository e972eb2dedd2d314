// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Keep the best result of all.
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
    char *end;
    const long result = strtol(argc == 2 ? argv[1] : "-", &end, 10);
    if (argc != 2 || end == argv[1] || *end != '\0' || result < 0)
        errx(2, "usage: %s result", argv[0]);
    sem_t *const guard = sem_open("/ipc-guard", 0);
    if (guard == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open /ipc-guard");
    const int fd = shm_open("/ipc-best", O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open /ipc-best");
    _Atomic int64_t *const best =
        mmap(NULL, sizeof *best, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (best == MAP_FAILED)
        err(EXIT_FAILURE, "mmap /ipc-best");

    if (atomic_load(best) < result) // TURN
        atomic_store(best, result); // TURN
    return EXIT_SUCCESS;
}
