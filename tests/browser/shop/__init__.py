"""A small invented company as published frames: two platforms, a promotion, an incident.

Everything follows from the seed. One module a group of tables.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import polars as pl

from tests.browser.shop import retention
from tests.browser.shop.channels import attribution, channel_daily
from tests.browser.shop.company import DAYS, HOSTILE, LAST, info, promotions
from tests.browser.shop.funnel import funnel
from tests.browser.shop.gmv import changes, daily, finished, untracked
from tests.browser.shop.judged import anomalies, causes, incidents
from tests.browser.shop.quality import quality
from tests.browser.shop.reviews import reviews
from tests.browser.shop.trade import trade
from tests.support.contracts import comparisons, fakes, registry

__all__ = ["DAYS", "HOSTILE", "LAST", "frames", "hostile", "incidents", "info", "without_traffic"]


def frames(days: int = DAYS, seed: int = 7) -> dict[str, pl.DataFrame]:
    return dict(_frames(days, seed))


@cache
def _frames(days: int, seed: int) -> dict[str, pl.DataFrame]:
    calendar = [LAST - timedelta(days=n) for n in range(days - 1, -1, -1)]
    table = daily(calendar, seed)
    return fakes({
        "marts.fct_gmv_daily": table,
        "marts.fct_gmv_change": changes(table),
        "marts.fct_funnel_daily": funnel(calendar),
        "marts.fct_retention_monthly": retention.monthly(calendar),
        "marts.fct_retention_daily": retention.daily(calendar),
        "marts.fct_attribution_daily": attribution(calendar),
        "marts.fct_channel_daily": channel_daily(calendar),
        "marts.dim_promo": promotions(),
        "quality.metrics": registry(),
        "quality.comparisons": comparisons(),
        **quality(calendar),
        "insights.anomalies": anomalies(table),
        "insights.incidents": incidents(),
        **causes(),
        **trade(calendar, table),
        **reviews(table),
    })  # fmt: skip


def hostile() -> dict[str, pl.DataFrame]:
    """The same company where every name from outside tries to break out of the page."""
    made = frames(60)
    for name in ("marts.fct_gmv_daily", "marts.fct_gmv_change"):
        made[name] = made[name].with_columns(
            segment=pl.when(pl.col("segment").is_in(["paid_social", "tmall", "浙江省"]))
            .then(pl.lit(HOSTILE) + pl.col("segment"))
            .otherwise(pl.col("segment"))
        )
    for name, column in (
        ("marts.fct_funnel_daily", "segment"),
        ("marts.fct_channel_daily", "platform"),
        ("marts.fct_channel_daily", "channel"),
        ("marts.fct_retention_monthly", "segment"),
        ("marts.fct_attribution_daily", "channel"),
        ("marts.fct_attribution_daily", "campaign"),
        ("marts.dim_product", "product_name"),
        ("marts.fct_supplier_monthly", "supplier_id"),
        ("marts.fct_profit_daily", "category"),
        ("marts.fct_profit_daily", "platform"),
        ("marts.fct_settlements_daily", "platform"),
        ("marts.fct_fulfilment_daily", "carrier"),
        ("marts.fct_segments_monthly", "rfm_segment"),
        ("marts.fct_segment_behaviour_monthly", "top_category"),
        ("insights.customer_value_by_channel", "first_channel"),
        ("insights.experiment_results", "experiment"),
        ("insights.experiment_results", "variant"),
    ):
        made[name] = made[name].with_columns(
            pl.when(pl.col(column).is_in(["all", "(none)", "(unattributed)"]))
            .then(column)
            .otherwise(pl.lit(HOSTILE) + pl.col(column))
            .alias(column)
        )
    made["quality.metrics"] = made["quality.metrics"].with_columns(
        label_en=pl.lit(HOSTILE), definition_zh=pl.lit(HOSTILE), owner=pl.lit("=1+1")
    )
    made["insights.incidents"] = incidents().with_columns(
        explanation_en=pl.lit(HOSTILE), explanation_zh=pl.lit(HOSTILE + "中")
    )
    made["quality.checks"] = made["quality.checks"].with_columns(
        check_name=pl.lit("=cmd|' /C calc'!A0 ") + pl.lit(HOSTILE), message=pl.lit("<!--<script>")
    )
    made["quality.ingest_files"] = made["quality.ingest_files"].with_columns(
        source_file=pl.lit(HOSTILE), unknown_columns=pl.lit("@" + HOSTILE)
    )
    made["marts.dim_promo"] = made["marts.dim_promo"].with_columns(
        label_en=pl.lit(HOSTILE), label_zh=pl.lit(HOSTILE + "中")
    )
    return made


def without_traffic(days: int = DAYS) -> dict[str, pl.DataFrame]:
    """A company that has orders and nothing else."""
    made = frames(days)
    table = made["marts.fct_gmv_daily"].drop(
        "buyers", "orders", "conversion_rate", "orders_per_buyer", "aov", "gmv_per_buyer",
        "net_sales", "new_buyers",
    )  # fmt: skip
    plain = finished(untracked(table.with_columns(pl.col("gmv").cast(pl.Float64))))
    keep = ("marts.fct_gmv_daily", "marts.fct_gmv_change", "quality.checks", "quality.ingest_files",
            "quality.metrics", "quality.comparisons")  # fmt: skip
    made |= fakes({"marts.fct_gmv_daily": plain, "marts.fct_gmv_change": changes(plain)})
    return {name: made[name] for name in keep}
