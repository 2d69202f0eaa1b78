"""Stock of the warehouses: what is there at the end of each day, and every movement of it.

Belongs here: pieces. Opening + receipts - sales + returns + adjustments is the closing stock of
each day, product and warehouse, to the piece; each shop is served from a warehouse of its own.

A sale leaves the stock when it is paid, a return comes back when the refund is decided. What a
planted stock-out makes unsaleable is adjusted out of the stock and afterwards into it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulator.calendar import PLATFORMS
from simulator.catalogue import GIFTS, products
from simulator.company import COMPANY
from simulator.draws import Flags, Ints, fraction, luck
from simulator.orderbook import DAY, NEVER, OrderBook
from simulator.purchasing import (
    REVIEW_DAYS,
    SUPPLIERS,
    arrivals,
    first_order_days,
    held,
    purchase_lines,
    supplier_of,
)
from simulator.world import World

# what comes back later than this is not put on the shelf again
RESTOCK_DAYS = 28
OVERSTOCKED = "P046"
_OVERSTOCK = 6.0
# pieces sold on a usual day, by shop; and gifts given away
_PIECES = {"shopify": 66.0, "tmall": 44.0}
_GIFTS_A_DAY = {"shopify": 1.2, "tmall": 0.9}
_COVER_DAYS = 45.0
_SHRINKING, _LOSS, _COVER = 0.06, 27, 28
# longest time from an order to its arrival
LEAD_IN = 42


@dataclass(frozen=True)
class Stock:
    """Stock by day (from the world's first), product or gift, and shop, whose warehouse it is.

    Attributes:
        first: first day, since 1970.
        listed: what is or was in the warehouse.
        on_hand: pieces at the end of the day.
        in_transit: pieces ordered that have not come.
        sales: pieces paid.
        returns: pieces put back.
        receipts: pieces that came in good order.
        adjustments: everything else, signed.
        lines: purchase order lines, see `purchase_lines`.
    """

    first: int
    listed: Flags
    on_hand: Ints
    in_transit: Ints
    sales: Ints
    returns: Ints
    receipts: Ints
    adjustments: Ints
    lines: pl.DataFrame


def _summed(world: World, frame: pl.DataFrame, when: str, shape: tuple[int, int]) -> Ints:
    """Return pieces of one shop by day and product, shape as given."""
    day = frame.get_column(when).to_numpy() // DAY - world.first
    inside = (day >= 0) & (day < shape[0])
    place = day[inside] * shape[1] + frame.get_column("product").to_numpy()[inside]
    pieces = frame.get_column("quantity").to_numpy()[inside]
    whole = np.bincount(place, pieces, minlength=shape[0] * shape[1])
    return whole.astype(np.int64).reshape(shape)


def _flows(world: World, books: dict[str, OrderBook]) -> tuple[Ints, Ints]:
    """Return pieces sold and put back, shape (days, products and gifts, shops)."""
    shape = world.last - world.first + 1, len(supplier_of())
    sold, back = [], []
    for shop in PLATFORMS:
        orders = books[shop].orders.select("key", "paid", "shipped").filter(pl.col("paid") < NEVER)
        lines = books[shop].lines.select("key", "product", "quantity").join(orders, on="key")
        sold.append(_summed(world, lines, "paid", shape))
        refunds = books[shop].refunds.join(orders, on="key")
        in_time = pl.col("refund_done") - pl.col("paid") <= RESTOCK_DAYS * DAY
        here = ~pl.col("only") | (pl.col("shipped") == NEVER)
        kept = refunds.filter(pl.col("granted"), in_time, here)
        back.append(_summed(world, kept, "refund_done", shape))
    return np.stack(sold, axis=2), np.stack(back, axis=2)


def _levels(world: World) -> Ints:
    """Return pieces that are there or on their way after each order, shape (products, shops)."""
    weight = np.array([item.popularity for item in products()])
    oldest = min(item.launched for item in products())
    weight /= weight[[item.launched == oldest for item in products()]].sum()
    size = {
        "shopify": world.company.site.sessions / COMPANY.site.sessions,
        "tmall": world.company.marketplace.visitors / COMPANY.marketplace.visitors,
    }
    columns = []
    for shop in PLATFORMS:
        gifts = np.full(len(GIFTS), _GIFTS_A_DAY[shop])
        pieces = size[shop] * _COVER_DAYS * np.r_[weight * _PIECES[shop], gifts]
        # some are kept short, some well in stock
        pieces *= 0.9 + 0.5 * fraction(np.arange(len(pieces)), _COVER)
        columns.append(np.ceil(pieces + 4.0 * np.sqrt(pieces) + 4.0))
    level = np.stack(columns, axis=1)
    level[[item.product_id for item in products()].index(OVERSTOCKED)] *= _OVERSTOCK
    return level.astype(np.int64)


def _lost(world: World, days: Ints, shape: tuple[int, ...]) -> Ints:
    """Return pieces found missing when stock is taken, on the first of each month."""
    dates = days.astype("datetime64[D]")
    is_first = dates == dates.astype("datetime64[M]").astype("datetime64[D]")
    cell = np.arange(shape[1] * shape[2])
    lost = np.zeros(shape, np.int64)
    for row in np.nonzero(is_first)[0]:
        u = luck(world.seed, days[row] * 1000 + cell, _LOSS).reshape(shape[1:])
        lost[row] = np.where(u < _SHRINKING, 1 + np.floor(3 * u / _SHRINKING), 0)
    return lost


def _since_review(days: Ints) -> Ints:
    """Return the row of the latest order of each day and product, below 0 before the first."""
    turn = np.array([item.turn for item in SUPPLIERS])[supplier_of()]
    since: Ints = (days[:, None] - turn) % REVIEW_DAYS
    return np.asarray(np.arange(len(days))[:, None] - since)


def make_stock(world: World, books: dict[str, OrderBook]) -> Stock:
    """Work out stock, movements and purchase orders of the world's days from its orders.

    Exact from the day on which all payments and returns of six weeks are in the books; in a world
    that begins with the data, from its first day.
    """
    days = np.arange(world.first, world.last + 1)
    sales, returns = _flows(world, books)
    started = days[:, None] >= first_order_days()
    level = _levels(world) * started[:, :, None]
    listed = _listed(world, days)
    out = sales - returns + _lost(world, days, sales.shape) * listed
    taken = np.concatenate([np.zeros((1, *out.shape[1:]), np.int64), np.cumsum(out, axis=0)])
    lines = _orders(world, taken)
    row = _since_review(days)
    product = np.arange(row.shape[1])
    position = level - (taken[1:] - taken[np.maximum(row, 0), product])
    came = lines.get_column("came").to_numpy() - world.first
    sent = lines.get_column("day").to_numpy() - world.first
    where = lines.get_column("product").to_numpy(), lines.get_column("shop").to_numpy()
    good = lines.get_column("good").to_numpy()
    asked = lines.get_column("ordered_quantity").to_numpy()
    receipts = np.zeros_like(out)
    known = (came >= 0) & (came < len(days))
    np.add.at(receipts, (came[known], where[0][known], where[1][known]), good[known])
    away, in_transit = (_between(sent, came, where, size, out.shape) for size in (good, asked))
    on_hand = np.where(held(world, days), 0, np.maximum(position - away, 0)) * listed
    before = np.where(listed[0] & ~held(world, days[:1] - 1)[0], level[0], 0)
    opening = np.concatenate([before[None], on_hand[:-1]])
    adjustments = on_hand - opening - receipts + sales - returns
    return Stock(
        first=world.first,
        listed=listed,
        on_hand=on_hand,
        in_transit=in_transit,
        sales=sales,
        returns=returns,
        receipts=receipts,
        adjustments=adjustments,
        lines=lines,
    )


def _between(
    first: Ints, end: Ints, where: tuple[Ints, Ints], size: Ints, shape: tuple[int, ...]
) -> Ints:
    """Return the sum of sizes over each day from first to the day before end."""
    change = np.zeros((shape[0] + 1, *shape[1:]), np.int64)
    np.add.at(change, (np.clip(first, 0, shape[0]), *where), size)
    np.add.at(change, (np.clip(end, 0, shape[0]), *where), -size)
    return np.asarray(np.cumsum(change, axis=0)[:-1])


def _listed(world: World, days: Ints) -> Flags:
    """Return what has come into a warehouse for the first time by each day."""
    product = np.arange(len(supplier_of()))
    columns = []
    for shop in range(len(PLATFORMS)):
        _, came = arrivals(world, first_order_days(), product, np.full(len(product), shop))
        columns.append(days[:, None] >= came)
    return np.stack(columns, axis=2)


def _orders(world: World, taken: Ints) -> pl.DataFrame:
    """Return the purchase orders of the world: what was taken out since the order before.

    What is new is ordered as many pieces as there shall be, before the world if it comes in it.

    Args:
        world: the simulation's fixed part.
        taken: pieces taken out before each day, one day more than the world has.
    """
    days = np.arange(world.first - LEAD_IN, world.last + 1)
    turn = np.array([item.turn for item in SUPPLIERS])[supplier_of()]
    row, product = np.nonzero((days[:, None] - turn) % REVIEW_DAYS == 0)
    until = np.maximum(row - LEAD_IN, 0)
    since = np.maximum(row - LEAD_IN - REVIEW_DAYS, 0)
    is_new = days[row] == first_order_days()[product]
    pieces = taken[until, product] - taken[since, product]
    pieces = np.maximum(pieces, 0) + is_new[:, None] * _levels(world)[product]
    line, shop = np.nonzero(pieces)
    return purchase_lines(world, days[row[line]], product[line], shop, pieces[line, shop])


def snapshots(stock: Stock) -> pl.DataFrame:
    """Return one row a day, product and shop: day, product, shop, on_hand, in_transit."""
    day, product, shop = np.nonzero(stock.listed)
    return pl.DataFrame(
        {
            "day": day + stock.first,
            "product": product,
            "shop": shop,
            "on_hand": stock.on_hand[day, product, shop],
            "in_transit": stock.in_transit[day, product, shop],
        }
    )


def movements(stock: Stock) -> pl.DataFrame:
    """Return movements: receipts one a purchase order line, else one a day, product and shop.

    Returns:
        Columns day, product, shop, kind, quantity (signed), at (local seconds since 1970), po_id,
        po_line; by instant.
    """
    booked = {"sale": (-stock.sales, 23), "return": (stock.returns, 22)}
    booked["adjustment"] = (stock.adjustments, 21)
    parts = []
    for kind, (pieces, hour) in booked.items():
        day, product, shop = np.nonzero(pieces)
        parts.append(
            pl.DataFrame(
                {
                    "day": day + stock.first,
                    "product": product,
                    "shop": shop,
                    "kind": pl.repeat(kind, len(day), eager=True),
                    "quantity": pieces[day, product, shop],
                    "at": (day + stock.first) * DAY + hour * 3600,
                    "po_id": pl.repeat(None, len(day), dtype=pl.String, eager=True),
                    "po_line": pl.repeat(None, len(day), dtype=pl.Int64, eager=True),
                }
            )
        )
    came = stock.lines.select(
        day="came", product="product", shop="shop", kind=pl.lit("receipt"), quantity="good",
        at="received", po_id="po_id", po_line="po_line",
    )  # fmt: skip
    return pl.concat([*parts, came]).sort("day", "at", "kind", "product", "shop")
