// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Print a file with open(), read() and write(), through a buffer.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 2)
        errx(2, "usage: %s [file]", argv[0]);
    const char *const file = argc > 1 ? argv[1] : "/etc/passwd";

    const int fd = open(file, O_RDONLY);
    if (fd == -1)
        err(EXIT_FAILURE, "open %s", file);

    char buffer[4096];
    ssize_t nread, nwritten; // write() may take less: a full disk, a signal
    while ((nread = read(fd, buffer, sizeof buffer)) > 0)
        for (char *rest = buffer; nread > 0; rest += nwritten) {
            nwritten = write(STDOUT_FILENO, rest, (size_t)nread);
            if (nwritten == -1)
                err(EXIT_FAILURE, "write to standard output");
            nread -= nwritten;
        }
    if (nread == -1)
        err(EXIT_FAILURE, "read %s", file);
    close(fd);
    return EXIT_SUCCESS;
}
