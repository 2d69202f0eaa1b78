"""Assets of schema `insights`: what statistical models say about the marts of this run."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from orchestration.build.tables import written
from orchestration.defs.execution import step
from orchestration.run import Run

if TYPE_CHECKING:
    from orchestration.build.insight_frames import InsightFrames

_MARTS = (
    "fct_gmv_daily",
    "fct_gmv_hourly",
    "fct_gmv_change",  # for pages, which are drawn of marts and insights alike
    "fct_funnel_daily",
    "fct_order_items",
    "fct_orders",
    "fct_sessions",
    "fct_experiment_arms_daily",
    "fct_campaign_daily",
    "fct_product_daily",
    "fct_inventory_daily",
    "fct_fulfilment_daily",
    "fct_after_sales_daily",
    "fct_settlements_daily",
    "fct_targets_daily",
    "fct_service_health_daily",
    "dim_customer",
    "dim_date",
    "dim_promo",
)
_JUDGED_DAYS = 120  # the overview draws 90
_VALUE_DAYS = 365  # ahead


@dg.multi_asset(
    name="insights",
    specs=[
        dg.AssetSpec(
            ["insights", name],
            deps=[
                *(dg.AssetKey(["marts", mart]) for mart in _MARTS),
                dg.AssetKey(["quality", "source_completeness_daily"]),
            ],
            group_name="insights",
            kinds={"polars", "duckdb"},
            description=text,
        )
        for name, text in written("insights").items()
    ],
)
@step("insights")
def insights(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]
) -> Iterator[dg.MaterializeResult[None]]:
    """Judge every recent day, open or close incidents, look for where they happened, and ahead."""
    from orchestration.build.insight_frames import read_frames

    with run.on_build() as query:
        frames = read_frames(query, run.settings.shop.timezone)
    for name, frame in {**_incidents(run, frames), **_expectations(frames)}.items():
        money = pl.col("^.*_amount$").round(2).cast(pl.Decimal(18, 2))
        run.write(f"insights.{name}", frame.with_columns(money))
        yield dg.MaterializeResult(
            asset_key=["insights", name], metadata={"dagster/row_count": frame.height}
        )


def _incidents(run: Run, frames: "InsightFrames") -> dict[str, pl.DataFrame]:
    from dashboards.wording.incidents import explained
    from models.anomaly import DetectorParams
    from models.incidents import open_incidents
    from models.judgement import judge
    from models.loss import incident_effects
    from models.root_cause import root_causes
    from models.root_cause_sets import combination_causes
    from orchestration.build.insight_frames import named
    from orchestration.build.registry import registry

    last_day = run.last_day()
    anomalies = judge(
        frames.daily,
        frames.dates,
        frames.promos,
        frames.completeness,
        DetectorParams(min_impact_rate=run.settings.file.alerts.min_impact_rate),
        judge_from=last_day - timedelta(days=_JUDGED_DAYS) if last_day else None,
        more=frames.series,
        watched=frames.watched,
    )
    known = (anomalies, frames.completeness, frames.parts)
    incidents = open_incidents(*known, run.published_incidents())
    incidents = named(named(incidents, frames.products), frames.products, "cause_")
    causes = root_causes(incidents, anomalies, frames.parts, frames.completeness)
    return {
        "anomalies": anomalies,
        "incidents": explained(incidents, registry()),
        "incident_effects": incident_effects(incidents, anomalies),
        "root_causes": named(causes, frames.products),
        "root_cause_sets": combination_causes(incidents, frames.orders),
    }


def _expectations(frames: "InsightFrames") -> dict[str, pl.DataFrame]:
    from models.attribution import credited
    from models.experiments import experiment_results
    from models.forecast import forecast
    from models.future_sales import future_sales

    ahead = future_sales(frames.customers, _VALUE_DAYS)
    return {
        "attribution_data_driven": credited(frames.paths),
        "experiment_results": experiment_results(frames.arms),
        "gmv_forecast": forecast(frames.daily, frames.dates, frames.promos, frames.completeness),
        "customer_value": ahead.customers.select(
            "customer_key",
            "alive_probability",
            "expected_purchases",
            pl.col("group").alias("first_channel"),
            pl.col("frequency").alias("repeat_purchase_days"),
            pl.col("recency").alias("purchase_span_days"),
            pl.col("age").alias("age_days"),
            pl.col("monetary").alias("repeat_purchase_amount"),
            pl.col("expected_value").alias("expected_sales_amount"),
            pl.col("lower_value").alias("lower_sales_amount"),
            pl.col("upper_value").alias("upper_sales_amount"),
            (pl.col("expected_value") * pl.col("margin_rate")).alias("expected_margin_amount"),
        ),
        "customer_value_by_channel": ahead.groups.select(
            pl.col("group").alias("first_channel"),
            "customers",
            pl.col("expected_value").alias("expected_sales_amount"),
            pl.col("lower_value").alias("lower_sales_amount"),
            pl.col("upper_value").alias("upper_sales_amount"),
        ),
    }
