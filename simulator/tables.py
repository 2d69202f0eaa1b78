"""What the writers of CSV exports share.

Belongs here: money and instants as text, which orders a period's file holds, CSV bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulator.orderbook import MOMENTS, REASONS

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


def stamp(moment: str, suffix: str = "") -> pl.Expr:
    """Return an instant as local text, null if it lies after the moment of the export, `until`."""
    text = pl.from_epoch(moment, time_unit="s").dt.strftime(STAMP + suffix)
    return pl.when(pl.col(moment) < pl.col("until")).then(text)


def picked(names: tuple[str, ...], index: str) -> pl.Expr:
    """Return the name at an index; null for -1."""
    return pl.lit(pl.Series(names)).gather(
        pl.when(pl.col(index) >= 0).then(pl.col(index)).cast(pl.UInt32)
    )


def touched(
    rows: pl.DataFrame, spans: Sequence[Span], moments: Sequence[str] = MOMENTS
) -> pl.DataFrame:
    """Return for each period the rows with any of their moments within it.

    All files of a kind are made from one frame: most of the cost is that of a query, not of rows.

    Returns:
        The columns of rows; file (number of the period), until (its end). Rows by file, otherwise
        as they were.
    """
    parts = []
    for number, span in enumerate(spans):
        inside = [pl.col(name).is_between(span.begin, span.end, closed="left") for name in moments]
        part = rows.filter(pl.any_horizontal(inside))
        parts.append(part.with_columns(file=pl.lit(number), until=pl.lit(span.end)))
    return pl.concat(parts)


def of_days(rows: pl.DataFrame, spans: Sequence[Span]) -> pl.DataFrame:
    """Return for each period the rows whose `day` (since 1970) lies in it, with `file` added."""
    parts = []
    for number, span in enumerate(spans):
        part = rows.filter(pl.col("day").is_between(span.first, span.last))
        parts.append(part.with_columns(file=pl.lit(number)))
    return pl.concat(parts)


def csv_texts(
    frame: pl.DataFrame, columns: tuple[str, ...], files: int, line_end: str = "\n"
) -> list[str]:
    """Return CSV of each file with the platform's columns; those the frame has not are empty.

    Args:
        frame: rows by `file`.
        columns: names in the order of the platform.
        files: number of files, those without rows included.
        line_end: what ends a line.
    """
    known = set(frame.columns)
    empty = pl.lit(None, pl.String)
    full = frame.select([pl.col(name) if name in known else empty.alias(name) for name in columns])
    sizes = np.bincount(frame.get_column("file").to_numpy(), minlength=files)
    ends = np.cumsum(sizes)
    return [
        full.slice(int(end - size), int(size)).write_csv(line_terminator=line_end)
        for size, end in zip(sizes, ends, strict=True)
    ]


def refunds_texts(
    refunds: pl.DataFrame, spans: Sequence[Span], product_ids: tuple[str, ...]
) -> list[str]:
    """Return the refunds file of each period: every refund asked for or decided in it."""
    decided = pl.col("refund_done") < pl.col("until")
    frame = touched(refunds, spans, ("refund_asked", "refund_done")).sort(
        "file", "refund_asked", "key", "line"
    )
    cells = frame.select(
        "file",
        refund_id=pl.concat_str(
            pl.lit("R"), "order_id", pl.lit("-"), pl.col("line").cast(pl.String)
        ),
        order_id="order_id",
        product_id=picked(product_ids, "product"),
        requested_at=stamp("refund_asked"),
        refunded_at=pl.when("granted").then(stamp("refund_done")),
        amount=money("amount_cents"),
        quantity="quantity",
        kind=pl.when("only").then(pl.lit("refund_only")).otherwise(pl.lit("return")),
        reason=picked(REASONS, "reason"),
        status=pl.when(decided & pl.col("granted"))
        .then(pl.lit("succeeded"))
        .when(decided)
        .then(pl.lit("rejected"))
        .otherwise(pl.lit("requested")),
    )
    return csv_texts(cells, tuple(cells.columns[1:]), len(spans))
