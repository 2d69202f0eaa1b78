"""Promotion phases as days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from dashboards.base.data import Data


@dataclass(frozen=True)
class Phase:
    """A promotion phase as days of the reporting zone, both included, over all platforms."""

    promo: str
    phase: str
    first: date
    last: date


def phases(data: Data, first: date, last: date) -> list[Phase]:
    """Promotion phases that overlap the days; platforms that differ give the widest span."""
    rows = (
        data["marts.dim_promo"]
        .filter(
            pl.col("start_date") <= pl.col("end_date"),  # a phase of hours has no whole day
            pl.col("start_date") <= last,
            pl.col("end_date") >= first,
        )
        .group_by("promo", "promo_year", "phase")
        .agg(pl.col("start_date").min(), pl.col("end_date").max())
        .sort("start_date", "end_date", "promo", "phase")
    )
    return [Phase(*row) for row in rows.drop("promo_year").iter_rows()]
