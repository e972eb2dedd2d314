// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Print a file through a mapping: memory access instead of read().
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
    if (argc > 2)
        errx(2, "usage: %s [file]", argv[0]);
    const char *const file = argc > 1 ? argv[1] : "/etc/passwd";

    // O_NONBLOCK: opening a FIFO would otherwise wait for a writer.
    const int fd = open(file, O_RDONLY | O_NONBLOCK);
    if (fd == -1)
        err(EXIT_FAILURE, "open %s", file);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", file);
    if (!S_ISREG(status.st_mode))
        errx(EXIT_FAILURE, "%s: not a regular file", file);

    // A mapping of length 0 is refused; one byte of an empty file is not.
    const size_t size = (size_t)status.st_size;
    const size_t length = size > 0 ? size : 1;
    char *const content = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
    if (content == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", file);
    close(fd); // the mapping needs no descriptor

    for (size_t done = 0; done < size;) {
        const ssize_t nwritten =
            write(STDOUT_FILENO, content + done, size - done);
        if (nwritten == -1)
            err(EXIT_FAILURE, "write to standard output");
        done += (size_t)nwritten;
    }
    munmap(content, length);
    return EXIT_SUCCESS;
}
