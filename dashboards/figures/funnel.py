"""Sums of the funnel: counts of a window by step, and rates as sums over sums.

Belongs here: arithmetic on `fct_funnel_daily`, session basis (sessions add up over days and
segments, visitors do not), step by step: a session that begins in the middle counts at its step.
Does not belong here: charts, words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt

import polars as pl

from dashboards.base.data import Data
from dashboards.figures.ratios import ratio
from dashboards.figures.windows import Window, gaps

NOTABLE_Z = 2.0  # a step's change within two standard errors is noise
SUMMED = ("attempt_count", "reached_count", "direct_count")


@dataclass(frozen=True)
class Count:
    """Sessions at a step, all of a window.

    Attributes:
        total: all sessions, with or without a step.
        reached: those that came to the step, wherever they began.
        direct: of these those that had not been at the step before.
    """

    total: int = 0
    reached: int = 0
    direct: int = 0


@dataclass(frozen=True)
class Step:
    """A step of the funnel in a window and in its base.

    Attributes:
        name: step as the table names it.
        now: its sessions.
        before: sessions that came to the step before; None at the first.
        base, base_before: the same of the base, None without one.
    """

    name: str
    now: Count
    before: int | None = None
    base: Count | None = None
    base_before: int | None = None

    @property
    def passed(self) -> int:
        """Sessions that came on from the step before."""
        return self.now.reached - self.now.direct

    @property
    def lost(self) -> int:
        """Sessions at the step before that did not come on; 0 at the first."""
        return 0 if self.before is None else self.before - self.passed

    @property
    def rate(self) -> float | None:
        """Part of those at the step before that came on to this one."""
        return ratio(self.passed, self.before)

    @property
    def base_rate(self) -> float | None:
        """The same in the base."""
        return ratio(self.base.reached - self.base.direct, self.base_before) if self.base else None

    @property
    def overall(self) -> float | None:
        """Part of all sessions that came to this step."""
        return ratio(self.now.reached, self.now.total)

    @property
    def change(self) -> float | None:
        """Change of the rate, as a fraction (0.01 is one point)."""
        if self.rate is None or self.base_rate is None:
            return None
        return self.rate - self.base_rate

    @property
    def is_notable(self) -> bool:
        """Whether the change is beyond noise: two-proportion z, pooled."""
        if self.change is None or not self.base or not self.before or not self.base_before:
            return False
        passed = self.passed + self.base.reached - self.base.direct
        pooled = passed / (self.before + self.base_before)
        error = sqrt(pooled * (1 - pooled) * (1 / self.before + 1 / self.base_before))
        return error > 0 and abs(self.change) >= NOTABLE_Z * error


def left_out(data: Data) -> pl.DataFrame:
    """Days on which sessions of a platform are not whole, as `windows.gaps` gives them.

    Days after the last with sessions are not among them: what is missing there is late, or the
    platform is one of the past.
    """
    rows = data["marts.fct_funnel_daily"].filter(
        pl.col("basis") == "session", pl.col("dimension") == "platform"
    )
    last = rows.group_by(platform="segment").agg(last=pl.col("business_date").max())
    found = gaps(data, "events").join(last, on="platform")
    return found.filter(pl.col("business_date") <= pl.col("last")).drop("last")


def sessions(data: Data, dimension: str) -> pl.DataFrame:
    """Rows of the session basis of one dimension, without days on which sessions are missing.

    Of a platform or shop these are its own days, of everything else those of any platform: part of
    the company's sessions is another company.
    """
    rows = data["marts.fct_funnel_daily"].filter(
        pl.col("basis") == "session", pl.col("dimension") == dimension
    )
    own = {"platform": "platform", "shop": "shop_id"}.get(dimension)
    days = left_out(data).select("business_date", *([pl.col(own).alias("segment")] if own else []))
    return rows.join(days.unique(), on=days.columns, how="anti")


def step_names(data: Data) -> list[str]:
    """Steps in order."""
    rows = sessions(data, "all").select("step_number", "step").unique().sort("step_number", "step")
    return rows["step"].to_list()


def counts(frame: pl.DataFrame, window: Window | None) -> dict[str, dict[str, Count]]:
    """Segment -> step -> sessions of the window."""
    if window is None:
        return {}
    rows = (
        frame.filter(window.filter())
        .group_by("segment", "step")
        .agg(pl.col(SUMMED).sum().cast(pl.Int64))
        .sort("segment", "step")
    )
    found: dict[str, dict[str, Count]] = {}
    for segment, step, *summed in rows.iter_rows():
        found.setdefault(segment, {})[step] = Count(*summed)
    return found


def steps(
    names: Sequence[str], now: Mapping[str, Count], base: Mapping[str, Count] | None
) -> list[Step]:
    """The steps of one segment."""
    nobody = Count()
    found: list[Step] = []
    for place, name in enumerate(names):
        before = names[place - 1] if place else None
        found.append(
            Step(
                name=name,
                now=now.get(name, nobody),
                before=now.get(before, nobody).reached if before else None,
                base=base.get(name, nobody) if base else None,
                base_before=base.get(before, nobody).reached if base and before else None,
            )
        )
    return found


def rolling_rates(
    frame: pl.DataFrame, names: Sequence[str], last: date, days: int, width: int = 7
) -> tuple[list[date], dict[str, list[float | None]]]:
    """Step rates of the `width` days up to each day, sums over sums; days without a row add none.

    Returns:
        The days and, by step but the first, one rate a day; None where nobody was at the step
        before, or where the first row is fewer than `width` days old.
    """
    first = last - timedelta(days=days - 1)
    calendar = pl.DataFrame({"business_date": pl.date_range(
        first - timedelta(days=width - 1), last, "1d", eager=True)})  # fmt: skip
    passed = pl.col("reached_count") - pl.col("direct_count")
    wide = frame.group_by("business_date").agg(
        column.filter(pl.col("step") == name).sum().alias(f"{kind}{place}")
        for place, name in enumerate(names)
        for kind, column in (("reached", pl.col("reached_count")), ("passed", passed))
    )
    is_known = pl.col("business_date") >= frame["business_date"].min()
    summed = (
        calendar.join(wide, on="business_date", how="left")
        .sort("business_date")
        .with_columns(
            pl.when(is_known).then(pl.col(name).fill_null(0)).rolling_sum(width, min_samples=width)
            for name in wide.columns[1:]
        )
        .filter(pl.col("business_date") >= first)
    )
    rates = {
        names[place]: summed.select(
            pl.when(pl.col(f"reached{place - 1}") > 0).then(
                pl.col(f"passed{place}") / pl.col(f"reached{place - 1}")
            )
        )
        .to_series()
        .to_list()
        for place in range(1, len(names))
    }
    return summed["business_date"].to_list(), rates
