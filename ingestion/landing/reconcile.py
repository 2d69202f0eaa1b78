"""What the landed files say was paid: the other side of the reconciliation with the marts.

Belongs here: a second way from landing to daily totals, in polars and written apart from the SQL,
so that one slip cannot be on both sides. Refunds, spend and purchases are in `recount.py`. Does not
belong here: comparing, tolerating, explaining.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from ingestion.feeds import MONEY, PRICE
from ingestion.landing.landed import latest_rows
from ingestion.rows.rates import product

_EXACT = pl.Decimal(38, 4)
_NOT_PAID = ("unpaid", "deposit_paid")
_RESULT = pl.Schema(
    {
        "business_date": pl.Date(),
        "source": pl.String(),
        "landed_amount": MONEY,
        "orders": pl.Int64(),
    }
)


def landed_totals(
    landing: Path, active_batches: Collection[str], reporting_timezone: str
) -> pl.DataFrame:
    """Sum what was paid for goods, by day and source.

    Args:
        landing: the landing folder.
        active_batches: ids of batches that are neither rejected nor superseded.
        reporting_timezone: zone in which the payment instant names the business date.

    Returns:
        One row a day and source with paid orders: business_date, source, landed_amount (in the
        reporting currency), orders (fully paid ones). Sorted.
    """
    paid = paid_orders(landing, active_batches, reporting_timezone)
    return (
        paid.group_by("business_date", "source")
        .agg(pl.col("cents").sum(), pl.len().cast(pl.Int64).alias("orders"))
        .select("business_date", "source", landed_amount=money(pl.col("cents")), orders="orders")
        .cast(_RESULT)
        .sort("business_date", "source")
    )


def paid_orders(
    landing: Path, active_batches: Collection[str], reporting_timezone: str
) -> pl.DataFrame:
    """Return every main order that was fully paid.

    Args:
        landing: the landing folder.
        active_batches: ids of batches that are neither rejected nor superseded.
        reporting_timezone: zone in which the payment instant names the business date.

    Returns:
        source, main_id, business_date, cents (of goods), line_cents (of all paid lines), lines
        (their number).
    """
    orders = latest_rows(landing, "orders", active_batches)
    items = _by_own_id(latest_rows(landing, "order_items", active_batches), orders)
    orders = counted(orders)
    goods = _goods(orders, items)
    # An order whose lines have not come yet counts as all goods; one that also tells no amount is
    # of unknown worth, and not counted until it does.
    amount = pl.coalesce("goods_cents", "cents")
    has_paid = pl.col("paid_at").is_not_null()
    is_open = pl.col("status").is_in(_NOT_PAID)
    is_paid = has_paid & ~is_open
    local = pl.col("paid_at").dt.replace_time_zone("UTC").dt.convert_time_zone(reporting_timezone)
    return (
        orders.join(goods, on=["source", "order_id"], how="left")
        .group_by("source", "main_id")
        .agg(
            pl.col("paid_at").max(),
            is_paid=has_paid.any() & ~is_open.any() & ~(is_paid & amount.is_null()).any(),
            cents=amount.filter(is_paid).sum(),
            line_cents=pl.col("line_cents").filter(is_paid).sum(),
            lines=pl.col("lines").filter(is_paid).sum(),
        )
        .filter("is_paid")
        .with_columns(business_date=local.dt.date())
        .drop("paid_at", "is_paid")
    )


def money(cents: pl.Expr) -> pl.Expr:
    """Turn whole cents into an amount."""
    return (cents.cast(pl.Decimal(38, 2)) / 100).cast(MONEY)


def counted(orders: pl.DataFrame) -> pl.DataFrame:
    """Name each order's main order; a main order with child orders is told by these alone."""
    is_child = pl.col("parent_order_id").is_not_null()
    parents = orders.filter(is_child).select("source", order_id="parent_order_id").unique()
    own = with_own_ids(parents, orders).select("source", parent_order_id="order_id", main_id="own")
    return (
        orders.join(own, on=["source", "parent_order_id"], how="left", maintain_order="left")
        .with_columns(pl.coalesce("main_id", "order_id").alias("main_id"))
        .filter(is_child | ~is_child.any().over("source", "main_id"))
        .select(
            *("source", "order_id", "main_id", "paid_at", "status", "currency", "exchange_rate"),
            rate=pl.col("exchange_rate").fill_null(1),
            cents=(pl.col("order_amount") * 100).cast(pl.Int64),
        )
    )


