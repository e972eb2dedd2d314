#!/bin/sh
# Look for what the course needs: "sh stage/doctor.sh" reports, one line per thing, and exits 1
# if plain "make" would not work. "sh stage/doctor.sh missing GOAL..." is what make asks first: it
# prints a text only if something is missing that these goals need.
compiler=${CC:-cc}
compiler=${compiler%% *}
python=${PYTHON:-python3}

# Which column of packages() this system has, and how it installs them.
column=0 install=
if [ -r /etc/os-release ]; then
    case " $(. /etc/os-release && echo "$ID ${ID_LIKE:-}") " in
    *' debian '* | *' ubuntu '*) column=1 install='sudo apt-get install' ;;
    *' fedora '* | *' rhel '*) column=2 install='sudo dnf install' ;;
    *' arch '*) column=3 install='sudo pacman -S' ;;
    *' alpine '*) column=4 install='sudo apk add' ;;
    esac
fi

# What to install for $1: Debian and Ubuntu, Fedora, Arch, Alpine.
packages() {
    case $1 in
    compiler) set -- 'gcc libc6-dev' gcc gcc build-base ;;
    python) set -- python3-venv python3 python python3 ;;
    flock | unshare) set -- util-linux util-linux-core util-linux util-linux ;;
    musl-gcc) set -- musl-tools musl-gcc musl '' ;;
    clang-tidy) set -- clang-tidy clang-tools-extra clang clang-extra-tools ;;
    clang-format) set -- clang-format clang-tools-extra clang clang-extra-tools ;;
    node) set -- nodejs nodejs nodejs nodejs ;;
    latexmk) set -- latexmk latexmk texlive-binextra texlive-binextra ;;
    xelatex) set -- 'texlive-xetex texlive-latex-extra fonts-freefont-otf' \
        'texlive-xetex texlive-collection-latexextra gnu-free-fonts' \
        'texlive-xetex texlive-latexextra gnu-free-fonts' 'texlive-xetex font-freefont' ;;
    rsvg-convert) set -- librsvg2-bin librsvg2-tools librsvg rsvg-convert ;;
    *) set -- "$1" "$1" "$1" "$1" ;;
    esac
    [ "$column" -gt 0 ] || return 0
    shift $((column - 1))
    echo "$1"
}

# "install it with: ...", or nothing where we do not know how.
advice() {
    names=$(for thing; do packages "$thing"; done)
    [ -z "$names" ] || echo ": install with: $install" $names
}

have() { command -v "$1" >/dev/null 2>&1; }

# Is $1 there? The compiler is only looked for here: make must not start it for nothing.
is_there() {
    case $1 in
    compiler) have "$compiler" ;;
    python) cmp -s docs/requirements.txt build/venv/.done && [ -x build/venv/bin/python ] || new_python ;;
    tmux) tmux -V 2>/dev/null | grep -Eqv ' ([a-z]*-)?([0-2]|3\.[01])([^0-9]|$)' ;;
    chromium) have chromium || have chromium-browser || have google-chrome || have google-chrome-stable ;;
    *) have "$1" ;;
    esac
}

new_python() {
    "$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

title() {
    case $1 in
    compiler) echo "a C compiler ($compiler)" ;;
    python) echo "$python (3.11 or later, with venv)" ;;
    tmux) echo 'tmux (3.2 or later)' ;;
    *) echo "$1" ;;
    esac
}

