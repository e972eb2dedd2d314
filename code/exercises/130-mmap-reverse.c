// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Reverse the bytes of a file, in place.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
    if (argc != 2)
        errx(2, "usage: %s file", argv[0]);
    const char *const file = argv[1];

    const int fd = open(file, O_RDWR);
    if (fd == -1)
        err(EXIT_FAILURE, "open %s", file);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", file);
    const size_t size = (size_t)status.st_size;
    char *const content =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (content == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", file);

    for (size_t i = 0; i < size; i++) {
        const char byte = content[i];
        content[i] = content[size - 1 - i];
        content[size - 1 - i] = byte;
    }
    return EXIT_SUCCESS;
}