def _goods(orders: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Return what lines make of each order: source, order_id, goods_cents, line_cents, lines.

    The order's amount is shared over its lines by value with largest remainders (ties: the dearer,
    then the earlier line), so that lines sum to the order to the cent; an order without an amount
    is worth its lines. Where all lines are worth nothing, the first that is no gift takes it.
    """
    order = ["source", "order_id"]
    items = items.join(orders.select(*order, "rate"), on=order)
    items = items.with_columns(_at_rate("unit_price"), _at_rate("discount_amount"))
    gross = _cents(pl.col("quantity") * pl.col("unit_price").cast(_EXACT))
    value = gross - _cents(pl.col("discount_amount").fill_null(0).cast(_EXACT))
    lines = (
        items.select(
            *order,
            "line_number",
            "is_goods",
            "is_gift",
            value=pl.when("is_gift").then(pl.lit(0, pl.Int128)).otherwise(value),
        )
        .join(orders.select(*order, pl.col("cents").cast(pl.Int128)), on=order)
        .with_columns(total=pl.col("value").sum().over(order))
        .with_columns(cents=pl.coalesce("cents", "total"), is_given=pl.col("cents").is_not_null())
    )
    part = pl.col("cents") * pl.col("value")
    valued = lines.filter(pl.col("total") > 0).with_columns(
        share=part.floordiv(pl.col("total")), rest=part % pl.col("total")
    )
    valued = valued.sort(
        *order, "rest", "value", "line_number", descending=[False, False, True, True, False]
    )
    place = pl.int_range(1, pl.len() + 1).over(order)
    left = pl.col("cents") - pl.col("share").sum().over(order)
    valued = valued.with_columns(
        share=pl.col("share") + pl.when(place <= left).then(1).otherwise(0).cast(pl.Int128)
    ).drop("rest")
    worthless = lines.filter(pl.col("total") <= 0).sort(*order, "is_gift", "line_number")
    place = pl.int_range(1, pl.len() + 1).over(order)
    whole = pl.when(place == 1).then("cents").otherwise(0)
    worthless = worthless.with_columns(share=pl.when("is_given").then(whole).otherwise("value"))
    share = pl.col("share")
    return (
        pl.concat([valued, worthless.cast({"share": pl.Int128})])
        .group_by(order)
        .agg(
            goods_cents=share.filter("is_goods").sum().cast(pl.Int64),
            line_cents=share.sum().cast(pl.Int64),
            lines=pl.len().cast(pl.Int64),
        )
    )


def _at_rate(name: str) -> pl.Expr:
    """Convert an amount of a line that names no currency as its order was."""
    converted = product(pl.col(name), pl.col("rate"), PRICE if name == "unit_price" else MONEY)
    return pl.when(pl.col("currency").is_null()).then(converted).otherwise(name).alias(name)


def _cents(amount: pl.Expr) -> pl.Expr:
    """Turn an amount with four decimals into whole cents, half away from zero."""
    return (amount.round(2, mode="half_away_from_zero") * 100).cast(pl.Int128)


def _by_own_id(items: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Give lines that name their order otherwise its own id; those told of twice count once."""
    named = with_own_ids(items, orders)
    for rank in ("other", "order_id"):
        named = named.filter(pl.col(rank) == pl.col(rank).min().over("source", "own"))
    return named.drop("other", "order_id").rename({"own": "order_id"})


def with_own_ids(items: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Add `own`, the id of the order that rows name, and whether they name it otherwise."""
    whole, own = ["source", "order_id"], orders.select("source", own="order_id")
    names = pl.concat(
        [
            own.with_columns(name="own"),
            orders.drop_nulls("aliases")
            .select("source", own="order_id", name=pl.col("aliases").str.split("|"))
            .explode("name"),
        ]
    ).with_columns(_plain("name"))
    names = names.unique().filter(pl.len().over("source", "name") == 1)
    asked = items.select(whole).unique()
    strange = asked.join(own, left_on=whole, right_on=["source", "own"], how="anti")
    known = (
        strange.with_columns(_plain("order_id").alias("name"))
        .join(names, on=["source", "name"], how="left")
        .select(*whole, "own")
    )
    return items.join(known, on=whole, how="left").with_columns(
        own=pl.coalesce("own", "order_id"), other=pl.col("own").is_not_null()
    )


def _plain(name: str) -> pl.Expr:
    return pl.col(name).str.replace(r"^['#]+(.+)$", "${1}").str.replace(r"^(\d+)\.0$", "${1}")
