"""What the figures of the first screen are set against: a week, a day, a year before.

Belongs here: the days compared with and how they are called. Does not belong here: the changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from dashboards.base.data import Data, SiteInfo
from dashboards.base.page import Both, tr
from dashboards.figures.changes import base_dates
from dashboards.figures.promotions import phases


@dataclass(frozen=True)
class Versus:
    """One comparison: `key` and `label` are those of its tab, `beside` stands beside a change."""

    key: str
    label: Both
    day: date
    beside: Both


def versus(data: Data, info: SiteInfo) -> tuple[Versus, ...]:
    """The comparisons in the order of their tabs; in a promotion the year is that of its phase."""
    last = info.data_through
    same_phase = base_dates(data, last, "promo_phase") if phases(data, last, last) else []
    year, label = (
        (same_phase[0], "phase") if len(same_phase) == 1 else (last - timedelta(days=364), "year")
    )
    return (
        Versus("week", tr("versus.week"), last - timedelta(days=7), tr("card.vs_week")),
        Versus("day", tr("versus.day"), last - timedelta(days=1), tr("card.vs_day")),
        Versus("year", tr(f"versus.{label}"), year, tr(f"card.vs_{label}")),
    )
