// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Be the scheduler: several processes go on line by line, in any order.
 *
 * The programs are ordinary ones, compiled with -g. Each process stops before
 * each line of its source that ends in "// TURN"; a step lets one of them go
 * on to its next such line.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Of each processor: what objdump calls its programs; the instruction that
// traps; which word of the registers is the program counter, and how far
// behind that instruction it then is.
static const struct {
    const char *format;
    unsigned long trap, bits;
    unsigned counter, behind;
} machine =
#if defined __x86_64__
    {"elf64-x86-64", 0xcc, 0xff, 16, 1}; // int3
#elif defined __i386__
    {"elf32-i386", 0xcc, 0xff, 12, 1};
#elif defined __aarch64__
    {"elf64-littleaarch64", 0xd4200000, 0xffffffff, 32, 0}; // brk
#else
    {"no processor that turns knows", 0, 0, 0, 0};
#endif

enum { MOST = 8, STEPS = 200, LINES = 2000, TEXT = 512 };
enum { RIGHT, WRONG, DEADLOCK };
static const char *const ends[] = {"right", "wrong", "deadlock"};

// Where a line of the source begins. There is a trap at each of them, marked
// or not: so a process that has left a line stops before it can come there
// again, and its trap is put back. (Single-stepping would serve, too, where
// the processor can.)
struct row {
    unsigned long address, original;
    int line;
    const char *text; // of a marked line, else NULL
};

static struct process {
    char **command;
    struct row *rows, *last;
    unsigned long entry, bias; // where it begins in the file; and in memory?
    const struct row *at;      // where it has stopped last: no trap is there
    pid_t pid;                 // 0: there is none
    int status;                // of waitpid()
    enum { STANDS, BLOCKED, ENDED } state;
    char call[TEXT], asleep[TEXT]; // /proc/PID/syscall, the same in words
} processes[MOST];

static struct object {
    const char *name;
    int64_t value;
    _Atomic int64_t *memory;
    sem_t *semaphore;
    mqd_t queue;
    int kind; // the letter of its option
    bool made;
} objects[MOST];

static int who[STEPS + 1], depth; // the order so far
static unsigned could[STEPS + 1]; // who else could have gone
static const char *order, *before, *after, *judge, *expected;
static int n_processes, n_objects, patience = 10;
static bool aloud, begun; // aloud: a single order is shown
static sigset_t waited, untouched;

static const char *word(void)
{
    static char text[STEPS + 1];
    for (int i = 0; i < depth; i++)
        text[i] = (char)('A' + who[i]);
    text[depth] = '\0';
    return text;
}

static _Noreturn void fail(const struct process *process, const char *what)
{
    errx(2, "%c, line %d: %s; the order so far: %s",
         'A' + (int)(process - processes), process->at ? process->at->line : 0,
         what, word());
}

// Waits for a process, half a millisecond at most; returns whether that has
// passed. No signal is handled, all are waited for: so one that ends turns
// may call exit(), and nothing is left behind.
static bool rest(void)
{
    const struct timespec moment = {.tv_nsec = 500000};
    const int number = sigtimedwait(&waited, NULL, &moment);
    if (number > 0 && number != SIGCHLD) {
        warnx("%s; the order so far: %s", strsignal(number), word());
        exit(128 + number);
    }
    return number == -1;
}

static char *texts[LINES]; // of the marked lines of a source

// Notes the marked lines of the source: it lies beside the program, or where
// the compiler was given it, as seen from here or from the folder above.
static bool read_marks(const char *program, const char *source)
{
    setenv("PROGRAM", program, 1);
    setenv("SOURCE", source, 1);
    FILE *const marks = popen(
        "for file in \"${PROGRAM%/*}/${SOURCE##*/}\" \"$SOURCE\" \"../$SOURCE\""
        "; do [ -r \"$file\" ] && exec sed -n '\\,// TURN$,{\n=\ns/^ *//\n"
        "s,[ ;{]*// TURN$,,\ns/^if (\\(.*\\) == -1)$/\\1/\np\n}' \"$file\"; "
        "done",
        "re");
    char *line = NULL;
    size_t size = 0;
    int number = 0, count = 0;
    for (; marks && getline(&line, &size, marks) > 0; count++) {
        line[strcspn(line, "\n")] = '\0';
        if (count % 2 == 0)
            number = (int)strtol(line, NULL, 10) % LINES;
        else
            texts[number] = strdup(line);
    }
    free(line);
    if (marks)
        pclose(marks);
    return count > 0;
}

