"""What the writers of CSV exports share.

Belongs here: money and instants as text, which orders a period's file holds, CSV bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ingestion.simulator.orderbook import MOMENTS, REASONS

STAMP = "%Y-%m-%d %H:%M:%S"
DAY_SECONDS = 86400


@dataclass(frozen=True)
class Span:
    """A period of whole local days, as days since 1970, both ends included."""

    first: int
    last: int

    @property
    def begin(self) -> int:
        """First local second of the period."""
        return self.first * DAY_SECONDS

    @property
    def end(self) -> int:
        """First local second after the period."""
        return (self.last + 1) * DAY_SECONDS


def header(text: str) -> tuple[str, ...]:
    """Return the column names of a header line."""
    return tuple(text.split(","))


def money(cents: str | pl.Expr) -> pl.Expr:
    """Return cents as text in yuan with two decimals."""
    value = pl.col(cents) if isinstance(cents, str) else cents
    return pl.concat_str(
        (value // 100).cast(pl.String), (value % 100).cast(pl.String).str.zfill(2), separator="."
    )


def stamp(moment: str, until: int, suffix: str = "") -> pl.Expr:
    """Return an instant as local text, null if it lies after the moment of the export."""
    text = pl.from_epoch(moment, time_unit="s").dt.strftime(STAMP + suffix)
    return pl.when(pl.col(moment) < until).then(text)


def picked(names: tuple[str, ...], index: str) -> pl.Expr:
    """Return the name at an index; null for -1."""
    return pl.lit(pl.Series(names)).gather(
        pl.when(pl.col(index) >= 0).then(pl.col(index)).cast(pl.UInt32)
    )


def touched(orders: pl.DataFrame, span: Span) -> pl.DataFrame:
    """Return the orders with any moment of their life within the period, by time of order."""
    inside = [pl.col(name).is_between(span.begin, span.end, closed="left") for name in MOMENTS]
    return orders.filter(pl.any_horizontal(inside)).sort("ordered", "key")


def csv_text(frame: pl.DataFrame, columns: tuple[str, ...], line_end: str = "\n") -> str:
    """Return CSV with the platform's columns; those the frame does not have are empty."""
    known = set(frame.columns)
    empty = pl.lit(None, pl.String)
    full = frame.select([pl.col(name) if name in known else empty.alias(name) for name in columns])
    return full.write_csv(line_terminator=line_end)


def refunds_text(refunds: pl.DataFrame, span: Span, product_ids: tuple[str, ...]) -> str:
    """Return the refunds file of a period: every refund asked for or decided in it."""
    inside = [
        pl.col(name).is_between(span.begin, span.end, closed="left")
        for name in ("refund_asked", "refund_done")
    ]
    decided = pl.col("refund_done") < span.end
    frame = refunds.filter(pl.any_horizontal(inside)).sort("refund_asked", "key", "line")
    return frame.select(
        refund_id=pl.concat_str(
            pl.lit("R"), "order_id", pl.lit("-"), pl.col("line").cast(pl.String)
        ),
        order_id="order_id",
        product_id=picked(product_ids, "product"),
        requested_at=stamp("refund_asked", span.end),
        refunded_at=pl.when("granted").then(stamp("refund_done", span.end)),
        amount=money("amount_cents"),
        quantity="quantity",
        kind=pl.when("only").then(pl.lit("refund_only")).otherwise(pl.lit("return")),
        reason=picked(REASONS, "reason"),
        status=pl.when(decided & pl.col("granted"))
        .then(pl.lit("succeeded"))
        .when(decided)
        .then(pl.lit("rejected"))
        .otherwise(pl.lit("requested")),
    ).write_csv()
