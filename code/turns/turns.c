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
#include <ctype.h>
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
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

// Of each processor: the instruction that traps, which word of the registers
// is the program counter, and how far behind that instruction it then is.
#if defined __x86_64__ || defined __i386__
static const unsigned char trap[] = {0xcc}; // int3
enum { COUNTER = sizeof(long) == 8 ? 16 : 12, BEHIND = 1 };
#elif defined __aarch64__
static const unsigned char trap[] = {0x00, 0x00, 0x20, 0xd4}; // brk
enum { COUNTER = 32, BEHIND = 0 };
#else // unknown to turns: a program dies of its first trap
static const unsigned char trap[] = {0};
enum { COUNTER = 0, BEHIND = 0 };
#endif

// What sleep() calls: SYS_nanosleep in musl, in glibc another one.
#ifndef SYS_clock_nanosleep_time64 // there is one only on 64 bit
#define SYS_clock_nanosleep_time64 SYS_clock_nanosleep
#endif

enum { MOST = 8, STEPS = 200, LINES = 1000 };

// Where a line of the source begins. There is a trap at each of them, marked
// or not: so a process that has left a line stops before it can come there
// again, and its trap is put back.
struct row {
    unsigned long address;
    int line;
    const char *text; // of a marked line, else empty
    long original;    // what was there before the trap
};

static struct process {
    char **command, *texts;
    struct row rows[LINES + 1]; // the last one has no address
    enum { ENDED, STANDS, BLOCKED } state;
    pid_t pid;
    int status;
    unsigned long base;     // of its addresses
    unsigned long argument; // of the system call in which it sleeps
    const struct row *at;   // where it has stopped last: no trap is there
} processes[MOST];

static struct object {
    const char *name;
    int kind, value; // the letter of its option
    sem_t *semaphore;
    _Atomic int64_t *memory;
} objects[MOST];

enum { RIGHT, WRONG, DEADLOCK };
static const char *const ends[] = {"right", "wrong", "deadlock"};

static char order[STEPS + 1];     // a letter a step: who goes
static unsigned could[STEPS + 1]; // who could have gone instead, a bit each
static int depth;                 // the steps so far
static struct process *last;      // who has gone last
static const struct row *from;    // and from where
static const char *options['t' + 1];
static int n_processes, n_objects, n_made, patience, wanted;
static bool all, silent, begun, judged;
static sigset_t waited, untouched;

static void ok(bool done, const char *what)
{
    if (!done)
        err(2, "after \"%.*s\": %s", depth, order, what);
}

static _Noreturn void fail(int status, const char *what)
{
    errx(status, "after \"%.*s\": %s", depth, order, what);
}

// Waits until something happens to a process, half a millisecond at most;
// returns whether nothing has. No signal is handled, all are waited for: so
// one that ends turns may call exit(), and nothing is left behind.
static bool rest(void)
{
    const struct timespec moment = {.tv_nsec = 500000};
    const int number = sigtimedwait(&waited, NULL, &moment);
    if (number == SIGALRM)
        fail(2, "no marked line is reached in time");
    if (number > 0 && number != SIGCHLD)
        fail(128 + number, strsignal(number));
    return number == -1;
}

// Prints where the lines of $PROGRAM begin: address, number, and, of marked
// ones, the text. The source is beside the program, or where the compiler was
// given it, seen from here or from the folder above. Where there is no
// objdump, what it would print may lie beside the program, too.
static const char table[] =
    "exec 2>/dev/null\n"
    "(cat \"$PROGRAM.lines\" || objdump -w --dwarf=decodedline \"$PROGRAM\") |"
    "awk '\n"
    "/^CU: / {\n"
    "    split(\"\", mark)\n"
    "    name = base = substr($0, 5, length - 5); sub(/.*\\//, \"\", base)\n"
    "    beside = ENVIRON[\"PROGRAM\"]; sub(/[^\\/]*$/, base, beside)\n"
    "    split(beside \"\\n\" name \"\\n../\" name, file, \"\\n\")\n"
    "    for (i = line = 0; !line && ++i <= 3;)\n"
    "        while ((getline text < file[i]) > 0)\n"
    "            if (++line && sub(/ *\\/\\/ TURN$/, \"\", text)) {\n"
    "                sub(/^ */, \"\", text)\n"
    "                mark[line] = unseen[line] = text\n"
    "            }\n"
    "}\n"
    "$NF == \"x\" && index(name, $1) {\n"
    "    delete unseen[$2]\n"
    "    if ($3 == address[n]) n-- # nothing is left of the former line\n"
    "    if ($2 == number[n]) next\n"
    "    number[++n] = $2; address[n] = $3; marked[n] = mark[$2]\n"
    "}\n"
    "END {\n"
    "    for (i = 1; i <= n; i++)\n"
    "        print address[i], number[i], marked[i]\n"
    "    for (i in unseen) print 0, i, \"\"\n"
    "}'";

