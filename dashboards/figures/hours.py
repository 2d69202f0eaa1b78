"""Sales of a day by hour, and of the days that are like it.

Belongs here: which days are alike. Does not belong here: charts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from dashboards.base.data import Data, SiteInfo, exact_sum
from dashboards.figures.promotions import phases

HOURS = 24
LIKE_DAYS = 4  # days of the same weekday that show what is usual
_LOOK_BACK = 9  # weeks


@dataclass(frozen=True)
class Hours:
    """GMV of each hour of the last day; `low` and `high` are the least and most of like days."""

    values: list[float]
    low: list[float]
    high: list[float]
    days: list[date]


def _by_hour(rows: pl.DataFrame, timezone: str) -> dict[date, list[float]]:
    """Day -> 24 amounts of the reporting zone; an hour without a row sold nothing."""
    local = pl.col("hour_start").str.to_datetime("%Y-%m-%d %H:%M", time_zone="UTC")
    sums = (
        rows.with_columns(hour=local.dt.convert_time_zone(timezone).dt.hour())
        .group_by("business_date", "hour")
        .agg(exact_sum("gmv"))
    )
    found: dict[date, list[float]] = {}
    for day, hour, gmv in sums.iter_rows():
        found.setdefault(day, [0.0] * HOURS)[hour] = gmv or 0.0
    return found


def hours(data: Data, info: SiteInfo) -> Hours | None:
    """The last day by hour; None where it sold nothing by the hour."""
    last = info.data_through
    back = [last - timedelta(days=7 * n) for n in range(1, _LOOK_BACK)]
    rows = data["marts.fct_gmv_hourly"].filter(pl.col("business_date").is_in([last, *back]))
    known = _by_hour(rows.drop_nulls("gmv"), info.timezone)
    if last not in known:
        return None
    alike = [d for d in back if d in known and not phases(data, d, d)][:LIKE_DAYS]
    if len(alike) < LIKE_DAYS:
        alike = []
    columns = list(zip(*(known[d] for d in alike), strict=True))
    return Hours(known[last], [min(c) for c in columns], [max(c) for c in columns], alike)
