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
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
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

// What differs from processor to processor: the instruction that traps, which
// word of the registers is the program counter, and how far behind that
// instruction it then is.
static const struct {
    const char *format; // objdump's name for its programs
    unsigned long trap, bits;
    int counter;
    unsigned behind;
} machine =
#if defined __x86_64__
    {"elf64-x86-64", 0xcc, 0xff, 16, 1}; // int3
#elif defined __i386__
    {"elf32-i386", 0xcc, 0xff, 12, 1};
#elif defined __aarch64__
    {"elf64-littleaarch64", 0xd4200000, 0xffffffff, 32, 0}; // brk
#else
    {NULL, 0, 0, 0, 0};
#endif

enum { MOST = 8, STEPS = 200, LINES = 2000, TEXT = 512 };

// Where a line of the source begins. There is a trap at each of them, marked
// or not: so a process that has left a line stops before it can come there
// again, and its trap is put back. (Single-stepping would serve, too, where
// the processor can.)
struct row {
    unsigned long address, original;
    int line;
    char *text; // of a marked line, else NULL
};

static struct process {
    char **command;
    struct row *rows, *last;
    unsigned long entry;  // where it begins, in the file
    unsigned long bias;   // how much further on that is in memory
    const struct row *at; // where it has stopped last: there is no trap now
    pid_t pid;            // 0: there is none
    enum { STANDS, BLOCKED, ENDED } state;
    int status;                    // of waitpid()
    char call[TEXT], asleep[TEXT]; // /proc/PID/syscall, the same in words
} processes[MOST];

static struct object {
    const char *name;
    long value;
    _Atomic int64_t *memory;
    sem_t *semaphore;
    mqd_t queue;
    int kind; // the letter of its option
    bool made;
} objects[MOST];

// The order so far: who went, and who could have gone.
static struct step {
    int who;
    unsigned can;
} path[STEPS + 1];

static enum mode { ALL, TREE, CRASH, ASK, WORD } mode;
static const char *const modes[] = {"all", "tree", "crash", "ask"};
enum end { RIGHT, WRONG, DEADLOCK };
static const char *const ends[] = {"right", "wrong", "deadlock"};

static int n_processes, n_objects, depth;
static const char *before, *after, *judge, *expected;
static long patience = 10; // seconds for a step
static bool begun;
static sigset_t waited, untouched;

static const char *word(void)
{
    static char text[STEPS + 1];
    for (int i = 0; i < depth; i++)
        text[i] = (char)('A' + path[i].who);
    text[depth] = '\0';
    return text;
}

