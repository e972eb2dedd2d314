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
    if (argc > 2) {
        fprintf(stderr, "usage: %s [file]\n", argv[0]);
        return 2;
    }
    const char *const file = argc > 1 ? argv[1] : "/etc/passwd";

    // O_NONBLOCK: opening a FIFO would otherwise wait for a writer.
    const int fd = open(file, O_RDONLY | O_NONBLOCK);
    if (fd == -1)
        err(EXIT_FAILURE, "open %s", file);
    char *const content = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
    if (content == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", file);
    if (close(fd) == -1)
        err(EXIT_FAILURE, "close %s", file);

    // The C library has such memory, too, and Linux makes one mapping of
    // neighbours that are alike. MAP_NORESERVE (set no swap space aside)
    // makes ours unlike.
    char *const memory =
        mmap(NULL, 1, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        err(EXIT_FAILURE, "mmap anonymous memory");

    if (printf("pid %ld\nfile mapping at %p\nanonymous mapping at %p\n",
               (long)getpid(), (void *)content, (void *)memory) < 0 ||
        fflush(stdout) == EOF)
        err(EXIT_FAILURE, "write to standard output");

    // Both mappings stay until Enter or Ctrl-D: time to look at them.
    if (getchar() == EOF && ferror(stdin))
        err(EXIT_FAILURE, "read from standard input");

    if (munmap(memory, 1) == -1)
        err(EXIT_FAILURE, "munmap anonymous memory");
    if (munmap(content, 1) == -1)
        err(EXIT_FAILURE, "munmap %s", file);
    return EXIT_SUCCESS;
}
