"""The built site: what it links to, what it offers, and how it is made again."""

import functools
import json
import os
import re
import shutil
import struct
import subprocess
import tarfile
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from copies import listing, make
from pygments.styles import get_style_by_name
from support import ROOT

from docs._ext.figures import inline

SITE = ROOT / "build/html"
C_FILES = sorted((ROOT / "code").glob("*/*.[ch]"))
PAGES = sorted(SITE.rglob("*.html"))
# Where a browser loads from by itself, unlike the href of an <a>.
LOADS = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src"),
         ("object", "data"), ("embed", "src"), ("video", "src"), ("audio", "src"), ("image", "href"),
         ("use", "href"), ("img", "srcset"), ("form", "action")}


class Page(HTMLParser):
    """The elements of a page, their ids, and the targets of their links."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.captions: list[dict[str, Path]] = []  # text of a download, and the file
        self._in_caption = False
        self._download: Path | None = None
        self.feed(file.read_text(encoding="utf-8"))
        self.ids = [values["id"] for _, values in self.elements if "id" in values]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        if tag == "div" and "code-block-caption" in values.get("class", ""):
            self._in_caption = True
            self.captions.append({})
        elif tag == "div":
            self._in_caption = False
        elif tag == "a" and self._in_caption and "download" in values:
            self._download = self.resolve(values["href"])

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        if self._download:
            self.captions[-1][data] = self._download
            self._download = None

    def resolve(self, link: str) -> Path:
        """The file that a link of this page leads to."""
        path = unquote(urlsplit(link).path)
        return Path(os.path.normpath(self.file.parent / path)) if path else self.file


@functools.cache
def parse(file: Path) -> Page:
    return Page(file)


def is_elsewhere(link: str) -> bool:
    parts = urlsplit(link)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def downloads() -> list[dict[str, Path]]:
    """The downloads in each caption of the pages, as a reader finds them there."""
    return [caption for page in PAGES for caption in parse(page).captions if caption]


def test_every_internal_link_and_its_anchor_resolves() -> None:
    for page in map(parse, PAGES):
        for _, values in page.elements:
            for link in filter(None, (values.get("href"), values.get("src"))):
                if is_elsewhere(link) or link.startswith("data:"):
                    continue
                target = page.resolve(link)
                assert target.is_file(), f"{page.file}: {link}"
                anchor = unquote(urlsplit(link).fragment)
                if anchor and target.suffix == ".html":
                    assert anchor in parse(target).ids, f"{page.file}: {link}"


def test_nothing_is_loaded_from_elsewhere() -> None:
    for page in map(parse, PAGES):
        for tag, values in page.elements:
            for name, value in values.items():
                if (tag, name.removeprefix("xlink:")) in LOADS:
                    assert not is_elsewhere(value), f"{page.file}: <{tag} {name}={value}>"
                if name == "style":
                    assert not re.search(r"url\(\W*(https?:)?//", value)
    for sheet in SITE.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.S)
        assert not re.search(r"(url\(|@import)\W*(https?:)?//", text), sheet


def test_no_page_is_served_from_elsewhere_by_its_scripts() -> None:
    """Scripts may name addresses (of licences), but fetch none."""
    for script in SITE.rglob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert not re.search(r"""(fetch|import|open|src\s*=)\s*\(?\s*["'`](https?:)?//""", text), script


def test_every_image_and_drawing_says_what_it_shows() -> None:
    drawings = 0
    for page in map(parse, PAGES):
        for tag, values in page.elements:
            if tag == "img":
                assert values.get("alt", "").strip(), f"{page.file}: {values}"
            if "drawing" in values.get("class", "").split():
                assert values["role"] == "img" and len(values["aria-label"]) > 40
                drawings += 1
    pages = "".join(page.read_text() for page in (ROOT / "docs").rglob("*.rst"))
    assert drawings == len(re.findall(r"^\.\. (?:figure|image):: \S+\.svg$", pages, re.M))


def test_no_id_is_given_twice_in_a_page() -> None:
    for page in map(parse, PAGES):
        twice = [name for name, count in Counter(page.ids).items() if count > 1]
        assert twice == [], page.file


def test_every_file_can_be_downloaded_as_it_is() -> None:
    offered = {name: file for caption in downloads() for name, file in caption.items()}
    for file in C_FILES:
        name = str(file.relative_to(ROOT))
        assert offered[name].read_bytes() == file.read_bytes()
        assert offered[name].name == file.name


STRICT = ["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wwrite-strings", "-Werror"]
# As a reader types it, and as the strictest would; each compiler of its own age or target once.
COMPILATIONS = [
    ("cc", []), ("gcc", ["-std=c11", *STRICT]), ("gcc", ["-std=c2x", *STRICT]), ("gcc -m32", []),
    ("gcc -m32", ["-std=c11", *STRICT]), ("clang", []), ("clang", ["-std=c17", *STRICT]), ("musl-gcc", []),
    ("musl-gcc", ["-std=c11", *STRICT]), ("clang-19", ["-std=c2x", *STRICT]), ("clang-20", ["-std=c2x", *STRICT])]


@pytest.mark.parametrize(("compiler", "options"), [
    pytest.param(compiler, options, id=f"{compiler} {options[0] if options else 'plain'}",
                 marks=[] if compiler in ("cc", "gcc", "gcc -m32") else pytest.mark.thorough)
    for compiler, options in COMPILATIONS])
def test_each_download_compiles_alone(compiler: str, options: list[str], tmp_path: Path) -> None:
    words = compiler.split()
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not installed")
    probe = [*words, "-x", "c", "-o", os.devnull, "-"]
    if subprocess.run(probe, input="#include <errno.h>\nint main(void) {}", text=True, capture_output=True).returncode:
        pytest.skip(f"{compiler} has no C library to link (gcc-multilib)")
    for number, caption in enumerate(downloads()):
        folder = tmp_path / str(number)
        folder.mkdir()
        for file in caption.values():
            shutil.copy(file, folder)
        for source in folder.glob("*.c"):
            done = subprocess.run([*words, *options, source.name], cwd=folder,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert (done.returncode, done.stdout) == (0, ""), source.name
            assert options or (folder / "a.out").exists()


def test_the_code_page_has_every_file_with_what_it_does() -> None:
    text = (SITE / "code/index.html").read_text(encoding="utf-8")
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", text))
    assert "solutions/" not in words
    for file in C_FILES:
        if file.parent.name == "solutions":
            continue  # nobody finds one by accident
        assert str(file.relative_to(ROOT)) in words
        brief = re.search(r"@brief (.*)", file.read_text())
        assert brief and brief[1].replace("<", "&lt;").replace(">", "&gt;") in words
        if file.suffix == ".c":
            assert f"$ mkdir -p {file.parent.name} && cc -g -o {file.parent.name}/{file.stem} {file.name}".replace(
                "&", "&amp;") in words
    for member, size, offset in (("timestamp", 8, 0), ("value", 8, 8), ("channel", 4, 16)):
        assert re.search(rf"{member}\W.{{0,60}}; {size} bytes at offset {offset}\.", words)


OTHER_PAGES = {"turns": "scheduler", "exercises": "exercises", "solutions": "solutions",
               "guest": "machine"}


def test_each_listing_says_how_to_run_it_and_leads_to_the_code_page_and_back() -> None:
    entries = (SITE / "code/index.html").read_text(encoding="utf-8")
    for file in C_FILES:
        family = file.parent.name
        page = f"{OTHER_PAGES.get(family, 'screenplay')}.html"
        name = f"solution-{file.name}" if family == "solutions" else file.name
        _, _, after = (SITE / page).read_text(encoding="utf-8").partition(f'id="{name}"')
        line = re.search(r'<p class="compile">.*?</p>', after, re.S)
        assert line
        words = re.sub(r"<[^>]*>", "", line[0])
        if file.suffix == ".c":
            family = family.replace("solutions", "exercises")
            assert words.startswith(f"mkdir -p {family} &amp;&amp; cc -g -o {family}/{file.stem} {file.name} ")
        entry = re.search(r'href="code/index.html#([\w-]+)"', line[0])
        assert entry
        section = entries.partition(f'id="{entry[1]}"')[2].partition("</section>")[0]
        if name != file.name:
            continue  # it leads to its start
        assert str(file.relative_to(ROOT)) in section
        assert f'shown in <a class="reference internal" href="../{page}#{file.name}">' in section


def test_each_listing_says_what_must_be_there_first() -> None:
    listings = (SITE / "screenplay.html").read_text(encoding="utf-8")
    said = dict(re.findall(r'cc -g -o \w+/(\S+) .*? needs (.*?) first; ', re.sub(r"<[^>]*>", "", listings)))
    assert said["130-sem-produce"] == "./shm/020-shm-create and ./sem/100-sem-create /ipc-guard 1"
    assert said["040-shm-consume"] == "./shm/020-shm-create"
    assert {program.partition("-")[2].partition("-")[0] for program in said} == {"shm", "sem", "mq"}
    assert not [program for program in said if program.endswith("-create")]


def test_the_policy_allows_nothing_inline_but_a_style_sheet_and_a_script_that_it_names_by_their_hashes() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        policy = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', text)
        assert len(policy) == 1 and "default-src 'self' file:;" in policy[0]
        assert "unsafe" not in policy[0].replace("'wasm-unsafe-eval'", "")  # which runs no JavaScript
        for kind in ("script", "style"):
            [inside] = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.S)
            named = re.findall(rf"{kind}-src[^;]* 'sha256-(.*?)'", policy[0])
            assert named == [b64encode(sha256(inside.encode()).digest()).decode()], page.name
        # Data that a script reads is no script.
        inline = r"""<style(?=[^>])|<script(?=[^>])(?![^>]* src=)(?! type="application/json">)| style=| on[a-z]+=\""""
        assert not re.search(inline, text), page.name


def test_figures_have_no_colour_but_that_of_the_text() -> None:
    for figure in (ROOT / "docs/figures").glob("*.svg"):
        colours = re.findall(r'\b(?:fill|stroke|color|stop-color)[=:]"? ?([^";]+)', figure.read_text())
        assert set(colours) == {"none", "currentColor"}, figure.name


@pytest.mark.parametrize("box", ["0 0 40.5 20", "0,0,40.5,20"])
def test_a_figure_is_as_wide_as_it_says_also_by_a_fraction(box: str, tmp_path: Path) -> None:
    (tmp_path / "one.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"/>')
    assert ' width="2.53125rem"' in inline(tmp_path / "one.svg", "One.")


def test_permanent_links_have_no_running_numbers() -> None:
    for page in PAGES:
        assert not re.search(r'class="headerlink" href="#id\d+"', page.read_text(encoding="utf-8")), page


def luminance(colour: str) -> float:
    colour = colour.lstrip("#")
    if len(colour) == 3:
        colour = "".join(2 * digit for digit in colour)
    parts = [int(colour[place:place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_code_can_be_read_in_both_themes() -> None:
    names = re.findall(r"^pygments_(?:dark_)?style = '(.*?)'", (ROOT / "conf.py").read_text(), re.M)
    assert len(names) == 2
    for name in names:
        style = get_style_by_name(name)
        for token, look in style:
            if look["color"]:
                ground = luminance(look["bgcolor"] or style.background_color)
                ink = luminance(look["color"])
                contrast = (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05)
                assert contrast >= 7 or "Error" in str(token), f"{name}: {token}"


def test_each_page_has_its_scenes_beside_it() -> None:
    for page in (ROOT / "docs").rglob("*.rst"):
        beside = SITE / page.relative_to(ROOT / "docs").with_suffix(".scenes.json")
        cues = json.loads(beside.read_text())
        assert bool(cues) == (":class: scene" in page.read_text())


def watch_tools(folder: Path) -> tuple[str, Path]:
    """A PATH whose compiler and doxygen write down that they were started; the python, too."""
    log = folder / "build/log"
    shims = folder / "build/shims"
    shims.mkdir()
    real = (folder / "build/venv").resolve()
    (folder / "build/venv").unlink()
    (folder / "build/venv/bin").mkdir(parents=True)
    shutil.copy(real / ".done", folder / "build/venv")
    for shim, tool in ((shims / "cc", shutil.which("cc")),
                       (shims / "doxygen", shutil.which("doxygen")),
                       (folder / "build/venv/bin/python", real / "bin/python")):
        shim.write_text(f'#!/bin/sh\necho "{shim.name} $*" >>"{log}"\nexec "{tool}" "$@"\n')
        shim.chmod(0o755)
    return f"{shims}:{os.environ['PATH']}", log


@pytest.mark.thorough
def test_make_makes_only_what_has_changed(copy: Path) -> None:
    path, log = watch_tools(copy)
    assert make(copy, PATH=path).returncode == 0
    assert "-m sphinx" in log.read_text() and "doxygen" in log.read_text()

    log.unlink()
    again = make(copy, PATH=path)
    assert again.stdout.count("\n") == 1
    assert not re.search("^cc |-m sphinx|^doxygen (?!--version)", log.read_text(), re.M), log.read_text()

    made = listing(copy)
    with (copy / "code/shm/030-shm-produce.c").open("a") as file:
        file.write("// one more line\n")
    assert make(copy, PATH=path).returncode == 0
    compiled = [line for line in log.read_text().splitlines() if line.startswith("cc ")]
    assert len(compiled) == 1 and "code/shm/030-shm-produce.c" in compiled[0]
    touched = {name for name, when in listing(copy).items() if made.get(name) != when}
    read = {name for name in touched if name.endswith(".doctree")}
    assert read == {"build/sphinx/doctrees/screenplay.doctree"}
    assert not {name for name in touched if name.startswith("build/xml/")}
    course = tarfile.open(copy / "build/html/ipc-course.tar.gz")
    program = course.extractfile("ipc-course/shm/030-shm-produce.c")
    assert program and program.read() == (copy / "code/shm/030-shm-produce.c").read_bytes()
    download = next((copy / "build/html/_downloads").rglob("030-shm-produce.c"))
    assert "one more line" in download.read_text()
    assert "one more line" in (copy / "build/html/screenplay.html").read_text()

    made = listing(copy)
    (copy / "docs/figures/mapping.svg").touch()
    assert make(copy, PATH=path).returncode == 0
    read = {name for name, when in listing(copy).items()
            if name.endswith(".doctree") and made.get(name) != when}
    assert read == {"build/sphinx/doctrees/screenplay.doctree"}


@pytest.mark.thorough
def test_the_site_needs_none_of_our_extensions(copy: Path) -> None:
    """The pages use stock directives only, but for the list of the code page."""
    settings = copy / "conf.py"
    settings.write_text(re.sub(r"'docs\.\w+\.\w+',?\s*", "", settings.read_text()))
    assert "stage." not in settings.read_text()
    made = make(copy, "html")
    assert made.returncode == 0, made.stdout
    assert 'src="_images/mapping.svg"' in (copy / "build/html/screenplay.html").read_text()


@pytest.mark.thorough
def test_addresses_are_those_that_are_configured(copy: Path) -> None:
    for page in PAGES:
        assert not re.search("rel=.canonical|Source of this page|og:url|og:image", page.read_text()), page
    assert not (SITE / "sitemap.xml").exists()
    options = {"html_baseurl": "https://example.org/ipc/",
               "html_theme_options.source_url": "https://example.org/docs/",
               "html_theme_options.repository_url": "https://example.org/"}
    made = make(copy, "html", SPHINXOPTS=" ".join(f"-D {name}={value}" for name, value in options.items()))
    assert made.returncode == 0, made.stdout
    code = (copy / "build/html/code/index.html").read_text()
    assert '<link rel="canonical" href="https://example.org/ipc/code/index.html">' in code
    assert '<a href="https://example.org/docs/code/index.rst">Source of this page</a>' in code
    assert "Source of this page" not in (copy / "build/html/search.html").read_text()  # it has none
    assert '<a href="https://example.org/">Source of the course</a>' in (copy / "build/html/index.html").read_text()
    assert "Source of the course" not in code
    said = {values.get("name") or values.get("property"): values.get("content")
            for tag, values in parse(copy / "build/html/code/index.html").elements if tag == "meta"}
    assert len(said["description"]) > 40 and said["og:description"] == said["description"]
    assert (said["og:title"], said["og:type"]) == ("Code: Sysprog: POSIX IPC", "article")
    assert said["og:url"] == "https://example.org/ipc/code/index.html"
    places = re.findall("<loc>(.*?)</loc>", (copy / "build/html/sitemap.xml").read_text())
    assert sorted(places) == sorted(f"https://example.org/ipc/{page.relative_to(ROOT / 'docs').with_suffix('.html')}"
                                    for page in (ROOT / "docs").rglob("*.rst"))
    if shutil.which("rsvg-convert"):
        picture = (copy / "build/html/_static/card.png").read_bytes()
        assert (picture[:4], struct.unpack(">2I", picture[16:24])) == (b"\x89PNG", (1200, 630))
        assert said["og:image"] == "https://example.org/ipc/_static/card.png"
        assert said["twitter:card"] == "summary_large_image"
    else:
        assert "og:image" not in said and "Without rsvg-convert" in made.stdout
    assert "<span>Version" not in code  # there is no repository
    lost = (copy / "build/html/404.html").read_text()  # served at any depth
    links = re.findall(r'(?:href|src)="([^"]*)"', lost)
    assert all(link.startswith(("/ipc/", "#", "data:")) for link in links), links


@pytest.mark.thorough
@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_the_footer_says_the_version_of_a_repository_and_of_a_linked_one(copy: Path, tmp_path: Path) -> None:
    def git(*command: str) -> None:
        subprocess.run(["git", "-C", str(copy), "-c", "user.name=A", "-c", "user.email=a@example.org", *command],
                       check=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "all")
    git("tag", "-a", "-m", "one", "v1")
    made = make(copy, "html")
    assert made.returncode == 0, made.stdout
    for page in (copy / "build/html").rglob("*.html"):
        assert "<span>Version v1</span>" in page.read_text(), page
    git("init", "-q", f"--separate-git-dir={tmp_path}/elsewhere")  # as in a linked work tree and in a submodule
    assert (copy / ".git").is_file()
    git("commit", "-q", "--allow-empty", "-m", "nothing")
    assert make(copy, "html").returncode == 0
    for page in (copy / "build/html").rglob("*.html"):
        assert re.search(r"<span>Version v1-1-g\w+</span>", page.read_text()), page
