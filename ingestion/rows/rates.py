"""Amounts in a foreign currency to the reporting currency, at the edge and once.

Belongs here: which rate a row takes, the arithmetic, which rates a file depends on. Does not belong
here: remembering what a file was landed with (the ledger), nor where rates come from (feed
`fx_rates`).

A row takes the rate of its business day (of an order the day it was paid, else placed), else the
latest of the seven days before: banks publish none on holidays. What belongs to an order (lines,
refunds, costs, settlements) and names no currency is in that of its order, and lines take its rate
too, for they must sum to it. Where the order is in another file such a row lands as delivered,
without a currency; the warehouse converts it. Without a rate a row is set aside, as a wrong rate is
worse than a visible gap.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

import polars as pl

from ingestion.errors import Need
from ingestion.feeds import DAY, FEEDS, MONEY, RATE, TEXT, Dtype
from ingestion.rows.build import UNROUNDED
from ingestion.rows.derive import Context, issues, no_issues
from ingestion.rows.parse import EXACT, day, instant, local_day

_REACH = timedelta(days=7)
RATE_TABLE: dict[str, Dtype] = {"currency": TEXT, "rate_date": DAY, "rate": RATE}
_CURRENCY, _DAY, _RATE = "_currency", "_rate_day", "_rate"
# Feeds whose rows are told in the currency of their order.
_OF_AN_ORDER = ("order_items", "refunds", "order_costs", "settlements")


@dataclass(frozen=True)
class Rates:
    """The rates of a run.

    Attributes:
        currency: the reporting currency.
        zone: the reporting zone, which says what day it was.
        table: currency, rate_date, rate (reporting currency for one unit), one row a key.
    """

    currency: str
    zone: str = "UTC"
    table: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RATE_TABLE))

    def digest(self, needs: Collection[Need]) -> str:
        """Return 16 hex digits that change when a rate the needs may take does."""
        told = [self.currency, "each on its own day"]  # landed otherwise before 0.5.0
        for need in sorted(needs):
            within = pl.col("rate_date").is_between(need.first - _REACH, need.last)
            rows = self.table.filter((pl.col("currency") == need.currency) & within)
            told += [f"{code} {on} {rate}" for code, on, rate in rows.sort("rate_date").rows()]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def to_json(needs: Collection[Need]) -> str:
    """Return needs as text for the ledger."""
    return json.dumps([[n.currency, n.first.isoformat(), n.last.isoformat()] for n in needs])


def from_json(text: str) -> tuple[Need, ...]:
    """Return needs from the text of the ledger."""
    return tuple(
        Need(currency, date.fromisoformat(first), date.fromisoformat(last))
        for currency, first, last in json.loads(text)
    )


class Converted(NamedTuple):
    """Feeds in the reporting currency, the rows that could not be, and the rates they depend on."""

    feeds: dict[str, pl.DataFrame]
    issues: pl.DataFrame
    needs: tuple[Need, ...]


def convert(
    feeds: Mapping[str, pl.DataFrame], currency: str, rates: Rates, context: Context
) -> Converted:
    """Convert all amounts of a file.

    Args:
        feeds: feed -> typed rows with `_row`.
        currency: of rows that name none: the source's.
        rates: what there is.
        context: how a mapped `rate_date` is written.

    Returns:
        The feeds, amounts rounded half away from zero to their decimals; orders keep what was
        delivered in `original_amount`. Rows without a rate are issues (`no_rate`).
    """
    if are_home(feeds, currency, rates):
        return Converted(dict(feeds), no_issues(), ())
    orders = feeds.get("orders")
    known: dict[str, Any] = {"currency": currency, "zone": rates.zone, "context": context}
    whose = None if orders is None else _placed(orders, "orders", **known)
    done: dict[str, pl.DataFrame] = {}
    found, needs = [no_issues()], []
    for feed, rows in feeds.items():
        if not _amounts(feed):
            done[feed] = rows
            continue
        placed = _placed(rows, feed, **known, orders=whose)
        foreign = placed.filter(pl.col(_CURRENCY) != rates.currency)
        if foreign.height:
            needs.append(foreign)
            if feed == "orders":
                placed = _keep_original(placed, feeds.get("order_items"), rates)
            placed, bad = _convert(placed, feed, rates)
            found.append(bad)
        if feed in _OF_AN_ORDER:
            placed = placed.with_columns(currency=_CURRENCY)
        done[feed] = placed.drop(_CURRENCY, _DAY)
    return Converted(done, pl.concat(found), _needs(needs))


def _amounts(feed: str) -> dict[str, pl.Decimal]:
    """Return the columns to convert: money as it lands, and as it was written."""
    columns = FEEDS[feed].columns
    found = {
        name: dtype
        for name, dtype in columns.items()
        if isinstance(dtype, pl.Decimal) and dtype != RATE and name != "original_amount"
    }
    return {**found, **{UNROUNDED + name: EXACT for name in found}}


def are_home(feeds: Mapping[str, pl.DataFrame], currency: str, rates: Rates) -> bool:
    """Whether all amounts are in the reporting currency; see `convert`."""
    told = [rows for feed, rows in feeds.items() if _amounts(feed)]
    return all(_is_home(rows, currency, rates.currency) for rows in told)


def _is_home(rows: pl.DataFrame, currency: str, reporting: str) -> bool:
    if "currency" not in rows.columns:
        return currency == reporting
    return (rows["currency"].fill_null(currency) == reporting).all()


def _placed(  # noqa: PLR0913 - where the currency and the day of a row may come from
    rows: pl.DataFrame,
    feed: str,
    *,
    currency: str,
    zone: str,
    context: Context,
    orders: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Add the currency and the day of its rate to each row."""
    given = pl.col("currency") if "currency" in rows.columns else pl.lit(None, TEXT)
    on = pl.lit(None, DAY)
    if "rate_date" in rows.columns:
        cell = pl.col("rate_date")
        at = instant(cell, context.datetimes, context.zone)
        on = pl.coalesce(day(cell, context.dates), local_day(at, zone))
    rows = rows.with_columns(given.alias(_CURRENCY), on.alias(_DAY))
    if feed in _OF_AN_ORDER and orders is not None:
        theirs = orders.select("order_id", _theirs=_CURRENCY, _their_day=_DAY).unique("order_id")
        rows = rows.join(theirs, on="order_id", how="left", maintain_order="left").with_columns(
            pl.coalesce(_CURRENCY, "_theirs").alias(_CURRENCY),
            pl.coalesce(_DAY, "_their_day" if feed == "order_items" else _DAY).alias(_DAY),
        )
        rows = rows.drop("_theirs", "_their_day")
    if feed not in _OF_AN_ORDER:
        rows = rows.with_columns(pl.col(_CURRENCY).fill_null(currency))
    return rows.with_columns(pl.coalesce(_DAY, *_own_day(feed, zone)))