static void learn(struct process *who)
{
    const char *const name = who->command[0];
    size_t size = 0, marked = 0;
    if (access(name, X_OK) == -1)
        err(2, "%s", name);
    setenv("PROGRAM", name, 1);
    FILE *const output = popen(table, "re");
    if (!output)
        err(2, "popen");
    const bool empty = getdelim(&who->texts, &size, '\0', output) <= 0;
    char *next = who->texts;
    for (struct row *row = who->rows; !empty && *next != '\0'; row++) {
        if (row == &who->rows[LINES])
            errx(2, "%s: too long", name);
        row->address = strtoul(next, &next, 16);
        row->line = (int)strtol(next, &next, 10);
        row->text = strsep(&next, "\n") + 1;
        marked += strlen(row->text);
        if (row->address == 0)
            errx(2, "%s: no statement begins in line %d", name, row->line);
    }
    pclose(output);
    if (marked == 0)
        errx(2, "%s: no marked lines: turns -h says what is needed", name);
}

static void trace(unsigned request, const struct process *who,
                  unsigned long address, unsigned long data)
{
    ok(ptrace(request, who->pid, address, data) != -1, "ptrace");
}

static long peek(const struct process *who, unsigned long place)
{
    errno = 0; // for -1 may well be what is there
    const long code = ptrace(PTRACE_PEEKTEXT, who->pid, place, 0);
    ok(errno == 0, "ptrace");
    return code;
}

static void set_trap(const struct process *who, const struct row *row, bool on)
{
    const unsigned long place = who->base + row->address;
    long code = peek(who, place);
    memcpy(&code, on ? (const void *)trap : &row->original, sizeof trap);
    trace(PTRACE_POKETEXT, who, place, (unsigned long)code);
}

// Whether a process has run into one of its traps. It now stands there: that
// trap is taken away, and the one where it stood before is put back.
static bool trapped(struct process *who)
{
    unsigned long registers[64];
    struct iovec vector = {registers, sizeof registers};
    trace(PTRACE_GETREGSET, who, NT_PRSTATUS, (unsigned long)&vector);
    const unsigned long place = registers[COUNTER] -= BEHIND;
    const struct row *row = who->rows;
    while (row->address != 0 && who->base + row->address != place)
        row++;
    if (row->address == 0)
        return false;
    trace(PTRACE_SETREGSET, who, NT_PRSTATUS, (unsigned long)&vector);
    if (who->at)
        set_trap(who, who->at, true);
    set_trap(who, row, false);
    who->at = row;
    return true;
}

