"""Settings of Sphinx that differ from its defaults; "make html" runs it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for stage/

project = 'Sysprog: POSIX IPC'
author = 'the authors of the course'
copyright = '2026, the authors of the course'
needs_sphinx = '9.0'

extensions = ['breathe', 'docs._ext.doxygen', 'docs._serve.caches', 'docs._ext.contents', 'docs._ext.downloads',
              'docs._ext.figures', 'docs._ext.film', 'docs._ext.folds', 'docs._ext.guest', 'docs._ext.handout',
              'docs._ext.books', 'docs._ext.indexes', 'docs._ext.timetable', 'docs._ext.programs', 'docs._ext.quotes',
              'docs._ext.scenes', 'docs._ext.explorer', 'docs._ext.stylesheet', 'docs._ext.terms',
              'docs._ext.times']
exclude_patterns = ['.*', '**/.*']  # what editors keep beside their files
primary_domain = highlight_language = 'c'  # so ".. class::" is that of docutils, and no class of Python
pygments_style = 'a11y-high-contrast-light'  # the contrast of both is 7 to 1 or more
pygments_dark_style = 'github-dark-high-contrast'
manpages_url = 'https://man7.org/linux/man-pages/man{section}/{page}.{section}.html'

breathe_projects = {'code': 'build/xml'}
breathe_default_project = 'code'
breathe_domain_by_extension = {'c': 'c', 'h': 'c'}
nitpick_ignore_regex = [('c:identifier', r'u?int\d+_t')]  # of the C library

html_theme_path = ['docs']
html_theme = '_theme'
html_title = project
html_static_path = ['docs/_static']
html_css_files = ['course.css']
html_copy_source = False
html_use_index = False
html_additional_pages = {'404': '404.html'}

epub_basename = 'ipc-course'
epub_description = 'A course on POSIX IPC on Linux, in C'
epub_identifier = epub_uid = 'ipc-course'
epub_contributor = author
epub_cover = ('_static/cover.svg', '')
epub_css_files = ['book.css']
epub_show_urls = 'no'  # links they stay
epub_tocscope = 'includehidden'  # as the front page hides its list

latex_engine = 'xelatex'
latex_use_xindy = False
latex_documents = [('index', 'ipc-course.tex', project, author, 'manual', True)]
latex_elements = {
    'papersize': 'a4paper', 'extraclassoptions': 'openany,oneside', 'fncychap': '',
    'preamble': r'\IfFontExistsTF{DejaVu Sans Mono}{\setmonofont[Scale=0.8]{DejaVu Sans Mono}}{}',
}
