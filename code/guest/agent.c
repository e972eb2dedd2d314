// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief Serve terminals over one line, and say what the kernel sees of them.
 *
 * The first process of the Linux in the page: there the line is /dev/ttyS1.
 * Started by anybody else, it serves on its standard input and output.
 *
 * Both sides speak in frames: kind, terminal, length (two bytes, the lower one
 * first), and so many bytes more.
 *
 * To the agent:
 *   O  open a terminal: user ID, echo (0 or 1), rows, columns, folder, command
 *      and arguments, nothing, environment; a zero byte ends each
 *   I  what is typed                R  rows and columns, as text
 *   C  end all that runs in it      D  the time, in seconds, as text
 *   Q  a question; "all" asks for what has been told before, too
 * From it:
 *   p  opened; the PID of the shell o  what is printed
 *   x  nobody is left to print      a  the answer, as JSON
 *   r  the same, unasked, when it has become another one
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64 // an address is an offset in a memory
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
    TERMINALS = 32,
    LONGEST = 65535, // payload of a frame
    CLOSING = 64,    // room for the end of an answer
    MOST = 1 << 17,  // of what a terminal prints, at a time
    KNOWN = 256,     // processes of which is remembered what was told
    QUIET = 10,      // milliseconds after which a change is told
    AGAIN = 70, // after which to look again: not in step with who sleeps for
                // a tenth of a second
};

static struct {
    int master;  // of the pseudo-terminal, or 0
    pid_t shell; // and its session
} terminals[TERMINALS];

// The answer, as far as it is written.
static char text[LONGEST];
static size_t length;
static bool full;

// Checksums of what was told: of each process, so that what is still so is
// not told again, and of all of it.
static struct known {
    int pid;
    uint64_t sum;
} known[KNOWN];
static uint64_t told, seen;

static void send_frame(char kind, size_t terminal, const void *data,
                       size_t size)
{
    const unsigned char head[] = {(unsigned char)kind, (unsigned char)terminal,
                                  (unsigned char)size,
                                  (unsigned char)(size >> 8)};
    fwrite(head, 1, sizeof head, stdout);
    fwrite(data, 1, size, stdout);
    if (fflush(stdout) == EOF)
        err(EXIT_FAILURE, "write to the other side");
}

/// Add to the answer. What does not fit any more is noted in "full".
static void add(const char *more)
{
    const size_t size = strlen(more);
    full |= size > sizeof text - length;
    memcpy(text + length, more, full ? 0 : size);
    length += full ? 0 : size;
}

/// Return whether what begins here fits, with the end of the answer behind it;
/// if not, leave it out.
static bool fits(size_t begin)
{
    const bool all = !full && length + CLOSING < sizeof text;
    length = all ? length : begin;
    full = false;
    return all;
}

/// Add a JSON string.
static void add_string(const char *from, size_t size)
{
    add("\"");
    for (size_t i = 0; i < size; i++) {
        char piece[8] = {from[i]};
        if (from[i] == '"' || from[i] == '\\')
            add("\\");
        else if (iscntrl((unsigned char)from[i]))
            snprintf(piece, sizeof piece, "\\u%04x", (unsigned char)from[i]);
        add(piece);
    }
    add("\"");
}

/// Add the name of what follows.
static void add_name(const char *name)
{
    add(text[length - 1] == '{' ? "" : ",");
    add_string(name, strlen(name));
    add(":");
}

/// Read a file of a folder. Return its size, or -1; a zero byte ends the text
/// in any case.
static ssize_t read_file(int folder, const char *name, char *into, size_t room)
{
    ssize_t size = 0, more = -1;
    const int fd =
        openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    while (fd != -1 && (size_t)size + 1 < room &&
           (more = read(fd, into + size, room - 1 - (size_t)size)) > 0)
        size += more;
    if (fd != -1)
        close(fd);
    into[size] = '\0';
    return more == -1 ? -1 : size;
}

/// Return where the given number of words ends.
static size_t words(const char *from, int number)
{
    const char *at = from;
    for (; number > 0 && *at; number--) {
        at += strspn(at, " ");
        at += strcspn(at, " \n");
    }
    return (size_t)(at - from);
}

