// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Ask, or answer; nobody may wait for ever.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

int main(int argc, char **argv)
{
    if (argc != 2)
        errx(2, "usage: %s ask|answer", argv[0]);
    sem_t *const guard = sem_open("/ipc-guard", 0);
    if (guard == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open /ipc-guard");
    sem_t *const answered = sem_open("/ipc-answered", 0);
    if (answered == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open /ipc-answered");
    const int fd = shm_open("/ipc-box", O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open /ipc-box");
    _Atomic uint64_t *const box =
        mmap(NULL, sizeof *box, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (box == MAP_FAILED)
        err(EXIT_FAILURE, "mmap /ipc-box");

    if (strcmp(argv[1], "ask") == 0) {
        if (sem_wait(guard) == -1) // TURN
            err(EXIT_FAILURE, "sem_wait /ipc-guard");
        if (sem_wait(answered) == -1) // TURN
            err(EXIT_FAILURE, "sem_wait /ipc-answered");
        atomic_fetch_add(box, 1); // TURN
    } else {
        if (sem_wait(guard) == -1) // TURN
            err(EXIT_FAILURE, "sem_wait /ipc-guard");
        atomic_store(box, 41);        // TURN
        if (sem_post(answered) == -1) // TURN
            err(EXIT_FAILURE, "sem_post /ipc-answered");
    }
    if (sem_post(guard) == -1) // TURN
        err(EXIT_FAILURE, "sem_post /ipc-guard");
    return EXIT_SUCCESS;
}
