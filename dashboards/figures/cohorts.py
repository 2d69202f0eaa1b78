"""Cohorts as grids: which cells are known, which are too small to show, what they average to.

Belongs here: maturity (NULL until then), suppression, weighted means. Does not belong here: charts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from dashboards.base.data import SMALLEST_GROUP, Data

MONTHS = 13  # cohorts shown
PERIODS = 12  # months after the first order shown
_COLUMN = {"customers": "retained_count", "revenue": "revenue"}
MEASURES = tuple(_COLUMN)


@dataclass(frozen=True)
class Mark:
    """A cell: its amount per customer of the cohort; hidden where too few customers are behind."""

    value: float
    is_hidden: bool


@dataclass(frozen=True)
class Cohort:
    """A month of first orders. `marks[n - 1]` is month n, None until it is over.

    A cohort of fewer customers than `SMALLEST_GROUP` has no marks to show at all.
    """

    month: date
    size: int
    marks: Sequence[Mark | None]

    @property
    def is_small(self) -> bool:
        """Whether the cohort itself could be a few persons."""
        return self.size < SMALLEST_GROUP


def monthly(data: Data, dimension: str, segment: str, last: date) -> pl.DataFrame:
    """Classic purchase retention of one segment: months of first orders over by the day `last`."""
    return data["marts.fct_retention_monthly"].filter(
        pl.col("kind") == "purchase",
        pl.col("retention_type") == "classic",
        pl.col("dimension") == dimension,
        pl.col("segment") == segment,
        pl.col("cohort_month") <= last_month(last),
    )


def segments(data: Data, dimension: str) -> list[str]:
    """Segments that have cohorts, largest first."""
    rows = (
        data["marts.fct_retention_monthly"]
        .filter(
            pl.col("kind") == "purchase",
            pl.col("retention_type") == "classic",
            pl.col("dimension") == dimension,
            pl.col("period_number") == 0,
        )
        .group_by("segment")
        .agg(pl.col("cohort_size").sum())
        .filter(pl.col("cohort_size") >= SMALLEST_GROUP)
        .sort("cohort_size", "segment", descending=[True, False])
    )
    return rows["segment"].to_list()


def has_measure(frame: pl.DataFrame, measure: str) -> bool:
    """Whether the table holds a measure at all (months after the first)."""
    later = frame.filter(pl.col("period_number") > 0)
    return later[_COLUMN[measure]].null_count() < later.height


def last_month(last: date) -> date:
    """The first day of the last month that is over at the end of a day."""
    following = last + timedelta(days=1)
    return (following.replace(day=1) - timedelta(days=1)).replace(day=1)


def cohorts(frame: pl.DataFrame, measure: str) -> list[Cohort]:
    """The last `MONTHS` cohorts, oldest first, with one measure per customer of the cohort.

    Customers give a rate; revenue an amount per customer who belongs to the cohort.
    """
    found = []
    months = sorted(frame["cohort_month"].unique().to_list())[-MONTHS:]
    chosen = frame.filter(pl.col("cohort_month").is_in(months))
    by_month: dict[date, dict[int, tuple[float | None, float | None]]] = {}
    sizes: dict[date, int] = {}
    names = ["cohort_month", "period_number", "cohort_size", "retained_count", _COLUMN[measure]]
    for month, period, size, retained, amount in chosen.select(
        pl.col(name).alias(f"c{place}") for place, name in enumerate(names)
    ).iter_rows():
        sizes[month] = int(size or 0)
        by_month.setdefault(month, {})[int(period)] = (retained, amount)
    for month in months:
        marks = [_mark(by_month[month].get(n), sizes[month]) for n in range(1, PERIODS + 1)]
        found.append(Cohort(month, sizes[month], marks))
    return found


def _mark(cell: tuple[float | None, float | None] | None, size: int) -> Mark | None:
    if cell is None or cell[0] is None or cell[1] is None or not size:
        return None
    return Mark(cell[1] / size, 0 < cell[0] < SMALLEST_GROUP or size < SMALLEST_GROUP)


def average(found: Sequence[Cohort]) -> list[float | None]:
    """Month by month over all mature cohorts, weighted by their size; none left out for being 0."""
    line: list[float | None] = []
    for place in range(PERIODS):
        # A small cohort would show through a mean of which all else is known.
        mature = [
            (c.size, m.value) for c in found if (m := c.marks[place]) is not None and not c.is_small
        ]
        total = sum(size for size, _ in mature)
        line.append(sum(s * v for s, v in mature) / total if total else None)
    return line


def known_periods(found: Sequence[Cohort]) -> int:
    """The last month any cohort has reached, at least 1: later ones have no column yet."""
    return max(
        (n for c in found for n, mark in enumerate(c.marks, start=1) if mark is not None), default=1
    )


def against_average(cohort: Cohort, mean: Sequence[float | None]) -> float | None:
    """How a cohort did relative to the average over its own mature months; needs two of them."""
    pairs = [
        (m.value, e)
        for m, e in zip(cohort.marks, mean, strict=True)
        if m is not None and e is not None
    ]
    expected = sum(e for _, e in pairs)
    if len(pairs) < 2 or not expected or cohort.is_small:
        return None
    return sum(v for v, _ in pairs) / expected - 1
