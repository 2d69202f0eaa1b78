"""Suppliers and the purchase orders that refill the warehouses.

Belongs here: who supplies what, when it is ordered, when it comes and what is wrong with it. How
much stock there is follows in `stock.py`.

Every other week a supplier is sent what was taken out of the warehouses since the order before, so
that what is there and what is on its way add up to the same number of pieces after every order,
whatever happened earlier: a day's stock follows from the weeks before it. What a supplier will fail
to deliver well is ordered on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import polars as pl

from simulator.calendar import PLATFORMS
from simulator.catalogue import GIFTS, cost_cents, products
from simulator.demand import ordinal
from simulator.draws import Flags, Floats, Ints, luck, ordinals
from simulator.orderbook import DAY, HOUR
from simulator.world import World, product_number

WAREHOUSES = {"shopify": "GZ1", "tmall": "HZ1"}
GIFT_CENTS = (300, 500, 700)
REVIEW_DAYS = 14
# what is new is ordered so many days before its launch, at the latest
_AHEAD = 42
_LONG_AGO = ordinal(date(2020, 1, 1))
_ORDERED_AT, _PROMISED_AT, _UNLOADED = 9 * HOUR, 18 * HOUR, 10 * HOUR
_LATE, _LATENESS, _SHORT, _REJECTED, _PRICE, _CLOCK = 21, 22, 23, 24, 25, 26


@dataclass(frozen=True)
class Supplier:
    """One supplier and what is to be expected of it.

    Attributes:
        supplier_id: its number.
        groups: the categories it supplies, as product number modulo 6.
        turn: day of the fortnight on which it is sent its order.
        lead: days from order to promise.
        late: share of its orders that come after the promised day.
        late_days: fewest and most days a late order is late.
        short: share of its lines of which a part never comes.
        rejected: share of what comes that is refused at the door.
    """

    supplier_id: str
    groups: tuple[int, ...]
    turn: int
    lead: int
    late: float = 0.06
    late_days: tuple[int, int] = (1, 3)
    short: float = 0.02
    rejected: float = 0.006


SUPPLIERS = (
    Supplier("S01", (0,), 1, 9),
    Supplier("S02", (1, 5), 3, 7, rejected=0.07),
    Supplier("S03", (2,), 6, 8),
    Supplier("S04", (3,), 8, 10, late=0.45, late_days=(3, 9)),
    Supplier("S05", (4,), 10, 6, short=0.30),
)
_OF_GIFTS = 4
_SHORT_PART = 0.25


@cache
def supplier_of() -> Ints:
    """Return the index into SUPPLIERS of each product and gift."""
    by_group = {group: i for i, item in enumerate(SUPPLIERS) for group in item.groups}
    found = [by_group[number % 6] for number in range(len(products()))]
    return np.array([*found, *[_OF_GIFTS] * len(GIFTS)])


@cache
def unit_cents() -> Ints:
    """Return what a piece of each product and gift costs the company."""
    return np.array([*(cost_cents(number) for number in range(len(products()))), *GIFT_CENTS])


@cache
def first_order_days() -> Ints:
    """Return the day on which each product and gift is ordered for the first time."""
    items = products()
    oldest = min(item.launched for item in items)
    days = [
        _LONG_AGO if item.launched == oldest else ordinal(item.launched) - _AHEAD for item in items
    ]
    earliest = np.array([*days, *[_LONG_AGO] * len(GIFTS)])
    turn = np.array([item.turn for item in SUPPLIERS])[supplier_of()]
    return np.asarray(earliest + (turn - earliest) % REVIEW_DAYS)


def holds(world: World) -> list[tuple[int, int, int, int]]:
    """Return (product, index of the shop, first, last day) of what is sold out."""
    return [
        (product_number(item.segment), PLATFORMS.index(shop), first, last)
        for shop in PLATFORMS
        for item, first, last in world.hit("stock_out", shop)
    ]


def held(world: World, days: Ints) -> Flags:
    """Return what is sold out, shape (days, products and gifts, shops)."""
    gone = np.zeros((len(days), len(supplier_of()), len(PLATFORMS)), np.bool_)
    for number, shop, first, last in holds(world):
        gone[(days >= first) & (days <= last), number, shop] = True
    return gone


def arrivals(world: World, ordered: Ints, product: Ints, shop: Ints) -> tuple[Ints, Ints]:
    """Return promised day and day of arrival of order lines.

    What should come while the product is sold out comes the day after: that is why it is.

    Args:
        world: the simulation's fixed part.
        ordered: day of the order, since 1970.
        product: numbers of products and gifts.
        shop: indices into PLATFORMS.
    """
    supplier = supplier_of()[product]

    def of(name: str) -> Floats:
        return np.array([getattr(item, name) for item in SUPPLIERS])[supplier]

    order = ordered * len(SUPPLIERS) + supplier
    promised = ordered + of("lead").astype(np.int64)
    spread = luck(world.seed, order, _LATENESS)
    fewest, most = of("late_days")[:, 0], of("late_days")[:, 1]
    late = np.floor(fewest + (most - fewest + 1) * spread)
    early = np.floor(2 * spread)
    is_late = luck(world.seed, order, _LATE) < of("late")
    came = promised + np.where(is_late, late, -early).astype(np.int64)
    for number, where, first, last in holds(world):
        stuck = (product == number) & (shop == where) & (came >= first) & (came <= last)
        came = np.where(stuck, last + 1, came)
    return promised, came


def purchase_lines(
    world: World, days: Ints, product: Ints, shop: Ints, pieces: Ints
) -> pl.DataFrame:
    """Return purchase order lines, given what is to arrive in good order.

    Args:
        world: the simulation's fixed part.
        days: day of each line's order, since 1970.
        product: numbers of products and gifts.
        shop: indices into PLATFORMS.
        pieces: pieces that will come in good order, at least 1.

    Returns:
        Columns po_id, po_line, day, came (days since 1970), product, shop, good, ordered_quantity,
        received_quantity, rejected_quantity, unit_cost (text) and the instants ordered, promised,
        received (local seconds since 1970), by day, supplier, product and shop.
    """
    supplier = supplier_of()[product]
    order = np.lexsort((shop, product, supplier, days))
    day, product, shop, good = days[order], product[order], shop[order], pieces[order]
    supplier = supplier[order]
    line = (day * 1000 + product) * len(PLATFORMS) + shop
    u = {salt: luck(world.seed, line, salt) for salt in (_SHORT, _REJECTED, _PRICE, _CLOCK)}
    share = np.array([item.rejected for item in SUPPLIERS])[supplier]
    rejected = np.floor(good * share / (1.0 - share) + u[_REJECTED]).astype(np.int64)
    is_short = u[_SHORT] < np.array([item.short for item in SUPPLIERS])[supplier]
    short = np.where(is_short, np.maximum(np.rint(good * _SHORT_PART), 1), 0).astype(np.int64)
    promised, came = arrivals(world, day, product, shop)
    cents = np.rint(unit_cents()[product] * (0.98 + 0.04 * u[_PRICE])).astype(np.int64)
    text = pl.from_epoch("day", time_unit="d").dt.strftime("%Y%m%d")
    names = pl.Series([item.supplier_id for item in SUPPLIERS])
    frame = pl.DataFrame(
        {
            "day": day,
            "came": came,
            "supplier_id": names.gather(pl.Series(supplier)),
            "po_line": ordinals(day * len(SUPPLIERS) + supplier) + 1,
            "product": product,
            "shop": shop,
            "good": good,
            "ordered_quantity": good + rejected + short,
            "received_quantity": good + rejected,
            "rejected_quantity": rejected,
            "cost_cents": cents,
            "ordered": day * DAY + _ORDERED_AT,
            "promised": promised * DAY + _PROMISED_AT,
            "received": came * DAY + _UNLOADED + np.floor(5 * HOUR * u[_CLOCK]).astype(np.int64),
        }
    )
    return frame.with_columns(po_id=pl.concat_str(pl.lit("PO"), text, pl.lit("-"), "supplier_id"))
