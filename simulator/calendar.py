"""The demo company's calendar: promo phases by platform, and nothing else.

Belongs here: dates. How much a phase lifts sales is a parameter of `company.py`. The dates are
those of the promo calendar the warehouse is seeded with; both are written down independently, and a
test holds them equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

PLATFORMS = ("shopify", "tmall")
DIP_DAYS = 3

_LUNAR_NEW_YEAR = {
    2022: date(2022, 2, 1),
    2023: date(2023, 1, 22),
    2024: date(2024, 2, 10),
    2025: date(2025, 1, 29),
    2026: date(2026, 2, 17),
    2027: date(2027, 2, 6),
    2028: date(2028, 1, 26),
    2029: date(2029, 2, 13),
    2030: date(2030, 2, 3),
}


@dataclass(frozen=True)
class Phase:
    """One phase of one promo on one platform.

    Attributes:
        promo: lunar_new_year, 618, double_11 or double_12.
        year: year of the promo (a lunar new year's first phase may begin the year before).
        platform: shopify or tmall.
        phase: presale, opening, sustain, peak, warm_up, year_goods or holiday.
        starts: first day.
        ends: day after the last day.
    """

    promo: str
    year: int
    platform: str
    phase: str
    starts: date
    ends: date


def _steps(year: int) -> list[tuple[str, str, date, date]]:
    """Return (promo, phase, starts, ends) of one year, for all platforms."""
    new_year = _LUNAR_NEW_YEAR[year]
    early = year % 2 == 0  # the 11.11 and 618 pre-sales begin two days later in even years
    d618 = [date(year, 5, 26 if early else 24), *(date(year, 6, day) for day in (1, 4, 15, 19))]
    d11 = [date(year, 10, 24 if early else 22), date(year, 10, 31)]
    d11 += [date(year, 11, day) for day in (4, 9, 12)]
    holiday = new_year - timedelta(days=7)
    steps = [
        ("lunar_new_year", "year_goods", new_year - timedelta(days=28), holiday),
        ("lunar_new_year", "holiday", holiday, new_year + timedelta(days=11)),
    ]
    for promo, days in (("618", d618), ("double_11", d11)):
        names = ("presale", "opening", "sustain", "peak")
        steps += [(promo, name, days[i], days[i + 1]) for i, name in enumerate(names)]
    steps.append(("double_12", "warm_up", date(year, 12, 8), date(year, 12, 10)))
    steps.append(("double_12", "peak", date(year, 12, 10), date(year, 12, 13)))
    return steps


@cache
def promo_phases() -> tuple[Phase, ...]:
    """Return all phases of 2022 to 2030; pre-sales exist on Tmall only."""
    return tuple(
        Phase(promo, year, platform, phase, starts, ends)
        for year in _LUNAR_NEW_YEAR
        for promo, phase, starts, ends in _steps(year)
        for platform in PLATFORMS
        if phase != "presale" or platform == "tmall"
    )


@cache
def _promo_days() -> frozenset[date]:
    """Return the days of all phases of all promos, and the dips that follow them."""
    return frozenset(
        phase.starts + timedelta(days=i)
        for phase in promo_phases()
        for i in range((phase.ends - phase.starts).days + DIP_DAYS)
    )


def is_ordinary(day: date) -> bool:
    """Say whether a day lies outside every phase of every promo and the dip that follows one."""
    return day not in _promo_days()


def months(first: date, last: date) -> list[tuple[date, date]]:
    """Return (first day, last day) of the calendar months from first to last, cut to that span."""
    spans: list[tuple[date, date]] = []
    while first <= last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        spans.append((first, min(last, following - timedelta(days=1))))
        first = following
    return spans
