// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Create a shared memory object and give it the size of one counter.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: %s [name]\n", argv[0]);
        return 2;
    }
    const char *const name = argc > 1 ? argv[1] : "/ipc-counter";

    // O_EXCL: what somebody else has created is not ours to resize.
    const int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    struct stat created;
    if (fstat(fd, &created) == -1)
        err(EXIT_FAILURE, "fstat %s", name);

    if (ftruncate(fd, sizeof(_Atomic uint64_t)) == -1) {
        warn("ftruncate %s", name);
        if (shm_unlink(name) == -1) // half an object is worse than none
            err(EXIT_FAILURE, "shm_unlink %s", name);
        return EXIT_FAILURE;
    }
    struct stat resized;
    if (fstat(fd, &resized) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    if (close(fd) == -1)
        err(EXIT_FAILURE, "close %s", name);

    if (printf("%lld bytes after shm_open()\n%lld bytes after ftruncate()\n",
               (long long)created.st_size, (long long)resized.st_size) < 0 ||
        fflush(stdout) == EOF)
        err(EXIT_FAILURE, "write to standard output");
    return EXIT_SUCCESS;
}
