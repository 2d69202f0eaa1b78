"""What has landed, read back: whether it is whole, the rows that count, the rates among them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import polars as pl

from ingestion.feeds import FEEDS
from ingestion.rows.rates import RATE_TABLE, Rates


def losses(landing: Path, batches: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    """Compare landed files with what was landed; reads of each file what says its rows.

    Args:
        landing: folder of landed files.
        batches: batch id -> feed -> rows landed.

    Returns:
        Batch id -> what is wrong, of the batches that are not there as they were landed.
    """
    found = {}
    for batch, feeds in batches.items():
        for feed, rows in feeds.items():
            if why := _loss(landing / feed / f"batch={batch}" / "data.parquet", rows):
                found[batch] = f"{feed} {why}"
    return found


def _loss(path: Path, rows: int) -> str:
    if not path.exists():
        return "is gone"
    try:
        there = pl.scan_parquet(path, hive_partitioning=False).select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError):
        return "is damaged"
    return "" if there == rows else f"has {there} rows of {rows}"


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
    # Columns that a feed gained later are missing from older files.
    rows = pl.scan_parquet(
        files, schema=schema, missing_columns="insert", extra_columns="ignore",
        hive_partitioning=False,
    ).collect()  # fmt: skip
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