// Learns from objdump where the lines begin; where there is no objdump, what
// it would say can lie beside the program.
static void learn(struct process *process)
{
    const char *const name = process->command[0];
    if (access(name, X_OK) == -1)
        err(2, "%s", name);
    memset(texts, 0, sizeof texts);
    setenv("PROGRAM", name, 1);
    FILE *const table = popen("exec 2>&-; cat \"$PROGRAM.lines\" || "
                              "objdump -f -w --dwarf=decodedline \"$PROGRAM\"",
                              "re");
    char *line = NULL, base[TEXT] = "";
    size_t size = 0, count = 0;
    bool marked = false;
    while (table && getline(&line, &size, table) > 0) {
        char *const end = line + strcspn(line, "\n"), *hex = strstr(line, "0x");
        *end = '\0';
        if (strstr(line, "file format elf") && !strstr(line, machine.format))
            errx(2, "%s: for another processor than turns", name);
        if (strncmp(line, "start address ", 14) == 0 && hex)
            process->entry = strtoul(hex, NULL, 16);
        if (!marked && end > line + 2 && strcmp(end - 3, ".c:") == 0) {
            end[-1] = '\0'; // "CU: code/shm/x.c:"
            char *const path = line + (strncmp(line, "CU: ", 4) == 0 ? 4 : 0);
            char *const slash = strrchr(path, '/');
            snprintf(base, TEXT, "%s", slash ? slash + 1 : path);
            marked = read_marks(name, path);
        }
        // "x.c  12  0x1139  x": line 12, and a statement begins here.
        const char *const found = strstr(line, base);
        if (!marked || !hex || !found || end[-1] != 'x')
            continue;
        struct row row = {.address = strtoul(hex, NULL, 16)};
        row.line = (int)strtol(found + strlen(base), NULL, 10);
        if (count > 0 && process->last->address == row.address)
            process->last->line = row.line; // nothing is left of the former
        if (count > 0 && process->last->line == row.line)
            continue; // the same line goes on
        process->rows = realloc(process->rows, ++count * sizeof row);
        if (!process->rows)
            err(2, "realloc");
        process->last = process->rows + count - 1;
        *process->last = row;
    }
    free(line);
    if (table)
        pclose(table);
    if (*base == '\0')
        errx(2, "%s: no line numbers: needs cc -g, and objdump (binutils)",
             name);
    if (count == 0)
        errx(2, "%s: no line ends in // TURN, or there is no %s", name, base);
    for (int i = 0; i < LINES; i++) {
        bool found = !texts[i];
        for (struct row *row = process->rows; row <= process->last; row++)
            if (row->line == i && texts[i]) {
                row->text = texts[i];
                found = true;
            }
        if (!found)
            errx(2, "%s: no statement begins in line %d", base, i);
    }
}

// Takes the result of ptrace(); only a look into memory may well give -1.
static unsigned long ok(const struct process *process, long result)
{
    if (result == -1 && errno != 0)
        fail(process, strerror(errno));
    return (unsigned long)result;
}

static unsigned long look(const struct process *process, const struct row *row)
{
    errno = 0;
    return ok(process, ptrace(PTRACE_PEEKTEXT, process->pid,
                              process->bias + row->address, 0));
}

// Puts a trap where a line begins, or what was there before.
static void set_trap(const struct process *process, const struct row *row,
                     bool on)
{
    const unsigned long bits = on ? machine.trap : row->original & machine.bits;
    const unsigned long there = look(process, row) & ~machine.bits;
    ok(process, ptrace(PTRACE_POKETEXT, process->pid,
                       process->bias + row->address, there | bits));
}

// Whether a process has run into one of its traps. It now stands there: that
// trap is taken away, and the one where it stood before is back.
static bool trapped(struct process *process)
{
    unsigned long registers[64];
    struct iovec all = {registers, sizeof registers};
    ok(process, ptrace(PTRACE_GETREGSET, process->pid, NT_PRSTATUS, &all));
    registers[machine.counter] -= machine.behind;
    const unsigned long found = registers[machine.counter] - process->bias;
    const struct row *row = process->rows;
    while (row <= process->last && row->address != found)
        row++;
    if (row > process->last || row == process->at)
        return false;
    ok(process, ptrace(PTRACE_SETREGSET, process->pid, NT_PRSTATUS, &all));
    if (process->at)
        set_trap(process, process->at, true);
    set_trap(process, row, false);
    process->at = row;
    return true;
}

