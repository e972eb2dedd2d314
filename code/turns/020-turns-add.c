// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Load and store between wait and post: others are kept out.
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

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

int main(int argc, char **argv)
{
    char *end = NULL;
    const long rounds = argc > 1 ? strtol(argv[1], &end, 10) : 1;
    if (argc > 2 || rounds < 1 || (end && *end != '\0'))
        errx(2, "usage: 020-turns-add [rounds]");

    const int fd = shm_open("/ipc-counter", O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open /ipc-counter");
    struct stat status;
    if (fstat(fd, &status) == -1 || status.st_size != sizeof(uint64_t))
        errx(EXIT_FAILURE, "/ipc-counter: not of 8 bytes");
    _Atomic uint64_t *const counter =
        mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap /ipc-counter");
    sem_t *const guard = sem_open("/ipc-guard", 0);
    if (guard == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open /ipc-guard");

    for (long done = 0; done < rounds; done++) {
        if (sem_wait(guard) == -1) // TURN
            err(EXIT_FAILURE, "sem_wait /ipc-guard");
        const uint64_t seen = atomic_load(counter); // TURN
        atomic_store(counter, seen + 1);            // TURN
        if (sem_post(guard) == -1)                  // TURN
            err(EXIT_FAILURE, "sem_post /ipc-guard");
    }
    return EXIT_SUCCESS;
}
