"""One style sheet for the theme of docs/_theme, elements without styles of their own, and what sharing needs.

The sheet is that of the theme, the colours of the code, light and dark, and the sheets of the
project, without their comments and blanks. It stands in each page: a page is drawn as soon as it is there.
Without this extension the pages load several sheets, and have no dark colours for code.
"""

from __future__ import annotations

import functools
import hashlib
import html
import posixpath
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from docutils import nodes
from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx
from sphinx.config import Config

SCRIPTS = ('theme.js', 'explorer.js')
CODE = re.compile('<code class="(?:xref download )?docutils literal notranslate">(.*?)</code>')
MANUAL = re.compile('<em class="manpage"><a class="manpage reference external"(.*?)</a></em>')
LINK = re.compile(r'<span class="(?:doc|(?:xref )?std std-\w+)">([^<]*)</span>')
WORD, WORD_ALONE = re.compile('<span class="pre">(.*?)</span>'), r'\1'
COLOUR = re.compile(r'((?:background-)?color): (#\w+)')


@functools.cache
def looks(light: str, dark: str) -> dict[str, str]:
    """Return the look of each class of code, '' being that of all others, in both themes."""
    found: dict[str, str] = {}
    formatters = [HtmlFormatter(style=name) for name in (light, dark)]
    for name in dict.fromkeys(name for formatter in formatters for name in formatter.class2style):
        styles = [formatter.class2style.get(name, ('',))[0] for formatter in formatters]
        colours = [dict(COLOUR.findall(style)) for style in styles]
        rules = [f'{key}: light-dark({colours[0].get(key, none)}, {colours[1].get(key, none)})'
                 for key, none in (('color', 'currentcolor'), ('background-color', 'transparent'))
                 if key in colours[0] or key in colours[1]]
        found[name] = '; '.join(rules + [rule for rule in styles[0].split('; ') if rule and not COLOUR.match(rule)])
    found['n'] = found['o'] = found['']  # names, most words of a program, and what joins them: as the text around
    grounds = ', '.join(formatter.style.background_color for formatter in formatters)
    found[''] += f'; background: light-dark({grounds})'
    return found


def highlighting(light: str, dark: str) -> str:
    """Return the rules for code: one for each look."""
    names: dict[str, list[str]] = {}
    for name, look in looks(light, dark).items():
        if look:
            names.setdefault(look, []).append(f'.highlight .{name}' if name else '.highlight')
    return '\n'.join(f'{", ".join(those)} {{ {look} }}' for look, those in names.items())


def sheet(top: Path, config: Config) -> str:
    """Return the one style sheet."""
    parts = [top / 'docs/_theme/static/theme.css']
    parts += [top / folder / name for folder in config.html_static_path for name, _ in config.html_css_files]
    texts = [part.read_text(encoding='utf-8') for part in parts] + [config.more_sheet]
    texts.insert(1, highlighting(config.pygments_style, config.pygments_dark_style))
    text = re.sub(r'/\*.*?\*/', '', '\n'.join(texts), flags=re.S)
    return re.sub(r'\s*([{};,])\s*', r'\1', text).lstrip()


def script(top: Path, config: Config, name: str) -> str:
    """Return a script of the theme without its comments and indents."""
    text = (top / 'docs/_theme/static' / name).read_text(encoding='utf-8')
    text += config.more_script if name == 'theme.js' else ''
    return re.sub(r'^ *//.*\n|^ +| +// .*$', '', text, flags=re.M)


def tell(app: Sphinx, config: Config) -> None:
    """Tell the pages what stands in them, and checksums; with other ones all of them are written again."""
    top = Path(app.confdir)
    inside = {'sheet': sheet(top, config), 'first': script(top, config, 'first.js').replace('\n', '')}
    config.html_context |= inside | {
        f'{name}_hash': b64encode(hashlib.sha256(text.encode()).digest()).decode() for name, text in inside.items()}
    config.html_context['checksums'] = {
        name: hashlib.sha256(script(top, config, name).encode()).hexdigest()[:8] for name in SCRIPTS}


