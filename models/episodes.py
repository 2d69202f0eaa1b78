"""The form of an incident: its columns, its id, and runs of bad days.

Belongs here: what KPI incidents (`incidents.py`) and data incidents (`data_incidents.py`) share.
"""

from __future__ import annotations

import hashlib
from datetime import date

import polars as pl

INCIDENT_SCHEMA: dict[str, type[pl.DataType]] = {
    "incident_id": pl.String,
    "metric": pl.String,
    "dimension": pl.String,
    "segment": pl.String,
    "opened_date": pl.Date,
    "last_date": pl.Date,
    "closed_date": pl.Date,
    "severity": pl.String,
    "impact_amount": pl.Float64,
    "kind": pl.String,
    "cause_metric": pl.String,
    "observed": pl.Float64,
    "expected": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "days": pl.Int64,
    "platform": pl.String,
    "feeds": pl.String,
    "reason": pl.String,
    "expected_rows": pl.Float64,
    "arrived_rows": pl.Int64,
    "cause_dimension": pl.String,
    "cause_segment": pl.String,
    "cause_side": pl.String,
    "withdrawn_date": pl.Date,
    "told_date": pl.Date,
    "impact_of": pl.String,
    "impact_dimension": pl.String,
    "impact_segment": pl.String,
    "observed_amount": pl.Float64,
    "expected_amount": pl.Float64,
    "company_impact_amount": pl.Float64,
    "segment_name": pl.String,
    "cause_segment_name": pl.String,
}
"""Columns of `insights.incidents` but for its words, which `dashboards.wording` adds.

The names of segments that are products are filled in when it is written."""

STORIES = {
    "refund_rate": "refunds",
    "refunds_3_days": "refunds",
    "quality_refunds_7_days": "refunds",
    "on_hand": "stock",
    "days_of_stock": "stock",
    "late_parcels_3_days": "fulfilment",
    "bad_reviews_7_days": "reviews",
    "overdue_amount": "settlements",
    "cost_so_far": "ads",
    "campaign_cost": "ads",
    "campaign_visits": "ads",
    "error_rate": "service",
    "gmv_trend": "trend",
    "visitors_trend": "trend",
    "conversion_rate_trend": "trend",
}
"""Metrics that are a story of their own beside sales: their days are no days of a fall of GMV."""


def episodes(days: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Runs of bad days.

    Args:
        days: `by`, business_date, is_bad; days that could not be judged are not in it.
        by: what an episode is of.

    Returns:
        `by`, run, opened_date, last_date, closed_date (the first good day after, null if none).
    """
    runs = (
        days.sort(*by, "business_date")
        .with_columns(run=pl.col("is_bad").rle_id().over(by))
        .group_by(*by, "run", "is_bad")
        .agg(opened_date=pl.col("business_date").min(), last_date=pl.col("business_date").max())
        .sort(*by, "run")
        .with_columns(closed_date=pl.col("opened_date").shift(-1).over(by))
    )
    return runs.filter("is_bad").drop("is_bad")


def place() -> pl.Expr:
    """What an incident is of, whichever series tells it: a source; a platform's sales, or a story.

    Two incidents of one place that overlap in time are one.
    """
    story = pl.col("metric").replace_strict(
        {name: f":{told}" for name, told in STORIES.items()}, default=""
    )
    kpi = pl.col("platform").fill_null("all") + story
    return pl.when(pl.col("kind") == "data").then("segment").otherwise(kpi)


def shape(incidents: pl.DataFrame) -> pl.DataFrame:
    """Add the id, and bring the columns into the order of the schema."""
    named = incidents.with_columns(place=place())
    names = zip(named["kind"], named["platform"], named["place"], named["opened_date"], strict=True)
    frame = incidents.with_columns(
        pl.Series("incident_id", [_incident_id(*name) for name in names], dtype=pl.String),
    )
    return conform(frame)


def conform(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of the schema, null where the frame (of an older generation) has none."""
    return frame.select(
        pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, kind).alias(name)
        for name, kind in INCIDENT_SCHEMA.items()
    )


def _incident_id(kind: str, platform: str | None, name: str, opened: date) -> str:
    """An id that is the same in every run and safe as a file name."""
    dimension = "source" if kind == "data" else "all" if platform is None else "platform"
    digest = hashlib.sha256(f"{kind}|{dimension}|{name}|{opened}".encode()).hexdigest()[:8]
    return f"{kind}-{opened:%Y%m%d}-{digest}"
