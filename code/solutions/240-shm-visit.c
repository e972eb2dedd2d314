// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Count the visitors; the first one finds nothing there.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

int main(void)
{
    const int fd = shm_open("/ipc-visits", O_CREAT | O_RDWR, 0600);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open /ipc-visits");
    // Where it has this size already, nothing changes.
    if (ftruncate(fd, sizeof(_Atomic uint64_t)) == -1)
        err(EXIT_FAILURE, "ftruncate /ipc-visits");
    _Atomic uint64_t *const visits =
        mmap(NULL, sizeof *visits, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (visits == MAP_FAILED)
        err(EXIT_FAILURE, "mmap /ipc-visits");
    close(fd);

    const uint64_t number = atomic_fetch_add(visits, 1) + 1;
    if (dprintf(STDOUT_FILENO, "visitor %" PRIu64 "\n", number) < 0)
        err(EXIT_FAILURE, "write to standard output");
    return EXIT_SUCCESS;
}
