"""Closed weeks and months: their names, their figures, what they are shown beside.

Belongs here: which rows of `fct_reviews` and `fct_review_changes` a review reads.
Does not belong here: sentences (`wording.reviews`), charts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from dashboards.base.data import Data, Row
from dashboards.base.page import Both, both, tr
from dashboards.figures.windows import Window
from dashboards.wording.formatting import month_name

GRAINS = ("week", "month")
FOLDERS = {"week": "weekly", "month": "monthly"}
_THURSDAY = timedelta(days=3)  # of a week from Monday; of one from Sunday the day before


@dataclass(frozen=True)
class Period:
    """A week or month of which the data hold every day."""

    grain: str
    first: date
    last: date

    @property
    def key(self) -> str:
        """Its name in addresses and in `comments.md`: 2026-W47, 2026-10."""
        if self.grain == "month":
            return f"{self.first:%Y-%m}"
        year, week, _ = (self.first + _THURSDAY).isocalendar()
        return f"{year}-W{week:02d}"

    @property
    def path(self) -> str:
        """Its page below the site."""
        return f"{FOLDERS[self.grain]}/{self.key}.html"

    @property
    def name(self) -> Both:
        """As a title names it: Week 47 · 16 Nov – 22 Nov; October 2026."""
        if self.grain == "month":
            return both(
                lambda lang: (
                    f"{self.first.year}年{self.first.month}月"
                    if lang == "zh"
                    else f"{month_name(self.first, lang)} {self.first.year}"
                )
            )
        return tr("review.week_name", n=self.number, days=self.window.text())

    @property
    def number(self) -> int:
        """Of a week its ISO number, of a month that of the calendar."""
        return self.first.month if self.grain == "month" else int(self.key[-2:])

    @property
    def window(self) -> Window:
        """Its days."""
        return Window(self.first, self.last)


class Reviews:
    """The closed periods of a company and their figures.

    Attributes:
        periods: by grain, oldest first.
    """

    def __init__(self, data: Data) -> None:
        self._figures: dict[tuple[str, date], dict[str, Row]] = {}
        found: dict[str, dict[date, Period]] = {grain: {} for grain in GRAINS}
        for row in data["marts.fct_reviews"].sort("period_start", "metric").to_dicts():
            grain, first = str(row["grain"]), row["period_start"]
            found[grain].setdefault(first, Period(grain, first, row["period_end"]))
            self._figures.setdefault((grain, first), {})[str(row["metric"])] = row
        self.periods = {grain: list(of.values()) for grain, of in found.items()}
        self._changes = {
            (str(row["grain"]), row["period_start"], str(row["comparison"])): row
            for row in data["marts.fct_review_changes"].filter(pl.col("dimension") == "all")
            .to_dicts()
        }  # fmt: skip

    def of(self, period: Period, metric: str) -> Row | None:
        """The row of a metric, None where no feed tells of it."""
        return self._figures.get((period.grain, period.first), {}).get(metric)

    def change(self, period: Period, comparison: str) -> Row | None:
        """What moved the company's GMV against `previous_period` or `last_year`."""
        return self._changes.get((period.grain, period.first, comparison))

    def trail(self, period: Period, grain: str, count: int) -> list[Period]:
        """The last `count` closed periods of a grain that end with a period or before."""
        return [one for one in self.periods[grain] if one.last <= period.last][-count:]

    def beside(self, period: Period) -> tuple[Period | None, Period | None]:
        """The closed periods before and after."""
        all_ = self.periods[period.grain]
        at = all_.index(period)
        return (all_[at - 1] if at else None), (all_[at + 1] if at + 1 < len(all_) else None)
