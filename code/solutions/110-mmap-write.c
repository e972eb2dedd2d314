// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Make the first letter of a file a capital, through a mapping.
 */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 2)
        errx(2, "usage: %s file", argv[0]);
    const char *const file = argv[1];

    const int fd = open(file, O_RDWR);
    if (fd == -1)
        err(EXIT_FAILURE, "open %s", file);
    char *const content =
        mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (content == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", file);
    close(fd);

    content[0] = (char)toupper((unsigned char)content[0]);
    return EXIT_SUCCESS;
}