static char *read_proc(const struct process *who, const char *name)
{
    static char text[65536];
    snprintf(text, sizeof text, "/proc/%d/%s", (int)who->pid, name);
    FILE *const file = fopen(text, "re");
    if (!file)
        err(2, "%s", text);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

// Whether a process sleeps in a system call, just now, and not by the clock.
static bool sleeps(struct process *who)
{
    if (!strstr(read_proc(who, "stat"), ") S "))
        return false;
    const char *const line = read_proc(who, "syscall"); // "202 0x7f12..."
    char *next;
    const long call = strtol(line, &next, 10);
    who->argument = strtoul(next, NULL, 16);
    return next != line && call >= 0 && call != SYS_nanosleep &&
           call != SYS_clock_nanosleep_time64;
}

// Says on what it sleeps: a futex is a word of shared memory, and what is
// mapped there has a name.
static const char *obstacle(const struct process *who)
{
    static char text[1024];
    char *maps = read_proc(who, "maps"), *end;
    snprintf(text, sizeof text, "blocked");
    for (char *line = strsep(&maps, "\n"); line; line = strsep(&maps, "\n")) {
        const char *const file = strchr(line, '/');
        if (file && strstr(line, "rw-s") &&
            strtoul(line, &end, 16) <= who->argument &&
            who->argument < strtoul(end + 1, NULL, 16))
            snprintf(text, sizeof text, "blocked on %s", file);
    }
    return text;
}

// Where a program may lie anywhere, its addresses count from its beginning.
// What lies first in the memory may be another file: the dynamic linker.
static unsigned long base_of(const struct process *who)
{
    char link[32], program[4096] = "";
    snprintf(link, sizeof link, "/proc/%d/exe", (int)who->pid);
    ok(readlink(link, program, sizeof program - 1) != -1, link);
    char *maps = read_proc(who, "maps"), *line = strsep(&maps, "\n");
    while (line && strcmp(line + strcspn(line, "/"), program) != 0)
        line = strsep(&maps, "\n");
    const unsigned long base = line ? strtoul(line, NULL, 16) : 0;
    return who->rows->address < base ? base : 0;
}

// Waits until a process stands before a marked line, has ended, or is blocked:
// has been seen asleep twice, half a millisecond apart.
static void settle(struct process *who)
{
    alarm((unsigned)patience);
    for (int looks = 0; looks < 2;) {
        if (waitpid(who->pid, &who->status, WNOHANG) == 0) {
            if (rest())
                looks = sleeps(who) ? looks + 1 : 0;
            continue;
        }
        who->state = WIFSTOPPED(who->status) ? STANDS : ENDED;
        if (WIFSIGNALED(who->status) && !all)
            warnx("%s: %s", who->command[0], strsignal(WTERMSIG(who->status)));
        if (who->state == ENDED)
            return;
        unsigned number = (unsigned)WSTOPSIG(who->status);
        if (who->status >> 16 != 0 || number == SIGSTOP)
            fail(2, "starts another process or program, or is stopped");
        if (number == SIGTRAP && trapped(who)) {
            if (*who->at->text != '\0')
                return;
            number = 0;
        }
        trace(PTRACE_CONT, who, 0, number);
    }
    who->state = BLOCKED;
}

// Starts a process, puts its traps, and lets it come to its first mark.
static void start(struct process *who)
{
    const char *const name = who->command[0];
    who->pid = fork();
    ok(who->pid != -1, "fork");
    if (who->pid == 0) {
        const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (all && nothing != -1) {
            dup2(nothing, STDOUT_FILENO);
            dup2(nothing, STDERR_FILENO);
        }
        setpgid(0, 0); // Ctrl-C is for turns
        sigprocmask(SIG_SETMASK, &untouched, NULL);
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) != -1)
            execv(name, who->command);
        _exit(errno);
    }
    who->state = STANDS;
    who->at = NULL;
    waitpid(who->pid, &who->status, 0);
    if (!WIFSTOPPED(who->status))
        errx(2, "%s: %s", name, strerror(WEXITSTATUS(who->status)));
    trace(PTRACE_SETOPTIONS, who, 0,
          PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
              PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
    who->base = base_of(who);
    for (struct row *row = who->rows; row->address != 0; row++) {
        row->original = peek(who, who->base + row->address);
        set_trap(who, row, true);
    }
    trace(PTRACE_CONT, who, 0, 0);
    settle(who);
    if (who->state == ENDED || !who->at)
        errx(2, "%s comes to no marked line", name);
}

static void stop(struct process *who)
{
    if (who->state == ENDED)
        return;
    kill(-who->pid, SIGKILL); // and what it has started
    while (waitpid(-who->pid, &who->status, __WALL) > 0)
        ;
    who->state = ENDED;
}

