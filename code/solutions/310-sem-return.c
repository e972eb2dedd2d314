// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Take a tool, work with it, and put it back.
 */
#define _POSIX_C_SOURCE 200809L
#include <err.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    sem_t *const tool = sem_open("/ipc-tool", 0);
    if (tool == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open /ipc-tool");
    if (sem_wait(tool) == -1)
        err(EXIT_FAILURE, "sem_wait /ipc-tool");

    if (dprintf(STDOUT_FILENO, "working\n") < 0)
        err(EXIT_FAILURE, "write to standard output");
    char line[80];
    if (read(STDIN_FILENO, line, sizeof line) == -1)
        err(EXIT_FAILURE, "read standard input");

    if (sem_post(tool) == -1)
        err(EXIT_FAILURE, "sem_post /ipc-tool");
    return EXIT_SUCCESS;
}
