"""Pages gone by, carried from one generation of the site to the next.

Their addresses never change: `archive/2026-11-28/` below the site holds the pages of a day,
`weekly/` and `monthly/` those of closed periods. Files are hard links where the disk has them, so
that thirty days cost what differs between them.

Belongs here: which pages are kept and for how long. Does not belong here: what a page says.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import date
from pathlib import Path

DAYS = 30  # days whose pages are kept
FRESH = {"weekly": 13, "monthly": 4}  # newest closed periods, whose figures may still change
_FOLDER = "archive"


def carry(old: Path, new: Path, code: str) -> frozenset[str]:
    """Link pages of closed periods that need not be made anew into new pages.

    Args:
        old: the pages readers see; may be missing.
        new: folder of the pages about to be built.
        code: fingerprint of the code that builds them; pages of other code are made anew.

    Returns:
        The pages that lie there now, below the site.
    """
    if _code_of(old) != code:
        return frozenset()
    kept = [
        f"{folder}/{file.name}"
        for folder, count in FRESH.items()
        for file in sorted((old / folder).glob("*.html"))[:-count]
    ]
    for path in kept:
        _link(old / path, new / path)
    return frozenset(kept)


def keep(old: Path, new: Path, day: date) -> Path:
    """Complete new pages by all that is kept: closed periods the marts lost, and the days gone by.

    Args:
        old: the pages readers see; may be missing.
        new: the new pages, built.
        day: last day of their data; of two builds for a day the later is kept.

    Returns:
        The folder of the day, a copy of its pages.
    """
    for folder in FRESH:
        for file in sorted((old / folder).glob("*.html")):
            if not (new / folder / file.name).exists():
                _link(file, new / folder / file.name)
    own = new / _FOLDER / day.isoformat()
    gone = sorted(one for one in (old / _FOLDER).glob("*-*-*") if one.name != own.name)
    for folder_of_day in gone[-(DAYS - 1) :]:
        _link_all(folder_of_day, new / _FOLDER / folder_of_day.name)
    for file in [*sorted(new.glob("*.html")), *sorted((new / "assets").iterdir())]:
        _link(file, own / file.relative_to(new))
    return own


def _code_of(pages: Path) -> str | None:
    try:
        return str(json.loads((pages / "manifest.json").read_text("utf-8"))["code"])
    except (OSError, ValueError, KeyError):
        return None


def _link_all(source: Path, target: Path) -> None:
    for file in sorted(source.rglob("*")):
        if file.is_file():
            _link(file, target / file.relative_to(source))


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a disk without hard links
        shutil.copyfile(source, target)
