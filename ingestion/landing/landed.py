"""What has landed, read back: the rows that count of each unit, and the rates among them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from ingestion.feeds import FEEDS
from ingestion.rows.rates import RATE_TABLE, Rates


def latest_rows(landing: Path, feed: str, active_batches: Collection[str]) -> pl.DataFrame:
    """Read a feed's landed rows; the winning batch of a unit brings all of its rows."""
    files = [
        path
        for batch in sorted(set(active_batches))
        if (path := landing / feed / f"batch={batch}" / "data.parquet").exists()
    ]
    schema = FEEDS[feed].landed
    if not files:
        return pl.DataFrame(schema=schema)
    rows = pl.read_parquet(files, columns=list(schema), hive_partitioning=False)
    # The order of versions: the data's own time, then the batch id.
    batch = pl.col("_batch_id")
    for key in ("_unit_key", "_row_key"):
        winner = batch.sort_by("_version_at", "_batch_id").last().over("source", key)
        rows = rows.filter(batch == winner)
    return rows


def landed_rates(landing: Path, active_batches: Collection[str], currency: str, zone: str) -> Rates:
    """Return the landed rates of the batches that count; of two for one day the later version."""
    rows = latest_rows(landing, "fx_rates", active_batches).sort("_version_at", "_batch_id")
    # A rate of nothing is none: what is sold is never worth nothing.
    table = (
        rows.filter(pl.col("rate") > 0)
        .select(list(RATE_TABLE))
        .unique(["currency", "rate_date"], keep="last")
    )
    return Rates(currency, zone, table.sort("currency", "rate_date"))
