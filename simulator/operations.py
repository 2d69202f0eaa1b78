"""Everything the company keeps beside its orders, worked out of them once, when it is asked for.

Belongs here: putting the parts together. What each part is like is in its own module, how it is
written in `export_operations.py`.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import polars as pl

from simulator import costs, live, members, service, shipping, stock
from simulator.experiments import VARIANTS, exposures
from simulator.orderbook import OrderBook
from simulator.visits import Visits, visitor_text
from simulator.world import World


def first_seen(visits: Visits) -> pl.DataFrame:
    """Return the first visit of each visitor to each experiment, as the web analytics saw it.

    Returns:
        Columns experiment, variant, random, birth (the two numbers of the visitor's id), at (local
        seconds since 1970), by instant.
    """
    names, which, arm = exposures(visits.day, visits.visitor)
    rows = np.nonzero((which >= 0) & ~visits.lost)[0]
    random, birth = visitor_text(visits.visitor[rows])
    frame = pl.DataFrame(
        {
            "experiment": pl.Series(names, dtype=pl.String).gather(pl.Series(which[rows])),
            "variant": pl.Series(VARIANTS).gather(pl.Series(arm[rows])),
            "random": random,
            "birth": birth,
            "at": np.floor(visits.start[rows]).astype(np.int64),
        }
    )
    return earliest(frame)


def earliest(seen: pl.DataFrame) -> pl.DataFrame:
    """Keep the first of the rows of each visitor and experiment."""
    visitor = ["experiment", "random", "birth"]
    return seen.sort("at", "random", "birth").unique(visitor, keep="first", maintain_order=True)


class Operations:
    """What follows from the orders of both shops; each part is worked out once.

    Attributes:
        world: the simulation's fixed part.
        books: the orders, by shop.
        since: first day of the data, since 1970.
    """

    def __init__(
        self, world: World, books: dict[str, OrderBook], seen: pl.DataFrame, since: int
    ) -> None:
        self.world = world
        self.books = books
        self.since = since
        self._seen = seen
        self._shipments: dict[str, pl.DataFrame] = {}

    @cached_property
    def exposures(self) -> pl.DataFrame:
        """First visits to experiments, see `first_seen`."""
        return earliest(self._seen)

    @cached_property
    def stock(self) -> stock.Stock:
        """Stock of the warehouses, with the purchase orders."""
        return stock.make_stock(self.world, self.books)

    def shipments(self, shop: str) -> pl.DataFrame:
        """Parcels of one shop."""
        if shop not in self._shipments:
            self._shipments[shop] = shipping.make_shipments(
                self.world, shop, self.books[shop].orders
            )
        return self._shipments[shop]

    def order_costs(self, shop: str) -> pl.DataFrame:
        """Costs of one shop's orders."""
        return costs.order_costs(self.world, shop, self.books[shop], self.shipments(shop))

    def settlements(self, shop: str) -> pl.DataFrame:
        """Payouts to one shop."""
        return costs.settlements(self.world, shop, self.books[shop])

    def platform_daily(self, shop: str) -> pl.DataFrame:
        """One shop's days as its platform shows them."""
        return costs.platform_daily(self.world, shop, self.books[shop])

    def tickets(self, shop: str) -> pl.DataFrame:
        """Tickets of one shop."""
        return service.make_tickets(self.world, shop, self.books[shop].orders)

    def reviews(self, shop: str) -> pl.DataFrame:
        """Reviews of one shop."""
        return service.make_reviews(self.world, shop, self.books[shop])

    def customers(self, shop: str) -> pl.DataFrame:
        """Customers of one shop, those who joined long before the data included."""
        is_whole = self.world.first == self.since
        since = members.known_since(self.since) if is_whole else self.world.first
        return members.customers(self.world, shop, self.books[shop].orders, since)

    def coupon_redemptions(self, shop: str) -> pl.DataFrame:
        """Coupons used in one shop."""
        return members.coupon_redemptions(shop, self.books[shop].orders)

    def live_sessions(self) -> pl.DataFrame:
        """Live sessions of the Tmall shop."""
        return live.live_sessions(self.world)
