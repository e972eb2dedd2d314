"""Recorded states: a cue that runs ``turns`` with the order ``tree`` prints the tree of its section.

It is kept beside the page, as ``trees/LABEL.json``; LABEL is that of the section.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from .model import Cue, Page, Scene, ScriptError

FOLDER = 'trees'
#: A command that prints one.
TREE = re.compile(r'/turns\s.*?\stree\s', re.DOTALL)
#: A step of one: the word that leads there, the line where it began, and what was done or is in the way.
STEP = re.compile(r'([A-Z]+) (\d+): (.*)')
ENDS = 'right', 'wrong', 'deadlock'
KINDS = {'-m': 'memory', '-s': 'semaphore'}


def label_of(page: Page, cue: Cue) -> str | None:
    """Return the label of the tree that a cue prints; None if it prints none.

    Raises:
        ScriptError: Its section has no label.
    """
    if not TREE.search(cue.command):
        return None
    section = page.section_of(cue.line)
    if not section or not section.label:
        raise ScriptError(page.path, cue.line, 'a tree has the label of its section, and this one has none: '
                          'put ".. _some-name:" and an empty line above its title')
    return section.label


def trees(page: Page) -> Iterator[tuple[Scene, str]]:
    """Yield the scenes of a page that print a tree, with its label.

    Raises:
        ScriptError: Its section has no label, or another tree.
    """
    found = set()
    for scene in page.scenes:
        for cue in scene.cues:
            if label := label_of(page, cue):
                if label in found:
                    raise ScriptError(page.path, cue.line, f'a second tree in the section of {label}: both would be '
                                      f'{FOLDER}/{label}.json; give this one a section of its own')
                found.add(label)
                yield scene, label


def recorded(command: str, lines: list[str]) -> str:
    """Return, as JSON, the tree that a command has printed.

    Raises:
        ValueError: It has printed something else.
    """
    words = shlex.split(command.replace('\\\n', ' '))
    programs = ' '.join(words[words.index('tree') + 1:]).split(' -- ')
    names = [program.split()[0].rpartition('/')[2] for program in programs] * (1 + (len(programs) == 1))
    objects = [{'name': value.partition('=')[0], 'kind': KINDS[option]}
               for option, value in zip(words, words[1:], strict=False) if option in KINDS]
    processes: list[dict[str, Any]] = [{'program': name, 'lines': {}} for name in names]
    states: dict[str, dict[str, Any]] = {}
    word = ''
    for line in lines[1:]:
        if line in ENDS:
            states[word]['end'] = line
            continue
        *cells, deed = line.split(None, len(names) + len(objects))
        step = STEP.fullmatch(deed)
        if not step and deed != 'start':
            break  # the counts
        before = states[step[1][:-1]]['at'] if step else cells
        word = step[1] if step else ''
        at = [_place(cell, was) for cell, was in zip(cells[:len(names)], before, strict=False)]
        if step:
            who = ord(word[-1]) - ord('A')
            if at[who].startswith('['):
                at[who] = f'{cells[who]} {step[3]}'
            else:
                processes[who]['lines'][step[2]] = _call(step[3])
        states[word] = {'at': at, 'values': [int(cell) for cell in cells[len(names):]]}
    if not states:
        raise ValueError('no tree')
    texts = [json.dumps(one) for one in processes], [f'{json.dumps(one)}: {json.dumps(states[one])}' for one in states]
    first, second = (',\n'.join(part) for part in texts)  # a line for each, so that a change is a line
    return (f'{{"processes": [\n{first}],\n"objects": {json.dumps(objects)},\n"states": {{\n{second}\n}}}}\n')


def _place(cell: str, before: str) -> str:
    """Return where a process is: what is in its way was said when it came there."""
    return before if cell.startswith('[') and before.startswith(cell) else cell


def _call(text: str) -> str:
    """Return what a line does: without the question whether it has failed, and without punctuation."""
    return re.sub(r'^if \((.*) == -1\)$', r'\1', text.rstrip(' ;{'))
