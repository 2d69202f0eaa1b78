"""The account of a file: what became of each of its rows.

Belongs here: adding up what was judged, block by block or at once. Does not belong here: judging
(`batch.py`), writing what is landed (`land.py`, `stream.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

import polars as pl

from ingestion.errors import Need
from ingestion.landing.batch import Job, Prepared
from ingestion.landing.lookups import told_of
from ingestion.rows.build import instant_of
from ingestion.rows.fates import Issue, bad_rows, places_of, summarise
from ingestion.rows.order_ids import told

Span = tuple[datetime | None, datetime | None]


@dataclass
class LandedFile:
    """What became of the rows of a file; rows_read is the sum of the four fates.

    Attributes:
        job: the file and how it is read; its batch id is the one it landed under.
        needs: rates its amounts depend on; under others it must be landed again.
        feeds: feed -> rows landed in it.
        rows_read: data rows in the file.
        rows_duplicate: rows whose key came again in the file.
        unknown_columns: columns of the file that neither format nor source knows.
        first_at: first business instant, UTC; None where the feeds have none.
        last_at: last business instant, UTC.
        version_at: instant that orders versions of rows that carry none, UTC.
        quarantine_file: where bad rows are told of, or None.
        places: `_row` and `_line` of bad rows.
    """

    job: Job
    needs: tuple[Need, ...] = ()
    feeds: dict[str, int] = field(default_factory=dict)
    rows_read: int = 0
    rows_duplicate: int = 0
    unknown_columns: tuple[str, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    version_at: datetime | None = None
    quarantine_file: Path | None = None
    places: list[pl.DataFrame] = field(default_factory=list)
    _unanswered: list[list[tuple[int, int]]] = field(default_factory=list)
    _kept: int = 0
    _issues: list[pl.DataFrame] = field(default_factory=list)
    _excluded: list[pl.DataFrame] = field(default_factory=list)
    _taken: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, block: Prepared) -> None:
        """Count a block, before anything below is asked for."""
        source = self.job.source
        self.rows_read += block.raw.rows
        self._kept += block.landed_rows
        self.unknown_columns = tuple(c for c in block.raw.unknown if c not in source.keep)
        self._excluded.append(block.excluded)
        self._issues.append(block.issues)
        self._unanswered.append(block.unanswered)
        for feed, marks in block.taken.items():
            taken = self._taken.setdefault(feed, {})
            for mark, rows in marks.items():
                taken[mark] = taken.get(mark, 0) + rows
        if block.issues.height:
            self.places.append(places_of(block.issues, block.raw))
        span = (self.first_at, self.last_at, *span_of(block.feeds, source.timezone))
        ends = [at for at in span if at is not None]
        self.first_at, self.last_at = (min(ends), max(ends)) if ends else (None, None)

    @property
    def batch_id(self) -> str:
        """Under which it landed; see `deliveries.Batch`."""
        return self.job.batch_id

    @property
    def source_file(self) -> str:
        """Path below the inbox."""
        return self.job.name

    @cached_property
    def bad(self) -> pl.DataFrame:
        """Everything wrong, one row an issue."""
        return pl.concat(self._issues)

    @property
    def rows_landed(self) -> int:
        """Rows that went into at least one feed."""
        return self._kept - self.rows_duplicate

    @cached_property
    def rows_quarantined(self) -> int:
        """Rows set aside."""
        return bad_rows(self.bad).height

    @property
    def rows_excluded(self) -> int:
        """Rows that the mapping leaves out."""
        return sum(part.height for part in self._excluded)

    @cached_property
    def excluded(self) -> dict[str, int]:
        """Reason -> rows left out."""
        rows = pl.concat(self._excluded).group_by("reason").len()
        return dict(rows.sort("reason").iter_rows())

    @cached_property
    def troubles(self) -> tuple[Issue, ...]:
        """What was wrong, a kind each."""
        return summarise(self.bad, self.job.path.name)

    @property
    def issues(self) -> tuple[str, ...]:
        """The same, one sentence a kind."""
        return tuple(trouble.example for trouble in self.troubles)

    @property
    def looked_up(self) -> str:
        """What of its keys lookups did not know; empty if there is nothing to tell."""
        each = zip(*self._unanswered, strict=True)
        counts = [(sum(x for x, _ in one), sum(y for _, y in one)) for one in each]
        return told_of(self.job.asked, counts, self.rows_read - self.rows_excluded)

    @property
    def cleaned(self) -> str:
        """What was taken off the order ids of the file; empty if nothing was."""
        most: dict[str, int] = {}
        for taken in self._taken.values():
            most |= {mark: max(rows, most.get(mark, 0)) for mark, rows in taken.items()}
        return told(most)


def span_of(feeds: dict[str, pl.DataFrame], zone: str) -> Span:
    """Return the first and last business instant over the feeds, UTC."""
    ends: list[datetime] = []
    for feed, rows in feeds.items():
        column = instant_of(feed, zone)
        if column is not None and rows.height:
            found = rows.select(column.min().alias("a"), column.max().alias("b")).row(0)
            ends.extend(end for end in found if end is not None)  # the instant may be optional
    return (min(ends), max(ends)) if ends else (None, None)
