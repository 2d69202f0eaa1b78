"""Incidents of the last months and the days around each.

Belongs here: which incidents, in which order, and the series they were found in.
Does not belong here: finding or explaining them.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo

DAYS, AROUND = 90, 14


def recent(data: Data, last: date) -> list[Row]:
    """Incidents that were open within the last `DAYS` days, the latest first."""
    first = pl.lit(last - timedelta(days=DAYS - 1))
    ended = pl.col("closed_date").fill_null(last)
    return (
        data["insights.incidents"]
        .filter(pl.col("opened_date") <= last, ended >= first)
        .sort("opened_date", "incident_id", descending=[True, False])
        .to_dicts()
    )


def is_open(row: Row, last: date) -> bool:
    """Whether an incident is open on a day."""
    return row["closed_date"] is None or row["closed_date"] > last


def around(
    data: Data, info: SiteInfo, row: Row
) -> list[tuple[date, float | None, float | None, float | None]]:
    """Day, observed, lower and upper from `AROUND` days before an incident to as many after it.

    None if nothing is known.
    """
    first = row["opened_date"] - timedelta(days=AROUND)
    last = min(row["last_date"] + timedelta(days=AROUND), info.data_through)
    its = data["insights.anomalies"].filter(
        pl.col("business_date").is_between(first, last),
        *(pl.col(name).eq_missing(pl.lit(row[name], dtype=pl.String))
          for name in ("metric", "dimension", "segment", "platform")),
    )  # fmt: skip
    known = {found["business_date"]: found for found in its.to_dicts()}
    if all(found["observed"] is None for found in known.values()):
        return []
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [
        (day, found["observed"], found["lower"], found["upper"])
        for day in days
        for found in (known.get(day, {"observed": None, "lower": None, "upper": None}),)
    ]
