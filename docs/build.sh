#!/bin/sh
# One step of the site: "sh docs/build.sh venv", "... html", "... epub" or "... pdf".
# The Makefile runs it when an input is newer than the site, one at a time.
set -eu
python=build/venv/bin/python
[ -t 1 ] || export NO_COLOR=1 # Sphinx would take CI=true for a terminal
export TMPDIR="$PWD/build/tmp" # for what Sphinx writes when it fails
rm -rf "$TMPDIR"
mkdir -p "$TMPDIR"

# The tools, once; again when other versions are asked for, or Python itself is another one.
venv() {
    if cmp -s docs/requirements.txt build/venv/.done &&
        $python -c 'from importlib.util import find_spec as find
assert all(map(find, ("a11y_pygments", "breathe", "pytest", "sphinx")))' 2>/dev/null; then
        touch build/venv/.done # another make has been here first
        return
    fi
    echo 'Installing the tools of docs/requirements.txt into build/venv (once)'
    rm -rf build/venv
    "${PYTHON:-python3}" -m venv build/venv
    $python -m pip install --quiet --disable-pip-version-check \
        --require-hashes --no-deps --only-binary :all: -r docs/requirements.txt || {
        echo 'This step needs the network, once; "make" begins it anew.' >&2
        exit 1
    }
    cp docs/requirements.txt build/venv/.done
}

# The version, if there is one.
commit() {
    [ ! -e .git ] || git describe --always --dirty 2>/dev/null || true
}

# Sphinx works in a folder of its own, and a whole site replaces the one before.
# build/sphinx/.done says what it was made from: it is missing while Sphinx
# works, and if it is missing or other, nothing old may stay.
html() {
    venv
    { cat build/.inputs; cksum conf.py docs/Doxyfile docs/requirements.txt docs/_theme/theme.toml \
        docs/_*/*.py stage/page/*.py docs/build.sh; } >build/.basis
    cmp -s build/.basis build/sphinx/.done || rm -rf build/sphinx build/xml
    rm -f build/sphinx/.done
    echo 'Building the site'
    $python -m sphinx -q -n -W --keep-going -A commit="$(commit)" -c . -d build/sphinx/doctrees docs build/sphinx/html
    rm -rf build/html.new
    cp -Rp build/sphinx/html build/html.new
    touch -r build/.basis build/html.new/.done # what is saved from then on is newer
    rm -rf build/html.old
    [ ! -e build/html ] || mv build/html build/html.old
    mv build/html.new build/html
    rm -rf build/html.old
    mv build/.basis build/sphinx/.done
}

# The same pages as a book, always made anew: it takes seconds, and nothing old can stay.
book() {
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