__attribute__((format(printf, 1, 2))) static _Noreturn void
fail(const char *format, ...)
{
    char text[TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    errx(2, "%s%s%s", text, depth > 0 ? "; the order so far: " : "", word());
}

// For what comes back as NULL only if there is no memory left.
static void *need(void *pointer)
{
    if (!pointer)
        fail("no memory: %s", strerror(errno));
    return pointer;
}

static char letter(const struct process *process)
{
    return (char)('A' + (process - processes));
}

// Waits for something to happen to a process, for half a millisecond at most;
// returns whether that has passed. No signal is handled, all are waited for:
// so one that ends turns may call exit(), and nothing is left behind.
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

// Reads the marked lines of $SOURCE, which the compiler has compiled under
// that name: it lies beside $PROGRAM, or is found from here or from one above.
// Of "if (sem_wait(guard) == -1)" only the call is of interest.
static size_t read_marks(void)
{
    FILE *const marks = need(popen(
        "for file in \"${PROGRAM%/*}/${SOURCE##*/}\" \"$SOURCE\" \"../$SOURCE\""
        "; do [ -r \"$file\" ] && exec sed -n '\\,// TURN$,{\n=\ns/^ *//\n"
        "s,[ ;{]*// TURN$,,\ns/^if (\\(.*\\) == -1)$/\\1/\np\n}' \"$file\"; "
        "done",
        "re"));
    char *line = NULL;
    size_t size = 0, count = 0;
    while (getline(&line, &size, marks) > 0) {
        const long number = strtol(line, NULL, 10);
        if (number >= LINES || getline(&line, &size, marks) == -1)
            break;
        line[strcspn(line, "\n")] = '\0';
        texts[number] = need(strdup(line));
        count++;
    }
    pclose(marks);
    free(line);
    return count;
}

// Learns where the lines of a program begin, as objdump says it; where there
// is none, what it would say can lie beside the program.
static void learn(struct process *process)
{
    const char *const name = process->command[0];
    if (access(name, X_OK) == -1)
        fail("%s: %s", name, strerror(errno));
    memset(texts, 0, sizeof texts);
    setenv("PROGRAM", name, 1);
    FILE *const table = need(
        popen("exec 2>&-; cat \"$PROGRAM.lines\" ||"
              "objdump --file-headers --dwarf=decodedline --wide \"$PROGRAM\"",
              "re"));
    char *line = NULL, base[TEXT] = "";
    size_t size = 0, marked = 0, count = 0;
    while (getline(&line, &size, table) > 0) {
        char *const end = line + strcspn(line, "\n"), *hex = strstr(line, "0x");
        if (strstr(line, "file format elf") && !strstr(line, machine.format))
            fail("%s: not for the processor that turns is for", name);
        if (strncmp(line, "start address ", 14) == 0 && hex)
            process->entry = strtoul(hex, NULL, 16);
        if (marked == 0 && end - line > 3 && strncmp(end - 3, ".c:", 3) == 0) {
            end[-1] = '\0'; // "CU: code/shm/x.c:"
            char *const source = line + (strncmp(line, "CU: ", 4) == 0 ? 4 : 0);
            char *const slash = strrchr(source, '/');
            snprintf(base, TEXT, "%s", slash ? slash + 1 : source);
            setenv("SOURCE", source, 1);
            marked = read_marks();
        }
        // "x.c  12  0x1139  x": line 12, and here a statement begins.
        const char *const number = strstr(line, base);
        if (marked == 0 || !hex || !number || end[-1] != 'x')
            continue;
        struct row row = {.address = strtoul(hex, NULL, 16)};
        row.line = (int)strtol(number + strlen(base), NULL, 10);
        if (count > 0 && process->last->address == row.address)
            process->last->line = row.line; // nothing is left of the former
        if (count > 0 && process->last->line == row.line)
            continue; // the same line goes on
        process->rows = need(realloc(process->rows, ++count * sizeof row));
        process->last = process->rows + count - 1;
        *process->last = row;
    }
    pclose(table);
    free(line);
    if (*base == '\0')
        fail("%s: no line numbers: needs cc -g, and objdump (binutils)", name);
    if (count == 0)
        fail("%s: no line ends in // TURN, or there is no %s", name, base);
    for (int i = 0; i < LINES; i++) {
        bool found = !texts[i];
        for (struct row *row = process->rows; row <= process->last; row++)
            if (row->line == i) {
                row->text = texts[i];
                found = true;
            }
        if (!found)
            fail("%s: line %d is marked, but no statement begins there", base,
                 i);
    }
}

// Takes what ptrace() returns; nothing but a look into memory may give -1.
static unsigned long ok(const struct process *process, long result)
{
    if (result == -1 && errno != 0)
        fail("%c: ptrace: %s", letter(process), strerror(errno));
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
    ok(process,
       ptrace(PTRACE_POKETEXT, process->pid, process->bias + row->address,
              (look(process, row) & ~machine.bits) | bits));
}

// Whether a process has run into one of its traps: it now stands there, the
// trap is taken away, and the one where it stood before is back.
static bool trapped(struct process *process)
{
    unsigned long registers[64];
    struct iovec all = {registers, sizeof registers};
    ok(process, ptrace(PTRACE_GETREGSET, process->pid, NT_PRSTATUS, &all));
    registers[machine.counter] -= machine.behind;
    const struct row *row = process->rows;
    while (row <= process->last &&
           process->bias + row->address != registers[machine.counter])
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
        fail("%s: %s", file, strerror(errno));
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

// The calls that are known by name, and which argument makes the clock end
// the sleep, if it is not 0.
static const struct call {
    unsigned long number;
    const char *name;
    int timed;
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
    {SYS_nanosleep, "nanosleep", 1},
    {SYS_read, "read", 0},
    {SYS_write, "write", 0},
    {0, "a system call", 0},
};

// Says in words what a process sleeps in, and on which object: the word that
// a futex is lies in its memory, anything else has a descriptor.
static void describe(struct process *process)
{
    unsigned long said[7]; // the call and its arguments
    char *next = process->call, file[64], object[TEXT] = "", *line = NULL;
    for (int i = 0; i < 7; i++)
        said[i] = strtoul(next, &next, 0);
    const struct call *call = calls;
    while (call->number != 0 && call->number != said[0])
        call++;
    if (call->timed > 0 && said[call->timed] != 0)
        fail("%c sleeps by the clock, %s in line %d", letter(process),
             call->name, process->at->line);
    if (strcmp(call->name, "futex") == 0) {
        snprintf(file, sizeof file, "/proc/%d/maps", (int)process->pid);
        FILE *const maps = fopen(file, "re");
        size_t size = 0;
        while (maps && getline(&line, &size, maps) > 0)
            if (strtoul(line, &next, 16) <= said[1] &&
                said[1] < strtoul(next + 1, NULL, 16) &&
                (next = strrchr(line, '/')))
                snprintf(object, TEXT, "/%s",
                         next + (strncmp(next, "/sem.", 5) == 0 ? 5 : 1));
        free(line);
        if (maps)
            fclose(maps);
    } else {
        snprintf(file, sizeof file, "/proc/%d/fd/%lu", (int)process->pid,
                 said[1]);
        if (readlink(file, object, TEXT - 1) == -1)
            *object = '\0';
    }
    object[strcspn(object, "\n")] = '\0';
    snprintf(process->asleep, TEXT, "%s%s%s", call->name,
             *object == '/' ? " on " : "", *object == '/' ? object : "");
}

static void go_on(const struct process *process, int number)
{
    ok(process, ptrace(PTRACE_CONT, process->pid, 0, number));
}

// Waits until a process stands before a marked line, or is blocked: twice
// seen asleep in the same call; or has ended.
static void settle(struct process *process)
{
    const int from = process->at ? process->at->line : 0;
    char seen[TEXT] = "";
    for (long microseconds = 0; microseconds < patience * 1000000;) {
        if (waitpid(process->pid, &process->status, WNOHANG) == 0) {
            microseconds += rest() ? 500 : 0;
            if (!sleeps(process)) {
                *seen = '\0';
            } else if (strcmp(process->call, seen) == 0) {
                describe(process);
                process->state = BLOCKED;
                return;
            } else {
                memcpy(seen, process->call, TEXT);
            }
            continue;
        }
        if (!WIFSTOPPED(process->status)) {
            process->state = ENDED;
            process->pid = 0;
            return;
        }
        int number = WSTOPSIG(process->status);
        if (process->status >> 16 != 0)
            fail("%c starts another process, or program, in line %d",
                 letter(process), process->at ? process->at->line : 0);
        if (number == SIGSTOP || number == SIGTSTP || number == SIGTTOU)
            fail("%c has been stopped: %s", letter(process), strsignal(number));
        if (number == SIGTRAP && trapped(process)) {
            process->state = STANDS;
            if (process->at->text)
                return;
            microseconds += 25; // about what it takes
            number = 0;
        }
        go_on(process, number);
    }
    fail("%c has not come from line %d to a marked one in %ld s",
         letter(process), from, patience);
}

// Starts a process and lets it come to its first marked line.
static void start(struct process *process)
{
    process->at = NULL;
    process->pid = fork();
    if (process->pid == -1) {
        process->pid = 0;
        fail("fork: %s", strerror(errno));
    }
    if (process->pid == 0) {
        const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(nothing, STDIN_FILENO);
        if (mode < ASK) {
            dup2(nothing, STDOUT_FILENO);
            dup2(nothing, STDERR_FILENO);
        }
        setpgid(0, 0); // Ctrl-C is for turns
        sigprocmask(SIG_SETMASK, &untouched, NULL);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != -1)
            execv(process->command[0], process->command);
        _exit(errno);
    }
    waitpid(process->pid, &process->status, 0);
    if (!WIFSTOPPED(process->status)) {
        process->pid = 0;
        fail("%s, to be traced: %s", process->command[0],
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
    go_on(process, 0);
    settle(process);
    if (process->state == ENDED)
        fail("%c, %s, has ended before its first marked line", letter(process),
             process->command[0]);
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
        fail("no end after %d steps", STEPS);
    path[depth++].who = (int)(process - processes);
    go_on(process, 0);
    settle(process);
    for (int i = 0; i < n_processes; i++)
        if (processes[i].state == BLOCKED && !sleeps(&processes[i])) {
            settle(&processes[i]);
            i = -1; // perhaps this one has woken another
        }
}

static void make(struct object *object)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL;
    if (object->kind == 's') {
        object->semaphore =
            sem_open(object->name, flags, 0600, (unsigned)object->value);
        object->made = object->semaphore != SEM_FAILED;
    } else if (object->kind == 'q') {
        struct mq_attr shape = {.mq_maxmsg = object->value, .mq_msgsize = 8};
        object->queue = mq_open(object->name, flags, 0600, &shape);
        object->made = object->queue != (mqd_t)-1;
    } else {
        const int fd = shm_open(object->name, flags, 0600);
        object->made = fd != -1;
        if (object->made && ftruncate(fd, sizeof *object->memory) == 0) {
            object->memory = mmap(NULL, sizeof *object->memory,
                                  PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            atomic_store(object->memory, object->value);
            close(fd);
        }
    }
    if (!object->made)
        fail("making %s: %s", object->name, strerror(errno));
}

static long long value_of(const struct object *object)
{
    struct mq_attr shape = {0};
    int value = 0;
    if (object->kind == 's')
        sem_getvalue(object->semaphore, &value);
    else if (object->kind == 'q')
        mq_getattr(object->queue, &shape);
    else
        return atomic_load(object->memory);
    return value + shape.mq_curmsgs;
}

static void begin(void)
{
    begun = true;
    depth = 0;
    if (before && system(before) != 0)
        fail("%s: not done", before);
    for (int i = 0; i < n_objects; i++)
        make(&objects[i]);
    for (int i = 0; i < n_processes; i++)
        start(&processes[i]);
}

// Ends the processes and leaves nothing behind, whatever has happened.
static void finish(void)
{
    for (int i = 0; i < n_processes; i++)
        stop(&processes[i]);
    for (struct object *one = objects; one < objects + n_objects; one++) {
        if (!one->made)
            continue;
        one->made = false;
        if (one->kind == 's') {
            sem_close(one->semaphore);
            sem_unlink(one->name);
        } else if (one->kind == 'q') {
            mq_close(one->queue);
            mq_unlink(one->name);
        } else {
            munmap(one->memory, sizeof *one->memory);
            shm_unlink(one->name);
        }
    }
    if (begun && after && system(after) != 0)
        warnx("%s: not done", after);
    begun = false;
}

static enum end outcome(void)
{
    bool right = !expected || value_of(objects) == strtoll(expected, NULL, 10);
    for (int i = 0; i < n_processes; i++)
        right =
            right && processes[i].state == ENDED && processes[i].status == 0;
    for (int i = 0; i < n_processes; i++)
        if (processes[i].state == BLOCKED)
            return DEADLOCK;
    return right && (!judge || system(judge) == 0) ? RIGHT : WRONG;
}

// Says where a process is: before a line, in one in which it is blocked, or at
// its end, with which status unless it is 0, or by which signal.
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

// Shows the first word of that for each process, the values of the objects,
// and who has done what, or what has become of it.
static void show(const struct process *who, const char *did,
                 const struct row *what)
{
    for (int i = 0; i < n_processes; i++) {
        const char *const words = place(&processes[i]);
        printf("%-8.*s", (int)strcspn(words, " "), words);
    }
    for (int i = 0; i < n_objects; i++)
        printf("%*lld  ", (int)strlen(objects[i].name), value_of(&objects[i]));
    if (!who) {
        puts("start");
        return;
    }
    printf("%c%s %d: ", letter(who), did, what->line);
    if (who->state == BLOCKED)
        printf("blocked in %s\n", who->asleep);
    else if (who->state == ENDED && who->status != 0 && *did == '\0')
        printf("%s, %s\n", what->text, place(who));
    else
        puts(what->text);
}

static void show_head(void)
{
    for (int i = 0; i < n_processes; i++)
        printf("%-8c", 'A' + i);
    for (int i = 0; i < n_objects; i++)
        printf("%s%s", i == 0 ? "" : "  ", objects[i].name);
    puts("");
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
    if (ending)
        printf("], \"end\": \"%s\"}", ending);
    else
        printf("]}");
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
        const int who = (key & ~' ') - 'A'; // "a" is A, too
        if (key == 'u' && depth > 0)
            return -1;
        if (who >= 0 && who < n_processes && (can >> who & 1) != 0)
            return who;
        if (key != '\n')
            puts("the letter of one that can go; u undoes, q quits");
    }
}

// Plays one order: the steps that are given, then what is left, as it is
// asked for, or else in order.
static enum end play(int given)
{
    const struct process *who = NULL;
    const struct row *from = NULL;
    enum end end = RIGHT;
    begin();
    for (int shown = 0;;) {
        struct step *const step = &path[depth];
        const unsigned could = step->can;
        step->can = 0;
        for (int i = 0; i < n_processes; i++)
            step->can |= (processes[i].state == STANDS ? 1U : 0U) << i;
        if (depth < given && could != 0 && could != step->can)
            fail("the same steps lead somewhere else this time: the programs "
                 "depend on chance");
        if (step->can == 0)
            end = outcome();
        if (mode >= ASK && depth >= shown)
            show(who, "", from);
        if (mode >= ASK && step->can == 0)
            puts(ends[end]);
        if (mode == TREE && depth >= given)
            put_state(step->can == 0 ? ends[end] : NULL);
        if (step->can == 0 && mode != ASK)
            break;
        if (depth >= given)
            step->who = mode == ASK ? ask(step->can) : ffs((int)step->can) - 1;
        if (step->who == -1) { // undo: all steps but the last, once again
            given = shown = depth - 1;
            who = NULL;
            finish();
            begin();
            continue;
        }
        who = &processes[step->who];
        from = who->at;
        if (who->state != STANDS)
            fail("%c cannot go: %s", letter(who), place(who));
        go(&processes[step->who]);
    }
    finish();
    return end;
}

// Prints what a tree begins with: the programs, with their marked lines.
static void put_programs(void)
{
    for (int i = 0; i < n_processes; i++) {
        const struct process *const one = &processes[i];
        const char *const slash = strrchr(one->command[0], '/');
        const char *between = ", \"lines\": {";
        printf(i == 0 ? "{\"processes\": [\n" : "}},\n");
        printf("{\"program\": ");
        put_json(slash ? slash + 1 : one->command[0]);
        for (struct row *row = one->rows; row <= one->last; row++) {
            if (!row->text)
                continue;
            printf("%s\"%d\": ", between, row->line);
            put_json(row->text);
            between = ", ";
        }
    }
    printf("}}],\n\"objects\": [");
    for (int i = 0; i < n_objects; i++) {
        const int kind = objects[i].kind;
        printf(i == 0 ? "{\"name\": " : ", {\"name\": ");
        put_json(objects[i].name);
        printf(", \"kind\": \"%s\"}", kind == 'm'   ? "memory"
                                      : kind == 's' ? "semaphore"
                                                    : "queue");
    }
    printf("],\n\"states\": {");
}

// Plays every order, depth first: the next one differs in the last step that
// can be another one. Counts them, or prints all states.
static int explore(void)
{
    long orders = 0, counts[3] = {0};
    char first[3][STEPS + 1] = {""};
    if (mode == TREE)
        put_programs();
    bool more = true;
    for (int given = 0; more; orders++) {
        const enum end end = play(given);
        if (counts[end]++ == 0)
            snprintf(first[end], sizeof first[end], "%s", word());
        unsigned untried = 0;
        while (untried == 0 && --depth >= 0)
            untried = path[depth].can >> (path[depth].who + 1);
        if (depth >= 0)
            path[depth].who += ffs((int)untried);
        given = depth + 1;
        more = depth >= 0;
    }
    if (mode == TREE) {
        puts("\n}}");
        return 0;
    }
    printf("%ld orders, %ld wrong, %ld deadlocks\n", orders, counts[WRONG],
           counts[DEADLOCK]);
    for (int end = WRONG; end <= DEADLOCK; end++)
        if (counts[end] > 0)
            printf("first %s: %s\n", ends[end], first[end]);
    return counts[RIGHT] < orders;
}

// Kills the first process before each of its marked lines, and lets the others
// go on to their ends.
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
    "Processes go on, one at a time, from one line that ends in // TURN to\n"
    "the next one. ORDER is a word like ABBA: who goes at each step (what it\n"
    "leaves runs on in order); or\n"
    "  all     every order: how many there are, and how many go wrong\n"
    "  crash   the first process is killed before each of its lines\n"
    "  ask     a letter a step; u undoes, q quits\n"
    "  tree    all states, as JSON\n"
    "Options (objects are made anew for each order, and removed):\n"
    "  -n N               processes of each program (2 of a single one)\n"
    "  -m /NAME[=VALUE]   8 bytes of shared memory\n"
    "  -s /NAME=VALUE     a semaphore\n"
    "  -q /NAME=MAX       a queue for MAX messages of 8 bytes\n"
    "  -b COMMAND, -a COMMAND   is run before, or after, each order\n"
    "  -e VALUE           an end is right if the first object has this value\n"
    "  -j COMMAND         an end is right if this command exits with 0\n"
    "  -t SECONDS         that a step may take (10)\n"
    "All processes must exit with 0, too. These are orders of lines, one "
    "after\n"
    "the other: what compilers and processors reorder is not seen, and "
    "nothing\n"
    "is proved.\n";

static long to_number(const char *text, long least)
{
    char *end = NULL;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < least)
        errx(2, "%s: not a number from %ld on", text, least);
    return value;
}

static void add_object(int kind, char *text)
{
    char *const equals = strchr(text, '=');
    if (*text != '/' || (!equals && kind != 'm') || n_objects == MOST)
        errx(2, "-%c %s: not like /NAME=VALUE, or one too many", kind, text);
    const long value = equals ? to_number(equals + 1, kind == 'q') : 0;
    if (equals)
        *equals = '\0';
    objects[n_objects++] =
        (struct object){.kind = kind, .name = text, .value = value};
}

// Takes the programs with their arguments; -- is between two of them.
static void add_programs(char **words, long copies)
{
    for (char **next = words; next; words = next) {
        for (next = words; *next && strcmp(*next, "--") != 0; next++)
            ;
        if (next == words)
            errx(2, "a program is missing, before or after --");
        char **const following = *next ? next + 1 : NULL;
        *next = NULL;
        next = following;
        struct process process = {.command = words};
        learn(&process);
        if (copies == 0)
            copies = next || n_processes > 0 ? 1 : 2;
        for (long i = 0; i < copies; i++) {
            if (n_processes == MOST)
                errx(2, "more than %d processes", MOST);
            processes[n_processes++] = process;
        }
    }
}

int main(int argc, char **argv)
{
    long copies = 0;
    opterr = 0;
    const char *const options = "+n:m:s:q:b:a:e:j:t:h";
    for (int option; (option = getopt(argc, argv, options)) != -1;)
        if (option == 'h')
            return fputs(help, stdout) == EOF;
        else if (option == '?')
            errx(2, "-%c: turns -h says how it is used", optopt);
        else if (option == 'n')
            copies = to_number(optarg, 1);
        else if (option == 't')
            patience = to_number(optarg, 1);
        else if (option == 'b')
            before = optarg;
        else if (option == 'a')
            after = optarg;
        else if (option == 'j')
            judge = optarg;
        else if (option == 'e')
            expected = optarg;
        else
            add_object(option, optarg);
    if (argc - optind < 2)
        errx(2, "an order and a program are needed: turns -h says more");
    if (expected && (to_number(expected, LONG_MIN), n_objects == 0))
        errx(2, "-e %s: there is no object", expected);
    if (!machine.format)
        errx(2, "works on x86-64, i386 and aarch64 only");
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    add_programs(argv + optind + 1, copies);

    const int ours[] = {SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM};
    sigemptyset(&waited);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaddset(&waited, ours[i]);
    sigprocmask(SIG_BLOCK, &waited, &untouched);
    atexit(finish);

    const char *const order = argv[optind];
    while (mode < WORD && strcmp(order, modes[mode]) != 0)
        mode++;
    int given = 0;
    for (; mode == WORD && order[given] != '\0'; given++) {
        path[given].who = order[given] - 'A';
        if (given == STEPS || path[given].who < 0 ||
            path[given].who >= n_processes)
            errx(2, "%s: not all, tree, crash, ask, or letters from A to %c",
                 order, 'A' + n_processes - 1);
    }
    if (mode >= CRASH)
        show_head();
    const int status = mode == CRASH ? crash(&processes[0])
                       : mode >= ASK ? play(given) != RIGHT
                                     : explore();
    if (fflush(stdout) == EOF || ferror(stdout))
        err(2, "write to standard output");
    return status;
}