static bool read_proc(const struct process *process, const char *name,
                      char *text)
{
    char file[64];
    snprintf(file, sizeof file, "/proc/%d/%s", (int)process->pid, name);
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    const ssize_t length = fd == -1 ? -1 : read(fd, text, TEXT - 1);
    if (length == -1 && (errno == EACCES || errno == EPERM))
        err(2, "%s", file);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

// Whether a process sleeps in a system call, just now.
static bool sleeps(struct process *process)
{
    char status[TEXT];
    return read_proc(process, "stat", status) &&
           strncmp(strrchr(status, ')'), ") S", 3) == 0 &&
           read_proc(process, "syscall", process->call) &&
           strspn(process->call, "0123456789") > 0;
}

// Says in which call a process sleeps, and on which object: a futex is a word
// in its memory, and what else has a name is behind a descriptor.
static void describe(struct process *process)
{
    static const struct {
        unsigned long number;
        const char *name;
        int timed; // the argument that, if not 0, makes the clock end it
    } calls[] = {
        {SYS_futex, "futex", 4},
        {SYS_mq_timedsend, "mq_timedsend", 5},
        {SYS_mq_timedreceive, "mq_timedreceive", 5},
        {SYS_clock_nanosleep, "clock_nanosleep", 3},
#ifdef SYS_futex_time64 // on 32 bit
        {SYS_futex_time64, "futex", 4},
        {SYS_mq_timedsend_time64, "mq_timedsend", 5},
        {SYS_mq_timedreceive_time64, "mq_timedreceive", 5},
        {SYS_clock_nanosleep_time64, "clock_nanosleep", 3},
#endif
        {SYS_read, "read", 0},
        {0, "a system call", 0},
    };
    unsigned long said[7]; // the call, and its arguments
    char *next = process->call, file[64], name[TEXT] = "", *line = NULL;
    for (int i = 0; i < 7; i++)
        said[i] = strtoul(next, &next, 0);
    int call = 0;
    while (calls[call].number != 0 && calls[call].number != said[0])
        call++;
    if (calls[call].timed > 0 && said[calls[call].timed] != 0)
        fail(process, "it sleeps by the clock");
    const bool futex = strcmp(calls[call].name, "futex") == 0;
    snprintf(file, sizeof file, futex ? "/proc/%d/maps" : "/proc/%d/fd/%lu",
             (int)process->pid, said[1]);
    FILE *const maps = futex ? fopen(file, "re") : NULL;
    size_t size = 0;
    while (maps && getline(&line, &size, maps) > 0)
        if (strtoul(line, &next, 16) <= said[1] &&
            said[1] < strtoul(next + 1, NULL, 16) && strrchr(line, '/')) {
            next = strrchr(line, '/') + 1;
            snprintf(name, TEXT, " on /%s",
                     next + (strncmp(next, "sem.", 4) == 0 ? 4 : 0));
        }
    free(line);
    if (maps)
        fclose(maps);
    else if (readlink(file, name + 4, TEXT - 5) > 0 && name[4] == '/')
        memcpy(name, " on ", 4);
    name[strcspn(name, "\n")] = '\0';
    snprintf(process->asleep, TEXT, "%s%s", calls[call].name, name);
}

// Waits until a process stands before a marked line, or is blocked (it has
// been seen twice asleep in the same call), or has ended.
static void settle(struct process *process)
{
    char seen[TEXT] = "";
    for (int waits = 0; waits < 40000 * patience;) {
        if (waitpid(process->pid, &process->status, WNOHANG) == 0) {
            waits += rest() ? 20 : 0;
            const bool asleep = sleeps(process);
            if (asleep && strcmp(process->call, seen) == 0) {
                describe(process);
                process->state = BLOCKED;
                return;
            }
            memcpy(seen, asleep ? process->call : "", asleep ? TEXT : 1);
            continue;
        }
        int number = WSTOPSIG(process->status);
        if (!WIFSTOPPED(process->status)) {
            process->state = ENDED;
            process->pid = 0;
            return;
        }
        if (process->status >> 16 != 0)
            fail(process, "it starts another process, thread or program");
        if (number == SIGSTOP || number == SIGTSTP || number == SIGTTOU)
            fail(process, "a signal stops it");
        if (number == SIGTRAP && trapped(process)) {
            process->state = STANDS;
            if (process->at->text)
                return;
            number = 0;
            waits++; // about what a stop takes
        }
        ok(process, ptrace(PTRACE_CONT, process->pid, 0, number));
    }
    fail(process, "it does not come to a marked line");
}

// Starts a process, puts its traps, and lets it come to its first mark.
static void start(struct process *process)
{
    char *const name = process->command[0];
    process->at = NULL;
    process->pid = fork();
    if (process->pid == 0) {
        const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = 0; fd < (aloud ? 1 : 3); fd++)
            dup2(nothing, fd);
        setpgid(0, 0); // Ctrl-C is for turns
        sigprocmask(SIG_SETMASK, &untouched, NULL);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != -1)
            execv(name, process->command);
        _exit(errno);
    }
    if (process->pid == -1) {
        process->pid = 0;
        err(2, "fork");
    }
    waitpid(process->pid, &process->status, 0);
    if (!WIFSTOPPED(process->status)) {
        process->pid = 0;
        errx(2, "%s, to be traced: %s", name,
             strerror(WEXITSTATUS(process->status)));
    }
    ok(process,
       ptrace(PTRACE_SETOPTIONS, process->pid, 0,
              PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                  PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC));
    unsigned long vector[TEXT / sizeof(long)] = {0};
    read_proc(process, "auxv", (char *)vector);
    for (int i = 0; vector[i] != AT_NULL; i += 2)
        if (vector[i] == AT_ENTRY)
            process->bias = vector[i + 1] - process->entry;
    for (struct row *row = process->rows; row <= process->last; row++) {
        row->original = look(process, row);
        set_trap(process, row, true);
    }
    ok(process, ptrace(PTRACE_CONT, process->pid, 0, 0));
    settle(process);
    if (process->state == ENDED)
        errx(2, "%s has ended before its first marked line", name);
}

