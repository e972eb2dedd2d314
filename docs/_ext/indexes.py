"""The reference page: indexes by call and by symptom, found and not listed.

The page docs/reference.rst has a title and the glossary; this extension appends
which program uses which call and which section speaks of it, and where the
sessions show which error and which signal.
"""

from __future__ import annotations

import errno
import functools
import locale
import os
import re
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from stage.page.anchors import targets
from stage.page.model import AtPrompt, Cue, ScriptError
from stage.page.reader import by_section, read, text_of

from .derived import SCREENPLAY, sources, table
from .emphasis import SPOKEN
from .listings import SOLUTIONS

PAGE = 'reference'
MANUAL = re.compile(r':manpage:`(\w+)\(([23])\)`')  # calls, not commands of the same name
WITH_PARENTHESES = re.compile(r'``(\w+)\(()\)``')
#: What looks like a call and is C itself.
KEYWORDS = {'if', 'for', 'while', 'switch', 'return', 'sizeof', 'static_assert'}


@functools.cache
def calls(text: str) -> set[str]:
    """Return the functions that a C file calls and does not define itself."""
    code = SPOKEN.sub('', text)
    own = set(re.findall(r'^\w[\w *]*?\b(\w+)\([^;{]*\)\n\{', code, re.MULTILINE))
    return set(re.findall(r'\b([a-z]\w*)\(', code)) - own - KEYWORDS


@functools.cache
def said() -> tuple[dict[str, str], dict[str, str]]:
    """Return what the C library says -> name, of errors and of signals.

    In English, as the sessions are, whatever the language of the user, which Sphinx has set.
    """
    language = locale.setlocale(locale.LC_MESSAGES)
    locale.setlocale(locale.LC_MESSAGES, 'C')
    errors = {os.strerror(number): name for number, name in errno.errorcode.items()}
    signals = {signal.strsignal(number): number.name for number in signal.Signals}
    locale.setlocale(locale.LC_MESSAGES, language)
    return errors, signals


def symptoms(cue: Cue) -> Iterator[tuple[str, str]]:
    """Yield (name, line of output) of each error and signal that a cue shows."""
    errors, signals = said()
    for line in map(str.strip, filter(None, cue.expect)):
        for text, name in errors.items():
            if line.endswith(f': {text}') or f'{name} ({text})' in line:
                yield name, line
        if line in signals:
            yield signals[line], line
    match cue.kind, cue.end:
        case 'key', AtPrompt(status) if status - 128 in set(signal.Signals):
            yield signal.Signals(status - 128).name, f'status {status}'


def by_call(docs: Path) -> list[str]:
    """Return the lines of the index by call."""
    users, spoken, manual = defaultdict(set), defaultdict(dict), {}
    for file in sorted((docs.parent / 'code').glob('[!.]*/[!.]*.c')):
        for call in calls(text_of(str(file))) if file.parent.name != SOLUTIONS else ():
            users[call].add(file.relative_to(docs.parent))
    for page, title in ((SCREENPLAY, 'the introduction'), ('code/index.rst', 'the code page')):
        for section, lines in by_section(text_of(str(docs / page))):
            where = f':ref:`{section.label}`' if section and section.label else \
                f':doc:`{title} <{page.removesuffix(".rst")}>`'
            text = '\n'.join(lines)
            for name, number in [*MANUAL.findall(text), *WITH_PARENTHESES.findall(text)]:
                if number:
                    manual.setdefault(name, number)
                spoken[name][where] = True
    rows = []
    for call, files in sorted(users.items()):
        title = f':manpage:`{call}({manual[call]})`' if call in manual else f'``{call}()``'
        programs = ', '.join(f':ref:`{file.stem} <{file.stem}>`' for file in sorted(files))
        rows.append((title, programs, ', '.join(spoken[call]) or '\\'))
    return table(('call', 'used by', 'spoken of in'), rows)


def by_symptom(docs: Path) -> list[str]:
    """Return the lines of the index by symptom: what the programs of the course have met, on all pages."""
    shown: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(dict)
    for file in sorted(sources(docs), key=lambda file: file.name != SCREENPLAY):
        try:
            page = read(str(file))
        except ScriptError:
            continue  # drawing the page reports it
        names, command = targets(page, file.relative_to(docs).with_suffix('').as_posix()), {}
        for scene in page.scenes:
            title = scene.section if file.name == SCREENPLAY else f'{page.sections[0].title}: {scene.section}'
            where = f':ref:`{title.replace("``", "")} <{names[scene.number]}>`'
            for cue in scene.cues:
                command[cue.terminal] = cue.command if cue.kind == 'run' else command.get(cue.terminal, '')
                program = [line.strip() for line in command[cue.terminal].splitlines() if './' in line]
                for name, line in symptoms(cue) if program else ():
                    lines = shown[name, where].setdefault(program[-1], [])
                    lines += [f'``{line}``'] if f'``{line}``' not in lines else []
    rows = [(f':term:`{name}`',  # no such term: no site
             '; '.join(f'``{what}``: {", ".join(lines)}' for what, lines in whats.items()), where)
            for (name, where), whats in sorted(shown.items(), key=lambda row: row[0][0])]
    return table(('symptom', 'how it comes about', 'shown in'), rows)


def derive(app: Sphinx, config: Config) -> None:
    """Make the indexes; as a setting, so that Sphinx sees when they change."""
    docs = Path(app.srcdir)
    try:
        config.course_indexes = '\n'.join(['', 'By Call', '-------', '', *by_call(docs), 'By Symptom',
                                           '----------', '', *by_symptom(docs)])
    except (ScriptError, OSError) as error:
        raise ExtensionError(f'{error}') from None


def append(app: Sphinx, docname: str, source: list[str]) -> None:
    """Complete the reference page."""
    if docname == PAGE:
        source[0] += '\n' + app.config.course_indexes


def outdated(app: Sphinx, env: BuildEnvironment, *changes: set[str]) -> list[str]:
    """Have the page read again when an index has changed, and only then."""
    before = getattr(env, 'course_indexes', None)
    env.course_indexes = app.config.course_indexes
    return [] if before == app.config.course_indexes else [PAGE]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the hooks."""
    app.add_config_value('course_indexes', '', '', str)
    app.connect('config-inited', derive)
    app.connect('env-get-outdated', outdated)
    app.connect('source-read', append)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
