"""The CSV files beside the pages: the rows behind the charts, no more and no fewer.

Belongs here: which rows a download has, and the suppression that holds on the pages.
Does not belong here: escaping of cells (`base.page.safe_csv`).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from dashboards.base.data import SMALLEST_GROUP, Data, SiteInfo
from dashboards.figures import changes
from dashboards.figures import cohorts as cohort_rows
from dashboards.filters.bar import offered
from dashboards.pages.attribution import page as attribution
from dashboards.pages.channels import page as channels
from dashboards.pages.cohorts import visits
from dashboards.pages.funnel import page as funnel
from dashboards.pages.overview import page as overview

DOWNLOADS = {
    "gmv_daily": ("marts.fct_gmv_daily", overview.LINE_DAYS),
    "gmv_change": ("marts.fct_gmv_change", changes.DAYS_SHOWN),
    "gmv_hourly": ("marts.fct_gmv_hourly", overview.HOURLY_DAYS),
    "promo_hourly": ("marts.fct_promo_hourly", 0),
    "funnel": ("marts.fct_funnel_daily", funnel.TREND_DAYS),
    "retention_monthly": ("marts.fct_retention_monthly", 0),
    "retention_daily": ("marts.fct_retention_daily", 0),
    "attribution_daily": ("marts.fct_attribution_daily", attribution.DAYS),
    "channel_daily": ("marts.fct_channel_daily", channels.TREND_DAYS),
    "products": ("marts.dim_product", 0),
    "product_daily": ("marts.fct_product_daily", 14),
    "inventory_daily": ("marts.fct_inventory_daily", 1),
    "supplier_monthly": ("marts.fct_supplier_monthly", 0),
    "profit_daily": ("marts.fct_profit_daily", 31),
    "targets_daily": ("marts.fct_targets_daily", 31),
    "reviews": ("marts.fct_reviews", 0),
    "review_changes": ("marts.fct_review_changes", 0),
    "month_close": ("marts.fct_month_close", 0),
    "settlements_daily": ("marts.fct_settlements_daily", overview.LINE_DAYS),
    "fulfilment_daily": ("marts.fct_fulfilment_daily", 60),
    "after_sales_daily": ("marts.fct_after_sales_daily", 112),
    "segments_monthly": ("marts.fct_segments_monthly", 0),
    "segment_migration": ("marts.fct_segment_migration_monthly", 0),
    "segment_behaviour": ("marts.fct_segment_behaviour_monthly", 0),
    "customer_value_by_channel": ("insights.customer_value_by_channel", 0),
    "reorder_plan": ("insights.reorder_plan", 0),
    "live_sessions": ("marts.fct_live_sessions", 28),
    "root_cause_sets": ("insights.root_cause_sets", 0),
    "incidents": ("insights.incidents", 0),
    "anomalies": ("insights.anomalies", 0),
    "risk_signals": ("marts.fct_risk_signals", 90),
    "promo_review": ("marts.fct_promo_review", 0),
    "experiment_results": ("insights.experiment_results", 0),
    "completeness": ("quality.source_completeness_daily", overview.LINE_DAYS),
    "watermarks": ("quality.source_watermarks", 0),
    "reconciliation": ("quality.reconciliation_daily", overview.LINE_DAYS),
    "lookups": ("quality.lookups", 0),
    "platform_reconciliation": ("quality.platform_reconciliation_daily", 0),
    "checks": ("quality.checks", 0),
    "ingest_files": ("quality.ingest_files", 0),
    "metrics": ("quality.metrics", 0),
}
"""Name of the file -> table and number of days; 0 where the table is not by day."""


def _without_small_regions(frame: pl.DataFrame, data: Data) -> pl.DataFrame:
    large = (
        data["marts.fct_gmv_daily"]
        .filter(pl.col("buyers") >= SMALLEST_GROUP)
        .select("business_date", "dimension", "segment")
    )
    is_region = pl.col("dimension") == "region"
    kept = frame.filter(is_region).join(large, on=large.columns, how="semi")
    return pl.concat([frame.filter(~is_region), kept])


def _offered_shops(frame: pl.DataFrame, data: Data) -> pl.DataFrame:
    """Of hundreds of stores those that pages offer."""
    kept = offered(data, frame.filter(pl.col("dimension") == "shop"), "shop")
    return frame.filter((pl.col("dimension") != "shop") | pl.col("segment").is_in(kept))


def _of_incidents(frame: pl.DataFrame, data: Data) -> pl.DataFrame:
    """Days of the places that had an incident."""
    keys = ["metric", "dimension", "segment", "platform"]
    had = data["insights.incidents"].select(keys).unique()
    return frame.join(had, on=keys, how="semi", nulls_equal=True)


def _cohorts(frame: pl.DataFrame, name: str, info: SiteInfo) -> pl.DataFrame:
    """Rows the page draws; figures of fewer than `SMALLEST_GROUP` customers are left empty."""
    if name == "retention_monthly":
        over = frame.filter(pl.col("cohort_month") <= cohort_rows.last_month(info.data_through))
        months = over["cohort_month"].unique().sort().tail(cohort_rows.MONTHS)
        drawn = (
            (pl.col("kind") == "purchase")
            & (pl.col("period_number") <= cohort_rows.PERIODS)
            & pl.col("dimension").is_in(["all", "platform"])
            & pl.col("cohort_month").is_in(months.implode())
        )
    else:
        first = info.data_through - timedelta(days=7 * visits.WEEKS - 1)
        drawn = (
            (pl.col("kind") == "visit")
            & (pl.col("dimension") == "all")
            & (pl.col("cohort_date") >= first)
            & pl.col("period_number").is_in([float(day) for day in visits.DAYS])
        )
    hidden = (pl.col("cohort_size") < SMALLEST_GROUP) | pl.col("retained_count").is_between(
        1, SMALLEST_GROUP - 1
    )
    amounts = ["retained_count", "retention_rate", "revenue"]
    return (
        frame.filter(drawn & (pl.col("retention_type") == "classic"))
        .with_columns(
            pl.when(~hidden).then(pl.col(column)).alias(column)
            for column in amounts
            if column in frame.columns
        )
        .with_columns(pl.when(pl.col("cohort_size") >= SMALLEST_GROUP).then(pl.col("cohort_size")))
    )


def download(name: str, data: Data, info: SiteInfo) -> pl.DataFrame:
    """The rows of a file of `DOWNLOADS`, in a fixed order."""
    table, days = DOWNLOADS[name]
    frame = data[table]
    if name.startswith("retention"):
        frame = _cohorts(frame, name, info)
    elif days:
        first = info.data_through - timedelta(days=days - 1)
        frame = frame.filter(pl.col("business_date").is_between(first, info.data_through))
    if name == "gmv_hourly":  # days of the last one's weekday are what its chart compares
        alike = pl.col("business_date").dt.weekday() == info.data_through.isoweekday()
        frame = frame.filter(alike)
    if name == "promo_hourly":
        frame = frame.filter(pl.col("promo_year") == pl.col("promo_year").max())
    if name == "funnel":
        frame = frame.filter(
            pl.col("basis") == "session",
            pl.col("dimension").is_in(["all", "platform", "shop", "channel", "device"]),
        )
    if "customers" in frame.columns:  # of few persons no figure leaves the warehouse
        frame = frame.filter(
            pl.col("customers").is_null() | ~pl.col("customers").is_between(1, SMALLEST_GROUP - 1)
        )
    if name == "anomalies":
        frame = _of_incidents(frame, data)
    if name == "risk_signals":  # a count a rule, no order is named
        frame = frame.group_by("business_date", "platform", "rule", "status").len("orders")
    if name in ("gmv_daily", "gmv_change"):
        frame = _offered_shops(_without_small_regions(frame, data), data)
    places = ("period_number", "step_number")
    return frame.sort([c for c in frame.columns if c in places or not frame.schema[c].is_float()])