static void stop(struct process *process)
{
    if (process->pid == 0)
        return;
    kill(-process->pid, SIGKILL); // and what it has started
    while (waitpid(-process->pid, NULL, __WALL) > 0)
        ;
    process->state = ENDED;
    process->status = SIGKILL;
    process->pid = 0;
}

// A step: one process goes on, and so do those that it wakes.
static void go(struct process *process)
{
    if (depth == STEPS)
        errx(2, "no end after %d steps: %s", STEPS, word());
    who[depth++] = (int)(process - processes);
    ok(process, ptrace(PTRACE_CONT, process->pid, 0, 0));
    settle(process);
    for (int i = 0; i < n_processes; i++)
        if (processes[i].state == BLOCKED && !sleeps(&processes[i])) {
            settle(&processes[i]);
            i = -1; // perhaps this one has woken another
        }
}

static void begin(void)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL;
    begun = true;
    depth = 0;
    if (before && system(before) != 0)
        errx(2, "%s: not done", before);
    for (struct object *one = objects; one < objects + n_objects; one++) {
        if (one->kind == 's') {
            one->semaphore =
                sem_open(one->name, flags, 0600, (unsigned)one->value);
            one->made = one->semaphore != SEM_FAILED;
        } else if (one->kind == 'q') {
            struct mq_attr shape = {.mq_maxmsg = (long)one->value,
                                    .mq_msgsize = 8};
            one->queue = mq_open(one->name, flags, 0600, &shape);
            one->made = one->queue != (mqd_t)-1;
        } else {
            const int fd = shm_open(one->name, flags, 0600);
            one->made = fd != -1;
            if (one->made && ftruncate(fd, sizeof *one->memory) == 0) {
                one->memory = mmap(NULL, sizeof *one->memory,
                                   PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                atomic_store(one->memory, one->value);
                close(fd);
            }
        }
        if (!one->made)
            err(2, "making %s", one->name);
    }
    for (int i = 0; i < n_processes; i++)
        start(&processes[i]);
}

