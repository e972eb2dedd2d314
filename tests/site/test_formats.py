"""The other formats of the site: the EPUB, and the PDF where there is LaTeX."""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from copies import make, path_without

JAR = Path("/usr/share/java/epubcheck.jar")  # Debian's command needs a kernel that starts jars
LATEX = ("latexmk", "xelatex", "rsvg-convert")
XHTML = "{http://www.w3.org/1999/xhtml}"


def epubcheck(book: Path) -> subprocess.CompletedProcess[str]:
    """Ask epubcheck, or skip the test."""
    if JAR.exists() and shutil.which("java"):
        # It does not live long enough for a better compiler and several collectors of garbage.
        command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", str(JAR)]
    elif shutil.which("epubcheck"):
        command = ["epubcheck"]
    else:
        pytest.skip("epubcheck is not installed")
    return subprocess.run([*command, "--failonwarnings", book], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)


@pytest.mark.thorough
def test_the_epub_has_what_the_site_has_and_nothing_to_click_in_vain(copy: Path) -> None:
    made = make(copy, "epub")
    book = copy / "build/epub/ipc-course.epub"
    assert made.returncode == 0, made.stdout
    assert made.stdout.endswith(f"The EPUB: {book}\n")
    with zipfile.ZipFile(book) as packed:
        pages = {name: packed.read(name).decode() for name in packed.namelist() if name.endswith(".xhtml")}
        about = packed.read("content.opf").decode()
    for place in ("screenplay.xhtml#produce-under-guard", "code/index.xhtml", "performing.xhtml"):
        assert f'href="{place}"' in pages["nav.xhtml"]
    for page, text in pages.items():
        root = ElementTree.fromstring(text)
        assert not [tag for tag in ("script", "button", "form", "svg") if root.find(f".//{XHTML}{tag}") is not None]
        assert "headerlink" not in text, page
        for image in root.iter(f"{XHTML}img"):
            assert len(image.get("alt", "")) > 40, page
    words = re.sub(r"<[^>]*>", "", pages["screenplay.xhtml"])
    assert "(waiter) $ ./sem/110-sem-wait\n[blocked in futex]\n" in words  # the transcript
    assert "#include &lt;semaphore.h&gt;\n" in words
    assert len(re.findall("<img ", pages["screenplay.xhtml"])) == \
        len(re.findall(r"^\.\. figure::", (copy / "docs/screenplay.rst").read_text(), re.M))
    for entry in ("<dc:title>Sysprog: POSIX IPC<", "<dc:language>en<", "<dc:creator>the authors of the course<",
                  "<dc:description>A course on", ">ipc-course</dc:identifier>", '<meta name="cover" content="epub-'):
        assert entry in about, entry
    checked = epubcheck(book)
    assert (checked.returncode, "No errors or warnings" in checked.stdout) == (0, True), checked.stdout


@pytest.mark.thorough
@pytest.mark.skipif(not all(map(shutil.which, LATEX)), reason=f"needs {', '.join(LATEX)}")
def test_the_pdf_is_whole_and_can_be_searched(copy: Path) -> None:
    made = make(copy, "pdf")
    assert made.returncode == 0, made.stdout
    assert made.stdout.endswith(f"The PDF: {copy}/build/pdf/ipc-course.pdf\n")
    log = (copy / "build/pdf/latex/ipc-course.log").read_text(errors="replace")
    assert "Missing character" not in log
    wide = [float(width) for width in re.findall(r"Overfull \\hbox \((.*?)pt too wide\)", log)]
    assert max(wide, default=0) < 10, "something sticks out into the margin"
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    text = subprocess.run(["pdftotext", copy / "build/pdf/ipc-course.pdf", "-"], check=True,
                          capture_output=True, text=True).stdout
    assert text.count("\f") > 20  # pages
    assert "lost increments" in re.sub(r"\s+", " ", text)
    assert "(waiter) $ ./sem/110-sem-wait\n[blocked in futex]\n" in text


def test_without_latex_make_pdf_says_what_to_install(copy: Path, tmp_path: Path) -> None:
    made = make(copy, "pdf", PATH=path_without(tmp_path / "bin", *LATEX))
    assert made.returncode == 2
    said = [line for line in made.stdout.splitlines() if "missing: latexmk, xelatex, rsvg-convert" in line]
    assert len(said) == 1 and len(made.stdout.splitlines()) == 1
    assert sorted(path.name for path in (copy / "build").iterdir()) == ["pycache", "venv"]
