"""Data incidents: days of a source, or of all sources, that are not whole.

Belongs here: which gaps are one story. Whether a day is whole is decided in SQL
(`quality.source_completeness_daily`).
"""

from __future__ import annotations

import polars as pl

from models.episodes import INCIDENT_SCHEMA, episodes, shape

__all__ = ["ALL_SOURCES", "data_incidents"]

ALL_SOURCES = "all sources"
_SALES = ["orders", "order_items"]


def data_incidents(completeness: pl.DataFrame) -> pl.DataFrame:
    """One incident a source and run of unfinished days, whatever the number of its feeds.

    A day on which nothing came from anywhere is one incident of all sources, not one of each: it
    is the delivery that failed. For each source such a day neither ends nor extends a gap.

    Args:
        completeness: `quality.source_completeness_daily`.

    Returns:
        Frame of `episodes.INCIDENT_SCHEMA`, kind `data`, dimension `source` (`all` for all).
    """
    judged = completeness.filter(pl.col("reason") != "not_expected")
    if judged.is_empty():
        return pl.DataFrame(schema=INCIDENT_SCHEMA)
    several = pl.col("source").n_unique().over("business_date") > 1
    nothing = (pl.col("reason") == "no_rows").all().over("business_date")
    judged = judged.with_columns(is_silent=nothing & several)
    own = _incidents(judged.filter(~pl.col("is_silent")), "source")
    # Days with anything in them stand in the series of all sources, as days that end its gap.
    everything = judged.with_columns(
        source=pl.lit(ALL_SOURCES),
        is_complete=~pl.col("is_silent"),
        platform=pl.lit(None, pl.String),
    )
    return pl.concat([own, _incidents(everything, "all")])


def _incidents(judged: pl.DataFrame, dimension: str) -> pl.DataFrame:
    is_gap = ~pl.col("is_complete")
    days = judged.group_by("source", "business_date").agg(is_bad=is_gap.any())
    runs = episodes(days, ["source"])
    gaps = judged.filter(is_gap).join(runs, on="source")
    summary = (
        gaps.filter(pl.col("business_date").is_between("opened_date", "last_date"))
        .group_by("source", "run")
        .agg(
            feeds=pl.col("feed").unique().sort().str.join(", "),
            platform=pl.col("platform").drop_nulls().unique().sort().str.join(", "),
            reason=pl.col("reason").sort_by("business_date", "feed").last(),
            days=pl.col("business_date").n_unique(),
            has_sales=pl.col("feed").is_in(_SALES).any(),
            expected_rows=pl.col("expected_rows").cast(pl.Float64).round().sum(),
            arrived_rows=pl.col("arrived_rows").sum(),
        )
    )
    incidents = runs.join(summary, on=["source", "run"]).with_columns(
        metric=pl.lit("completeness"),
        dimension=pl.lit(dimension),
        segment="source",
        kind=pl.lit("data"),
        severity=pl.when("has_sales").then(pl.lit("high")).otherwise(pl.lit("medium")),
    )
    if dimension == "all":
        incidents = incidents.with_columns(platform=pl.lit(None, pl.String))
    return shape(incidents)
