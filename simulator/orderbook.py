"""Orders as data: what is known when one is placed, and the tables of all that becomes of them.

Belongs here: the shape of order data and arithmetic on it. Amounts are cents, instants are local
seconds since 1970, `NEVER` where something does not happen.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from simulator.draws import Flags, Floats, Ints, ordinals

NEVER = 2**60
DAY, HOUR = 86400, 3600
MOMENTS = (
    "ordered",
    "deposited",
    "paid",
    "shipped",
    "completed",
    "closed",
    "refund_asked",
    "refund_done",
)
COUPONS = ("WELCOME10", "SAVE20", "PROMO50")
REASONS = ("不想要了", "尺寸不合适", "商品与描述不符", "质量问题", "未按时发货")
ORDERS_PER_DAY = 100_000


@dataclass(frozen=True)
class Placed:
    """Orders at the moment they are placed, one row an order, by day.

    Attributes:
        day: day the order is filed under, since 1970 (the visit's day).
        ordered: local seconds since 1970.
        main: product of the first line.
        customer: number of the customer, -1 if unknown.
        region: index into PROVINCES.
        mobile: ordered on a phone.
        balance_from: day from which a pre-sale's balance can be paid, 0 for ordinary orders.
        lift: multiple of further lines, 1 on average.
        ring: number of the fraud account that orders, -1 for honest customers.
    """

    day: Ints
    ordered: Ints
    main: Ints
    customer: Ints
    region: Ints
    mobile: Flags
    balance_from: Ints
    lift: Floats
    ring: Ints

    def take(self, keep: Flags) -> Placed:
        """Return the chosen rows."""
        return Placed(*(getattr(self, field.name)[keep] for field in fields(self)))


@dataclass(frozen=True)
class OrderBook:
    """Orders, their lines and their refunds, joined by `key`."""

    orders: pl.DataFrame
    lines: pl.DataFrame
    refunds: pl.DataFrame


def own_keys(shop: str, rows: pl.DataFrame) -> Ints:
    """Return numbers of orders, given by `key`, that differ between the shops."""
    return np.asarray(rows.get_column("key").to_numpy() * 2 + (shop == "tmall"))


def join_books(books: list[OrderBook]) -> OrderBook:
    """Put order books of consecutive spans together."""
    return OrderBook(
        pl.concat([book.orders for book in books]),
        pl.concat([book.lines for book in books]),
        pl.concat([book.refunds for book in books]),
    )


def share_out(values: Ints, totals: Ints) -> Ints:
    """Share a total over the columns of each row pro rata, largest remainder to the cent.

    Args:
        values: non-negative weights, shape (rows, columns).
        totals: what to share, shape (rows,), at most the row's sum of values.

    Returns:
        Shares, rows summing to totals; ties go to the first column.
    """
    whole = np.maximum(values.sum(axis=1), 1)
    product = values * totals[:, None]
    share = product // whole[:, None]
    left = totals - share.sum(axis=1)
    order = np.argsort(-(product % whole[:, None]), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    return np.asarray(share + (rank < left[:, None]))


def order_numbers(shop: str, day: Ints) -> tuple[Ints, pl.Series]:
    """Return join keys and the platform's order ids of orders given by day."""
    number = ordinals(day)
    key = day * ORDERS_PER_DAY + number
    frame = pl.DataFrame({"day": day, "number": number})
    if shop == "shopify":  # days since 2020 and the day's running number
        text = (pl.col("day") - 18262) * 10_000 + pl.col("number")
        return key, frame.select(id=text.cast(pl.String)).get_column("id")
    tail = (pl.col("number") * 7919 + pl.col("day") * 104729) % 90_000_000_000 + 10_000_000_000
    stamp = pl.from_epoch("day", time_unit="d").dt.strftime("%Y%m%d")
    tail = pl.col("number").cast(pl.String).str.zfill(5) + (tail % 900_000 + 100_000).cast(
        pl.String
    )
    return key, frame.select(id=stamp + tail).get_column("id")
