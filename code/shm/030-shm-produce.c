// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Increment the shared counter once a second: load, sleep, store.
 *
 * The load is atomic and so is the store; the pair of them is not.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
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
    char *end = "";
    errno = 0;
    const long count = argc > 2 ? strtol(argv[2], &end, 10) : LONG_MAX;
    if (argc > 3 || *end != '\0' || errno != 0 || count < 1) {
        fprintf(stderr, "usage: %s [name [count]]\n", argv[0]);
        return 2;
    }

    const int fd = shm_open(name, O_RDWR, 0);
    if (fd == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    struct stat status;
    if (fstat(fd, &status) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    _Atomic uint64_t *counter;
    if (status.st_size != sizeof *counter) // touching it could be a SIGBUS
        errx(EXIT_FAILURE, "%s: not a counter of 020-shm-create", name);
    counter =
        mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    if (close(fd) == -1)
        err(EXIT_FAILURE, "close %s", name);

    const struct sigaction action = {.sa_handler = on_interrupt};
    if (sigaction(SIGINT, &action, NULL) == -1)
        err(EXIT_FAILURE, "sigaction SIGINT");

    for (long done = 0; done < count; done++) {
        const uint64_t seen = atomic_load(counter);
        sleep(1);
        if (stop)
            break;
        atomic_store(counter, seen + 1);
        if (printf("%" PRIu64 "\n", seen + 1) < 0 || fflush(stdout) == EOF)
            err(EXIT_FAILURE, "write to standard output");
    }

    if (munmap(counter, sizeof *counter) == -1)
        err(EXIT_FAILURE, "munmap %s", name);
    return EXIT_SUCCESS;
}
