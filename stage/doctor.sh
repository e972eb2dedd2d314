#!/bin/sh
# Try what the course needs: "sh stage/doctor.sh" reports, a line per thing: what will not work without
# it, and what to do; it exits 1 if plain "make" would not work. "sh stage/doctor.sh refuse GOAL..." is
# what make asks first: it prints a line only if these goals cannot be made here.
compiler=${CC:-cc}
compiler=${compiler%% *}
python=${PYTHON:-python3}

# Which column of packages() this system has, and how it installs them.
column=0 install=
if [ -r /etc/os-release ]; then
    case " $(. /etc/os-release && echo "$ID ${ID_LIKE:-}") " in
    *' debian '* | *' ubuntu '*) column=1 install='apt-get install' ;;
    *' fedora '* | *' rhel '*) column=2 install='dnf install' ;;
    *' arch '*) column=3 install='pacman -S' ;;
    *' alpine '*) column=4 install='apk add' ;;
    esac
    [ "$(id -u)" -eq 0 ] || install="sudo $install"
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
    chromium) set -- chromium-headless-shell chromium-headless chromium chromium ;;
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

# A name alone is no tool: Ubuntu's chromium-browser only says that there is another package.
answers() { "$1" "${2:---version}" </dev/null >/dev/null 2>&1; }

is_there() {
    case $1 in
    compiler) command -v "$compiler" >/dev/null 2>&1 ;; # make must not start it for nothing
    python) [ -e build/venv/.done ] || new_python ;;
    tmux) tmux -V 2>/dev/null | grep -Eqv ' ([a-z]*-)?([0-2]|3\.[01])([^0-9]|$)' ;;
    chromium) answers chromium-headless-shell || answers chromium || answers chromium-browser || answers google-chrome || answers google-chrome-stable ;;
    *) answers "$1" ;;
    esac
}