def _own_day(feed: str, zone: str) -> list[pl.Expr]:
    names = ("paid_at", "ordered_at") if feed == "orders" else (FEEDS[feed].instant,)
    columns = FEEDS[feed].columns
    return [
        pl.col(name) if columns[name] == DAY else local_day(pl.col(name), zone)
        for name in names
        if name is not None
    ]


def _keep_original(orders: pl.DataFrame, items: pl.DataFrame | None, rates: Rates) -> pl.DataFrame:
    """Keep what a foreign order amounted to; one without an amount is worth its lines."""
    amount = [pl.col("original_amount"), pl.col("order_amount")]
    if items is not None:
        exact = pl.Decimal(38, 4)
        value = pl.col("quantity") * pl.col("unit_price").cast(exact)
        value = value - pl.col("discount_amount").fill_null(0).cast(exact)
        worth = pl.when("is_gift").then(pl.lit(0, exact)).otherwise(value).sum()
        lines = items.group_by("order_id").agg(
            _lines=worth.round(2, mode="half_away_from_zero").cast(MONEY)
        )
        orders = orders.join(lines, on="order_id", how="left", maintain_order="left")
        amount.append(pl.col("_lines"))
    is_foreign = pl.col(_CURRENCY) != rates.currency
    kept = pl.when(is_foreign).then(pl.coalesce(amount)).otherwise("original_amount")
    return orders.with_columns(original_amount=kept).drop("_lines", strict=False)


