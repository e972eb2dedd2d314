"""What a static host is given: a folder with the site, in which are the archives and the film, and an archive of it.

"make dist" runs it, when the site is built.  The same site gives the same bytes, and everybody may read them,
whatever the umask is.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for docs/ and stage/

from docs._ext.archives import archive

OURS = ('.done', '.buildinfo', '.buildinfo.bak')  # what only a build needs
VERSION = re.compile(r'v\d+(?:\.\d+)*')


def contents(site: Path) -> dict[str, bytes]:
    """Return the files for the host by their places."""
    files = {str(file.relative_to(site)): file.read_bytes()
             for file in site.rglob('*') if file.is_file() and file.name not in OURS}
    return files | {'.nojekyll': b''}  # GitHub Pages leaves out folders like _static without it


def publish(files: dict[str, bytes], folder: Path) -> None:
    """Write the folder and its archive.  Raises OSError."""
    shutil.rmtree(folder, ignore_errors=True)
    for place, data in sorted(files.items()):
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(0o644)
    for inner in [folder, *filter(Path.is_dir, folder.rglob('*'))]:
        inner.chmod(0o755)
    archive(folder.with_name(f'{folder.name}.tar.gz'), files, folders=True)


def main(build: Path, version: str, changes: Path) -> int:
    """Do it; a version, a tag such as v1, must have a section in the changes."""
    if VERSION.fullmatch(version) and f'\n{version}\n--' not in changes.read_text(encoding='utf-8'):
        print(f'{changes} has nothing on {version}: give what is new in it a section of this title, '
              'and move the tag there', file=sys.stderr)
        return 1
    target = build / 'dist/ipc-course-site'
    publish(contents(build / 'html'), target)
    print(f'To publish: {target.absolute()}/, or {target.name}.tar.gz beside it; '
          'the page "Contributing" says how')
    return 0


if __name__ == '__main__':
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], Path(__file__).with_name('changes.rst')))
