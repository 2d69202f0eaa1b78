"""Phases of promotions and holidays as days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from dashboards.base.data import Data
from dashboards.base.page import Both


@dataclass(frozen=True)
class Phase:
    """A phase of an event as days of the reporting zone, both included, over all platforms."""

    label: Both
    phase: str
    kind: str
    first: date
    last: date


def phases(data: Data, first: date, last: date) -> list[Phase]:
    """Phases of events that overlap the days; platforms that differ give the widest span."""
    rows = (
        data["marts.dim_promo"]
        .filter(
            pl.col("start_date") <= pl.col("end_date"),  # a phase of hours has no whole day
            pl.col("start_date") <= last,
            pl.col("end_date") >= first,
        )
        .group_by("promo", "promo_year", "phase")
        .agg(
            pl.col("label_en", "label_zh", "kind").first(),
            pl.col("start_date").min(),
            pl.col("end_date").max(),
        )
        .sort("start_date", "end_date", "promo", "phase")
    )
    return [
        Phase(Both(en, zh), phase, kind, begin, end)
        for _, _, phase, en, zh, kind, begin, end in rows.iter_rows()
    ]