// A step: one process goes on, and so do those that it wakes; a small letter
// kills it.
static void step(void)
{
    const int letter = (unsigned char)order[depth];
    const int number = toupper(letter) - 'A';
    if (number < 0 || number >= n_processes ||
        processes[number].state != STANDS)
        errx(2, "after \"%.*s\": %c cannot go", depth, order, letter);
    if (++depth > STEPS)
        fail(2, "no end in sight");
    last = &processes[number];
    from = last->at;
    if (islower(letter)) {
        stop(last); // that may wake somebody, too: its locks are free
    } else {
        trace(PTRACE_CONT, last, 0, 0);
        settle(last);
    }
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
        ok(object->semaphore != SEM_FAILED, object->name);
        n_made++;
        return;
    }
    const int fd = shm_open(object->name, flags, 0600);
    ok(fd != -1, object->name);
    n_made++;
    errno = posix_fallocate(fd, 0, 8); // where there is no room, it says so
    ok(errno == 0, object->name);
    object->memory = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ok(object->memory != MAP_FAILED, object->name);
    close(fd);
    atomic_store(object->memory, object->value);
}

static void begin(void)
{
    begun = true;
    depth = 0;
    while (n_made < n_objects)
        make(&objects[n_made]);
    for (int i = 0; i < n_processes; i++)
        start(&processes[i]);
}

// Leaves nothing behind, whatever has happened.
static void finish(void)
{
    for (int i = 0; i < n_processes; i++)
        stop(&processes[i]);
    alarm(0); // the last step is over
    if (begun)
        judged = !options['j'] || system(options['j']) == 0;
    begun = false;
    while (n_made > 0) {
        const struct object *const one = &objects[--n_made];
        if (one->kind == 's') {
            sem_close(one->semaphore);
            sem_unlink(one->name);
        } else {
            munmap(one->memory, 8);
            shm_unlink(one->name);
        }
    }
}

static int64_t value_of(const struct object *object)
{
    int value = 0;
    if (object->kind == 'm')
        return atomic_load(object->memory);
    sem_getvalue(object->semaphore, &value);
    return value;
}

static int to_number(const char *text)
{
    char *end;
    const long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value != (int)value)
        errx(2, "%s: not a number", text);
    return (int)value;
}

static int outcome(void)
{
    bool blocked = false, right = true;
    if (options['e'])
        right = value_of(objects) == wanted;
    for (int i = 0; i < n_processes; i++) {
        blocked = blocked || processes[i].state == BLOCKED;
        right = right && processes[i].status == 0;
    }
    finish();
    return blocked ? DEADLOCK : right && judged ? RIGHT : WRONG;
}

static void show_heading(void)
{
    for (int i = 0; i < n_processes; i++)
        printf("%-8c", 'A' + i);
    for (int i = 0; i < n_objects; i++)
        printf("%s  ", objects[i].name);
    puts("step");
}

// Shows before which line each process stands, or in which it is blocked, in
// brackets; the values; and the last step.
static void show(void)
{
    for (int i = 0; i < n_processes; i++) {
        const struct process *const one = &processes[i];
        char place[16];
        snprintf(place, sizeof place, one->state == BLOCKED ? "[%d]" : "%d",
                 one->at->line);
        printf("%-8s", one->state != ENDED        ? place
                       : WIFSIGNALED(one->status) ? "died"
                       : one->status == 0         ? "ended"
                                                  : "failed");
    }
    for (int i = 0; i < n_objects; i++)
        printf("%*" PRId64 "  ", (int)strlen(objects[i].name),
               value_of(&objects[i]));
    if (depth == 0) {
        puts("start");
        return;
    }
    printf("%.*s %d: %s\n", all ? depth : 1, &order[all ? 0 : depth - 1],
           from->line, last->state == BLOCKED ? obstacle(last) : from->text);
}

// Plays one order: the steps that are given, and, if all are played, the rest
// as it comes. Shows what is new; returns how it has ended.
static int play(int given)
{
    begin();
    for (;;) {
        unsigned can = 0;
        for (int i = 0; i < n_processes; i++)
            can |= (processes[i].state == STANDS ? 1U : 0U) << i;
        if (could[depth] != 0 && could[depth] != can && depth < given)
            fail(2, "not as it was before: do the programs depend on chance?");
        could[depth] = can;
        if (!silent && (depth >= given || !all))
            show();
        if (can == 0 || (depth == given && !all))
            break;
        if (depth >= given)
            order[depth] = (char)('A' + ffs((int)can) - 1);
        step();
    }
    const bool over = could[depth] == 0;
    const int end = outcome();
    if (over && !silent)
        puts(ends[end]);
    return over ? end : RIGHT;
}