def _convert(rows: pl.DataFrame, feed: str, rates: Rates) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Convert the foreign rows; return all rows and the issues of those that cannot be."""
    table = rates.table.select(
        pl.col("currency").alias(_CURRENCY), "rate_date", pl.col("rate").alias(_RATE)
    )
    rows = (
        rows.with_row_index("_at")
        .sort(_DAY)
        .join_asof(
            table.sort("rate_date"), left_on=_DAY, right_on="rate_date", by=_CURRENCY,
            strategy="backward", tolerance=_REACH, suffix="_of_rate", check_sortedness=False,
        )
        .sort("_at")
        .drop("_at", "rate_date_of_rate" if "rate_date" in rows.columns else "rate_date")
    )  # fmt: skip
    is_foreign = (pl.col(_CURRENCY) != rates.currency).fill_null(value=False)
    told = f"has no rate to {rates.currency} for its day or the seven days before"
    value = pl.format("{} {}", pl.col(_DAY).cast(TEXT).fill_null("no day"), _CURRENCY)
    bad = issues(
        rows, is_foreign & pl.col(_RATE).is_null(), "currency", "no_rate", told,
        value=value, feed=feed,
    )  # fmt: skip
    names = {name: dtype for name, dtype in _amounts(feed).items() if name in rows.columns}
    is_rated = is_foreign & pl.col(_RATE).is_not_null()
    changed = rows.select(
        pl.when(is_rated)
        .then(product(pl.col(name), pl.col(_RATE), dtype))
        .otherwise(name)
        .alias(name)
        for name, dtype in names.items()
    )
    large = [
        issues(
            rows, pl.lit(rows[name].is_not_null() & changed[name].is_null()), name, "out_of_domain",
            f"is too large in {rates.currency}", feed=feed,
        )
        for name in names
        if changed[name].null_count() > rows[name].null_count()
    ]  # fmt: skip
    kept: dict[str, pl.Expr] = {}
    if feed == "orders":
        kept["exchange_rate"] = pl.when(is_rated).then(_RATE)
    if feed == "refunds":
        kept["original_amount"] = pl.when(is_rated).then("amount")
    return rows.with_columns(**kept).with_columns(changed).drop(_RATE), pl.concat([bad, *large])


def product(amount: pl.Expr, rate: pl.Expr, dtype: pl.Decimal) -> pl.Expr:
    """Multiply by a rate and round half away from zero; in whole numbers, so exactly.

    Args:
        amount: of type `dtype`.
        rate: of type RATE.
        dtype: what comes back; null where the product is too large for it.
    """
    unit, part = 10**dtype.scale, 10**RATE.scale
    count = (amount * unit).cast(pl.Int128)
    exact = count.abs() * (rate * part).cast(pl.Int128)
    rounded: pl.Expr = (exact + part // 2) // part * count.sign()
    wide: pl.Expr = rounded.cast(pl.Decimal(38, dtype.scale), strict=False) / unit
    return wide.cast(dtype, strict=False)


def _needs(foreign: list[pl.DataFrame]) -> tuple[Need, ...]:
    if not foreign:
        return ()
    days = pl.concat([rows.select(_CURRENCY, _DAY) for rows in foreign]).drop_nulls(_DAY)
    spans = days.group_by(_CURRENCY).agg(first=pl.col(_DAY).min(), last=pl.col(_DAY).max())
    return tuple(Need(*row) for row in spans.sort(_CURRENCY).rows())
