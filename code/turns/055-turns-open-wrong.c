// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Wrong on purpose: open what somebody else may not have finished.
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

int main(void)
{
    const int fd = shm_open("/ipc-answer", O_RDONLY, 0); // TURN
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open /ipc-answer");
    const _Atomic int64_t *const answer =
        mmap(NULL, sizeof *answer, PROT_READ, MAP_SHARED, fd, 0);
    if (answer == MAP_FAILED)
        err(EXIT_FAILURE, "mmap /ipc-answer");
    if (atomic_load(answer) != 42) // TURN
        errx(EXIT_FAILURE, "/ipc-answer: not yet 42");
    return EXIT_SUCCESS;
}
