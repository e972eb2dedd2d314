// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Count in one of two counters that share an object.
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
    char *end, *tail;
    const long which = strtol(argc > 1 ? argv[1] : "0", &end, 10);
    long count = strtol(argc > 2 ? argv[2] : "1", &tail, 10);
    if (argc > 3 || end == argv[1] || *end || *tail || which < 0 || which > 1 ||
        count < 1)
        errx(2, "usage: %s [0|1 [count]]", argv[0]);

    const int fd = shm_open("/ipc-pair", O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open /ipc-pair");
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat /ipc-pair");
    if (status.st_size != 2 * sizeof(_Atomic uint64_t))
        errx(EXIT_FAILURE, "/ipc-pair: not two counters");
    _Atomic uint64_t *const counters = mmap(
        NULL, 2 * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counters == MAP_FAILED)
        err(EXIT_FAILURE, "mmap /ipc-pair");
    close(fd);

    for (; count > 0; count--) {
        const uint64_t seen = atomic_load(&counters[which]);
        atomic_store(&counters[which], seen + 1);
    }
    return EXIT_SUCCESS;
}