new_python() {
    "$python" -Ic 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
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
        all | bench | check | promote | serve) needed="$needed compiler doxygen python" ;;
        soak | perform | recording) needed="$needed compiler doxygen python tmux" ;;
        html | epub | dist | build/html/* | build/venv/*) needed="$needed doxygen python" ;;
        pdf) needed="$needed doxygen python latexmk xelatex rsvg-convert" ;;
        lighthouse) needed="$needed doxygen python node npm chromium" ;;
        programs | machine | machine-sources | build/*) needed="$needed compiler" ;;
        exercise | check-machine) needed="$needed compiler python" ;;
        clean-ipc) needed="$needed python" ;;
        machines) needed="$needed debootstrap" ;;
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

# The first thing that is not ours to write: it may be root's, or the file system read-only.
unwritable() {
    place=build
    [ -e build ] || place=.
    for place in "$place" build/* build/.[!.]* build/html/.done build/venv/bin; do
        [ ! -e "$place" ] || [ -w "$place" ] || {
            echo "$place"
            return
        }
    done
}

# Whether programs run among the temporary files (noexec is a way to mount), and sockets, whose names are short.
tmp_works() {
    file=$(mktemp 2>/dev/null) || return
    chmod +x "$file" && [ -x "$file" ] && [ ${#file} -le 75 ]
    works=$?
    rm -f "$file"
    return $works
}
tmp_advice="programs or sockets do not work in ${TMPDIR:-/tmp}: TMPDIR=... is to name a short folder where they do"

refuse() {
    case " $* " in *' help '* | *' doctor '* | *' clean '*) return ;; esac
    missing=$(missing "$@")
    odd=$(find code docs -type f -name '*[[:space:]]*' ! -name '.*' ! -name '*~' ! -name '#*')
    place=$(unwritable)
    case $PWD in
    *:*) echo "doxygen cannot work in a folder whose path has a \":\" in it: move or rename $PWD" ;;
    *) if [ -n "$odd" ]; then
        echo "make cannot work with a file whose name has a blank in it: move or rename" $odd
    elif [ -n "$missing" ]; then
        echo "$missing"
    elif [ -n "$place" ]; then
        echo "cannot write to $PWD/$place: copy the folder to where you can, or, after sudo make, sudo rm -r build"
    else
        case " $* " in *' check '* | *' promote '* | *' soak '* | *' perform '* | *' recording '*)
            tmp_works || echo "$tmp_advice"
        esac
    fi ;;
    esac
}

status=0
ok() { printf '  ok       %s\n' "$*"; }
bad() { printf '  MISSING  %s\n' "$*" && status=1; }
note() { printf '  without  %s\n' "$*"; }

# $1, or $2 (bad or note) with what does not work without it, $3, and how to get it.
look() {
    if is_there "$1"; then ok "$(title "$1")"; else "$2" "$(title "$1")${3:+: $3}$(advice "$1")"; fi
}

# Compile these of the course's programs, each under its name.
compile() {
    for source; do
        ${CC:-cc} -o "$folder/$(basename "$source" .c)" "$source" -pthread -lrt 2>/dev/null || return
    done
}

# Make an object of the kind $1 by the program $3 and remove it by $4; what to do if that fails is $2.
try() {
    name=/ipc-doctor-$$
    if ! compile code/*/"$3".c code/*/"$4".c; then
        note "$1: not tried, for nothing can be compiled"
    elif [ ! -x "$folder/$3" ]; then
        note "$1: not tried, for programs do not run in $folder"
    elif said=$("$folder/$3" "$name" 2>&1) && said=$("$folder/$4" "$name" 2>&1); then
        ok "$1"
    else
        note "$1: $said: $2"
    fi
}

# Whether the shell sees in which call its own child waits.
sees_calls() {
    sleep 9 &
    { read -r call _ <"/proc/$!/syscall"; } 2>/dev/null
    seen=$?
    kill $!
    wait $! 2>/dev/null
    return $seen
}

if [ "${1:-}" = refuse ]; then
    shift
    refuse "$@"
    exit
fi
folder=$(mktemp -d) || exit
trap 'rm -rf "$folder"' EXIT

echo 'To build the programs and the site (make):'
if ! is_there compiler; then
    look compiler bad
elif compile code/mmap/*.c; then
    ok "$(title compiler)"
else
    bad "$(title compiler): cannot compile and link a program$(advice compiler)"
fi
look make bad
look doxygen bad
if new_python; then ok "$(title python)"; else bad "$(title python)$(advice python)"; fi
[ ! -e build/venv ] || sh docs/build.sh venv_works || note 'build/venv: it does not run, or is old; make makes it anew'
place=$(unwritable)
[ -z "$place" ] || bad "the right to write $place in $PWD"
is_there flock || note "flock: two makes at once disturb each other$(advice flock)"

echo 'To run the programs:'
tmp_works || note "$tmp_advice"
try "shared memory (/dev/shm, $(df -Pk /dev/shm 2>/dev/null | awk 'END { print int($2 / 1024) }') MiB)" \
    'remove what fills it, or mount it, as root: mount -t tmpfs -o mode=1777 tmpfs /dev/shm' \
    020-shm-create 099-shm-unlink
try semaphores 'they are files in /dev/shm, too' 100-sem-create 199-sem-unlink
try "message queues (RLIMIT_MSGQUEUE $(awk '/^Max msgqueue size/ { print $4 }' /proc/self/limits) bytes)" \
    'the kernel needs CONFIG_POSIX_MQUEUE, and the queues of this user may fill the limit' 010-mq-create 099-mq-unlink

echo 'To play the sessions and to test (make check); what is missing is skipped, and said:'
if ! answers strace; then
    look strace note 'no session and no test that traces calls'
elif said=$(strace -qq -o /dev/null true 2>&1); then
    ok 'strace, and it traces'
else
    note "strace: $(echo "$said" | tail -n 1):" \
        'set the sysctl kernel.yama.ptrace_scope to 1, or allow SYS_PTRACE in the container'
fi
if sees_calls; then
    ok "which call a child waits in (/proc/PID/syscall)"
else
    note 'which call a child waits in: no session that says [blocked]: set the sysctl kernel.yama.ptrace_scope to 1'
fi
if ! new_python; then
    note 'name spaces: not tried, for there is no Python'
elif said=$("$python" -Ic 'import sys; sys.path.insert(0, "."); from stage.sandbox.namespaces import choose
level, why = choose(); print(level + (why and ": " + why)); sys.exit(level == "bare")' 2>&1); then
    ok "name spaces ($said)"
else
    note "name spaces: ${said#bare: }: no session that is private or root's: play as root, or see the sysctls" \
        'kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns'
fi
for tool in clang clang-tidy clang-format cppcheck musl-gcc chromium epubcheck; do
    look $tool note 'no test that needs it'
done

echo 'To print the course (make pdf), to share it (html_baseurl in conf.py), to measure it (make lighthouse):'
for tool in latexmk xelatex rsvg-convert; do look $tool note 'no make pdf'; done
for tool in node npm; do look $tool note 'no make lighthouse'; done

echo 'To play the sessions in front of a class (make perform), and to film that (make recording):'
look tmux note 'no make perform, and no test of it'
look asciinema note 'nothing here that plays the film'
exit $status
