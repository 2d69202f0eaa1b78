"""What `kpi init` proposes: sources, files, formats, and of each guess how sure it is and why.

Belongs here: the shapes of a proposal. Does not belong here: making one (`propose.py`) or writing
it down (`render.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.recognise.outline import Outline
from ingestion.rows.fates import Issue

FILL_IN = "FILL_IN"
"""Stands where only the shop's owner can say what is right; nothing runs until it is replaced."""

Keys = tuple[str | int, ...]


class Sure(StrEnum):
    """How sure a guess is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    UNSURE = "unsure"


def least(*given: Sure) -> Sure:
    """Return the least sure of several."""
    order = [Sure.CERTAIN, Sure.LIKELY, Sure.UNSURE]
    return max(given, key=order.index, default=Sure.CERTAIN)


@dataclass(frozen=True)
class Note:
    """A comment on one key of the proposal.

    Attributes:
        keys: path of the key it stands at.
        sure: how sure the value there is.
        why: the evidence.
        alternatives: other values, as lines of YAML.
        question: what the owner has to answer there; empty if nothing.
    """

    keys: Keys
    sure: Sure
    why: str
    alternatives: tuple[str, ...] = ()
    question: str = ""


@dataclass(frozen=True)
class Group:
    """Files of one folder whose names differ in digits only.

    Attributes:
        glob: pattern of their paths, below the folder that was looked at.
        outlines: the outside of each, by path.
    """

    glob: str
    outlines: tuple[Outline, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(seen.path for seen in self.outlines)

    @property
    def first(self) -> Outline:
        """The file that stands for all: the largest of those without trouble."""
        return max(self.outlines, key=lambda seen: (not seen.trouble, seen.size))


@dataclass(frozen=True)
class Trial:
    """Files read under a mapping without landing anything.

    Attributes:
        files: how many were read.
        rows_read: rows in them.
        rows_landed: rows that would land.
        rows_quarantined: rows that would be set aside.
        rows_duplicate: rows whose key comes again.
        rows_excluded: rows the mapping leaves out.
        excluded: reason -> rows left out.
        troubles: what is wrong with rows, one a kind.
        problems: bad cells: feed, row_number, line_number, column, reason, message, value.
        refused: why the file cannot be read at all; empty if it can.
        unknown_columns: columns the format does not know.
        first_at: first business instant, UTC.
        last_at: last business instant, UTC.
        feeds: feed -> rows that would land in it.
        looked_up: what of its keys lookups did not know.
        foreign: rows set aside for their currency alone, which says nothing against the mapping.
    """

    files: int = 1
    rows_read: int = 0
    rows_landed: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    rows_excluded: int = 0
    excluded: dict[str, int] = field(default_factory=dict)
    troubles: tuple[Issue, ...] = ()
    problems: pl.DataFrame = field(default_factory=pl.DataFrame)
    refused: str = ""
    unknown_columns: tuple[str, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    feeds: dict[str, int] = field(default_factory=dict)
    looked_up: str = ""
    foreign: int = 0

    @property
    def share(self) -> float:
        """Share of the rows (0-1) that read well; 0 for a refused file, 1 without rows."""
        if self.refused:
            return 0.0
        return self.rows_good / self.rows_read if self.rows_read else 1.0

    @property
    def rows_good(self) -> int:
        """Rows nothing is wrong with but perhaps a currency that needs a rate."""
        return self.rows_read - self.rows_quarantined + self.foreign

    @property
    def told(self) -> str:
        """The figures in words."""
        if self.refused:
            return f"cannot be read: {self.refused}"
        if not self.files:
            return "not tried before the questions are answered"
        if not self.rows_read:
            return "no rows to try it on"
        many = "1 file" if self.files == 1 else f"{self.files} files"
        return f"{self.rows_good:,} of {self.rows_read:,} rows of {many} read well"


@dataclass(frozen=True)
class Reading:
    """How a group of files would be read.

    Attributes:
        group: the files.
        format: name of a shipped format, or a whole mapping as shop.yml writes it.
        overrides: keys changed in a shipped format.
        sure: how sure it is that this is the right one.
        why: the evidence.
        feeds: what it fills.
        notes: comments and questions, keys below the file's entry.
        trial: what reading showed.
        currency: the one its rows or headers name, if they do.
        has_local_times: whether it holds times without offset, so that the zone matters.
        has_amounts: whether it holds money whose currency it does not name.
        is_doubtful: it may be another thing altogether: written down, but switched off.
        is_open: several formats fit equally; the owner has to choose.
    """

    group: Group
    format: str | dict[str, Any]
    overrides: dict[str, Any]
    sure: Sure
    why: str
    feeds: tuple[str, ...]
    notes: tuple[Note, ...]
    trial: Trial
    currency: str | None = None
    has_local_times: bool = True
    has_amounts: bool = False
    is_doubtful: bool = False
    is_open: bool = False

    @property
    def format_name(self) -> str:
        """Name of the format; `inline` for one that is written out."""
        return self.format if isinstance(self.format, str) else "inline"


@dataclass(frozen=True)
class Unread:
    """Files that are not proposed: why, and what to do."""

    glob: str
    paths: tuple[Path, ...]
    why: str
    do_this: str


@dataclass(frozen=True)
class ProposedSource:
    """One source of the proposal.

    Attributes:
        name: key below `sources:`.
        values: platform, shop_id, timezone, currency (`FILL_IN` where unknown).
        readings: its files.
        notes: comments and questions, keys below the source.
    """

    name: str
    values: dict[str, str]
    readings: tuple[Reading, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Proposal:
    """A whole proposal.

    Attributes:
        shop: name, currency, timezone (`FILL_IN` where unknown).
        sources: by name.
        unread: files that stay outside.
        notes: comments and questions, keys from the top of shop.yml.
    """

    shop: dict[str, str]
    sources: tuple[ProposedSource, ...]
    unread: tuple[Unread, ...]
    notes: tuple[Note, ...]
