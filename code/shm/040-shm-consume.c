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
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// An atomic that is not lock-free has a hidden lock in each process.
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: %s [name]\n", argv[0]);
        return 2;
    }
    const char *const name = argc > 1 ? argv[1] : "/ipc-counter";

    const int fd = shm_open(name, O_RDONLY, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    const _Atomic uint64_t *counter;
    if (status.st_size != sizeof *counter) // touching it could be a SIGBUS
        errx(EXIT_FAILURE, "%s: not a counter of 020-shm-create", name);
    counter = mmap(NULL, sizeof *counter, PROT_READ, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    if (close(fd) == -1)
        err(EXIT_FAILURE, "close %s", name);

    uint64_t printed = 0;
    for (bool first = true;; first = false) {
        const uint64_t seen = atomic_load(counter);
        if (first || seen != printed) {
            if (printf("%" PRIu64 "\n", seen) < 0 || fflush(stdout) == EOF)
                err(EXIT_FAILURE, "write to standard output");
            printed = seen;
        }
        const struct timespec tenth = {.tv_nsec = 100000000};
        nanosleep(&tenth, NULL);
    }
}
