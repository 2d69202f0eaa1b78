"""Which feed arrived on which day: the grid of the data health page.

Belongs here: the state of a cell. Whether a day is whole is decided in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from markupsafe import Markup

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.page import Both, both, same, tr
from dashboards.wording.formatting import DASH, day, integer, percent

GRID_DAYS = 30
SYMBOL = {
    "ok": "●", "few_rows": "◐", "stops_early": "◐", "file_missing": "◌", "no_rows": "○",
    "not_expected": "·", "unknown": "?",
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A day of a source: `state` is the reason of `source_completeness_daily` or `unknown`."""

    state: str
    symbol: str
    title: Both
    plain: str = ""  # of a whole day: its date and rows, in no language

    def label(self, lang: str) -> Markup:
        """What it says, as an HTML attribute: most days are whole, and say it in few bytes."""
        if self.plain:
            return Markup('title="{}"').format(self.plain)
        return self.title.attr("title", lang)


@dataclass(frozen=True)
class GridRow:
    """A source's feed over the days."""

    source: str
    feed: str
    cells: list[Cell]
    last_at: str
    complete: Both


def _cell(row: Row | None, moment: date) -> Cell:
    when = both(lambda lang: day(moment, lang))
    if row is None:
        return Cell("unknown", SYMBOL["unknown"], tr("quality.cell", day=when,
                    state=tr("reason.cell.unknown"), rows=same(DASH)))  # fmt: skip
    state = str(row["reason"] or ("ok" if row["is_complete"] else "unknown"))
    state = state if state in SYMBOL else "unknown"
    expected, arrived = row["expected_rows"], row["arrived_rows"]
    rows = integer(arrived)
    if expected:
        share = percent((arrived or 0) / expected, 0)
        rows = f"{rows} / {integer(expected)} ({share})"
    words = tr("quality.cell", day=when, state=tr(f"reason.cell.{state}"), rows=same(rows))
    plain = f"{moment.isoformat()}: {rows}" if state == "ok" else ""
    return Cell(state, SYMBOL[state], words, plain)


def grid(data: Data, info: SiteInfo) -> tuple[list[date], list[GridRow]]:
    """Days and one row per source and feed; days without a statement are unknown."""
    frame = data["quality.source_completeness_daily"].filter(
        pl.col("business_date") <= info.data_through,
        pl.col("business_date") > info.data_through - timedelta(days=GRID_DAYS),
    )
    if frame.is_empty():
        return [], []
    first = frame["business_date"].min()
    assert isinstance(first, date)
    days = [first + timedelta(days=n) for n in range((info.data_through - first).days + 1)]
    known = {
        (str(row["source"]), str(row["feed"]), row["business_date"]): row
        for row in frame.to_dicts()
    }
    streams = sorted({key[:2] for key in known})
    return days, [_grid_row(source, feed, days, known) for source, feed in streams]


def _grid_row(
    source: str, feed: str, days: Sequence[date], known: dict[tuple[str, str, date], Row]
) -> GridRow:
    rows = [known.get((source, feed, moment)) for moment in days]
    last = max((str(row["last_at"]) for row in rows if row and row["last_at"]), default=DASH)
    whole = [m for m, row in zip(days, rows, strict=True) if row and row["is_complete"]]
    through = both(lambda lang: day(whole[-1], lang)) if whole else same(DASH)
    cells = [_cell(row, moment) for row, moment in zip(rows, days, strict=True)]
    return GridRow(source, feed, cells, last[5:16] or DASH, through)
