"""How much there is of everything on a day: trend, year, week, promos, noise.

Belongs here: one number a day and quantity, from (seed, day) alone. Who the visitors are is drawn
in `traffic.py` and `tmall.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from simulator.calendar import DIP_DAYS, PLATFORMS, Phase, promo_phases
from simulator.catalogue import EPOCH
from simulator.company import Company
from simulator.draws import Floats, Ints, Stream, generator

# how a lift of GMV is made of visitors, conversion and basket; exponents sum to 1
_TRAFFIC, _CONVERSION, _BASKET = 0.60, 0.33, 0.07
_TREND_CENTRE = date(2025, 9, 1)
_TREND_YEARS, _TREND_SIZE = 2.2, 0.34
_NOISE_MEMORY_DAYS = 12
_YEAR_EFFECT = 0.08


def ordinal(day: date) -> int:
    """Return a date as days since 1970-01-01."""
    return (day - EPOCH).days


def calendar_day(number: int) -> date:
    """Return the date of days since 1970-01-01."""
    return EPOCH + timedelta(days=number)


@dataclass(frozen=True)
class ShopDemand:
    """Expected multiples of one platform by day, promos included.

    Attributes:
        level: visitors relative to the parameters of the company, before the day's noise.
        traffic: visitors, with the day's noise.
        conversion: multiple of the ordinary conversion.
        basket: multiple of the ordinary basket.
        pull: multiple of the ordinary orders by promos.
        noise: multiple of traffic by the noise of the day.
        is_promo: whether a promo price phase runs.
        presale_ends: for days of a pre-sale the day its opening begins, else 0.
    """

    level: Floats
    traffic: Floats
    conversion: Floats
    basket: Floats
    pull: Floats
    noise: Floats
    is_promo: np.ndarray[tuple[int], np.dtype[np.bool_]]
    presale_ends: Ints


@dataclass(frozen=True)
class Demand:
    """Demand of both platforms; arrays are indexed by day - first.

    Attributes:
        first: first day, as days since 1970.
        shops: platform -> its demand.
    """

    first: int
    shops: dict[str, ShopDemand]


def _base(days: Ints, company: Company) -> Floats:
    """Return level of ordinary traffic: bounded growth, a yearly wave and the week."""
    years = (days - ordinal(_TREND_CENTRE)) / 365.25
    trend = 1.0 + _TREND_SIZE * np.tanh(years / _TREND_YEARS)
    angle = 2 * np.pi * ((days - ordinal(date(2024, 1, 1))) % 365.25) / 365.25
    season = 1.0 + 0.05 * np.cos(angle + 0.6) + 0.02 * np.cos(2 * angle)
    weekday = np.array(company.shape)[(days + 3) % 7]  # 1970-01-01 was a Thursday
    return np.asarray(trend * season * weekday)


def _shocks(seed: int, days: Ints) -> Floats:
    """Return what is new on each day and the days of memory before, shape (days, platforms)."""
    span = range(int(days[0]) - _NOISE_MEMORY_DAYS, int(days[-1]) + 1)
    return np.array([generator(seed, Stream.LEVEL, day).standard_normal(2) for day in span])


def _noise(shocks: Floats, company: Company) -> Floats:
    """Return an autoregressive disturbance in logs, cut off after a fixed memory."""
    weights = company.memory ** np.arange(_NOISE_MEMORY_DAYS + 1)
    return company.noise * np.convolve(shocks, weights, mode="valid")


def _phase_shape(phase: Phase) -> Floats:
    """Return relative weight of each day of a phase, mean 1: openings start, peaks end high."""
    shape = np.ones((phase.ends - phase.starts).days)
    if phase.phase == "opening":
        shape[0] = 1.4
    if phase.phase == "peak":
        shape[-1] = 1.6
    return np.asarray(shape / shape.mean())


def _lifts(seed: int, days: Ints, company: Company, platform: str) -> tuple[Floats, Ints, Ints]:
    """Return GMV lift, whether promo prices hold, and the end of the pre-sale, by day."""
    lift = np.ones(len(days))
    promo, ends = np.zeros(len(days), np.int64), np.zeros(len(days), np.int64)
    for phase in promo_phases():
        first = ordinal(phase.starts) - int(days[0])
        last = ordinal(phase.ends) - int(days[0])
        if phase.platform != platform or last + DIP_DAYS <= 0 or first >= len(days):
            continue
        key = ordinal(date(phase.year, 1, 1)) * 10 + len(phase.promo)
        luck = 1.0 + _YEAR_EFFECT * (2.0 * generator(seed, Stream.PROMO, key).random() - 1.0)
        size = company.lifts[phase.phase] ** company.strength[phase.promo]
        size = size * luck if phase.phase in {"opening", "sustain", "peak"} else size
        inside = np.arange(max(first, 0), min(last, len(days)))
        lift[inside] *= size * _phase_shape(phase)[inside - first]
        if phase.phase in {"opening", "sustain", "peak"}:
            promo[inside] = 1
        if phase.phase == "presale":
            ends[inside] = ordinal(phase.ends)
        if phase.phase == "peak":
            lift[max(last, 0) : max(last + DIP_DAYS, 0)] *= company.lifts["dip"]
    return lift, promo, ends


def make_demand(seed: int, company: Company, first: int, last: int) -> Demand:
    """Compute the demand of both platforms for days first..last (days since 1970)."""
    days = np.arange(first, last + 1)
    base, shocks = _base(days, company), _shocks(seed, days)
    shops = {}
    for column, platform in enumerate(PLATFORMS):
        lift, promo, ends = _lifts(seed, days, company, platform)
        level = base * lift**_TRAFFIC
        noise = np.exp(_noise(shocks[:, column], company))
        shops[platform] = ShopDemand(
            level=level,
            traffic=level * noise,
            conversion=lift**_CONVERSION,
            basket=lift**_BASKET,
            pull=lift ** (_TRAFFIC + _CONVERSION),
            noise=noise,
            is_promo=promo.astype(np.bool_),
            presale_ends=ends,
        )
    return Demand(first, shops)