missing() {
    needed=
    for goal; do
        case $goal in
        all | bench | check | promote | serve) needed="$needed compiler doxygen python flock" ;;
        soak | perform) needed="$needed compiler doxygen python flock tmux" ;;
        recording) needed="$needed compiler doxygen python flock tmux asciinema" ;;
        html | epub | build/html/* | build/venv/*) needed="$needed doxygen python flock" ;;
        pdf) needed="$needed doxygen python flock latexmk xelatex rsvg-convert" ;;
        lighthouse) needed="$needed doxygen python flock node npm chromium" ;;
        programs | clean-ipc | build/*) needed="$needed compiler" ;;
        format) needed="$needed clang-format" ;;
        esac
    done
    absent=
    for thing in $needed; do
        case "$absent " in *" $thing "*) continue ;; esac
        is_there "$thing" || absent="$absent $thing"
    done
    [ -n "$absent" ] || return 0
    titles=
    for thing in $absent; do
        titles="$titles${titles:+, }$(title "$thing")"
    done
    echo "missing: $titles$(advice $absent) (make doctor says more)"
}

status=0
ok() { printf '  ok       %s\n' "$*"; }
bad() { printf '  MISSING  %s\n' "$*" && status=1; }
note() { printf '  without  %s\n' "$*"; }

# $1, or $2 (bad or note) with what it is for and how to get it.
look() {
    if is_there "$1"; then ok "$(title "$1")"; else "$2" "$(title "$1")$(advice "$1")"; fi
}

compiles() {
    folder=$(mktemp -d) || return
    echo '#include <mqueue.h>
int main(void) { return 0; }' >"$folder/try.c"
    ${CC:-cc} -o "$folder/try" "$folder/try.c" 2>/dev/null
    result=$?
    rm -r "$folder"
    return $result
}

makes_a_queue() {
    "$python" - 2>/dev/null <<'END'
import ctypes, os
try:
    c = ctypes.CDLL(None, use_errno=True)
    c.mq_open
except AttributeError:
    c = ctypes.CDLL('librt.so.1', use_errno=True)  # glibc before 2.34
name = b'/ipc-doctor-%d' % os.getpid()
attributes = (ctypes.c_long * 8)(0, 10, 24)
queue = c.mq_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600, attributes)
raise SystemExit(queue == -1 or c.mq_unlink(name) == -1)
END
}

if [ "${1:-}" = missing ]; then
    shift
    missing "$@"
    exit
fi

echo 'To build the programs and the site (make):'
if ! is_there compiler; then
    look compiler bad
elif compiles; then
    ok "$(title compiler)"
else
    bad "$(title compiler): cannot compile and link a program$(advice compiler)"
fi
have make && ok make || bad "make$(advice make)"
look doxygen bad
if new_python; then ok "$(title python)"; else bad "$(title python)$(advice python)"; fi
look flock bad

echo 'To run the programs:'
if [ -d /dev/shm ] && [ -w /dev/shm ] && grep -q ' /dev/shm ' /proc/mounts; then
    ok "/dev/shm, $(df -k /dev/shm | awk 'NR == 2 { print int($2 / 1024) }') MiB"
else
    note '/dev/shm: shared memory and semaphores: mount a tmpfs there (as root: mount -t tmpfs tmpfs /dev/shm)'
fi
limit=$(awk '/^Max msgqueue size/ { print $4 }' /proc/self/limits)
if [ ! -d /proc/sys/fs/mqueue ]; then
    note 'POSIX message queues: this kernel has none (CONFIG_POSIX_MQUEUE)'
elif ! have "$python"; then
    note 'POSIX message queues: not tried, for there is no Python'
elif makes_a_queue; then
    ok "POSIX message queues, RLIMIT_MSGQUEUE $limit bytes"
else
    note "POSIX message queues: none can be made; RLIMIT_MSGQUEUE is $limit bytes, in use may be all of it"
fi

echo 'To play the sessions and to test (make check); what is missing is skipped, and said:'
look strace note
look unshare note
if unshare -U -r -m -i -p -f true 2>/dev/null; then
    if unshare -U -r -m -i -p -f sh -c 'mount -t tmpfs tmpfs /dev/shm' 2>/dev/null; then
        ok 'user namespaces'
    else
        note 'user namespaces: mounts are not allowed in them'
    fi
elif unshare -m -i -p -f true 2>/dev/null; then
    ok 'namespaces, made by root (user namespaces are not allowed)'
else
    note 'namespaces: sysctl kernel.unprivileged_userns_clone or kernel.apparmor_restrict_unprivileged_userns may forbid them, or the container does'
fi
for tool in clang clang-tidy clang-format cppcheck musl-gcc chromium epubcheck; do
    look $tool note
done

echo 'To print the course (make pdf), to share it (html_baseurl in conf.py), to measure it (make lighthouse):'
for tool in latexmk xelatex rsvg-convert node npm; do
    look $tool note
done

echo 'To play the sessions in front of a class (make perform), and to film that (make recording):'
look tmux note
look asciinema note
exit $status
