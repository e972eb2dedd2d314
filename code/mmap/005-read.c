// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Print a file with open(), read() and write(), through a buffer.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: %s [file]\n", argv[0]);
        return 2;
    }
    const char *const file = argc > 1 ? argv[1] : "/etc/passwd";

    const int fd = open(file, O_RDONLY);
    if (fd == -1)
        err(EXIT_FAILURE, "open %s", file);

    char buffer[4096];
    ssize_t nread;
    while ((nread = read(fd, buffer, sizeof buffer)) > 0) {
        // write() may take less than it is offered: a full disk, a signal.
        for (ssize_t done = 0; done < nread;) {
            const size_t rest = (size_t)(nread - done);
            const ssize_t nwritten = write(STDOUT_FILENO, buffer + done, rest);
            if (nwritten == -1)
                err(EXIT_FAILURE, "write to standard output");
            done += nwritten;
        }
    }
    if (nread == -1)
        err(EXIT_FAILURE, "read %s", file);

    if (close(fd) == -1)
        err(EXIT_FAILURE, "close %s", file);
    return EXIT_SUCCESS;
}
