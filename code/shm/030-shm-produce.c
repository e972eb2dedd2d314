// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Increment the shared counter once a second: load, sleep, store.
 *
 * The load is atomic and so is the store; the pair of them is not.
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
#include <unistd.h>

// A lock would be hidden in each process, and unknown to the others.
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-counter";
    char *end;
    long long count = strtoll(argc > 2 ? argv[2] : "2147483647", &end, 10);
    if (argc > 3 || *end != '\0' || count < 1 || count > INT32_MAX)
        errx(2, "usage: %s [name [count]]", argv[0]);

    const int fd = shm_open(name, O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    // Touching what is too small could be a SIGBUS.
    if (status.st_size != sizeof(_Atomic uint64_t))
        errx(EXIT_FAILURE, "%s: not a counter of 020-shm-create", name);
    _Atomic uint64_t *const counter =
        mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    close(fd);

    for (; count > 0; count--) {
        const uint64_t seen = atomic_load(counter);
        sleep(1);
        atomic_store(counter, seen + 1);
        if (dprintf(STDOUT_FILENO, "%" PRIu64 "\n", seen + 1) < 0)
            err(EXIT_FAILURE, "write to standard output");
    }
    return EXIT_SUCCESS;
}
