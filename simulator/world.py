"""What every part of the simulation needs to know: seed, scale, demand, prices, incidents.

Belongs here: the one object handed around, and lookups on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, lru_cache

import numpy as np

from simulator.catalogue import demand_table, price_table, products
from simulator.company import COMPANY, HOURS, Company
from simulator.demand import Demand, make_demand, ordinal
from simulator.draws import Flags, Floats, Ints
from simulator.incidents import Incident, schedule

# how far back a visitor, buyer or order may have begun
HISTORY_DAYS = 720
ORDER_DAYS = 90
# a bargain by mistake spreads: how much more often the product is bought that day
_RUSH = 14.0
# longest incident, and how long before a refund wave its orders were paid
_AROUND = 30
_HOUR_EDGES = np.r_[0.0, np.cumsum(HOURS)] / sum(HOURS)


@dataclass(frozen=True)
class World:
    """Everything fixed before the first visitor is drawn.

    Attributes:
        seed: seed of the simulation.
        scale: multiple of sessions, visitors and orders.
        company: its parameters.
        first: first simulated day, as days since 1970.
        last: last simulated day.
        demand: by platform and day, from HISTORY_DAYS before first.
        prices: list prices in cents, (days from first, products).
        weights: purchase weights, same shape.
        incidents: all planted incidents that touch the span.
    """

    seed: int
    scale: float
    company: Company
    first: int
    last: int
    demand: Demand
    prices: Ints
    weights: Floats
    incidents: tuple[Incident, ...]

    def level(self, platform: str, days: Ints) -> Floats:
        """Return expected level of traffic on days that may lie before the simulated span."""
        return np.asarray(self.demand.shops[platform].level[days - self.demand.first])

    def at(self, platform: str, name: str, days: Ints) -> Floats:
        """Return a named quantity of the demand of a platform for each of the given days."""
        return np.asarray(getattr(self.demand.shops[platform], name)[days - self.demand.first])

    def hit(self, kind: str, platform: str) -> list[tuple[Incident, int, int]]:
        """Return incidents of a kind and platform with first and last day since 1970."""
        return [
            (item, ordinal(item.start_date), ordinal(item.end_date))
            for item in self.incidents
            if item.kind == kind and item.platform == platform
        ]

    def remaining(self, kind: str, platform: str, days: Ints, segments: list[str]) -> Floats:
        """Return what incidents of a kind leave, shape (rows, segments): 1 where nothing happens.

        Bots and the like bring more: the numbers may exceed 1.
        """
        left = np.ones((len(days), len(segments)))
        for item, first, last in self.hit(kind, platform):
            hit = (days >= first) & (days <= last)
            for column, segment in enumerate(segments):
                if item.segment in {segment, "all"}:
                    left[hit, column] *= item.factor
        return left

    def shop_prices(self, platform: str) -> Ints:
        """Return prices in cents as shown in one shop, mistakes included."""
        prices = self.prices.copy()
        for item, day, number in self._mistakes(platform):
            prices[day, number] = round(prices[day, number] * item.factor / 10) * 10
        return prices

    def left(self, kind: str, platform: str, days: Ints) -> Floats:
        """Return what incidents that hit the whole platform leave, one number a row."""
        return np.asarray(self.remaining(kind, platform, days, ["all"])[:, 0])

    def shop_weights(self, platform: str, in_stock: bool = True) -> Floats:
        """Return cumulative purchase weights in one shop, cheap products first, rows end in 1.

        Args:
            platform: the shop.
            in_stock: leave out what is sold out; else weights are those of what is asked for.
        """
        weights = self.weights.copy()
        for _, day, number in self._mistakes(platform):
            weights[day, number] *= _RUSH
        if in_stock:
            weights[self.sold_out(platform)] = 0.0
        total = np.cumsum(weights[:, by_price()], axis=1)
        return np.asarray(total / total[:, -1:])

    def sold_out(self, platform: str) -> Flags:
        """Return what is out of stock in one shop, shape (days from first, products)."""
        gone = np.zeros(self.weights.shape, np.bool_)
        for item, first, last in self.hit("stock_out", platform):
            rows = slice(max(first - self.first, 0), max(last - self.first + 1, 0))
            gone[rows, product_number(item.segment)] = True
        return gone

    def _mistakes(self, platform: str) -> list[tuple[Incident, int, int]]:
        """Return (price error, row of its day, number of its product)."""
        return [
            (item, first - self.first, product_number(item.segment))
            for item, first, _ in self.hit("price_error", platform)
            if self.first <= first <= self.last
        ]


@lru_cache(maxsize=2)
def make_world(seed: int, scale: float, first: date, last: date) -> World:
    """Prepare the simulation of the days from first to last."""
    begin, end = ordinal(first), ordinal(last)
    company = replace(
        COMPANY,
        site=replace(COMPANY.site, sessions=COMPANY.site.sessions * scale),
        marketplace=replace(COMPANY.marketplace, visitors=COMPANY.marketplace.visitors * scale),
    )
    return World(
        seed=seed,
        scale=scale,
        company=company,
        first=begin,
        last=end,
        demand=make_demand(seed, company, begin - HISTORY_DAYS, end + 1),
        prices=price_table(begin, end),
        weights=demand_table(begin, end),
        # an incident may have begun before the span, and a refund wave takes earlier orders along
        incidents=schedule(seed, first - timedelta(days=_AROUND), last + timedelta(days=_AROUND)),
    )


@cache
def product_number(product_id: str) -> int:
    """Return the index of a product."""
    return [item.product_id for item in products()].index(product_id)


@cache
def by_price() -> Ints:
    """Return product numbers from the cheapest to the dearest."""
    return np.argsort([item.base_price for item in products()], kind="stable").astype(np.int64)


def time_of_day(uniform: Floats) -> Floats:
    """Turn uniform numbers into seconds since midnight by the shop's hourly curve."""
    return np.asarray(np.interp(uniform, _HOUR_EDGES, np.arange(25) * 3600.0))


def pick_product(cumulative: Floats, row: Ints, uniform: Floats) -> Ints:
    """Choose a product number for each row from the cumulative weights of its day.

    Evenly spread uniform numbers give evenly spread prices, because cheap products come first.
    """
    rank = (cumulative[row] <= uniform[:, None]).sum(axis=1)
    return np.asarray(by_price()[rank], dtype=np.int64)


def choose(shares: list[float], uniform: Floats) -> Ints:
    """Choose an index by shares (they need not sum to 1)."""
    edges = np.cumsum(shares)
    return np.asarray(np.searchsorted(edges, uniform * edges[-1], side="right"), dtype=np.int64)


def rounded(expected: Floats, uniform: Floats) -> Ints:
    """Round expected counts up or down at random so that the mean is kept."""
    return np.floor(expected + uniform).astype(np.int64)
