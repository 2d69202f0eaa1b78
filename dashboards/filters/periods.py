"""The periods a page can be asked for: the last day, 7 and 28 days, the month so far, closed weeks.

Belongs here: which days a period has, and which it is compared with.
Does not belong here: the sums of its days (`cube`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dashboards.base.data import Data, SiteInfo
from dashboards.base.page import Both, tr
from dashboards.figures.windows import Window, base_of
from dashboards.filters.bar import CUBE_DAYS, Filter, Option

WEEKS = 26
_FEW_WEEKS, _MANY_CHANNELS = 8, 60  # of many platforms and channels each week is a long list


@dataclass(frozen=True)
class Period:
    """Days that can be chosen.

    Attributes:
        key: its name in the address.
        label: its name in the list.
        now: its days.
        base: the days it is compared with, None where there are none.
    """

    key: str
    label: Both
    now: Window
    base: Window | None


def _weeks(data: Data) -> int:
    pairs = data["marts.fct_channel_daily"].select("platform", "channel").n_unique()
    return WEEKS if pairs <= _MANY_CHANNELS else _FEW_WEEKS


def periods(data: Data, info: SiteInfo) -> list[Period]:
    """All periods whose days are known, the latest first; weeks begin on Monday and are over."""
    last, known = info.data_through, data.first_day()
    if known is None:
        return []
    first = max(known, last - timedelta(days=CUBE_DAYS - 1))
    days = {"day": last, "7": last - timedelta(days=6), "28": last - timedelta(days=27),
            "month": last.replace(day=1)}  # fmt: skip
    spans = [(key, Window(begin, last)) for key, begin in days.items()]
    found = [(key, tr(f"span.last_{key}", days=span.text(last)), span) for key, span in spans]
    sunday = last - timedelta(days=last.isoweekday() % 7)
    for n in range(_weeks(data)):
        week = Window(sunday - timedelta(days=6), sunday).back(7 * n)
        year, number, _ = week.first.isocalendar()
        label = tr("span.week", week=f"{number:02d}", days=week.text(last))
        found.append((f"{year}-W{number:02d}", label, week))
    return [
        Period(key, label, now, base if base and base.first >= first else None)
        for key, label, now in found
        if now.first >= first
        for base in (base_of(data, now, known),)
    ]


def period_filter(found: list[Period], own: Both) -> list[Filter]:
    """The select of periods, `own` being the days a page shows by itself.

    Every page offers all of them, so that a choice is kept from page to page.
    """
    options = [Option(period.key, period.label) for period in found]
    if not options:
        return []
    return [Filter("period", tr("span.name"), [Option("", own), *options])]


def window_days(window: Window | None) -> list[str] | None:
    """First and last day as the script reads them."""
    return [window.first.isoformat(), window.last.isoformat()] if window else None


def for_script(found: list[Period], info: SiteInfo) -> dict[str, Any]:
    """Period -> its days, those of its base, and both in words."""
    return {
        period.key: {
            "now": window_days(period.now),
            "base": window_days(period.base),
            "days": _pair(period.now.text(info.data_through)),
            "against": _pair(period.base.text(info.data_through)) if period.base else None,
        }
        for period in found
    }


def _pair(text: Both) -> list[str]:
    return [text.en, text.zh]