/// Keep of /proc/PID/status the lines that tell one sleep from another.
static void keep_sleep(char *status)
{
    char *to = status;
    for (char *line = status, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        end += *end == '\n';
        if (!strncmp(line, "State:", 6) || !strncmp(line, "TracerPid:", 10) ||
            !strncmp(line, "voluntary_ctxt_switches:", 24)) {
            memmove(to, line, (size_t)(end - line));
            to += end - line;
        }
    }
    *to = '\0';
}

/// Add the files that a process has mapped and shares, as lines of its maps.
static void add_maps(const char *maps)
{
    static char kept[4096];
    size_t size = 0;
    for (const char *line = maps, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        end += *end == '\n';
        const char *const right = strchr(line, ' ');
        if (right && right[4] == 's' &&
            memchr(line, '/', (size_t)(end - line)) &&
            size + (size_t)(end - line) < sizeof kept) {
            memcpy(kept + size, line, (size_t)(end - line));
            size += (size_t)(end - line);
        }
    }
    add(",\"maps\":");
    add_string(kept, size);
}

/// Do something for each name in a folder, if it is there, and ours.
static void each(int above, const char *name, void (*deed)(int, const char *))
{
    const int fd = openat(above, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    DIR *const folder = fd == -1 ? NULL : fdopendir(fd);
    for (struct dirent *one; folder && (one = readdir(folder));)
        deed(fd, one->d_name);
    if (folder)
        closedir(folder);
}

/// Add where a descriptor of a process leads.
static void add_descriptor(int folder, const char *name)
{
    char target[PATH_MAX];
    const ssize_t size = readlinkat(folder, name, target, sizeof target);
    if (size < 0)
        return; // "." and "..", or closed meanwhile
    add_name(name);
    add_string(target, (size_t)size);
}

/// Add the path of what a process is about to open: a FIFO makes it wait.
static void add_path(int process, const char *call)
{
    char *at, name[PATH_MAX];
    const long number = strtol(call, &at, 10);
    const unsigned long first = strtoul(at, &at, 16);
    const unsigned long second = strtoul(at, &at, 16);
    bool opens = number == SYS_openat;
#ifdef SYS_open // newer architectures do without
    opens |= number == SYS_open;
#endif
    const int memory =
        opens ? openat(process, "mem", O_RDONLY | O_CLOEXEC) : -1;
    if (memory == -1)
        return;
    const ssize_t size = pread(memory, name, sizeof name,
                               (off_t)(number == SYS_openat ? second : first));
    if (size > 0) {
        add(",\"path\":");
        add_string(name, strnlen(name, (size_t)size));
    }
    close(memory);
}

/// Add what sleeps and waits in a process.
static void add_sleep(int process)
{
    static char maps[1 << 16];
    char call[2][256], status[2][4096], command[PATH_MAX];
    for (int time = 0; time < 2; time++) {
        read_file(process, "syscall", call[time], sizeof *call);
        read_file(process, "status", status[time], sizeof *status);
        keep_sleep(status[time]);
    }
    const bool same =
        !strcmp(call[0], call[1]) && !strcmp(status[0], status[1]);
    const char *const shown = same ? call[0] : "running";
    const ssize_t size = read_file(process, "cmdline", command, sizeof command);
    add(",\"cmdline\":");
    add_string(command, size > 0 ? (size_t)size : 0);
    add(",\"status\":");
    add_string(status[0], strlen(status[0]));
    add(",\"syscall\":");
    add_string(shown, words(shown, 7));
    read_file(process, "maps", maps, sizeof maps);
    add_maps(maps);
    add(",\"fd\":{");
    each(process, "fd", add_descriptor);
    add("}");
    add_path(process, shown);
}

/// Return a checksum (FNV-1a) of the answer from here on.
static uint64_t checksum(size_t from)
{
    uint64_t sum = 14695981039346656037u;
    for (size_t i = from; i < length; i++)
        sum = (sum ^ (unsigned char)text[i]) * 1099511628211u;
    return sum;
}

static bool is_shell(int pid)
{
    for (size_t i = 0; i < TERMINALS; i++)
        if (terminals[i].shell == pid)
            return true;
    return false;
}

/// Add a process if it is one of the terminals': what it does, or "true" if
/// that is what was told before.
static void add_process(int proc, const char *name)
{
    char stat[1024];
    const pid_t pid = (pid_t)strtol(name, NULL, 10), session = getsid(pid);
    if (pid < 1 || session < 1 || !is_shell(session))
        return;
    const int process = openat(proc, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    const ssize_t size = read_file(process, "stat", stat, sizeof stat);
    const char *const name_ends = size > 0 ? strrchr(stat, ')') : NULL;
    const size_t begin = length;
    if (name_ends) { // else it has ended meanwhile
        add_name(name);
        const size_t from = length;
        add("{\"stat\":"); // up to the time that it has computed
        add_string(stat, (size_t)(name_ends - stat) + words(name_ends, 14));
        if (pid != session && name_ends[2] != 'Z')
            add_sleep(process);
        add("}");
        seen = seen * 31 + checksum(begin);
        const struct known now = {pid, checksum(from)};
        struct known *const before = &known[(unsigned)pid % KNOWN];
        const bool tells = fits(begin);
        if (tells && before->pid == pid && before->sum == now.sum) {
            length = from;
            add("true");
        }
        *before = tells ? now : (struct known){0, 0};
    }
    if (process != -1)
        close(process);
}

/// Add a shared memory or a semaphore.
static void add_shared_memory(int folder, const char *name)
{
    char start[9], digits[17] = "", value[64];
    struct stat about;
    if (fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) ||
        !S_ISREG(about.st_mode))
        return;
    const ssize_t size = read_file(folder, name, start, sizeof start);
    const size_t begin = length;
    for (ssize_t i = 0; i < size; i++)
        snprintf(digits + 2 * i, 3, "%02x", (unsigned char)start[i]);
    add_name(name);
    snprintf(value, sizeof value, "{\"size\":%lld,\"start\":\"%s\"}",
             (long long)about.st_size, digits);
    add(value);
    fits(begin);
}

/// Add a message queue.
static void add_queue(int folder, const char *name)
{
    const size_t begin = length;
    char path[NAME_MAX + 2], value[128];
    struct mq_attr about;
    (void)folder;
    snprintf(path, sizeof path, "/%s", name);
    const mqd_t queue =
        *name == '.' ? (mqd_t)-1 : mq_open(path, O_RDONLY | O_NONBLOCK);
    if (queue == (mqd_t)-1)
        return;
    mq_getattr(queue, &about);
    mq_close(queue);
    add_name(name);
    snprintf(value, sizeof value,
             "{\"messages\":%ld,\"size\":%ld,\"maximum\":%ld}",
             about.mq_curmsgs, about.mq_msgsize, about.mq_maxmsg);
    add(value);
    fits(begin);
}

/// Send what a terminal has printed; when nobody is left to print, say so.
static void drain(size_t terminal)
{
    char piece[4096];
    // What is more than a pseudo-terminal holds has come meanwhile; others are
    // waiting, too, and one of them may send the Ctrl-C that ends it.
    for (size_t sent = 0; terminals[terminal].master > 0 && sent < MOST;) {
        // Asked for it, the kernel delivers what is still on its way:
        // n_tty_poll() in drivers/tty/n_tty.c.
        struct pollfd one = {terminals[terminal].master, POLLIN, 0};
        if (poll(&one, 1, 0) < 1)
            return;
        const ssize_t size = read(one.fd, piece, sizeof piece);
        if (size > 0) {
            send_frame('o', terminal, piece, (size_t)size);
            sent += (size_t)size;
        } else if (size == -1 && errno == EAGAIN) {
            return;
        } else {
            close(one.fd);
            terminals[terminal].master = 0;
            send_frame('x', terminal, "", 0);
        }
    }
}

/// Write the answer. What was printed before is sent before; and nothing after,
/// for it would not fit what is told.
static void look(void)
{
    for (size_t i = 0; i < TERMINALS; i++)
        drain(i);
    length = 0;
    full = false;
    seen = 0;
    pid_t gone; // the shells, and what they have left
    do
        gone = waitpid(-1, NULL, WNOHANG);
    while (gone > 0);
    add("{\"proc\":{");
    each(AT_FDCWD, "/proc", add_process);
    const size_t objects = length;
    add("},\"shm\":{");
    each(AT_FDCWD, "/dev/shm", add_shared_memory);
    add("},\"queues\":{");
    each(AT_FDCWD, "/dev/mqueue", add_queue);
    add("}}");
    seen = seen * 31 + checksum(objects);
}

/// Send the answer.
static void tell(char kind)
{
    told = seen;
    send_frame(kind, 0, text, length);
}

/// Be what the new terminal runs.
static void become(char *const *strings, size_t number)
{
    enum { USER, ECHOES, ROWS, COLUMNS, FOLDER, COMMAND };
    size_t end = COMMAND;
    while (end < number && *strings[end])
        end++;
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL); // what is ignored is inherited, Ctrl-C, too
    struct termios modes;
    tcgetattr(STDIN_FILENO, &modes);
    if (*strings[ECHOES] == '0') {
        modes.c_oflag &= ~(tcflag_t)ONLCR;
        modes.c_lflag &= ~(tcflag_t)ECHO;
        // Else the kernel throws away what is under way after the signal of
        // Ctrl-C, and with it perhaps the next prompt: isig() in n_tty.c.
        modes.c_lflag |= NOFLSH;
    }
    tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    const uid_t user = (uid_t)strtoul(strings[USER], NULL, 10);
    if (chdir(strings[FOLDER]) == -1 ||
        (user != getuid() && (setgroups(0, NULL) == -1 || setgid(user) == -1 ||
                              setuid(user) == -1)))
        err(126, "cannot start in %s", strings[FOLDER]);
    environ = (char **)&strings[end + (end < number)];
    char *command[64] = {NULL};
    for (size_t i = COMMAND; i < end && i - COMMAND < 63; i++)
        command[i - COMMAND] = strings[i];
    if (*command)
        execvp(*command, command);
    err(127, "cannot run %s", strings[COMMAND]);
}

