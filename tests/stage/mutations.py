"""The mutations: the page, a program or the machine is changed in one place; what a rehearsal must say then."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mutation:
    """One place that is changed, and the reason that must be given."""

    name: str
    words: str
    """A regular expression: what the report must say."""
    until: str
    """A text of the scene up to which the page is played."""
    after: str = ""
    """In the page, only what comes after this text is replaced."""
    page: Sequence[tuple[str, str]] = ()
    program: str = ""
    source: Sequence[tuple[str, str]] = ()
    prefix: Sequence[str] = ()
    fakes: dict[str, str] = field(default_factory=dict)
    """Programs that come first in PATH."""


def on_page(name: str, after: str, old: str, new: str, words: str, until: str = "") -> Mutation:
    return Mutation(name, words, until, after=after, page=[(old, new)])


def in_program(name: str, program: str, until: str, words: str, *source: tuple[str, str]) -> Mutation:
    return Mutation(name, words, until, program=program, source=source)


def first(name: str, place: str, line: str, words: str) -> Mutation:
    """Something happens on the machine before the first program of a chapter."""
    return Mutation(name, words, place, page=[(place, f"{line}\n   {place}")])


# Places in the page.
READ = "$ ./mmap/005-read\n"
STRACE_READ = "$ strace -e trace=openat,read,write ./mmap"
STRACE_RAW = "-e raw=read,write ./mmap/005-read"
MMAP = "$ ./mmap/010-mmap | cmp"
REFUSED = "$ ./mmap/010-mmap pipe\n"
STRACE_MMAP = "-e raw=write ./mmap/010-mmap"
ANON = "(mapper) $ ./mmap/020-mmap-anon\n"
MAPS = "(looker) $ grep passwd /proc/4243/maps\n"
BOTH = "(looker) $ grep -B 1 passwd"
SHM = "$ ./shm/020-shm-create\n"
SHM_LS = "$ ls -l /dev/shm\n"
SHM_STRACE = "$ strace -e trace=openat -P /dev/shm/ipc-counter"
SHM_PRODUCE = "(producer) $ ./shm/030-shm-produce\n"
SEM = "$ ./sem/100-sem-create\n"
SEM_LS = "$ ls -l /dev/shm/sem.ipc-seven\n"
WAIT = "$ for n in 1 2 3 4 5 6 7; do ./sem/110-sem-wait; done\n"
TRACED = "(traced) $ strace -e trace=futex"
POST = "(poster) $ ./sem/120-sem-post\n"
VALUE = "(poster) $ ./sem/125-sem-value\n"
NO_SLASH = "$ ./mq/010-mq-create ipc-samples\n"
MQ = "$ ./mq/010-mq-create\n"
MQ_LS = "$ ls -l mqueue-mount\n"
FIVE = "$ ./mq/020-mq-produce /ipc-samples 5\n"
SIX = "(producer) $ ./mq/020-mq-produce /ipc-samples 6\n"
CONSUME = "(consumer) $ ./mq/030-mq-consume\n"
ONE_MORE = "(producer) $ ./mq/020-mq-produce\n"
ALARM = "$ ./mq/020-mq-produce /ipc-samples 1 1\n"
QSIZE = "$ cat mqueue-mount/ipc-samples\n   QSIZE:"

PAGE = [
    # what is printed
    on_page("a word", READ, "Student:", "Pupil:", '"Student", documented "Pupil"'),
    on_page("an error text", SHM, "File exists", "File exits", 'documented "exits"'),
    on_page("a line left out", READ, "   bin:x:2:2:bin:/bin:/usr/sbin/nologin\n", "",
            '"bin:x:2:2:.*" instead of "student:x:1000'),
    on_page("a line too many", SHM, "   [1]\n", "   Sorry\n   [1]\n", 'missing: "Sorry"'),
    on_page("a system call that strace shows", STRACE_MMAP, "MAP_PRIVATE", "MAP_SHARED",
            '"MAP_PRIVATE", documented "MAP_SHARED"'),
    on_page("the number of bytes read", STRACE_READ, "4096) = 228", "4096) = 229", "number 228, documented 229"),
    on_page("a size", SHM, "8 bytes after", "4 bytes after", "number 8, documented 4"),
    on_page("the size of an object", SHM_LS, "student 8 Nov", "student 9 Nov", "number 8, documented 9"),
    on_page("a mode", SHM_LS, "-rw-------", "-rw-r--r--", 'documented "rw-r--r--"'),
    on_page("a group", SHM_LS, "student student", "student users", 'documented "users"'),
    on_page("the name of an object", SHM_LS, "ipc-counter\n", "ipc-countr\n", 'documented "ipc-countr"'),
    on_page("a file system", SHM_LS, "   tmpfs\n", "   ramfs\n", 'documented "ramfs"'),
    on_page("the permissions of a mapping", MAPS, "r--p 0", "r-xp 0", 'documented "r-xp"'),
    on_page("the value of the semaphore", SEM, "   7\n", "   8\n", "number 7, doc.* 8"),
    on_page("the size of a semaphore", SEM_LS, "student 32", "student 16", "number 32"),
    on_page("the bytes in the queue", FIVE, "QSIZE:120", "QSIZE:144", "number 120, documented 144"),
    on_page("a priority", ALARM, "priority 1", "priority 2", "number 1, documented 2"),
    on_page("the order of messages", ALARM, "priority 1\n", "priority 0\n", "number 1, documented 0"),
    on_page("a date that is none", CONSUME, "2026-11-22", "2026-13-22", 'documented "2026"'),
    # values in two places
    on_page("an address in one of two places, in a trace", STRACE_RAW, "write(0x1, 0x7fffc7e491f0",
            "write(0x1, 0x7fffc7e491e0", "are one address"),
    on_page("an address in one of two places, of a mapping", STRACE_MMAP, "write(0x1, 0x7f01d2f2b000",
            "write(0x1, 0x7f01d2f2c000", "are one address"),
    on_page("an address in one of two places, in a range", MAPS, "7f5e1c19e000-7f5e1c19f000",
            "7f5e1c29e000-7f5e1c29f000", "are one address"),
    on_page("an address in one of two scenes", BOTH, "7f5e1c19d000-7f5e1c19e000", "7f5e1c19c000-7f5e1c19d000",
            "7f5e1c19d000 and 7f5e1c19c000, are one address"),
    on_page("the size of a mapping", MAPS, "-7f5e1c19f000", "-7f5e1c1a0000",
            "a range of 4096 bytes, documented 8192"),
    on_page("an inode in one of two places", BOTH, "00:27 2 ", "00:27 3 ", "are one inode"),
    on_page("a file where there is none", BOTH, "00:00 0 ", "00:27 7 ", "no file on one side"),
    on_page("a PID in one of two places, in the output", ANON, "pid 4243", "pid 4343",
            "/proc/4243/maps: No such file"),
    on_page("a PID in one of two places, in a command", "", "grep passwd /proc/4243/maps",
            "grep passwd /proc/4343/maps", "/proc/4343/maps: No such file"),
    on_page("two processes where the page has one", "", MAPS,
            "(other) $ ./mmap/020-mmap-anon\n   pid 4243\n   file mapping at 0x7f5e1c2ae000\n"
            "   anonymous mapping at 0x7f5e1c2ad000\n   [blocked in read]\n"
            f"   (other)\n   ^D\n   {MAPS}", "PID 4243 was [0-9]+ before and is [0-9]+ now"),
    # statuses
    on_page("a status", SHM, "[1]", "[2]", "exit status 1, documented 2"),
    on_page("a status left out", SHM, "   [1]\n", "", "exit status 1, documented 0"),
    on_page("a status invented", SHM, "after ftruncate()\n", "after ftruncate()\n   [1]\n",
            "exit status 0, documented 1"),
    on_page("the status of a signal", ONE_MORE, "[130]", "[143]", "exit status 130, documented 143"),
    # blocked and woken
    on_page("another system call", WAIT, "blocked in futex", "blocked in read",
            "blocked in futex, documented as blocked in read"),
    on_page("another system call, of the queue", SIX, "mq_timedsend", "mq_timedreceive",
            "blocked in mq_timedsend, documented as blocked in mq_timedreceive"),
    on_page("a system call that does not exist", WAIT, "blocked in futex", "blocked in sem_wait",
            "this machine has no system call sem_wait"),
    on_page("a block left out", WAIT, "   [blocked in futex]\n", "", r"terminal waiter is at its prompt"),
    on_page("a block invented", SEM, "   7\n", "   7\n   [blocked in futex]\n   $ ./sem/110-sem-wait\n",
            "terminal main is still busy"),
    on_page("running for blocked", WAIT, "[blocked in futex]", "[running]",
            "blocked in futex, documented as running"),
    on_page("one wait fewer", "", "for n in 1 2 3 4 5 6 7; do ./sem/110", "for n in 1 2 3 4 5 6; do ./sem/110",
            "number 1, documented 0"),
    on_page("one message fewer", "", "/ipc-samples 6\n", "/ipc-samples 5\n",
            "ended with exit status 0 instead of blocking in mq_timedsend"),
    on_page("the post replaced by true", "", POST, "(poster) $ true\n",
            "terminal waiter: .*\n +still blocked in futex: nothing has woken it"),
    on_page("a post to another semaphore", "", POST,
            "(poster) $ ./sem/100-sem-create /ipc-other 0; ./sem/120-sem-post /ipc-other\n",
            "still blocked in futex: nothing has woken it"),
    on_page("a wake-up mentioned too late", POST, "(waiter)\n", "$ true\n   (waiter)\n",
            "terminal waiter, blocked since line [0-9]+, has been woken, but"),
    on_page("a wake-up left out", "", f"{POST}   (waiter)\n", POST, "terminal waiter is still busy"),
    on_page("a wake-up invented", POST, "(waiter)\n", "(waiter)\n   (traced)\n   [blocked in futex]\n",
            "terminal traced: .*\n +still blocked in futex: nothing has woken it"),
    on_page("a wake-up of the producer mentioned too late", CONSUME, "(producer)\n", "$ true\n   (producer)\n",
            "terminal producer, blocked since line [0-9]+, has been woken"),
    on_page("another key", ONE_MORE, "^C\n   [130]", "^D", "no end within 2 s: blocked in mq_timedreceive"),
    # the form
    on_page("an ellipsis that hides nothing", SHM, "after ftruncate()\n", "after ftruncate()\n   ...\n",
            "an ellipsis that hides nothing"),
    on_page("an unfinished command", "", SHM_LS, "$ ls -l '/dev/shm\n", "the command is not complete"),
    on_page("a program that does not end", SEM, "$ ./sem/125-sem-value\n   7\n", "$ ./sem/125-sem-value; sed n\n   7\n",
            "no end within 2 s: blocked in read"),
    on_page("output in the wrong terminal", "",
            "(consumer)\n   2026-11-22 17:25:21  channel 0  value 20.0  priority 0\n",
            "2026-11-22 17:25:21  channel 0  value 20.0  priority 0\n   (consumer)\n",
            "terminal producer: .*\n +line missing"),
    on_page("trailing blanks in the page", SEM, "   7\n", "   7 \n",
            "blanks at the end of the line, which no reader can see"),
    on_page("trailing blanks as output", SEM, "   7\n", "   7 \\\n", "blanks at the end"),
    on_page("trailing blanks of the output left out", QSIZE, "NOTIFY_PID:0     \\", "NOTIFY_PID:0",
            "blanks at the end"),
    on_page("blanks between words", SHM_LS, "total 0", "total  0", "number of blanks"),
    on_page("a tab", SEM, "   7\n", "   7\tx\n", "a tab: write blanks"),
    on_page("a class misspelt", "_sem-create:", "scene fresh", "scene frsh", 'unknown class "frsh"'),
    on_page("another program", SEM, "$ ./sem/125-sem-value\n   7", "$ ./sem/126-sem-value\n   7",
            r"\./sem/126-sem-value: No such file or directory"),
    on_page("a name without its slash", "", NO_SLASH, "$ ./mq/010-mq-create /ipc-samples\n",
            'line missing: "010-mq-create: mq_open ipc-samples'),
]

PROGRAM = [
    # semaphores
    in_program("the initial value of the semaphore", "sem/100-sem-create", SEM, "number 6, documented 7",
            ('"7";', '"6";')),
    in_program("the post left out", "sem/120-sem-post", POST,
            "terminal waiter: .*\n +still blocked in futex: nothing has woken it",
            ("sem_post(semaphore) == -1", "0")),
    in_program("the post twice", "sem/120-sem-post", VALUE,
            "terminal traced, blocked since line [0-9]+, has been woken",
            ("sem_post(semaphore) == -1", "sem_post(semaphore) || sem_post(semaphore)")),
    in_program("the wait replaced by trywait", "sem/110-sem-wait", WAIT,
            "ended with exit status 1 instead of blocking in futex",
            ("sem_wait(semaphore)", "sem_trywait(semaphore)")),
    in_program("the wait replaced by another system call", "sem/110-sem-wait", WAIT,
            "blocked in read, documented as blocked in futex",
            ("#include <stdlib.h>", "#include <stdio.h>\n#include <stdlib.h>"),
            ("sem_wait(semaphore) == -1", "sem_trywait(semaphore) == -1 && getchar()")),
    in_program("the wait replaced by a loop", "sem/110-sem-wait", WAIT, "running, documented as blocked in futex",
            ("#include <err.h>", "#include <err.h>\n#include <errno.h>"),
            ("if (sem_wait(semaphore) == -1)", "while (sem_trywait(semaphore) == -1)\n        if (errno != EAGAIN)")),
    in_program("the mode of the semaphore", "sem/100-sem-create", SEM_LS, '"rw-r--r--", documented',
            ("0600", "0644")),
    in_program("the name of the semaphore", "sem/125-sem-value", SEM, "No such file or directory",
            ('"/ipc-seven"', '"/ipc-eight"')),
    in_program("an existing semaphore is opened", "sem/100-sem-create", SEM,
            'line missing: "100-sem-create: sem_open', ("O_CREAT | O_EXCL", "O_CREAT")),
    in_program("trailing blanks are printed", "sem/125-sem-value", SEM, "blanks at the end", (r'"%d\n"', r'"%d \n"')),
    in_program("a program that does not end", "sem/125-sem-value", SEM,
            "terminal main: .*125-sem-value\n +no end within 2 s: blocked in read",
            ("    return EXIT_SUCCESS", "    (void)!read(0, &value, 1);\n    return EXIT_SUCCESS")),
    # shared memory
    in_program("no ftruncate", "shm/020-shm-create", SHM, "number 0, documented 8",
            ("ftruncate(fd, sizeof(_Atomic uint64_t)) == -1", "0")),
    in_program("another size", "shm/020-shm-create", SHM, "number 4, documented 8",
            ("sizeof(_Atomic uint64_t)", "sizeof(_Atomic uint32_t)")),
    in_program("the mode of the object", "shm/020-shm-create", SHM_LS, '"rw-r-----", documented',
            ("O_RDWR, 0600", "O_RDWR, 0640")),
    in_program("the name of the object", "shm/020-shm-create", SHM_LS, '"ipc-count", documented "ipc-counter"',
            ('"/ipc-counter"', '"/ipc-count"')),
    in_program("an existing object is opened", "shm/020-shm-create", SHM,
            'instead of "020-shm-create: shm_open /ipc-counter: File exists"', ("O_CREAT | O_EXCL", "O_CREAT")),
    in_program("a status other than 1", "shm/020-shm-create", SHM, "exit status 3, documented 1",
            ('err(EXIT_FAILURE, "shm_open %s"', 'err(3, "shm_open %s"')),
    in_program("an error text of its own", "shm/020-shm-create", SHM, 'documented "shm_open"',
            ('"shm_open %s"', '"shm-open %s"')),
    in_program("a private mapping", "shm/030-shm-produce", SHM_PRODUCE, 'documented "rw-s"',
            ("MAP_SHARED", "MAP_PRIVATE")),
    in_program("two processes where the page has one", "shm/030-shm-produce", SHM_PRODUCE, "line too many",
            ("    for (; count > 0", "    fork();\n    for (; count > 0")),
    # mappings
    in_program("a shared mapping", "mmap/010-mmap", STRACE_MMAP, 'documented "MAP_PRIVATE"',
            ("MAP_PRIVATE", "MAP_SHARED")),
    in_program("a mapping that may be written", "mmap/020-mmap-anon", MAPS, '"rw-p", documented "r--p"',
            ("PROT_READ, MAP_PRIVATE, fd", "PROT_READ | PROT_WRITE, MAP_PRIVATE, fd")),
    in_program("two pages instead of one", "mmap/020-mmap-anon", MAPS, "a range of 8192 bytes, documented 4096",
            ("mmap(NULL, 1, PROT_READ, ", "mmap(NULL, 4097, PROT_READ, ")),
    in_program("the PID of another process", "mmap/020-mmap-anon", MAPS, 'line missing: "7f5e1c19e000',
            ("getpid()", "getppid()")),
    in_program("the address of something else", "mmap/020-mmap-anon", MAPS,
            "7f5e1c19e000 and 7f5e1c19d000, are one address", ("(void *)content,", "(void *)memory,")),
    in_program("output that stays in a buffer", "mmap/020-mmap-anon", ANON, 'line missing: "pid 4243"',
            ("    if (dprintf(STDOUT_FILENO,", "    setvbuf(stdout, NULL, _IOFBF, 4096);\n    if (printf(")),
    in_program("a smaller buffer", "mmap/005-read", STRACE_READ, "number 100, documented 4096",
            ("buffer[4096]", "buffer[100]")),
    in_program("another system call for reading", "mmap/005-read", STRACE_READ, '"write", documented "read"',
            ("#include <fcntl.h>", "#include <fcntl.h>\n#include <sys/uio.h>"),
            ("read(fd, buffer, sizeof buffer)", "readv(fd, &(struct iovec){buffer, sizeof buffer}, 1)")),
    in_program("the last byte is not printed", "mmap/010-mmap", MMAP, "EOF on '?-'? after byte",
            ("size - done)", "size - 1 - done)"), ("done < size;", "done < size - 1;")),
    in_program("everything is mapped", "mmap/010-mmap", REFUSED, '"mmap", documented "pipe"',
            ("!S_ISREG(status.st_mode)", "0")),
    in_program("opening waits", "mmap/010-mmap", REFUSED, "no end within 2 s: blocked in openat",
            ("O_RDONLY | O_NONBLOCK", "O_RDONLY")),
    # queues
    in_program("the length of the queue", "mq/010-mq-create", "-1 EMFILE", "number 9, documented 10",
            (".mq_maxmsg = 10", ".mq_maxmsg = 9")),
    in_program("the size of a message", "mq/010-mq-create", "-1 EMFILE", "number 16, documented 24",
            ("sizeof(struct sample)", "16")),
    in_program("the size of the struct", "mq/sample.h", "-1 EMFILE", "number 32, documented 24",
            ("    uint32_t unused;", "    uint32_t unused; uint64_t more;"),
            ("sizeof(struct sample) == 24", "sizeof(struct sample) == 32")),
    in_program("the mode of the queue", "mq/010-mq-create", "-1 EMFILE", "number 0660, documented 0600",
            ("0600", "0660")),
    in_program("an existing queue is opened", "mq/010-mq-create", MQ, 'line missing: "010-mq-create: mq_open',
            ("O_CREAT | O_EXCL", "O_CREAT")),
    in_program("the name of the queue", "mq/010-mq-create", MQ_LS, '"ipc-sample", documented "ipc-samples"',
            ('"/ipc-samples"', '"/ipc-sample"')),
    in_program("a full queue is an error", "mq/020-mq-produce", SIX,
            "ended with exit status 1 instead of blocking in mq_timedsend", ("O_WRONLY", "O_WRONLY | O_NONBLOCK")),
    in_program("no priority", "mq/020-mq-produce", "value 20.0  priority 1\n", "number 0, documented 1",
            ("(unsigned)priority)", "0)")),
    in_program("another value", "mq/020-mq-produce", CONSUME, "number 1, documented 0",
            (".channel = (uint32_t)done", ".channel = (uint32_t)done + 1")),
    in_program("a date of another form", "mq/030-mq-consume", CONSUME, "a date of another form", ('"%F %T"', '"%F"')),
    in_program("the end after the first message", "mq/030-mq-consume", CONSUME,
            "ended with exit status 0 instead of blocking in mq_timedreceive",
            ("for (;;) {", "for (int n = 0; n < 1; n++) {")),
    in_program("an empty queue is an error", "mq/030-mq-consume", CONSUME,
            "ended with exit status 1 instead of blocking in mq_timedreceive", ("O_RDONLY", "O_RDONLY | O_NONBLOCK")),
    in_program("a crash", "mq/030-mq-consume", CONSUME, "ended with exit status 134 instead of blocking",
            ("for (;;) {", "for (;;) { abort();")),
    in_program("output that stays in a buffer, of a queue", "mq/030-mq-consume", CONSUME, "line missing",
            ("    for (;;) {", "    setvbuf(stdout, NULL, _IOFBF, 4096);\n    for (;;) {"),
            ("dprintf(STDOUT_FILENO,", "printf(")),
    in_program("nothing is removed", "mq/099-mq-unlink", "$ ./mq/099-mq-unlink\n", "File exists",
            ("mq_unlink(name) == -1", "0")),
]

ENVIRONMENT = [
    Mutation("little memory for queues", "Too many open files", MQ, prefix=["prlimit", "--msgqueue=100"]),
    first("an object is left over", SHM, "$ touch /dev/shm/ipc-counter", "File exists"),
    first("a queue is left over", MQ, "$ ./mq/010-mq-create /ipc-samples", "File exists"),
    first("/dev/shm cannot be written", SHM, "# mount -o remount,bind,ro /dev/shm", "Read-only file system"),
    first("/dev/shm is another file system", SHM_LS, "# mount -t ramfs x /dev/shm; touch /dev/shm/ipc-counter",
            "documented|not permitted|denied"),
    first("msg_max is lowered", MQ, "# echo 5 > /proc/sys/fs/mqueue/msg_max", "Invalid argument|Permission denied"),
    first("queues_max is lowered", MQ, "# echo 0 > /proc/sys/fs/mqueue/queues_max",
            "No space left on device|Permission denied"),
    Mutation("another umask", '"r--------", documented "rw-------"', SHM_LS, page=[(SHM, f"$ umask 0277\n   {SHM}")]),
    Mutation("another ls", '"-rw-rw-rw-.*" instead of "total 0"', SHM_LS,
            fakes={"ls": "#!/bin/sh\necho '-rw-rw-rw- 1 you you 8 Nov 22 17:25 ipc-counter'\n"}),
    Mutation("no strace", "strace: not today", SHM_STRACE,
            fakes={"strace": "#!/bin/sh\necho 'strace: not today' >&2\nexit 127\n"}),
    Mutation("a program that is no program", "cannot execute binary file", SEM, program="sem/125-sem-value"),
]

# id -> (kind, mutation)
ALL = {
    f"{kind}: {one.name}": (kind, one)
    for kind, some in (("page", PAGE), ("program", PROGRAM), ("environment", ENVIRONMENT))
    for one in some
}


def replaced(text: str, after: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The text with each of these replaced once; all of it must occur."""
    start = text.index(after) + len(after)
    for old, new in pairs:
        place = text.index(old, start)
        text = text[:place] + new + text[place + len(old) :]
    return text
