// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Copy a file: from one mapping into another.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        errx(2, "usage: %s from to", argv[0]);
    const char *const from = argv[1], *const to = argv[2];

    const int in = open(from, O_RDONLY);
    if (in == -1)
        err(EXIT_FAILURE, "open %s", from);
    const int out = open(to, O_RDWR | O_CREAT, 0600);
    if (out == -1)
        err(EXIT_FAILURE, "open %s", to);
    struct stat status;
    if (fstat(in, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", from);
    const size_t size = (size_t)status.st_size;
    if (ftruncate(out, status.st_size) == -1)
        err(EXIT_FAILURE, "ftruncate %s", to);
    if (size == 0)
        return EXIT_SUCCESS; // and nothing to map

    const char *const source = mmap(NULL, size, PROT_READ, MAP_SHARED, in, 0);
    if (source == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", from);
    char *const target =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, out, 0);
    if (target == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", to);

    memcpy(target, source, size);
    return EXIT_SUCCESS;
}