// Ends the processes and leaves nothing behind, whatever has happened.
static void finish(void)
{
    for (int i = 0; i < n_processes; i++)
        stop(&processes[i]);
    for (struct object *one = objects; one < objects + n_objects; one++) {
        if (one->made && one->kind == 's') {
            sem_close(one->semaphore);
            sem_unlink(one->name);
        } else if (one->made && one->kind == 'q') {
            mq_close(one->queue);
            mq_unlink(one->name);
        } else if (one->made) {
            munmap(one->memory, sizeof *one->memory);
            shm_unlink(one->name);
        }
        one->made = false;
    }
    if (begun && after && system(after) != 0)
        warnx("%s: not done", after);
    begun = false;
}

static long long value_of(const struct object *object)
{
    struct mq_attr shape = {0};
    int value = 0;
    if (object->kind == 'm')
        return atomic_load(object->memory);
    if (object->kind == 's')
        sem_getvalue(object->semaphore, &value);
    else
        mq_getattr(object->queue, &shape);
    return value + shape.mq_curmsgs;
}

static int outcome(void)
{
    bool right = !expected || value_of(objects) == strtoll(expected, NULL, 10);
    for (int i = 0; i < n_processes; i++)
        if (processes[i].state == BLOCKED)
            return DEADLOCK;
    for (int i = 0; i < n_processes; i++)
        right = right && processes[i].status == 0;
    return right && (!judge || system(judge) == 0) ? RIGHT : WRONG;
}

// Says where a process is: before a line, or, in brackets, in one in which it
// is blocked; or how it has ended.
static const char *place(const struct process *process)
{
    static char text[2 * TEXT];
    const int status = process->status;
    if (process->state == STANDS)
        snprintf(text, sizeof text, "%d", process->at->line);
    else if (process->state == BLOCKED)
        snprintf(text, sizeof text, "[%d] blocked in %s", process->at->line,
                 process->asleep);
    else if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "died of: %s", strsignal(WTERMSIG(status)));
    else
        snprintf(text, sizeof text, status == 0 ? "ended" : "failed with %d",
                 WEXITSTATUS(status));
    return text;
}

// Shows the first word of that, the values, and who has done what.
static void show(const struct process *process, const char *did,
                 const struct row *row)
{
    for (int i = 0; i < n_processes; i++) {
        const char *const text = place(&processes[i]);
        printf("%-8.*s", (int)strcspn(text, " "), text);
    }
    for (int i = 0; i < n_objects; i++)
        printf("%*lld  ", (int)strlen(objects[i].name), value_of(&objects[i]));
    if (!process) {
        puts("start");
        return;
    }
    const bool bad = process->status != 0 && *did == '\0';
    printf("%c%s %d: %s", 'A' + (int)(process - processes), did, row->line,
           process->state == BLOCKED ? "" : row->text);
    if (process->state == BLOCKED)
        printf("blocked in %s\n", process->asleep);
    else
        printf("%s%s\n", process->state == ENDED && bad ? ", " : "",
               process->state == ENDED && bad ? place(process) : "");
}

static void put_json(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++)
        printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    putchar('"');
}

// The same for a tree, in JSON, by the word that leads there.
static void put_state(const char *ending)
{
    puts(depth == 0 ? "" : ",");
    put_json(word());
    for (int i = 0; i < n_processes; i++) {
        printf(i == 0 ? ": {\"at\": [" : ", ");
        put_json(place(&processes[i]));
    }
    printf("], \"values\": [");
    for (int i = 0; i < n_objects; i++)
        printf("%s%lld", i == 0 ? "" : ", ", value_of(&objects[i]));
    printf("]%s%s%s}", ending ? ", \"end\": \"" : "", ending ? ending : "",
           ending ? "\"" : "");
}

// What a tree begins with: the programs, with their marked lines.
static void put_programs(void)
{
    for (int i = 0; i < n_processes; i++) {
        const struct process *const one = &processes[i];
        const char *between = ", \"lines\": {", *slash;
        slash = strrchr(one->command[0], '/');
        printf(i == 0 ? "{\"processes\": [\n" : "}},\n");
        printf("{\"program\": ");
        put_json(slash ? slash + 1 : one->command[0]);
        for (struct row *row = one->rows; row <= one->last; row++)
            if (row->text) {
                printf("%s\"%d\": ", between, row->line);
                put_json(row->text);
                between = ", ";
            }
    }
    printf("}}],\n\"objects\": [");
    for (int i = 0; i < n_objects; i++) {
        printf(i == 0 ? "{\"name\": " : ", {\"name\": ");
        put_json(objects[i].name);
        printf(", \"kind\": \"%s\"}", objects[i].kind == 'm'   ? "memory"
                                      : objects[i].kind == 's' ? "semaphore"
                                                               : "queue");
    }
    printf("],\n\"states\": {");
}

