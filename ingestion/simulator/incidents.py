"""Planted incidents: what goes wrong at the demo company, when, where and how much.

Belongs here: the schedule. It is a function of (seed, month) alone: each month has one incident of
the business in the first half of its ordinary days and one of the business or of the data in the
second half, so there is always a recent one to look at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np

from ingestion.simulator.calendar import is_ordinary
from ingestion.simulator.catalogue import products
from ingestion.simulator.draws import Stream, generator

ALL = "all"
_BUSINESS = ("price_error", *["traffic_source_out"] * 2, *["broken_checkout"] * 2)
_DATA = ("late_source_file", "lost_tracking")
_SECOND_IS_BUSINESS = 0.4
_TWO_DAYS = 0.4
_DEAR = 150.0
_SOURCES_OUT = (
    ("shopify", "channel", "organic_search"),
    ("shopify", "channel", "paid_search"),
    ("shopify", "channel", "paid_social"),
    ("tmall", "traffic_source", "手淘搜索"),
    ("tmall", "traffic_source", "手淘推荐"),
)


@dataclass(frozen=True)
class Incident:
    """One planted incident.

    Attributes:
        kind: traffic_source_out, broken_checkout, price_error, late_source_file or lost_tracking.
        start_date: first local day.
        end_date: last local day.
        platform: shopify or tmall.
        dimension: what the segment is a value of; `all` if the whole platform is hit.
        segment: the value hit.
        metric: the driver of GMV hit: visitors, conversion, aov; or `data`.
        factor: what remains of the segment's metric (price, for a price error).
    """

    kind: str
    start_date: date
    end_date: date
    platform: str
    dimension: str
    segment: str
    metric: str
    factor: float

    @property
    def incident_id(self) -> str:
        """Name of the incident, unique because no two of a kind begin on one day."""
        return f"{self.start_date:%Y%m%d}-{self.kind}"


@cache
def _valuable() -> list[str]:
    """Return products whose price matters to the average order, the most popular first."""
    dear = [item for item in products() if item.base_price >= _DEAR]
    return [item.product_id for item in sorted(dear, key=lambda item: -item.popularity)]


def _make(kind: str, first: date, days: int, rng: np.random.Generator) -> Incident:
    """Draw the details of one incident."""
    factor = round(float(rng.uniform(0.05, 0.15)), 2)
    where: tuple[str, str, str]
    metric = "data"
    if kind == "traffic_source_out":
        where, metric = _SOURCES_OUT[int(rng.integers(len(_SOURCES_OUT)))], "visitors"
    elif kind == "broken_checkout":
        device = "mobile" if rng.random() < 0.75 else "desktop"
        where, metric = ("shopify", "device", device), "conversion"
        factor = round(float(rng.uniform(0.05, 0.20)), 2)
    elif kind == "price_error":
        days = 1
        platform = "shopify" if rng.random() < 0.5 else "tmall"
        where = (platform, "product", _valuable()[int(rng.integers(4))])
        metric, factor = "aov", round(float(rng.uniform(0.10, 0.20)), 2)
    elif kind == "late_source_file":
        platform = "shopify" if rng.random() < 0.5 else "tmall"
        days, where, factor = 1, (platform, "feed", "orders"), 0.0
    else:
        days, where, factor = 1, ("shopify", ALL, ALL), 0.1
    return Incident(kind, first, first + timedelta(days=days - 1), *where, metric, factor)


def month_incidents(seed: int, year: int, month: int) -> tuple[Incident, ...]:
    """Return the incidents that begin in a month."""
    rng = generator(seed, Stream.INCIDENTS, year * 12 + month)
    days = [date(year, month, day) for day in range(2, 28)]
    free = [day for day in days if is_ordinary(day) and is_ordinary(day + timedelta(days=1))]
    half = len(free) // 2
    early, late = free[: max(half - 1, 1)], free[half + 1 :]
    kinds = [_BUSINESS[int(rng.integers(len(_BUSINESS)))]]
    second = _BUSINESS if rng.random() < _SECOND_IS_BUSINESS else _DATA
    kinds.append(second[int(rng.integers(len(second)))])
    found = []
    for kind, choices in zip(kinds, (early, late), strict=True):
        place, long = rng.random(), rng.random() < _TWO_DAYS
        if choices:
            first = choices[int(place * len(choices))]
            found.append(_make(kind, first, 2 if long else 1, rng))
    return tuple(found)


def schedule(seed: int, first: date, last: date) -> tuple[Incident, ...]:
    """Return the incidents that begin from first to last, by start date."""
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    found = [item for m in months for item in month_incidents(seed, m // 12, m % 12 + 1)]
    return tuple(item for item in found if first <= item.start_date <= last)
