"""How far each source is complete, for the data health page.

Belongs here: rows of `quality.source_watermarks` as they are shown. Where a source stands, and why,
is decided in SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from dashboards.base.data import Data, Row
from dashboards.base.page import Both, both, same, tr
from dashboards.wording.formatting import DASH, day, integer


@dataclass(frozen=True)
class Mark:
    """How far a source, or a feed of it, has come without a gap."""

    source: str
    feed: str
    through: Both
    lag: str
    reason: Both
    tone: str
    last_at: str
    last_file: str
    is_behind: bool = False  # a day of it is not whole


def marks(data: Data) -> list[Mark]:
    """Watermarks: each source first, then its feeds."""
    rows = data["quality.source_watermarks"].sort("source", pl.col("feed") != "all", "feed")
    return [_mark(row) for row in rows.to_dicts()]


def _mark(row: Row) -> Mark:
    until, reason, lag = row["complete_until_date"], str(row["reason"]), row["lag_days"]
    quiet = reason in ("ok", "not_daily")
    return Mark(
        source=str(row["source"]),
        feed="" if row["feed"] == "all" else str(row["feed"]),
        through=both(lambda lang: day(until, lang, until + timedelta(days=lag or 0)))
        if until
        else same(DASH),
        lag=DASH if lag is None else integer(lag),
        reason=tr(f"reason.cell.{reason}"),
        tone="flat" if reason == "not_daily" else "better" if quiet and not lag else "worse",
        last_at=str(row["last_arrived_at"] or DASH)[:16],
        last_file=str(row["last_file"] or ""),
        is_behind=not quiet,
    )
