// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Load, add and store in one: there is nothing to come between.
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
    const char *const name = argc > 1 ? argv[1] : "/ipc-counter";
    char *end;
    long rounds = strtol(argc > 2 ? argv[2] : "1", &end, 10);
    if (argc > 3 || *end != '\0' || rounds < 1)
        errx(2, "usage: %s [name [rounds]]", argv[0]);

    const int fd = shm_open(name, O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    if (status.st_size != sizeof(_Atomic uint64_t))
        errx(EXIT_FAILURE, "%s: not of 8 bytes", name);
    _Atomic uint64_t *const counter =
        mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    close(fd);

    for (; rounds > 0; rounds--)
        atomic_fetch_add(counter, 1); // TURN
    return EXIT_SUCCESS;
}
