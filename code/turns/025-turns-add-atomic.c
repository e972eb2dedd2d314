// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Load, add and store in one step: there is nothing to come between.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <fcntl.h>
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
        errx(2, "usage: 025-turns-add-atomic [rounds]");

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

    for (long done = 0; done < rounds; done++)
        atomic_fetch_add(counter, 1); // TURN
    return EXIT_SUCCESS;
}