static void open_terminal(size_t terminal, char *data, size_t size)
{
    static char *strings[256];
    size_t number = 0;
    for (char *at = data; at < data + size && number < 255;
         at += strlen(at) + 1)
        strings[number++] = at;
    strings[number] = NULL;
    if (terminals[terminal].shell || number < 6)
        return; // the other side has lost count
    struct winsize window = {
        .ws_row = (unsigned short)strtoul(strings[2], NULL, 10),
        .ws_col = (unsigned short)strtoul(strings[3], NULL, 10)};
    int master;
    const pid_t shell = forkpty(&master, NULL, NULL, &window);
    if (shell == -1)
        err(EXIT_FAILURE, "forkpty");
    if (shell == 0)
        become(strings, number);
    fcntl(master, F_SETFD, FD_CLOEXEC);
    fcntl(master, F_SETFL, O_NONBLOCK); // what nobody reads may be too much
    terminals[terminal].master = master;
    terminals[terminal].shell = shell;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)shell);
    send_frame('p', terminal, pid, strlen(pid));
}

/// End all processes of a terminal.
static void close_terminal(size_t terminal)
{
    const pid_t shell = terminals[terminal].shell;
    DIR *const folder = shell ? opendir("/proc") : NULL;
    for (struct dirent *one; folder && (one = readdir(folder));) {
        const pid_t pid = (pid_t)strtol(one->d_name, NULL, 10);
        if (pid > 1 && getsid(pid) == shell)
            kill(pid, SIGKILL);
    }
    if (folder)
        closedir(folder);
    if (terminals[terminal].master > 0)
        close(terminals[terminal].master);
    if (shell)
        waitpid(shell, NULL, 0);
    terminals[terminal].master = terminals[terminal].shell = 0;
}

