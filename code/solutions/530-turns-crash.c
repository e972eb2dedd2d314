// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Count; and whoever dies, the others go on.
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
    const int fd = shm_open("/ipc-counter", O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open /ipc-counter");
    _Atomic uint64_t *const counter =
        mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap /ipc-counter");

    atomic_fetch_add(counter, 1); // TURN
    return EXIT_SUCCESS;
}
