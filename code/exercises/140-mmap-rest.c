// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Print a file from a byte on, and map no more than that needs.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char *end;
    const long first = strtol(argc == 3 ? argv[2] : "-", &end, 10);
    if (argc != 3 || end == argv[2] || *end != '\0' || first < 0)
        errx(2, "usage: %s file byte", argv[0]);
    const char *const file = argv[1];

    const int fd = open(file, O_RDONLY);
    if (fd == -1)
        err(EXIT_FAILURE, "open %s", file);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", file);
    const size_t size = (size_t)(status.st_size - first);
    const char *const content =
        mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, first);
    if (content == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", file);

    for (size_t done = 0; done < size;) {
        const ssize_t written =
            write(STDOUT_FILENO, content + done, size - done);
        if (written == -1)
            err(EXIT_FAILURE, "write to standard output");
        done += (size_t)written;
    }
    return EXIT_SUCCESS;
}
