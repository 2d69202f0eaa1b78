"""What a visit leaves in the web analytics: its events, and the orders placed on the way.

Belongs here: which events at which instants. The nested layout of the export is in `export_ga4.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulator.company import PROVINCES
from simulator.customers import basket_lift
from simulator.draws import Flags, Floats, Ints, Stream, fraction, uniforms
from simulator.orderbook import NEVER, OrderBook, Placed
from simulator.visits import HOME, LIST, SEARCH, Visits
from simulator.world import World, choose

NAMES = (
    "session_start",
    "page_view",
    "view_item_list",
    "view_search_results",
    "view_item",
    "view_item",
    "view_item",
    "add_to_wishlist",
    "add_to_cart",
    "begin_checkout",
    "purchase",
)
LISTED, VIEWED, VIEW, CART, CHECKOUT, PURCHASE = 2, 4, 6, 8, 9, 10
# mean seconds since the event before; the shop's own limit for a session is 30 minutes
_MEANS = np.array([0.0, 0.2, 14.0, 18.0, 24.0, 30.0, 30.0, 20.0, 35.0, 50.0])
_LONGEST = 1200.0
# a payment later than this finds the browser closed: no purchase event
_BROWSER_OPEN = 1200
_DRAWS = (*(f"gap{i}" for i in range(10)), "order", "again")


@dataclass(frozen=True)
class Timeline:
    """When visits do what.

    Attributes:
        present: shape (visits, 10), which events happen, purchases aside; columns as NAMES.
        at: same shape, local seconds since 1970.
        order_lag: seconds from begin_checkout to placing the order.
        again_lag: seconds from begin_checkout to placing the second order.
    """

    present: Flags
    at: Floats
    order_lag: Floats
    again_lag: Floats


@dataclass(frozen=True)
class SiteOrders:
    """Orders of the site and the visits they come from, rows in the order of `placed`."""

    placed: Placed
    visit: Ints
    is_second: Flags


def make_timeline(world: World, visits: Visits) -> Timeline:
    """Draw the instants of all events of visits, which must hold whole days."""
    days, counts = np.unique(visits.day, return_counts=True)
    u = uniforms(world.seed, Stream.PACE, days, counts.astype(np.int64), _DRAWS)
    goes_on = ~visits.bounced & (visits.landing == HOME)
    present = np.stack(
        [
            np.ones(len(visits), np.bool_),
            visits.landing == HOME,
            (visits.landing == LIST) | (goes_on & ~visits.searched & (visits.views > 0)),
            (visits.landing == SEARCH) | (goes_on & visits.searched),
            visits.views > 2,
            visits.views > 1,
            visits.views > 0,
            visits.wished,
            visits.carted,
            visits.checked_out,
        ],
        axis=1,
    )
    gaps = np.stack([-np.log1p(-u[f"gap{i}"]) for i in range(len(_MEANS))], axis=1)
    gaps = np.minimum(_MEANS * (0.3 + 0.7 * gaps) * visits.pace[:, None], _LONGEST)
    first = np.cumsum(present[:, 1:], axis=1) == 1  # the landing page starts the session
    gaps[:, 1:] = np.where(first & present[:, 1:], 0.05 + 0.3 * u["gap0"][:, None], gaps[:, 1:])
    at = visits.start[:, None] + np.cumsum(gaps * present, axis=1)
    return Timeline(present, at, 40 + 120 * u["order"], 900 + 300 * u["again"])


def site_orders(world: World, visits: Visits, line: Timeline) -> SiteOrders:
    """Return the orders visits place, second orders of the same visit included, by day."""
    first, second = np.nonzero(visits.ordered)[0], np.nonzero(visits.followed)[0]
    visit = np.r_[first, second]
    is_second = np.r_[np.zeros(len(first), np.bool_), np.ones(len(second), np.bool_)]
    lag = np.where(is_second, line.again_lag[visit], line.order_lag[visit])
    ordered = (line.at[visit, CHECKOUT] + lag).astype(np.int64)
    order = np.lexsort((ordered, visits.day[visit]))  # orders are numbered as they come in
    visit, is_second, ordered = visit[order], is_second[order], ordered[order]
    chosen = visits.take(visit)
    lines = world.company.shopify_orders.lines
    # a ring has everything sent to the house of its first account
    house = choose([share for _, _, share in PROVINCES], fraction(chosen.visitor - chosen.ring, 2))
    placed = Placed(
        day=chosen.day,
        ordered=ordered,
        main=np.where(is_second, chosen.other, chosen.main),
        customer=np.where(chosen.anonymous, -1, chosen.visitor),
        region=np.where(chosen.ring >= 0, house, chosen.region),
        mobile=chosen.device == 0,
        balance_from=np.zeros(len(visit), np.int64),
        lift=basket_lift(chosen.visitor, lines),
        ring=chosen.ring,
    )
    return SiteOrders(placed, visit, is_second)


def _purchases(visits: Visits, made: SiteOrders, book: OrderBook) -> pl.DataFrame:
    """Return purchase events, and the second orders' events before them.

    An order paid hours later, or marked untracked, leaves no purchase event.
    """
    paid = book.orders.get_column("paid").to_numpy()
    ordered = made.placed.ordered
    seen = (paid < NEVER) & (paid - ordered < _BROWSER_OPEN) & ~visits.untracked[made.visit]
    rows = np.arange(len(paid))
    parts: list[tuple[Ints, int, Floats]] = [(rows[seen], PURCHASE, paid[seen] + 1.5)]
    for slot, before in ((VIEW, 150.0), (CART, 110.0), (CHECKOUT, 60.0)):
        again = rows[made.is_second]
        parts.append((again, slot, (ordered[again] - before).astype(np.float64)))
    return pl.concat(
        [
            pl.DataFrame(
                {
                    "visit": made.visit[at_rows],
                    "slot": np.full(len(at_rows), slot, np.int64),
                    "at": at,
                    "product": made.placed.main[at_rows],
                    "order": at_rows if slot == PURCHASE else np.full(len(at_rows), -1),
                }
            )
            for at_rows, slot, at in parts
        ]
    )


def make_events(visits: Visits, line: Timeline, made: SiteOrders, book: OrderBook) -> pl.DataFrame:
    """Return the events that reach the web analytics, by instant.

    Returns:
        Columns visit (row in visits), slot (index into NAMES), at (local microseconds since 1970),
        product (index, -1 where none), order (row in the order book, -1 where none).
    """
    visit, slot = np.nonzero(line.present)
    product = np.where(slot == VIEW, visits.main[visit], visits.other[visit])
    product = np.where(slot >= VIEW, visits.main[visit], product)
    frame = pl.DataFrame(
        {
            "visit": visit,
            "slot": slot,
            "at": line.at[visit, slot],
            "product": np.where(slot >= LISTED, product, -1),
            "order": np.full(len(visit), -1),
        }
    )
    frame = pl.concat([frame, _purchases(visits, made, book)])
    lost = pl.Series(visits.lost).gather(frame.get_column("visit"))
    return (
        frame.filter(~lost)
        .with_columns(at=(pl.col("at") * 1e3).floor().cast(pl.Int64) * 1000)
        .sort("at", "visit", "slot")
    )