// Plays every order, depth first: the next one differs in the last step that
// can be another one.
static int explore(void)
{
    long orders = 0, counts[3] = {0};
    char first[3][STEPS + 1] = {""};
    int given = 0;
    do {
        const int end = play(given);
        if (counts[end]++ == 0)
            memcpy(first[end], order, (size_t)depth);
        orders++;
        unsigned untried = 0;
        while (untried == 0 && --depth >= 0)
            untried = could[depth] >> (order[depth] - 'A' + 1);
        if (untried != 0)
            order[depth] = (char)(order[depth] + ffs((int)untried));
        given = depth + 1;
    } while (given > 0);
    printf("%ld orders, %ld wrong, %ld deadlocks\n", orders, counts[WRONG],
           counts[DEADLOCK]);
    for (int end = WRONG; end <= DEADLOCK; end++)
        if (counts[end] > 0)
            printf("first %s: %s\n", ends[end], first[end]);
    return counts[RIGHT] < orders;
}

static const char help[] =
    "usage: turns [OPTION]... ORDER PROGRAM [ARG]... [-- PROGRAM [ARG]...]...\n"
    "ORDER is a word like ABBA: who goes on, at each step, to the next line\n"
    "that ends in // TURN; a small letter kills. Or it is\n"
    "  all, tree       every order; every state\n"
    "  -m /NAME=VALUE  8 bytes of shared memory\n"
    "  -s /NAME=VALUE  a semaphore\n"
    "  -e VALUE        an end is right where the first of these has it\n"
    "  -j COMMAND      is run after each order, and must exit with 0\n"
    "  -t SECONDS      that a step may take (10)\n"
    "Programs need cc -g, objdump, and their source beside them.\n"
    "These are orders of lines, one after the other: what compilers and\n"
    "processors reorder is not seen, and nothing is proved.\n";

static void add_object(int kind, char *text)
{
    char *const equals = strchr(text, '=');
    if (!equals || n_objects == MOST)
        errx(2, "-%c %s: not like /NAME=VALUE, or one too many", kind, text);
    *equals = '\0';
    objects[n_objects++] = (struct object){
        .kind = kind, .name = text, .value = to_number(equals + 1)};
}

int main(int argc, char **argv)
{
    for (int letter; (letter = getopt(argc, argv, "+m:s:e:j:t:h")) != -1;)
        if (letter == '?')
            return 2;
        else if (letter == 'm' || letter == 's')
            add_object(letter, optarg);
        else
            options[letter] = letter == 'h' ? help : optarg;
    if (options['h'])
        return fputs(help, stdout) == EOF;
    patience = to_number(options['t'] ? options['t'] : "10");
    wanted = to_number(options['e'] ? options['e'] : "0");
    if (options['e'] && n_objects == 0)
        errx(2, "-e %s: there is no object", options['e']);
    if (argc - optind < 2)
        errx(2, "an order and a program are needed: turns -h says more");

    // The programs with their arguments: -- is before each but the first.
    const char *const what = argv[optind];
    for (char **words = argv + optind; *words;) {
        *words++ = NULL;
        if (!*words || n_processes == MOST)
            errx(2, "a program is missing after --, or more than %d", MOST);
        processes[n_processes].command = words;
        learn(&processes[n_processes++]);
        while (*words && strcmp(*words, "--") != 0)
            words++;
    }
    if (n_processes == 1)
        processes[n_processes++] = processes[0];

    const int ours[] = {SIGALRM, SIGCHLD, SIGHUP, SIGINT,
                        SIGPIPE, SIGQUIT, SIGTERM};
    sigemptyset(&waited);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaddset(&waited, ours[i]);
    sigprocmask(SIG_BLOCK, &waited, &untouched);
    atexit(finish);

    silent = strcmp(what, "all") == 0;
    all = silent || strcmp(what, "tree") == 0;
    if (!silent)
        show_heading();
    if (snprintf(order, sizeof order, "%s", what) > STEPS)
        errx(2, "%s: longer than %d steps", what, STEPS);
    const int status = all ? explore() : play((int)strlen(order)) != RIGHT;
    if (fflush(stdout) == EOF || ferror(stdout))
        err(2, "write to standard output");
    return status;
}
