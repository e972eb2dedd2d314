#!/bin/sh
# One step of the site, one at a time: "sh docs/build.sh venv", "... html", "... epub", "... pdf" or "... dist";
# and what the Makefile asks before and afterwards: "... inputs FILE...", "... address".
set -eu
python=build/venv/bin/python
[ -t 1 ] || export NO_COLOR=1 # Sphinx would take CI=true for a terminal

# Whoever else makes something waits. Lustre knows no locks, for example, and some systems no flock(1).
alone() {
    mkdir -p build
    exec 9>build/.lock
    flock 9 2>/dev/null || [ -e build/.unlocked ] || {
        echo 'Nothing can be locked in this folder: run one make at a time.' >&2
        : >build/.unlocked
    }
    export TMPDIR="$PWD/build/tmp" # for what pip and Sphinx write; /tmp may be small, or forbid to run programs
    rm -rf "$TMPDIR"
    mkdir -p "$TMPDIR"
}

# Not if other versions are asked for, or if Python itself has gone, or is another one since then.
venv_works() {
    cmp -s docs/requirements.txt build/venv/.done &&
        $python -Ic 'from importlib.util import find_spec as find
assert all(map(find, ("a11y_pygments", "breathe", "pytest", "sphinx")))' 2>/dev/null
}

fetch() {
    $python -m pip install --no-user --disable-pip-version-check --log "$TMPDIR/log" "$@" \
        --require-hashes --no-deps --only-binary :all: -r docs/requirements.txt
}

# venv(1) makes links, even with --copies, and VirtualBox's folders and exFAT have none.
# Where nothing answers, it is no use to try again; where something breaks off, it is.
make_venv() {
    if ln -s said "$TMPDIR/link"; then
        "${PYTHON:-python3}" -Im venv build/venv
    else
        mkdir -p build/venv/lib64
        "${PYTHON:-python3}" -Im venv --copies build/venv
    fi && { fetch --retries 0 || { connected && fetch; }; }
}

full() {
    grep -qs 'No space left\|quota exceeded' "$TMPDIR/said" "$TMPDIR/log" ||
        [ "$(df -Pk build | awk 'END { print $4 }')" -lt 65536 ]
}

connected() { ! grep -q 'Could not fetch URL.*onnection' "$TMPDIR/log"; }

venv() {
    venv_works && return
    alone
    venv_works && return # another make has been here first
    echo 'Fetching the tools of docs/requirements.txt into build/venv: 30 MB, once'
    rm -rf build/venv
    if make_venv >"$TMPDIR/said" 2>&1; then
        cp docs/requirements.txt build/venv/.done
        return
    elif full; then
        echo 'The disk is full: make room for 130 MB in build/; "make" begins anew.'
    elif ! connected; then
        echo 'The network is needed, once, and nothing answers (is there a proxy?); "make" begins anew.'
    else
        cat "$TMPDIR/said"
        echo 'The tools of docs/requirements.txt could not be installed; "make" begins anew.'
    fi >&2
    exit 1
}

# The version, if there is one.
commit() {
    [ ! -e .git ] || git describe --always --dirty 2>/dev/null || true
}

# What the site is made from, beside the contents of files: the version that it names, the folder
# (Sphinx keeps its name), the options of Sphinx, and the names of the files.
inputs() {
    mkdir -p build
    {
        commit
        pwd -P
        echo "${SPHINXOPTS-}"
        printf '%s\n' "$@"
    } >build/.inputs.$$
    if cmp -s build/.inputs.$$ build/.inputs; then
        rm build/.inputs.$$
    else
        mv build/.inputs.$$ build/.inputs
    fi
}

# Sphinx works in a folder of its own, and a whole site replaces the one before.
# build/sphinx/.done says what it was made from: it is missing while Sphinx
# works, and if it is missing or other, nothing old may stay.
html() {
    alone
    { grep / build/.inputs; cksum conf.py docs/Doxyfile docs/requirements.txt docs/_theme/theme.toml \
        docs/_*/*.py stage/page/*.py docs/build.sh; } >build/.basis
    cmp -s build/.basis build/sphinx/.done || rm -rf build/sphinx build/xml
    rm -f build/sphinx/.done
    echo 'Building the site'
    # A commit may have digits alone, of which "-A commit=" would make a number.
    # shellcheck disable=SC2086 # several words
    $python -m sphinx -q -n -W --keep-going ${SPHINXOPTS-} -D html_context.commit="$(commit)" -c . \
        -d build/sphinx/doctrees docs build/sphinx/html
    rm -rf build/html.new
    cp -Rp build/sphinx/html build/html.new
    touch -r build/.basis build/html.new/.done # what is saved from then on is newer
    chmod -R a+rX build/html.new # a web server reads it, whatever our umask is
    rm -rf build/html.old
    [ ! -e build/html ] || mv build/html build/html.old
    mv build/html.new build/html
    rm -rf build/html.old
    mv build/.basis build/sphinx/.done
}

# Where the site is, to click on.
address() {
    $python -Ic 'import pathlib
print("To read the course, open", pathlib.Path("build/html/index.html").absolute().as_uri(), "or: make serve")'
}

# What a static host needs.
dist() {
    alone
    $python docs/dist.py build "$(commit)"
}

# The same pages as a book, always made anew: it takes seconds, and nothing old can stay.
book() {
    alone
    rm -rf "build/$1"
    version=$(commit)
    $python -m sphinx -q -n -W --keep-going -D version="${version:-0}" -D release="$version" \
        -b "$2" -c . -d "build/$1/doctrees" docs "build/$1/$2"
}

epub() {
    book epub epub
    mv build/epub/epub/ipc-course.epub build/epub/
    echo "The EPUB: $PWD/build/epub/ipc-course.epub"
}

pdf() {
    book pdf latex
    (cd build/pdf/latex && latexmk -xelatex -interaction=nonstopmode -quiet ipc-course.tex) >build/pdf/log 2>&1 || {
        grep -A 5 '^!' build/pdf/log || tail build/pdf/log
        exit 1
    } >&2
    mv build/pdf/latex/ipc-course.pdf build/pdf/
    echo "The PDF: $PWD/build/pdf/ipc-course.pdf"
}

"$@"
