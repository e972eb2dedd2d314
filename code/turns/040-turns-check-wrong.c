// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Wrong on purpose: is there room? Then take it. The answer may be old.
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
#include <unistd.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-room";
    if (argc > 2)
        errx(2, "usage: %s [name]", argv[0]);

    const int fd = shm_open(name, O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    if (status.st_size != sizeof(_Atomic int64_t))
        errx(EXIT_FAILURE, "%s: not of 8 bytes", name);
    _Atomic int64_t *const room =
        mmap(NULL, sizeof *room, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (room == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    close(fd);

    if (atomic_load(room) > 0)     // TURN
        atomic_fetch_sub(room, 1); // TURN
    return EXIT_SUCCESS;
}