// Asks who is to go; returns -1 if the last step is to be undone.
static int ask(unsigned can)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    for (;;) {
        char key = 'q';
        while (poll(&input, 1, 50) == 0)
            rest();
        rest(); // a signal may have come before the key
        if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q')
            exit(0);
        const int number = (key & ~' ') - 'A'; // "a" is A, too
        if (key == 'u' && depth > 0)
            return -1;
        if (number >= 0 && number < n_processes && (can >> number & 1) != 0)
            return number;
        if (key != '\n')
            puts("the letter of one that can go; u undoes, q quits");
    }
}

// Plays one order: the steps that are given, then what is left, as it is
// asked for, or in order. Returns how it has ended.
static int play(int given)
{
    const bool asking = strcmp(order, "ask") == 0;
    const bool tree = strcmp(order, "tree") == 0;
    const struct process *last = NULL;
    const struct row *from = NULL;
    begin();
    for (int shown = 0;;) {
        const unsigned knew = could[depth];
        could[depth] = 0;
        for (int i = 0; i < n_processes; i++)
            could[depth] |= (processes[i].state == STANDS ? 1U : 0U) << i;
        if (depth < given && knew != 0 && knew != could[depth])
            errx(2,
                 "%s leads somewhere else this time: do the programs "
                 "depend on chance?",
                 word());
        const bool end = could[depth] == 0;
        const int how = end ? outcome() : RIGHT;
        if (aloud && depth >= shown)
            show(last, "", from);
        if (aloud && end)
            puts(ends[how]);
        if (tree && depth >= given)
            put_state(end ? ends[how] : NULL);
        if (end && !asking) {
            finish();
            return how;
        }
        int next = who[depth];
        if (depth >= given)
            next = asking ? ask(could[depth]) : ffs((int)could[depth]) - 1;
        if (next == -1) { // undo: all steps but the last, once again
            given = shown = depth - 1;
            last = NULL;
            finish();
            begin();
            continue;
        }
        last = &processes[next];
        from = last->at;
        if (last->state != STANDS)
            errx(2, "%c cannot go: %s; the order so far: %s", 'A' + next,
                 place(last), word());
        go(&processes[next]);
    }
}

// Plays every order, depth first: the next one differs in the last step that
// can be another one.
static int explore(void)
{
    long orders = 0, counts[3] = {0};
    char first[3][STEPS + 1] = {""};
    for (int given = 0; orders == 0 || given > 0; orders++) {
        const int end = play(given);
        if (counts[end]++ == 0)
            snprintf(first[end], sizeof first[end], "%s", word());
        unsigned untried = 0;
        while (untried == 0 && --depth >= 0)
            untried = could[depth] >> (who[depth] + 1);
        if (untried != 0)
            who[depth] += ffs((int)untried);
        given = depth + 1;
    }
    if (strcmp(order, "tree") == 0)
        return puts("\n}}") == EOF;
    printf("%ld orders, %ld wrong, %ld deadlocks\n", orders, counts[WRONG],
           counts[DEADLOCK]);
    for (int end = WRONG; end <= DEADLOCK; end++)
        if (counts[end] > 0)
            printf("first %s: %s\n", ends[end], first[end]);
    return counts[RIGHT] < orders;
}

// Kills the first process before each of its marked lines, and lets the others
// go on.
static int crash(struct process *victim)
{
    int places = 0, dead = 0;
    for (;; places++) {
        begin();
        while (depth < places && victim->state == STANDS)
            go(victim);
        if (victim->state != STANDS)
            break;
        stop(victim);
        for (int i = 0; i < n_processes; i++)
            if (processes[i].state == STANDS) {
                go(&processes[i]);
                i = -1;
            }
        show(victim, " killed before", victim->at);
        dead += outcome() == DEADLOCK;
        finish();
    }
    printf("%d of %d places leave somebody blocked for ever\n", dead, places);
    return dead > 0;
}

