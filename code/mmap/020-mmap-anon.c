// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Hold a file mapping and an anonymous mapping side by side, and wait.
 */
#define _DEFAULT_SOURCE // MAP_ANONYMOUS; POSIX has it only since 2024
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 2)
        errx(2, "usage: %s [file]", argv[0]);
    const char *const file = argc > 1 ? argv[1] : "/etc/passwd";

    const int fd = open(file, O_RDONLY | O_NONBLOCK);
    if (fd == -1)
        err(EXIT_FAILURE, "open %s", file);
    char *const content = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
    if (content == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", file);
    close(fd);

    // The C library has such memory, too, and Linux makes one mapping of
    // neighbours that are alike. MAP_NORESERVE (set no swap space aside)
    // makes ours unlike.
    char *const memory =
        mmap(NULL, 1, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        err(EXIT_FAILURE, "mmap anonymous memory");

    if (dprintf(STDOUT_FILENO,
                "pid %ld\nfile mapping at %p\nanonymous mapping at %p\n",
                (long)getpid(), (void *)content, (void *)memory) < 0)
        err(EXIT_FAILURE, "write to standard output");

    // Both mappings stay until Enter or Ctrl-D: time to look at them.
    char key;
    if (read(STDIN_FILENO, &key, sizeof key) == -1)
        err(EXIT_FAILURE, "read from standard input");
    return EXIT_SUCCESS;
}
