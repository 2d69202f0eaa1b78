"""Planted incidents: what goes wrong at the demo company, when, where and how much.

Belongs here: the schedule, a function of the seed alone. On each platform one incident follows the
other, with at least `REST_DAYS` undisturbed days between them and never on a promo day; the kinds
come in shuffled rounds, so each of them is met about once a year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np

from simulator.calendar import PLATFORMS, is_ordinary
from simulator.catalogue import products
from simulator.company import CHANNELS, PROVINCES
from simulator.draws import Stream, generator

ALL = "all"
REST_DAYS = 14
_EPOCH, _END = date(2022, 3, 15), date(2031, 1, 1)
_DEAR = 150.0
_LONGEST_WAIT = 13
# nothing happens on the other platform so many days before and after an incident, a fixed one
_CLEARANCE, _WIDE_CLEARANCE = 1, 10


@dataclass(frozen=True)
class Kind:
    """What the incidents of one kind have in common.

    Attributes:
        metric: the driver of GMV hit (visitors, conversion, aov, orders_per_buyer), refund_rate, or
            `data` if the business is well and only its data are not.
        days: fewest and most days it lasts.
        factors: least and greatest factor.
        rounds: how often it comes in a round, by platform.
    """

    metric: str
    days: tuple[int, int]
    factors: tuple[float, float]
    rounds: dict[str, int]


_BOTH, _SITE = {"shopify": 1, "tmall": 1}, {"shopify": 1}
KINDS = {
    "traffic_source_out": Kind("visitors", (1, 2), (0.20, 0.50), {"shopify": 1, "tmall": 2}),
    "campaign_paused": Kind("visitors", (3, 6), (0.20, 0.50), _BOTH),
    "bot_traffic": Kind("visitors", (1, 2), (1.40, 1.80), _BOTH),
    "broken_checkout": Kind("conversion", (1, 2), (0.20, 0.50), {"shopify": 2}),
    "payment_outage": Kind("conversion", (1, 1), (0.25, 0.65), _BOTH),
    "region_outage": Kind("conversion", (2, 4), (0.20, 0.40), _BOTH),
    "stock_out": Kind("conversion", (6, 9), (0.0, 0.0), _BOTH),
    "price_error": Kind("aov", (1, 1), (0.30, 0.50), _BOTH),
    "coupon_error": Kind("aov", (1, 2), (0.50, 0.80), _BOTH),
    "double_submission": Kind("orders_per_buyer", (1, 3), (1.20, 1.60), _SITE),
    "refund_wave": Kind("refund_rate", (2, 3), (5.0, 9.0), _BOTH),
    "late_source_file": Kind("data", (1, 1), (0.0, 0.0), _BOTH),
    "lost_tracking": Kind("data", (1, 1), (0.20, 0.50), _SITE),
}


@dataclass(frozen=True)
class Incident:
    """One planted incident.

    Attributes:
        kind: one of KINDS.
        start_date: first local day.
        end_date: last local day.
        platform: shopify or tmall.
        dimension: what the segment is a value of; `all` if the whole platform is hit.
        segment: the value hit.
        metric: what is hit, see Kind.
        factor: what becomes of the segment's metric (of the price, for a price error), as a
            multiple.
        detail: the campaign that pauses; not part of the truth's columns.
    """

    kind: str
    start_date: date
    end_date: date
    platform: str
    dimension: str
    segment: str
    metric: str
    factor: float
    detail: str = ""

    @property
    def incident_id(self) -> str:
        """Name of the incident, unique because no two begin on one day."""
        return f"{self.start_date:%Y%m%d}-{self.kind}"

    @property
    def days(self) -> list[date]:
        """Local days of the incident."""
        count = (self.end_date - self.start_date).days + 1
        return [self.start_date + timedelta(days=i) for i in range(count)]


# These hold for every seed: whole runs are tested on the first, and the pages documented show the
# second.
FIXED = tuple(
    Incident("broken_checkout", first, last, "shopify", "device", "mobile", "conversion", factor)
    for first, last, factor in (
        (date(2026, 10, 10), date(2026, 10, 10), 0.08),
        (date(2026, 11, 15), date(2026, 11, 16), 0.19),
    )
)


@cache
def best_sellers(dear: bool) -> list[str]:
    """Return products, the most popular first; the dear ones matter to the average order."""
    chosen = [item for item in products() if item.base_price >= _DEAR or not dear]
    return [item.product_id for item in sorted(chosen, key=lambda item: -item.popularity)]


def _place(kind: str, platform: str, rng: np.random.Generator) -> tuple[str, str]:
    """Draw (dimension, segment) of an incident."""
    is_site = platform == "shopify"
    sources = ("organic_search", "paid_search", "paid_social")
    places = {
        "traffic_source_out": [("channel", name) for name in sources]
        if is_site
        else [("traffic_source", "手淘搜索"), ("traffic_source", "手淘推荐")],
        "campaign_paused": [("traffic_source", "直通车")],
        "bot_traffic": [("channel", "direct") if is_site else (ALL, ALL)],
        "broken_checkout": [("device", name) for name in ("mobile", "mobile", "desktop")],
        "region_outage": [("region", name) for name, _, _ in PROVINCES[:4]],
        "stock_out": [("product", name) for name in best_sellers(False)[:3]],
        "price_error": [("product", name) for name in best_sellers(True)[:4]],
        "refund_wave": [("product", name) for name in best_sellers(True)[:3]],
        "late_source_file": [("feed", "orders")],
    }.get(kind, [(ALL, ALL)])
    return places[int(rng.integers(len(places)))]


def _make(kind: str, first: date, days: int, platform: str, rng: np.random.Generator) -> Incident:
    """Draw the details of one incident."""
    last, metric = first + timedelta(days=days - 1), KINDS[kind].metric
    if kind == "campaign_paused" and platform == "shopify":
        paid = {(c.name, *campaign) for c in CHANNELS for campaign in c.campaigns}
        choices = sorted(item for item in paid if item[0] in {"paid_search", "paid_social"})
        channel, name, share = choices[int(rng.integers(len(choices)))]
        factor = round(1.0 - share, 2)
        return Incident(
            kind, first, last, platform, "channel", channel, metric, factor, detail=name
        )
    where = _place(kind, platform, rng)
    factor = round(float(rng.uniform(*KINDS[kind].factors)), 2)
    return Incident(kind, first, last, platform, *where, metric, factor)


def _next_free(first: date, days: int, taken: set[date]) -> date:
    """Return the first day from which so many days are ordinary and nothing else happens."""
    while not all(
        is_ordinary(day) and day not in taken
        for day in (first + timedelta(days=i) for i in range(days))
    ):
        first += timedelta(days=1)
    return first


def _around(incidents: list[Incident], platform: str) -> set[date]:
    """Return the days kept clear for incidents that are there already."""
    clear = set()
    for item in incidents:
        rest = _WIDE_CLEARANCE if item in FIXED else _CLEARANCE
        rest = REST_DAYS if item.platform == platform else rest
        clear |= {day + timedelta(days=i) for day in item.days for i in range(-rest, rest + 1)}
    return clear


@cache
def _calendar(seed: int) -> tuple[Incident, ...]:
    """Return all incidents of a seed, by start date."""
    found = list(FIXED)
    for number, platform in enumerate(PLATFORMS):
        deck = [kind for kind, item in KINDS.items() for _ in range(item.rounds.get(platform, 0))]
        taken = _around(found, platform)
        free, dealt = _EPOCH, 0
        while free < _END:
            rng = generator(seed, Stream.INCIDENTS, number * 10_000 + dealt)
            for card in rng.permutation(len(deck)):
                kind = deck[int(card)]
                shortest, longest = KINDS[kind].days
                days = int(rng.integers(shortest, longest + 1))
                wait = timedelta(days=int(rng.integers(_LONGEST_WAIT + 1)))
                first = _next_free(_next_free(free, days, taken) + wait, days, taken)
                found.append(_make(kind, first, days, platform, rng))
                free = found[-1].end_date + timedelta(days=REST_DAYS + 1)
            dealt += 1
    return tuple(sorted(found, key=lambda item: (item.start_date, item.platform)))


def schedule(seed: int, first: date, last: date) -> tuple[Incident, ...]:
    """Return the incidents that begin from first to last, by start date."""
    return tuple(item for item in _calendar(seed) if first <= item.start_date <= last)
