"""Files of a folder into groups that one pattern reads.

Belongs here: patterns of names, and that no two patterns claim one file. Does not belong here: what
is in the files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ingestion.landing.deliveries import IGNORED
from ingestion.landing.manifest import is_manifest
from ingestion.recognise.outline import Outline
from ingestion.recognise.proposal import Group

_STARS = re.compile(r"\*(?:[-_. T]?\*)+")
INSTANTS = (
    (r"(?<!\d)(\d{14})(?!\d)", "%Y%m%d%H%M%S"),
    (r"(?<!\d)(\d{8}[_-]\d{6})(?!\d)", None),
    (r"(?<!\d)(\d{12})(?!\d)", "%Y%m%d%H%M"),
)


def files_below(folder: Path) -> list[Path]:
    """Return the regular files below a folder, by path; drafts and hidden files left out."""
    found = (p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
    return sorted(
        path
        for path in found
        if not any(IGNORED.search(part) for part in path.relative_to(folder).parts)
        and not is_manifest(path.name)
    )


def pattern_of(relative: str) -> str:
    """Return the glob of a path: runs of digits become `*`; `ga4` and the like stay as they are."""
    parts = relative.split("/")
    return "/".join(_part_pattern(part) for part in parts)


def _part_pattern(name: str) -> str:
    safe = re.sub(r"([\[\]*?])", "[\\1]", name)
    starred = re.sub(r"(?<![A-Za-z\d])\d+|(?<=[A-Za-z])\d{4,}", "*", safe)
    return _STARS.sub("*", starred)


def group(outlines: Iterable[Outline], folder: Path) -> list[Group]:
    """Group looked-at files by the pattern of their path below `folder`.

    A pattern that would also claim files of another group is narrowed to names where a digit
    follows, or given up for the plain names.
    """
    found: dict[str, list[Outline]] = defaultdict(list)
    for seen in outlines:
        found[pattern_of(seen.path.relative_to(folder).as_posix())].append(seen)
    every = [seen.path.relative_to(folder).as_posix() for seens in found.values() for seen in seens]
    groups: list[Group] = []
    for glob, seens in sorted(found.items()):
        own = {seen.path.relative_to(folder).as_posix() for seen in seens}
        others = [path for path in every if path not in own]
        for narrow in (glob, glob.replace("*", "[0-9]*")):
            if not any(fnmatchcase(path, narrow) for path in others):
                groups.append(Group(narrow, tuple(seens)))
                break
        else:
            groups.extend(Group(_literal(seen, folder), (seen,)) for seen in seens)
    return [part for one in groups for part in _by_layout(one, folder)]


def _by_layout(one: Group, folder: Path) -> list[Group]:
    """Split a group whose files have quite different columns: single names are their patterns."""
    layouts: dict[tuple[str, frozenset[str]], list[Outline]] = defaultdict(list)
    for seen in one.outlines:
        if seen.trouble:
            continue
        for (kind, names), seens in layouts.items():
            mine = set(seen.header)
            if kind == seen.kind and (not mine or len(names & mine) >= 0.5 * len(names | mine)):
                seens.append(seen)
                break
        else:
            layouts[seen.kind, frozenset(seen.header)].append(seen)
    if len(layouts) < 2:
        return [one]
    return [Group(_literal(seen, folder), (seen,)) for seen in one.outlines]


def _literal(seen: Outline, folder: Path) -> str:
    """Return the pattern that fits one file only."""
    return re.sub(r"([\[*?])", "[\\1]", seen.path.relative_to(folder).as_posix())


def export_instant(names: Sequence[str]) -> tuple[str, str] | None:
    """Return (regular expression, date format) of an instant that every name carries, if any."""
    for pattern, form in INSTANTS:
        if names and all(re.search(pattern, name) for name in names):
            if form:
                return pattern, form
            mark = re.search(r"\d{8}([_-])\d{6}", names[0])
            return pattern, f"%Y%m%d{mark.group(1) if mark else '_'}%H%M%S"
    return None


def export_number(names: Sequence[str]) -> str | None:
    """Return a regular expression of a number that every name ends in, such as `export_2.csv`.

    A number in brackets is none: browsers put it behind a name that is taken, and begin anew.
    """
    pattern = r"(?<!\d)(\d{1,9})\.\w+$"
    return pattern if names and all(re.search(pattern, name) for name in names) else None
