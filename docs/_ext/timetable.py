"""Planned minutes: a line under each title, and the timetable on the page for instructors.

The minutes stand in the screenplay only, in the field ``:Minutes:`` under a title.
In HTML the field becomes a line of text, with the sum where there are sections
below, and the page itself gets one, too.  The timetable is appended to
docs/performing.rst.  Without this extension the fields are shown as fields.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from stage.page.model import Page, ScriptError
from stage.page.reader import read

from .derived import SCREENPLAY, table

PAGE = 'performing'
FIELD = 'Minutes'


def timetable(page: Page) -> list[str]:
    """Return the table as reST: what, for how long, from which minute to which.

    The sum of a chapter and that of the page are in bold; the other minutes add up to them.
    """
    rows, start = [], 0
    for section in page.sections[1:]:
        title = f':ref:`{section.label}`' if section.label else section.title
        total, own = page.minutes(section), section.minutes
        if section.depth == 1:
            rows.append((title, f'**{total}**', str(start), str(start + total)))
            title = 'introduction'
        if own and (section.depth > 1 or total > own):
            rows.append((title, str(own), str(start), str(start + own)))
        start += own
    return table(('section', 'minutes', 'from', 'to'),
                 [*rows, ('all', f'**{start}**', '0', str(start))], widths='55 15 15 15')


def append(app: Sphinx, docname: str, source: list[str]) -> None:
    """Complete the page for instructors, which is read again when the screenplay changes."""
    if docname == PAGE:
        screenplay = Path(app.srcdir, SCREENPLAY)
        app.env.note_dependency(str(screenplay))
        try:
            source[0] += '\n' + '\n'.join(timetable(read(str(screenplay))))
        except ScriptError:
            pass  # drawing the screenplay reports it


def planned(field: nodes.field) -> int:
    """Return the minutes of a field, or 0; what is no number is refused with the scenes."""
    name, body = (child.astext() for child in field.children)
    return int(body) if name == FIELD and body.isdecimal() else 0


def in_words(minutes: int) -> str:
    """Return "5 minutes"."""
    return f'{minutes} minute{"s" if minutes != 1 else ""}'


class Minutes(SphinxPostTransform):
    """Turns the fields into lines, and puts one under the title of the page."""

    default_priority = 400
    formats = ('html',)

    def run(self, **kwargs: Any) -> None:
        """Do it."""
        if self.app.builder.name == 'epub':
            return
        sections = list(self.document.findall(nodes.section))
        sums = [sum(map(planned, section.findall(nodes.field))) for section in sections]
        for section, total in zip(sections, sums, strict=True):
            lists = [child for child in section.children if isinstance(child, nodes.field_list)]
            own = [(field, minutes) for fields in lists for field in fields if (minutes := planned(field))]
            if total == 0 or not own and section is not sections[0]:
                continue
            line = nodes.paragraph('', in_words(total), classes=['minutes'])
            if own and own[0][1] < total:
                line += nodes.Text(f', {own[0][1]} of them for the introduction')
            if not own:
                section.insert(1, line)
            elif len(fields := own[0][0].parent) > 1:  # others stay
                section.insert(section.index(fields), line)
                fields.remove(own[0][0])
            else:
                fields.replace_self(line)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the hook and the transform."""
    app.connect('source-read', append)
    app.add_post_transform(Minutes)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
