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
    if (argc > 2)
        errx(2, "usage: %s [name]", argv[0]);
    const char *const name = argc > 1 ? argv[1] : "/ipc-counter";

    // O_EXCL: what somebody else has created is not ours to resize.
    const int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    struct stat created, resized;
    if (fstat(fd, &created) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    if (ftruncate(fd, sizeof(_Atomic uint64_t)) == -1) {
        warn("ftruncate %s", name);
        shm_unlink(name); // half an object is worse than none
        return EXIT_FAILURE;
    }
    if (fstat(fd, &resized) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    close(fd);

    if (dprintf(STDOUT_FILENO,
                "%jd bytes after shm_open()\n%jd bytes after ftruncate()\n",
                (intmax_t)created.st_size, (intmax_t)resized.st_size) < 0)
        err(EXIT_FAILURE, "write to standard output");
    return EXIT_SUCCESS;
}
