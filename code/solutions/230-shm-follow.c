// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Say how large an object is and how it ends, again at each Enter.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    const int fd = shm_open("/ipc-text", O_RDONLY, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open /ipc-text");

    for (;;) {
        struct stat status;
        if (fstat(fd, &status) == -1)
            err(EXIT_FAILURE, "fstat /ipc-text");
        const size_t size = (size_t)status.st_size;
        char last = '-';
        if (size > 0) {
            char *const text = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
            if (text == MAP_FAILED)
                err(EXIT_FAILURE, "mmap /ipc-text");
            last = text[size - 1];
            munmap(text, size);
        }
        if (dprintf(STDOUT_FILENO, "%zu bytes, last %c\n", size, last) < 0)
            err(EXIT_FAILURE, "write to standard output");
        char line[80];
        if (read(STDIN_FILENO, line, sizeof line) == -1)
            err(EXIT_FAILURE, "read standard input");
    }
}