static void obey(char kind, size_t terminal, char *data, size_t size)
{
    const int master = terminal < TERMINALS ? terminals[terminal].master : 0;
    if (kind == 'O' && terminal < TERMINALS) {
        open_terminal(terminal, data, size);
    } else if (kind == 'C' && terminal < TERMINALS) {
        close_terminal(terminal);
    } else if (kind == 'I' && master > 0) {
        for (ssize_t taken; size && (taken = write(master, data, size)) > 0;) {
            data += taken;
            size -= (size_t)taken;
        }
    } else if (kind == 'R' && master > 0) {
        char *columns;
        const struct winsize window = {
            .ws_row = (unsigned short)strtol(data, &columns, 10),
            .ws_col = (unsigned short)strtol(columns, NULL, 10)};
        ioctl(master, TIOCSWINSZ, &window);
    } else if (kind == 'D') {
        clock_settime(CLOCK_REALTIME,
                      &(struct timespec){.tv_sec = strtol(data, NULL, 10)});
    } else if (kind == 'Q') {
        if (!strcmp(data, "all"))
            memset(known, 0, sizeof known);
        look();
        tell('a');
    }
}

/// Take the next frame; return whether there may be more.
static bool listen_once(void)
{
    unsigned char head[4];
    static char data[LONGEST + 1];
    if (fread(head, 1, sizeof head, stdin) < sizeof head)
        return false;
    const size_t size = head[2] + 256u * head[3];
    if (fread(data, 1, size, stdin) < size)
        return false;
    data[size] = '\0'; // numbers and names are read as strings
    obey((char)*head, head[1], data, size);
    return true;
}

