"""What the landed files say of lines, refunds, spend and purchases, for the reconciliation.

Belongs here: a second way from landing to daily figures of what is not the paid amount, in polars
and written apart from the SQL. Does not belong here: comparing, tolerating, explaining.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from ingestion.feeds import MONEY
from ingestion.landing.landed import landed_rates, latest_rows, latest_rows_of
from ingestion.landing.reconcile import money, paid_orders, with_own_ids
from ingestion.rows.rates import product

RECOUNTED = pl.Schema(
    {
        "measure": pl.String(),
        "business_date": pl.Date(),
        "source": pl.String(),
        "landed_amount": MONEY,
        "landed_rows": pl.Int64(),
    }
)


def recount(
    landing: Path,
    active_batches: Collection[str],
    timezone: str,
    currency: str,
    *,
    purchases_of: Collection[str] | None = None,
) -> pl.DataFrame:
    """Recount every measure that is reconciled, by day and source.

    Args:
        landing: the landing folder.
        active_batches: ids of batches that are neither rejected nor superseded.
        timezone: the reporting zone.
        currency: the reporting currency.
        purchases_of: batches whose purchases are counted; None: all active ones.

    Returns:
        Frame of `RECOUNTED`, sorted. `paid`: goods of the orders paid on the day, and orders.
        `lines`: their lines. `refunds`: refunds of the day, goods and all else. `spend`:
        cost of the day; its source is the platform, for the marts know no other. `purchases`: those
        of events; they have no amount.
    """
    paid = paid_orders(landing, active_batches, timezone)
    day = ["business_date", "source"]
    parts = {
        "paid": paid.group_by(day).agg(landed_amount=_sum("cents"), landed_rows=pl.len()),
        "lines": paid.filter(pl.col("lines") > 0)
        .group_by(day)
        .agg(landed_amount=_sum("line_cents"), landed_rows=pl.col("lines").sum()),
        "refunds": _refunds(landing, active_batches, timezone, currency)
        .group_by(day)
        .agg(landed_amount=pl.col("amount").sum(), landed_rows=pl.len()),
        "spend": _spend(landing, active_batches),
        "purchases": _purchases(
            landing, active_batches if purchases_of is None else purchases_of, timezone
        ),
    }
    return pl.concat(
        frame.with_columns(
            measure=pl.lit(name),
            **({} if "landed_amount" in frame.columns else {"landed_amount": pl.lit(None)}),
        )
        .select(list(RECOUNTED))
        .cast(RECOUNTED)
        for name, frame in parts.items()
    ).sort("measure", "business_date", "source")


def _sum(cents: str) -> pl.Expr:
    return money(pl.col(cents).sum())


def _local_day(instant: str, zone: str) -> pl.Expr:
    return pl.col(instant).dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date()


def _refunds(landing: Path, batches: Collection[str], zone: str, currency: str) -> pl.DataFrame:
    """Refunds that succeeded and whose order is known, whole, on their own day.

    One that names no currency is in its order's and takes the rate of its own day, the latest of
    the seven days before, else the order's.
    """
    orders = latest_rows(landing, "orders", batches)
    rates_of = orders.select("source", "exchange_rate", own="order_id", order_currency="currency")
    succeeded = latest_rows(landing, "refunds", batches).filter(pl.col("status") == "succeeded")
    refunds = (
        with_own_ids(succeeded, orders)
        .join(rates_of, on=["source", "own"])
        .with_columns(rate_date=_local_day("refunded_at", zone))
        .sort("rate_date")
    )
    rates = landed_rates(landing, batches, currency, zone).table.sort("rate_date")
    dated = refunds.join_asof(
        rates.rename({"currency": "order_currency"}),
        on="rate_date",
        by="order_currency",
        tolerance="7d",
        check_sortedness=False,
    )
    is_foreign = pl.col("currency").is_null() & (pl.col("order_currency") != currency)
    rate = pl.coalesce("rate", "exchange_rate")
    converted = pl.when(is_foreign).then(product(pl.col("amount"), rate, MONEY)).otherwise("amount")
    return dated.with_columns(amount=converted, business_date="rate_date").drop_nulls("amount")


def _spend(landing: Path, batches: Collection[str]) -> pl.DataFrame:
    rows = latest_rows(landing, "campaign_spend", batches)
    return rows.group_by(source="platform", business_date="spend_date").agg(
        landed_amount=pl.col("cost").sum(), landed_rows=pl.len()
    )


def _purchases(landing: Path, batches: Collection[str], zone: str) -> pl.DataFrame:
    """Purchases of known visitors, those too that are sent again."""
    bought = pl.col("event_type") == "purchase"
    columns = ["source", "visitor_key", "occurred_at", "event_type"]
    return (
        latest_rows_of(landing, "events", batches, bought, columns)
        .filter(bought, pl.col("visitor_key").is_not_null())
        .group_by("source", business_date=_local_day("occurred_at", zone))
        .agg(landed_rows=pl.len())
    )
