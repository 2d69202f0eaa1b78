"""What owners say of a week or month, from the file `comments.md` beside `shop.yml`.

Belongs here: its form, which nothing can be wrong with but a name that nobody knows. Does not
belong here: reading the file (orchestration).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

_PERIOD = re.compile(r"^##\s+(.+?)\s*$")
_ABOUT = re.compile(r"^###\s+(.+?)\s*$")
_BY = re.compile(r"\s+(?:-|–|—|·)\s+")  # dashes that people type


@dataclass(frozen=True)
class Comment:
    """A comment.

    Attributes:
        period: 2026-W47 or 2026-10.
        metric: name of the figure it is about; empty: of the whole.
        author: who says it, if told.
        paragraphs: plain text; untrusted.
    """

    period: str
    metric: str
    author: str
    paragraphs: tuple[str, ...]


def parse_comments(source: str) -> list[Comment]:
    """The comments of a file: `## 2026-W47`, below it `### gmv - Ann` and paragraphs.

    Text before the first period, and other headings of one `#`, are the reader's own notes.
    """
    found: list[Comment] = []
    period = about = ""
    lines: list[str] = []

    def keep() -> None:
        parts = [" ".join(p.split()) for p in re.split(r"\n\s*\n", "\n".join(lines))]
        if period and any(parts):
            metric, author = _split(about)
            found.append(Comment(period, metric, author, tuple(p for p in parts if p)))
        lines.clear()

    for line in source.splitlines():
        if match := _PERIOD.match(line):
            keep()
            period, about = match[1], ""
        elif match := _ABOUT.match(line):
            keep()
            about = match[1]
        elif line.startswith("# "):
            keep()
            period = about = ""
        else:
            lines.append(line)
    keep()
    return found


def _split(about: str) -> tuple[str, str]:
    metric, *author = _BY.split(about, maxsplit=1)
    return metric.strip(), author[0].strip() if author else ""


def strays(
    comments: Sequence[Comment], periods: Collection[str], metrics: Collection[str]
) -> list[str]:
    """What comments are about that no page shows: an unknown week, month or figure."""
    return sorted(
        {one.period for one in comments if one.period not in periods}
        | {one.metric for one in comments if one.metric and one.metric not in metrics}
    )
