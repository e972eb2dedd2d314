// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Create a counter that begins at a given number.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-counter";
    char *end;
    const char *const number = "0";
    const long long first = strtoll(number, &end, 10);
    if (argc > 3 || end == number || *end || first < 0 || first == LLONG_MAX)
        errx(2, "usage: %s [name [first]]", argv[0]);

    const int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    if (ftruncate(fd, sizeof(_Atomic uint64_t)) == -1)
        err(EXIT_FAILURE, "ftruncate %s", name);
    _Atomic uint64_t *const counter =
        mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    close(fd);

    atomic_store(counter, 0);
    return EXIT_SUCCESS;
}
