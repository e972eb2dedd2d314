// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Increment the shared counter between wait and post: nothing is lost.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// An atomic that is not lock-free has a hidden lock in each process.
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

static volatile sig_atomic_t stop;

static void on_interrupt(int signal)
{
    (void)signal;
    stop = 1;
}

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-counter";
    const char *const guard_name = argc > 2 ? argv[2] : "/ipc-guard";
    char *end = "";
    errno = 0;
    const long count = argc > 3 ? strtol(argv[3], &end, 10) : LONG_MAX;
    if (argc > 4 || *end != '\0' || errno != 0 || count < 1) {
        fprintf(stderr, "usage: %s [name [guard [count]]]\n", argv[0]);
        return 2;
    }

    sem_t *const guard = sem_open(guard_name, 0);
    if (guard == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", guard_name);
    const int fd = shm_open(name, O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    _Atomic uint64_t *counter;
    if (status.st_size != sizeof *counter)
        errx(EXIT_FAILURE, "%s: not a counter of 020-shm-create", name);
    counter =
        mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    if (close(fd) == -1)
        err(EXIT_FAILURE, "close %s", name);

    // Without SA_RESTART, Ctrl-C ends the wait, too; with the guard in hand it
    // must not end the process before the post. (If it comes just before
    // sem_wait(), it is noticed when the guard is free, or pressed again.)
    const struct sigaction action = {.sa_handler = on_interrupt};
    if (sigaction(SIGINT, &action, NULL) == -1)
        err(EXIT_FAILURE, "sigaction SIGINT");

    for (long done = 0; done < count && !stop;) {
        if (sem_wait(guard) == -1) {
            if (errno == EINTR)
                continue;
            err(EXIT_FAILURE, "sem_wait %s", guard_name);
        }
        const uint64_t seen = atomic_load(counter);
        sleep(1);
        const bool finished = !stop; // asked once: what is stored is printed
        if (finished)
            atomic_store(counter, seen + 1);
        if (sem_post(guard) == -1)
            err(EXIT_FAILURE, "sem_post %s", guard_name);
        if (!finished)
            break;
        if (printf("%" PRIu64 "\n", seen + 1) < 0 || fflush(stdout) == EOF)
            err(EXIT_FAILURE, "write to standard output");
        done++;
    }

    if (munmap(counter, sizeof *counter) == -1)
        err(EXIT_FAILURE, "munmap %s", name);
    if (sem_close(guard) == -1)
        err(EXIT_FAILURE, "sem_close %s", guard_name);
    return EXIT_SUCCESS;
}
