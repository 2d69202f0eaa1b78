"""Sums of the funnel: counts of a window by step, and rates as sums over sums.

Belongs here: arithmetic on `fct_funnel_daily`, session basis (sessions add up over days and
segments, visitors do not). Does not belong here: charts, words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt

import polars as pl

from dashboards.base.data import Data
from dashboards.figures.ratios import ratio
from dashboards.figures.windows import Window

NOTABLE_Z = 2.0  # a step's change within two standard errors is noise


@dataclass(frozen=True)
class Step:
    """A step of the funnel in a window and in its base.

    Attributes:
        name: step as the table names it.
        count: sessions that reached it.
        before: sessions that reached the step before; None at the first.
        base_count, base_before: the same of the base, None without one.
        first: sessions at the first step.
    """

    name: str
    count: int
    before: int | None
    first: int
    base_count: int | None = None
    base_before: int | None = None

    @property
    def rate(self) -> float | None:
        """Part of the step before that reached this one."""
        return ratio(self.count, self.before)

    @property
    def base_rate(self) -> float | None:
        """The same in the base."""
        return ratio(self.base_count, self.base_before)

    @property
    def overall(self) -> float | None:
        """Part of the first step that reached this one."""
        return ratio(self.count, self.first)

    @property
    def change(self) -> float | None:
        """Change of the rate, as a fraction (0.01 is one point)."""
        if self.rate is None or self.base_rate is None:
            return None
        return self.rate - self.base_rate

    @property
    def is_notable(self) -> bool:
        """Whether the change is beyond noise: two-proportion z, pooled."""
        if self.change is None or not self.before or not self.base_before:
            return False
        pooled = (self.count + (self.base_count or 0)) / (self.before + self.base_before)
        error = sqrt(pooled * (1 - pooled) * (1 / self.before + 1 / self.base_before))
        return error > 0 and abs(self.change) >= NOTABLE_Z * error


def sessions(data: Data, dimension: str) -> pl.DataFrame:
    """Rows of the session basis of one dimension."""
    return data["marts.fct_funnel_daily"].filter(
        pl.col("basis") == "session", pl.col("dimension") == dimension
    )


def step_names(data: Data) -> list[str]:
    """Steps in order."""
    rows = sessions(data, "all").select("step_number", "step").unique().sort("step_number", "step")
    return rows["step"].to_list()


def counts(frame: pl.DataFrame, window: Window | None) -> dict[str, dict[str, int]]:
    """Segment -> step -> sessions of the window."""
    if window is None:
        return {}
    rows = (
        frame.filter(window.filter())
        .group_by("segment", "step")
        .agg(pl.col("entered_count").sum())
        .sort("segment", "step")
    )
    found: dict[str, dict[str, int]] = {}
    for segment, step, count in rows.iter_rows():
        found.setdefault(segment, {})[step] = int(count or 0)
    return found


def steps(names: Sequence[str], now: dict[str, int], base: dict[str, int] | None) -> list[Step]:
    """The steps of one segment."""
    found: list[Step] = []
    for place, name in enumerate(names):
        before = names[place - 1] if place else None
        found.append(
            Step(
                name=name,
                count=now.get(name, 0),
                before=now.get(before, 0) if before else None,
                first=now.get(names[0], 0),
                base_count=base.get(name, 0) if base else None,
                base_before=base.get(before, 0) if base and before else None,
            )
        )
    return found


def rolling_rates(
    frame: pl.DataFrame, names: Sequence[str], last: date, days: int, width: int = 7
) -> tuple[list[date], dict[str, list[float | None]]]:
    """Step rates of the `width` days up to each day, sums over sums.

    Returns:
        The days and, by step but the first, one rate a day; None where nobody was at the step
        before, or where fewer than `width` days are known.
    """
    first = last - timedelta(days=days - 1)
    calendar = pl.DataFrame({"business_date": pl.date_range(
        first - timedelta(days=width - 1), last, "1d", eager=True)})  # fmt: skip
    wide = frame.group_by("business_date").agg(
        pl.col("entered_count").filter(pl.col("step") == name).sum().alias(f"{place}")
        for place, name in enumerate(names)
    )
    summed = (
        calendar.join(wide, on="business_date", how="left")
        .sort("business_date")
        .with_columns(
            pl.col(f"{place}").rolling_sum(width, min_samples=width) for place in range(len(names))
        )
        .filter(pl.col("business_date") >= first)
    )
    rates = {
        names[place]: summed.select(
            pl.when(pl.col(f"{place - 1}") > 0).then(pl.col(f"{place}") / pl.col(f"{place - 1}"))
        )
        .to_series()
        .to_list()
        for place in range(1, len(names))
    }
    return summed["business_date"].to_list(), rates