static const char help[] =
    "usage: turns [OPTION]... ORDER PROGRAM [ARG]... [-- PROGRAM [ARG]...]...\n"
    "ORDER is a word like ABBA: who goes on, at each step, to the next line\n"
    "that ends in // TURN (what the word leaves runs on in order); or\n"
    "  all, crash, ask, tree   every order; the first process killed before\n"
    "                          each line; a letter a step; all states as JSON\n"
    "  -n N                    processes of each program (2 of a single one)\n"
    "  -m /NAME[=VALUE]        8 bytes of shared memory\n"
    "  -s /NAME=VALUE          a semaphore\n"
    "  -q /NAME=MAX            a queue for MAX messages of 8 bytes\n"
    "  -b COMMAND, -a COMMAND  is run before, after each order\n"
    "  -e VALUE, -j COMMAND    right is an end where the first object has "
    "that\n"
    "                          value, or the command exits with 0\n"
    "  -t SECONDS              that a step may take (10)\n"
    "These are orders of lines, one after the other: what compilers and\n"
    "processors reorder is not seen, and nothing is proved.\n";

static int to_number(const char *text, int least)
{
    char *end = NULL;
    const long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < least || value > INT32_MAX)
        errx(2, "%s: not a number from %d on", text, least);
    return (int)value;
}

static void add_object(int kind, char *text)
{
    char *const equals = strchr(text, '=');
    if (*text != '/' || (!equals && kind != 'm') || n_objects == MOST)
        errx(2, "-%c %s: not like /NAME=VALUE, or one too many", kind, text);
    const int value = equals ? to_number(equals + 1, kind == 'q') : 0;
    if (equals)
        *equals = '\0';
    objects[n_objects++] =
        (struct object){.kind = kind, .name = text, .value = value};
}

int main(int argc, char **argv)
{
    int copies = 0;
    opterr = 0;
    for (int option;
         (option = getopt(argc, argv, "+n:m:s:q:b:a:e:j:t:h")) != -1;)
        if (option == 'h')
            return fputs(help, stdout) == EOF;
        else if (option == '?')
            errx(2, "-%c: turns -h says how it is used", optopt);
        else if (option == 'n' || option == 't')
            *(option == 'n' ? &copies : &patience) = to_number(optarg, 1);
        else if (strchr("msq", option))
            add_object(option, optarg);
        else
            *(option == 'b'   ? &before
              : option == 'a' ? &after
              : option == 'j' ? &judge
                              : &expected) = optarg;
    if (argc - optind < 2)
        errx(2, "an order and a program are needed: turns -h says more");
    if (expected && (to_number(expected, INT32_MIN), n_objects == 0))
        errx(2, "-e %s: there is no object", expected);
    order = argv[optind];

    // The programs with their arguments; -- is between two of them.
    for (char **words = argv + optind + 1, **end; words; words = end) {
        for (end = words; *end && strcmp(*end, "--") != 0; end++)
            ;
        if (end == words)
            errx(2, "a program is missing, before or after --");
        struct process process = {.command = words};
        words = *end ? end + 1 : NULL;
        *end = NULL;
        end = words;
        learn(&process);
        if (copies == 0)
            copies = words ? 1 : 2;
        for (int i = 0; i < copies; i++) {
            if (n_processes == MOST)
                errx(2, "more than %d processes", MOST);
            processes[n_processes++] = process;
        }
    }

    const int ours[] = {SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM};
    sigemptyset(&waited);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaddset(&waited, ours[i]);
    sigprocmask(SIG_BLOCK, &waited, &untouched);
    atexit(finish);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);

    int status = 0;
    if (strcmp(order, "tree") == 0)
        put_programs();
    if (strcmp(order, "all") == 0 || strcmp(order, "tree") == 0) {
        status = explore();
    } else {
        const bool crashing = strcmp(order, "crash") == 0;
        int given = 0;
        aloud = !crashing;
        for (; aloud && strcmp(order, "ask") != 0 && order[given]; given++) {
            who[given] = order[given] - 'A';
            if (given == STEPS || who[given] < 0 || who[given] >= n_processes)
                errx(2,
                     "%s: not all, tree, crash, ask, or letters from A to %c",
                     order, 'A' + n_processes - 1);
        }
        for (int i = 0; i < n_processes; i++)
            printf("%-8c", 'A' + i);
        for (int i = 0; i < n_objects; i++)
            printf("%s%s", i == 0 ? "" : "  ", objects[i].name);
        puts("");
        status = crashing ? crash(&processes[0]) : play(given) != RIGHT;
    }
    if (fflush(stdout) == EOF || ferror(stdout))
        err(2, "write to standard output");
    return status;
}
