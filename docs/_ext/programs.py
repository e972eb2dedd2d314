"""The code page: every file under code/, found and not listed.

The page docs/code/index.rst has a title and an introduction; this extension
appends what can be known from the files and from the page that shows them.
A file that no page shows, or not in the one form, is a warning that says what
to do, and so (with -W) no site is built.
"""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

from stage.page.model import ScriptError
from stage.page.reader import read

from .derived import SCREENPLAY
from .emphasis import emphasised, named
from .listings import SOLUTIONS, anchor, caption, complaints, listings
from .needs import creations, needs

PAGE = 'code/index'

logger = logging.getLogger(__name__)


def briefs(xml: Path) -> dict[str, str]:
    """Return the ``@brief`` of each file that doxygen has read, by its path, as reST.

    From its own XML: breathe's doxygenfile looks through that of all files for each file, which
    makes the page of a hundred programs thirty times as slow as that of ten.
    """
    found = {}
    for file in xml.glob('*_8[ch].xml'):
        compound = ElementTree.parse(file).getroot().find('compounddef')
        location, brief = compound.find('location'), compound.find('briefdescription/para')
        if location is not None and brief is not None:
            text = re.sub(r'([\\*`|_])', r'\\\1', ''.join(brief.itertext()).strip())
            found[location.get('file', '')] = text
    return found


def section(file: Path, top: Path, brief: str) -> list[str]:
    """What the code page says about a file."""
    path = file.relative_to(top)
    lines = [f'.. _{path.stem}:', '', f'``{path}``', '.' * 80, '']
    lines += [brief, '']
    if path.suffix == '.c':
        lines += ['.. code-block:: console', '', f'   $ {compile_line(path)}', '']
    else:
        # A name space of its own: another header may have a struct of this name.
        lines += [f'.. c:namespace:: {re.sub(r"[^a-z0-9]", "_", str(path))}', '',
                  f'.. doxygenstruct:: {path.stem}', '   :members:', '', '.. c:namespace:: NULL', '']
    downloads = caption(file, top, top / 'docs/code')
    return lines + [f'Download {downloads}; shown in :ref:`{file.name}`.', '']


def derive(app: Sphinx, env: BuildEnvironment, *changes: set[str]) -> list[str]:
    """Make the list; have the page read again when it has changed, and only then."""
    docs = Path(app.srcdir)
    top = docs.parent
    try:
        shown = listings(docs)
    except ScriptError as error:
        raise ExtensionError(f'{error}') from None
    files = sorted(top.glob('code/[!.]*/[!.]*.[ch]'))
    for text, place in complaints(files, shown, top):
        logger.warning('%s', text, location=place)
    labelled = {listing.file for listing in shown if listing.label}
    said = briefs(top / app.config.breathe_projects[app.config.breathe_default_project])
    lines: list[str] = []
    # The families come in the order of the pages, their files by number.
    for family in dict.fromkeys(listing.file.parent for listing in shown):
        if family.name == SOLUTIONS:
            continue
        if members := [file for file in files if file.parent == family and file in labelled]:
            archive = f'ipc-{family.name}.tar.gz'
            lines += ['', f'``{family.relative_to(top)}/``', '-' * 80, '',
                      f'All of them: `{archive} <../{archive}>`__', '']
            for file in members:
                lines += section(file, top, said.get(str(file.relative_to(top)), ''))
    before = getattr(env, 'programs_list', None)
    env.programs_list = '\n'.join(lines)
    return [] if before == env.programs_list else [PAGE]


def follow(app: Sphinx, env: BuildEnvironment, *changes: set[str]) -> list[str]:
    """Have the listings read again when other commands of the screenplay create what their programs need."""
    docs = Path(app.srcdir)
    before = getattr(env, 'course_creations', None)
    try:
        env.course_creations = creations(read(str(docs / SCREENPLAY)), docs.parent / 'code')
    except (ScriptError, OSError):
        env.course_creations = {}  # reported with the listings, or where the screenplay is drawn
    return [] if before == env.course_creations else [env.path2doc(listing.page) for listing in listings(docs)]


def append(app: Sphinx, docname: str, source: list[str]) -> None:
    """Complete the code page."""
    if docname == PAGE:
        source[0] += '\n' + app.env.programs_list


def compile_line(file: Path) -> str:
    """Return the command that makes of a download what the sessions run, in whichever folder it is typed."""
    family = 'exercises' if file.parent.name == SOLUTIONS else file.parent.name
    return f'mkdir -p {family} && cc -g -o {family}/{file.stem} {file.name}'


def reference(app: Sphinx, target: str, label: nodes.Element) -> nodes.Element:
    """Return a link to a label."""
    return addnodes.pending_xref('', label, refdomain='std', reftype='ref', refexplicit=True,
                                 reftarget=target, refdoc=app.env.docname, refwarn=True)


def section_of(node: nodes.Node) -> nodes.section:
    """Return the section that a node is in."""
    while not isinstance(node, nodes.section):
        node = node.parent
    return node


def complete_listings(app: Sphinx, document: nodes.document) -> None:
    """Give each line of a listing its anchor, and mark some; say below how it is compiled and where more is."""
    code = Path(app.srcdir).parent / 'code'
    for listing in list(document.findall(nodes.literal_block)):
        file = Path(listing.get('source', ''))
        if code not in Path(os.path.normpath(file)).parents or not isinstance(listing.parent, nodes.container):
            continue
        listing['highlight_args']['lineanchors'] = name = anchor(file)  # of Pygments: 030-shm-produce.c-12
        labels = [document.nameids[label] for label in listing.parent['names']]
        listing.parent['ids'] = [name, *labels]  # they stay, whatever else is shown: no running numbers
        section = section_of(listing)
        app.env.domains.standard_domain.note_hyperlink_target(
            name, app.env.docname, name, section.next_node(nodes.title).astext())
        listing['highlight_args']['hl_lines'] = emphasised(listing.astext(), named(section))
        line = nodes.paragraph(classes=['compile'])
        if file.suffix == '.c':
            line += nodes.literal('', compile_line(file))
            before = needs(file, app.env.course_creations)
            for index, command in enumerate(before):
                line += nodes.Text(' and ' if index else ' needs ')
                line += reference(app, f'{Path(command.split()[0]).name}.c', nodes.literal('', command))
            line += nodes.Text(' first' if before else ' ')
        elsewhere = reference(app, file.stem, nodes.inline('', 'on the code page'))
        line += nodes.inline('', '; ' if len(line) > 2 else '', elsewhere)  # one element, which is not printed
        wrapper = listing.parent
        wrapper.parent.insert(wrapper.parent.index(wrapper) + 1, line)


def forget_downloads(app: Sphinx, document: nodes.document) -> None:
    """The code page names the programs, and has nothing of their text: it need not be read again.

    Sphinx notes what can be downloaded from a page as what the page is made from, and copies it
    at the end of each build, whether or not the page was read.
    """
    if app.env.docname == PAGE:
        app.env.dependencies[PAGE].clear()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what makes the code page and completes listings."""
    app.connect('env-get-outdated', derive)
    app.connect('env-get-outdated', follow)
    app.connect('source-read', append)
    app.connect('doctree-read', complete_listings)
    app.connect('doctree-read', forget_downloads, priority=900)  # when Sphinx has noted them
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
