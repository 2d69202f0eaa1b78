"""Money around the orders: what each costs, what the platforms pay out, what their consoles say.

Belongs here: fees, settlements and the platforms' own daily totals. Amounts are cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from simulator.catalogue import products
from simulator.demand import calendar_day, ordinal
from simulator.draws import Ints, luck
from simulator.live import commission_rates
from simulator.orderbook import DAY, NEVER, OrderBook, own_keys
from simulator.world import World

PLATFORM, PAYMENT, COMMISSION = "platform_fee", "payment_fee", "creator_commission"
INSURANCE_CENTS, INSURED = 65, 0.70
# days from completion (tmall) or payment (shopify) to the payout
PAYOUT_DAYS = {"tmall": (1.0, 4.0), "shopify": (3.0, 3.5)}
# share of payouts that come late, fewest and most days later; that are too small, and by how much
LATE_PAYOUTS, LATE_DAYS, SHORT_PAYOUTS, SHORT_PART = 0.02, (30.0, 45.0), 0.01, 0.08
# on these days the Tmall console shows a part of the sales twice
_WRONG_DAYS = ((3, 18), (5, 20), (8, 19), (11, 17))
WRONG_FACTOR = 1.12
_INSURED, _LATE, _LATER, _SHORT, _WHEN = 71, 72, 73, 74, 75


@dataclass(frozen=True)
class Fees:
    """Shares of what is paid that go to others.

    Attributes:
        platform: to the platform, on goods.
        payment: to the payment service, on goods and postage.
    """

    platform: float
    payment: float


FEES = {"tmall": Fees(0.05, 0.006), "shopify": Fees(0.0, 0.022)}


def _charged(world: World, shop: str, book: OrderBook) -> pl.DataFrame:
    """Return paid orders with their fees in cents, and those that refunds give back.

    Returns:
        Columns of the orders that are needed; due_cents (goods after discounts), the fees by name;
        back_cents (refunded), back_fees by name and `done`, when the refund was decided.
    """
    orders = book.orders.filter(pl.col("paid") < NEVER)
    rate = pl.Series(commission_rates(world, orders) if shop == "tmall" else np.zeros(len(orders)))
    fees, owed = FEES[shop], pl.col("due_cents")
    refunded = pl.col("granted") & (pl.col("refund_done") < NEVER)
    back = pl.when(refunded).then("refund_cents").otherwise(0)

    def share(rate: float | pl.Expr, cents: pl.Expr) -> pl.Expr:
        return (cents * rate).round(0).cast(pl.Int64)

    return (
        orders.with_columns(
            due_cents=pl.col("goods_cents") - pl.col("discount_cents"), rate=rate, back_cents=back
        )
        .with_columns(
            share(fees.platform, owed).alias(PLATFORM),
            share(fees.payment, owed + pl.col("postage_cents")).alias(PAYMENT),
            share(pl.col("rate"), owed).alias(COMMISSION),
            share(fees.platform, pl.col("back_cents")).alias(f"back_{PLATFORM}"),
            share(pl.col("rate"), pl.col("back_cents")).alias(f"back_{COMMISSION}"),
        )
        .select(
            *("key", "order_id", "paid", "shipped", "completed", "refund_done", "due_cents"),
            *("postage_cents", "back_cents", PLATFORM, PAYMENT, COMMISSION),
            *(f"back_{PLATFORM}", f"back_{COMMISSION}"),
        )
    )


def order_costs(world: World, shop: str, book: OrderBook, shipments: pl.DataFrame) -> pl.DataFrame:
    """Return the costs of one shop's orders, what refunds give back as negative ones.

    Returns:
        Columns key, order_id, cost_type, at (local seconds since 1970), cents; by instant.
    """
    paid = _charged(world, shop, book)

    def booked(rows: pl.DataFrame, kind: str, when: str, cents: pl.Expr) -> pl.DataFrame:
        picked = rows.select(
            "key", "order_id", cost_type=pl.lit(kind), at=when, cents=cents.cast(pl.Int64)
        )
        return picked.filter(pl.col("cents") != 0)

    parts = [booked(paid, name, "paid", pl.col(name)) for name in (PLATFORM, PAYMENT, COMMISSION)]
    parts += [
        booked(paid, name, "refund_done", -pl.col(f"back_{name}"))
        for name in (PLATFORM, COMMISSION)
    ]
    parcels = shipments.group_by("key", "order_id").agg(
        pl.col("shipped").min(), pl.col("cost_cents").sum()
    )
    parts.append(booked(parcels, "freight", "shipped", pl.col("cost_cents")))
    if shop == "tmall":
        insured = luck(world.seed, own_keys(shop, parcels), _INSURED) < INSURED
        kept = parcels.filter(pl.Series(insured))
        parts.append(booked(kept, "freight_insurance", "shipped", pl.lit(INSURANCE_CENTS)))
    return pl.concat(parts).sort("at", "key", "cost_type")


def settlements(world: World, shop: str, book: OrderBook) -> pl.DataFrame:
    """Return what the platform owes for each order and pays out, refunds after that apart.

    Tmall owes what is left when an order is completed, the site's payment service what was paid.

    Returns:
        Columns key, order_id, entry (1, 2 what is taken back), owed, settled (local seconds since
        1970), due_cents, settled_cents; by instant.
    """
    paid = _charged(world, shop, book)
    since = "completed" if shop == "tmall" else "paid"
    paid = paid.filter(pl.col(since) < NEVER)
    # a refund decided before is taken off, one decided later is taken back
    after = (pl.col("refund_done") >= pl.col(since)) & (pl.col("back_cents") > 0)
    net_back = pl.col("back_cents") - pl.col(f"back_{PLATFORM}") - pl.col(f"back_{COMMISSION}")
    fees = pl.col(PLATFORM) + pl.col(PAYMENT) + pl.col(COMMISSION)
    due = pl.col("due_cents") + pl.col("postage_cents") - fees
    due = due - pl.when(after).then(0).otherwise(net_back)
    key = own_keys(shop, paid)
    first, last = PAYOUT_DAYS[shop]
    days = first + (last - first) * luck(world.seed, key, _WHEN)
    is_late = (luck(world.seed, key, _LATE) < LATE_PAYOUTS) & (shop == "tmall")
    is_short = (luck(world.seed, key, _SHORT) < SHORT_PAYOUTS) & (shop == "tmall")
    later = LATE_DAYS[0] + (LATE_DAYS[1] - LATE_DAYS[0]) * luck(world.seed, key, _LATER)
    lag = pl.Series((DAY * np.where(is_late, days + later, days)).astype(np.int64))
    part = pl.Series(np.where(is_short, 1.0 - SHORT_PART, 1.0))
    main = paid.select(
        "key", "order_id", entry=pl.lit(1), owed=since, settled=pl.col(since) + lag,
        due_cents=due, settled_cents=(due * part).round(0).cast(pl.Int64),
    )  # fmt: skip
    taken = paid.filter(after).select(
        "key", "order_id", entry=pl.lit(2), owed="refund_done", settled="refund_done",
        due_cents=-net_back, settled_cents=-net_back,
    )  # fmt: skip
    return pl.concat([main, taken]).sort("owed", "key", "entry")


def wrong_days(first: date, last: date) -> list[date]:
    """Return the days from first to last on which the Tmall console is wrong."""
    days = [date(year, *day) for year in range(first.year, last.year + 1) for day in _WRONG_DAYS]
    return [day for day in days if first <= day <= last]


def platform_daily(world: World, shop: str, book: OrderBook) -> pl.DataFrame:
    """Return what the platform's console shows of each day of the world.

    Returns:
        Columns day, paid_cents (goods after discounts), buyers, sub_orders (lines of goods),
        refund_cents; by day.
    """
    days = np.arange(world.first, world.last + 1)
    paid = book.orders.filter(pl.col("paid") < NEVER)
    # who orders without an account is a buyer of his own
    buyer = pl.when(pl.col("customer") >= 0).then("customer").otherwise(-1 - pl.col("key"))
    sums = paid.group_by(day=pl.col("paid") // DAY).agg(
        paid_cents=(pl.col("goods_cents") - pl.col("discount_cents")).sum(),
        buyers=buyer.n_unique(),
    )
    goods = book.lines.filter(pl.col("product") < len(products())).select("key")
    lines = goods.join(paid.select("key", "paid"), on="key")
    sub_orders = lines.group_by(day=pl.col("paid") // DAY).agg(sub_orders=pl.len().cast(pl.Int64))
    back = book.refunds.filter(pl.col("granted") & (pl.col("refund_done") < NEVER))
    refunds = back.group_by(day=pl.col("refund_done") // DAY).agg(
        refund_cents=pl.col("amount_cents").sum()
    )
    frame = pl.DataFrame({"day": days})
    for part in (sums, sub_orders, refunds):
        frame = frame.join(part, on="day", how="left", maintain_order="left")
    frame = frame.with_columns(pl.exclude("day").fill_null(0).cast(pl.Int64))
    factor = np.where(np.isin(days, _wrong(days)) & (shop == "tmall"), WRONG_FACTOR, 1.0)
    told = (pl.col("paid_cents") * pl.Series(factor)).round(0).cast(pl.Int64)
    return frame.with_columns(paid_cents=told)


def _wrong(days: Ints) -> list[int]:
    """Return the wrong days among consecutive days, as days since 1970."""
    found = wrong_days(calendar_day(int(days[0])), calendar_day(int(days[-1])))
    return [ordinal(day) for day in found]
