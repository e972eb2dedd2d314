// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Wrong on purpose: open what its creator may not have finished.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-answer";
    if (argc > 2)
        errx(2, "usage: %s [name]", argv[0]);

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
