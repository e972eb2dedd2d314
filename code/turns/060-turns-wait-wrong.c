// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Wrong on purpose: wait and post are there, and the load is outside.
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
#include <sys/stat.h>
#include <unistd.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-counter";
    const char *const guard_name = argc > 2 ? argv[2] : "/ipc-guard";
    char *end;
    long rounds = strtol(argc > 3 ? argv[3] : "1", &end, 10);
    if (argc > 4 || *end != '\0' || rounds < 1)
        errx(2, "usage: %s [name [guard [rounds]]]", argv[0]);

    sem_t *const guard = sem_open(guard_name, 0);
    if (guard == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", guard_name);
    const int fd = shm_open(name, O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    if (status.st_size != sizeof(_Atomic uint64_t))
        errx(EXIT_FAILURE, "%s: not of 8 bytes", name);
    _Atomic uint64_t *const counter =
        mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    close(fd);

    for (; rounds > 0; rounds--) {
        const uint64_t seen = atomic_load(counter); // TURN
        if (sem_wait(guard) == -1)                  // TURN
            err(EXIT_FAILURE, "sem_wait %s", guard_name);
        atomic_store(counter, seen + 1); // TURN
        if (sem_post(guard) == -1)       // TURN
            err(EXIT_FAILURE, "sem_post %s", guard_name);
    }
    return EXIT_SUCCESS;
}
