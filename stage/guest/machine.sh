#!/bin/sh
# The Linux in the page: "sh stage/guest/machine.sh machine" makes what is missing or old of build/machine, up to
# state.zst, which a page loads; "... machine-sources" collects what is owed by who publishes that; "... check PAGE..."
# plays the pages in there.
set -eu
ours=stage/guest
place=build/machine
bios=seabios/usr/share/seabios
v86=node_modules/v86/build

# Debian's packages are what the guest is made of, and its kernels differ in what can be asked for.
here() {
    system=$(. /etc/os-release && echo "${ID:-} ${VERSION_ID:-} on $(dpkg --print-architecture 2>/dev/null)")
    case $system in
    'debian 12 on amd64' | 'debian 13 on amd64') ;;
    *)
        echo "make machine works on Debian 12 and 13 on amd64, and this is $system; plain make needs no machine." >&2
        exit 1
        ;;
    esac
}

tools() {
    missing=
    for tool in bc bison flex node npm xz zstd; do
        command -v "$tool" >/dev/null || missing="$missing $tool"
    done
    missing=$(echo "$missing" | sed 's/ node/ nodejs/; s/ xz/ xz-utils/')
    echo 'int main(void) { return 0; }' | gcc -m32 -x c -o /dev/null - 2>/dev/null || missing="$missing gcc-multilib"
    [ -z "$missing" ] || {
        echo "missing for make machine: install with: apt-get install$missing (as root)" >&2
        exit 1
    }
}

# Whoever else makes the machine waits.
alone() {
    mkdir -p "$place"
    exec 9>"$place/.lock"
    flock 9 2>/dev/null || true
    export TMPDIR="$PWD/$place/tmp" LC_ALL=C
    rm -rf "$place"/*.new "$place"/state.[0-9]* "$TMPDIR"
    mkdir "$TMPDIR"
}

# What a command has said, in one line if the cause is not ours.
fail() {
    if grep -qs 'No space left\|quota exceeded\|ENOSPC' "$place/log" || [ "$(df -Pk "$place" | awk 'END { print $4 }')" -lt 65536 ]; then
        echo "$1: the disk is full: make room for 1 GB in $place."
    elif grep -Eqs 'Could not (resolve|connect)|Unable to connect|Temporary failure|Connection (failed|refused|timed out)|E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH)' "$place/log"; then
        echo "$1: the network is needed, once, and nothing answers (is there a proxy?)."
    else
        tail -n 15 "$place/log"
        echo "$1: it failed; $place/log says all."
    fi >&2
    echo '"make machine" goes on where it was.' >&2
    exit 1
}

# Do a step that has not been done yet, or whose files are not what they were: its name, what it makes (names in
# build/machine), and the files that it is made from. The sums of all these are there when it is done, not before.
step() {
    name=$1 products=$2
    shift 2
    sums "$@" | cmp -s - "$place/.$name" && return
    rm -f "$place/.$name"
    echo "build/machine: $name$(about "$name")"
    "$name" >"$place/log" 2>&1 </dev/null && (cd "$place" && ls $products) >>"$place/log" 2>&1 || fail "$name"
    sums "$@" >"$place/sums.new" && mv "$place/sums.new" "$place/.$name" || fail "$name"
    made=1
}

sums() { (cd "$place" && sha256sum $products 2>/dev/null); sha256sum "$@"; }

about() {
    case $1 in
    packages) echo ' (Debian for i386: 35 MB to fetch)' ;;
    kernel) echo ' (the source has 140 MB; then 6 minutes of a processor, once)' ;;
    emulator) echo ' (v86: 5 MB to fetch)' ;;
    esac
}

packages() { sh $ours/packages.sh programs; }
kernel() { sh $ours/kernel.sh; }
root() { "${PYTHON:-python3}" -m stage.guest.root; }
snapshot() { "${PYTHON:-python3}" -m stage.guest.snapshot $place/vmlinuz $place/root.cpio $place/packages/$bios; }

emulator() {
    new=$place/npm.new
    mkdir "$new" && cp $ours/package.json $ours/package-lock.json "$new" &&
        (cd "$new" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1) &&
        rm -rf $place/node_modules && mv "$new/node_modules" $place/node_modules && rm -rf "$new"
}

# The course's, by the Makefile's own rules, which know what is old; the caller's flags are for the caller's.
programs() {
    env -u MAKEFLAGS -u MAKEOVERRIDES -u MAKELEVEL -u CFLAGS -u CPPFLAGS -u LDFLAGS -u LDLIBS \
        make -s programs build=$place/programs CC='gcc -m32'
}

machine() {
    here
    tools
    began=$(date +%s.%N) made=
    alone
    step packages "packages/list packages/$bios/bios.bin packages/$bios/vgabios-stdvga.bin" $ours/packages.sh /etc/os-release
    step kernel 'vmlinuz kernel.config' $ours/kernel.sh $ours/kernel.config /etc/os-release
    step emulator "$v86/libv86.mjs $v86/v86.wasm" $ours/package.json $ours/package-lock.json
    programs >"$place/log" 2>&1 </dev/null || fail programs
    step root 'root.cpio SOURCES LICENCES' $ours/root.py $ours/archive.py $ours/origins.py \
        stage/sandbox/mounts.py stage/sandbox/namespaces.py LICENSE \
        $place/packages/list $place/vmlinuz $place/kernel.config $place/$v86/v86.wasm $place/programs/*/* code/*/*.c
    [ ! -e $ours/snapshot.py ] || step snapshot 'state.zst state.json' $ours/*.py stage/sandbox/*.py $ours/*.mjs \
        $ours/player/machine.js \
        $place/vmlinuz $place/root.cpio $place/$v86/libv86.mjs $place/$v86/v86.wasm
    echo "The machine of the pages: $(sizes); ${made:+made in }$(since "$began") s"
}

since() { echo "$(date +%s.%N) $1" | awk '{ printf "%.1f", $1 - $2 }'; }

sizes() {
    (cd $place && for file in state.zst vmlinuz root.cpio $v86/v86.wasm $v86/libv86.mjs; do
        [ ! -e $file ] || echo "${file##*/} $(wc -c <$file | awk '{ printf "%.2f MB", $1 / 1e6 }')"
    done) | paste -sd , | sed 's/,/, /g'
}

# What the licences of the parts oblige whoever publishes the machine to offer beside it.
machine_sources() {
    machine
    new=$place/sources.new
    mkdir "$new" "$new/course" && collect >"$place/log" 2>&1 </dev/null || fail sources
    rm -rf $place/sources
    mv "$new" $place/sources
    echo "What to publish beside the machine: $place/sources ($(du -sm $place/sources | cut -f 1) MB)"
    [ ! -e $place/sources/missing ] || {
        echo "missing there, for the mirror has them no longer:" $(cat $place/sources/missing) >&2
        exit 1
    }
}

collect() {
    "${PYTHON:-python3}" -m stage.guest.root sources >"$new/wanted" && sh $ours/packages.sh sources "$new" &&
        cp $place/linux-source-*.tar.xz $place/kernel.config $place/SOURCES $place/LICENCES "$new" &&
        cp -R Makefile code stage "$new/course"
}

# All scenes in the guest, and the tests of what plays them; ALL=1: the thorough ones, too.
check() {
    status=0 python=build/venv/bin/python
    $python -m stage check --level guest --deadline 180 "$@" || status=1
    $python -m pytest -m "${ALL:+thorough or }not thorough" tests/guest || status=1
    return $status
}

case $1 in
machine-sources) machine_sources ;;
*) "$@" ;;
esac
