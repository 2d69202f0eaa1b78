"""The simulated company's files beside orders, traffic and spend, in their latest state."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tests.support.simulated import export_instant

DATES = ("snapshot_date", "report_date", "rate_date", "month", "period_start")
PIECES = ("on_hand", "in_transit", "quantity", "ordered_quantity", "received_quantity")
MONEY = ("amount", "cost", "due_amount", "settled_amount", "paid_amount", "refund_amount")


def files(root: Path, pattern: str) -> list[Path]:
    """The files of a stream, the last exported last."""
    found = sorted((root / "inbox").glob(f"{pattern}_*.csv"), key=export_instant)
    assert found, pattern
    return found


def rows(root: Path, pattern: str, *key: str) -> pl.DataFrame:
    """Rows of all files of a stream, of each key those of the file exported last.

    Money is in cents, so that sums are exact.
    """
    parts: list[pl.DataFrame] = []
    for path in files(root, pattern):
        part = pl.read_csv(path, infer_schema=False)
        if key:
            assert not part.select(key).is_duplicated().any(), path
            parts = [old.join(part.select(key), on=key, how="anti") for old in parts]
        parts.append(part)
    frame = pl.concat(parts)
    pieces = [*PIECES, "rejected_quantity", "buyers", "sub_orders", "entry_id", "rating", "csat"]
    return frame.with_columns(
        *(pl.col(name).str.to_datetime() for name in frame.columns if name.endswith("_at")),
        *(pl.col(name).str.to_date() for name in frame.columns if name in DATES),
        *(pl.col(name).cast(pl.Int64) for name in frame.columns if name in pieces),
        *(cents(name) for name in frame.columns if name in MONEY),
    )


def cents(name: str) -> pl.Expr:
    """Money with two decimals as cents."""
    return pl.col(name).cast(pl.Decimal(18, 2)).cast(pl.Decimal(18, 4)).mul(100).cast(pl.Int64)