/// As the first process of all, make what the others expect.
static void be_init(void)
{
    static const struct {
        const char *kind, *place, *options;
    } mounts[] = {
        {"proc", "/proc", ""},
        {"devtmpfs", "/dev", ""},
        {"devpts", "/dev/pts", "ptmxmode=666,mode=620"},
        {"tmpfs", "/dev/shm", "mode=1777"},
        {"mqueue", "/dev/mqueue", ""},
        {"tmpfs", "/tmp", "mode=1777"},
    };
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        mkdir(mounts[i].place, 0755);
        if (mount(mounts[i].kind, mounts[i].place, mounts[i].kind, 0,
                  mounts[i].options) == -1)
            err(EXIT_FAILURE, "mount %s", mounts[i].place);
    }
    if (symlink("/proc/self/fd", "/dev/fd") == -1 ||
        sethostname("classroom", 9) == -1 || chown("/mnt", 1000, 1000) == -1 ||
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == -1)
        err(EXIT_FAILURE, "prepare the classroom");
    setenv("PATH", "/usr/bin:/bin", 1);

    const int line = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
    struct termios modes;
    if (line == -1 || tcgetattr(line, &modes) == -1)
        err(EXIT_FAILURE, "/dev/ttyS1");
    cfmakeraw(&modes);
    cfsetspeed(&modes, B115200);
    tcsetattr(line, TCSANOW, &modes);
    dup2(line, STDIN_FILENO);
    dup2(line, STDOUT_FILENO);
    close(line);
    // There is one processor: what the agent looks at stands still meanwhile.
    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK,
                       &(struct sched_param){.sched_priority = 1});
}

int main(void)
{
    if (getpid() == 1)
        be_init();
    signal(SIGPIPE, SIG_DFL);
    umask(022);
    setvbuf(stdin, NULL, _IONBF, 0);       // poll() sees all that has come
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ); // a frame goes as a whole

    bool stirred = true;
    for (;;) {
        struct pollfd set[TERMINALS + 1] = {{STDIN_FILENO, POLLIN, 0}};
        for (size_t i = 0; i < TERMINALS; i++)
            set[i + 1] = (struct pollfd){
                terminals[i].master > 0 ? terminals[i].master : -1, POLLIN, 0};
        const int ready = poll(set, TERMINALS + 1, stirred ? QUIET : AGAIN);
        if (ready == -1 && errno != EINTR)
            err(EXIT_FAILURE, "poll");
        if (ready < 1) {
            look();
            if (seen != told)
                tell('r');
            stirred = false;
            continue;
        }
        stirred = true;
        if (set[0].revents && !listen_once())
            break;
        for (size_t i = 0; i < TERMINALS; i++)
            if (set[i + 1].revents)
                drain(i);
    }
    for (size_t i = 0; i < TERMINALS; i++)
        close_terminal(i);
    return EXIT_SUCCESS;
}