def replace_scripts(app: Sphinx, error: Exception | None) -> None:
    """Write the scripts over those that Sphinx has copied."""
    for name in SCRIPTS if not error and app.builder.name == 'html' else ():
        (Path(app.outdir) / '_static' / name).write_text(script(Path(app.confdir), app.config, name), encoding='utf-8')


def leave_widths(app: Sphinx, document: nodes.document) -> None:
    """Columns of tables are as wide as they need: their widths would be inline styles."""
    if app.builder.format != 'html':
        return
    for table in document.findall(nodes.table):
        table['classes'] = [name for name in table['classes'] if name != 'colwidths-given']


def lighten(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Leave out elements that look like what is around them: thousands in a long page."""
    known = looks(app.config.pygments_style, app.config.pygments_dark_style)
    plain = '|'.join(name for name, look in known.items() if name and known[''].startswith(look))
    body = re.sub(f'<span class="(?:{plain})">([^<]*)</span>', r'\1', context.get('body', ''))
    for look in set(known.values()):  # neighbours that look alike are one: #include and what it includes
        alike = '|'.join(name for name in known if known[name] == look)
        body = re.sub(f'(<span class="(?:{alike})">[^<]*)</span>( *)<span class="(?:{alike})">', r'\1\2', body)
    body = MANUAL.sub(r'<a class="manpage"\1</a>', body)
    body = LINK.sub(r'\1', body)
    body = CODE.sub(lambda code: f'<code>{WORD.sub(WORD_ALONE, code[1])}</code>', body)
    # The anchor of a line is a link by the script: hundreds of them are a tenth of the page.
    context['body'] = re.sub(r'<a id="([^"]+)" name="\1" href="#\1"></a>', r'<a id="\1"></a>', body)


def place(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """The page for what is not found is served at any depth: its links begin at the top."""
    if pagename == '404' and app.config.html_baseurl:
        relative, top = context['pathto'], urlsplit(app.config.html_baseurl).path.rstrip('/') + '/'
        context['pathto'] = lambda *args, **kwargs: urljoin(top, relative(*args, **kwargs))


def describe(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Give the description of a page to those who share it, too."""
    tag = re.search(r'<meta [^>]*name="description"[^>]*>', context.get('metatags') or '')
    words = tag and re.search(r'content="([^"]*)"', tag[0])
    context['description'] = words[1] if words else ''


def share(app: Sphinx) -> None:
    """Where the site's address is known: a picture for those who share it; SVG is refused there."""
    if not app.config.html_baseurl or app.builder.name != 'html':
        return
    if not shutil.which('rsvg-convert'):
        print('Without rsvg-convert the site gets no card for sharing: see make doctor', file=sys.stderr)
        return
    target = Path(app.outdir) / '_static/card.png'
    target.parent.mkdir(parents=True, exist_ok=True)
    source = Path(app.confdir) / 'docs/_static/card.svg'
    subprocess.run(['rsvg-convert', '--width=1200', '--height=630', '--output', target, source], check=True)
    app.config.html_context['card'] = posixpath.join(app.config.html_baseurl, '_static/card.png')


def map_site(app: Sphinx, error: Exception | None) -> None:
    """Where the site's address is known: the list of its pages, for search engines."""
    if error or not app.config.html_baseurl or app.builder.name != 'html':
        return
    places = [posixpath.join(app.config.html_baseurl, app.builder.get_target_uri(name))
              for name in sorted(app.env.found_docs)]
    pages = ''.join(f'<url><loc>{html.escape(place)}</loc></url>\n' for place in places)
    (Path(app.outdir) / 'sitemap.xml').write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n', encoding='utf-8')


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what prepares the site."""
    app.add_config_value('pygments_dark_style', 'default', 'html', str)
    app.add_config_value('more_script', '', '', str)  # that another extension adds
    app.add_config_value('more_sheet', '', '', str)
    app.connect('config-inited', tell, priority=900)  # when the names of the sheets are complete
    app.connect('doctree-read', leave_widths)
    app.connect('builder-inited', share)
    app.connect('build-finished', map_site)
    app.connect('build-finished', replace_scripts)
    app.connect('html-page-context', describe)
    app.connect('html-page-context', lighten)
    app.connect('html-page-context', place)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
