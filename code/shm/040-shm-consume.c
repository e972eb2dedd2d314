// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Print the shared counter at once, and again whenever it has changed.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

int main(int argc, char **argv)
{
    if (argc > 2)
        errx(2, "usage: %s [name]", argv[0]);
    const char *const name = argc > 1 ? argv[1] : "/ipc-counter";

    const int fd = shm_open(name, O_RDONLY, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    if (status.st_size != sizeof(_Atomic uint64_t))
        errx(EXIT_FAILURE, "%s: not a counter of 020-shm-create", name);
    const _Atomic uint64_t *const counter =
        mmap(NULL, sizeof *counter, PROT_READ, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    close(fd);

    for (;;) {
        const uint64_t seen = atomic_load(counter);
        if (dprintf(STDOUT_FILENO, "%" PRIu64 "\n", seen) < 0)
            err(EXIT_FAILURE, "write to standard output");

        const struct timespec tenth = {.tv_nsec = 100000000};
        while (atomic_load(counter) == seen) // a store wakes nobody: look again
            nanosleep(&tenth, NULL);
    }
}
