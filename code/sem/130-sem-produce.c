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
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock-free 64-bit atomics");

static volatile sig_atomic_t stop;

static void on_interrupt(int signo)
{
    (void)signo;
    stop = 1;
}

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "/ipc-counter";
    const char *const guard_name = argc > 2 ? argv[2] : "/ipc-guard";
    char *end;
    long long count = strtoll(argc > 3 ? argv[3] : "2147483647", &end, 10);
    if (argc > 4 || *end != '\0' || count < 1 || count > INT32_MAX)
        errx(2, "usage: %s [name [guard [count]]]", argv[0]);

    sem_t *const guard = sem_open(guard_name, 0);
    if (guard == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", guard_name);
    const int fd = shm_open(name, O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    if (status.st_size != sizeof(_Atomic uint64_t))
        errx(EXIT_FAILURE, "%s: not a counter of 020-shm-create", name);
    _Atomic uint64_t *const counter =
        mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    close(fd);

    // Who has the guard must post before the end. Without SA_RESTART, Ctrl-C
    // ends a wait, too (but not if it comes between !stop and the wait).
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGINT, &action, NULL) == -1)
        err(EXIT_FAILURE, "sigaction SIGINT");

    for (; count > 0 && !stop; count--) {
        if (sem_wait(guard) == -1) {
            if (errno == EINTR)
                break;
            err(EXIT_FAILURE, "sem_wait %s", guard_name);
        }
        const uint64_t seen = atomic_load(counter);
        sleep(1); // which Ctrl-C cuts short
        atomic_store(counter, seen + 1);
        if (sem_post(guard) == -1)
            err(EXIT_FAILURE, "sem_post %s", guard_name);
        while (dprintf(STDOUT_FILENO, "%" PRIu64 "\n", seen + 1) < 0)
            if (errno != EINTR)
                err(EXIT_FAILURE, "write to standard output");
    }
    return EXIT_SUCCESS;
}
