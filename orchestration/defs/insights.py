"""Assets of schema `insights`: what statistical models say about the marts of this run."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from orchestration.build.tables import written
from orchestration.defs.execution import step
from orchestration.run import Run

if TYPE_CHECKING:
    from models.forecast import Outlook
    from models.future_sales import FutureSales
    from orchestration.build.insight_frames import InsightFrames
    from orchestration.build.plan_frames import PlanFrames

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
    "fct_promo_review",
    "fct_inventory_daily",
    "fct_fulfilment_daily",
    "fct_after_sales_daily",
    "fct_settlements_daily",
    "fct_targets_daily",
    "fct_service_health_daily",
    "dim_customer",
    "dim_date",
    "dim_product",
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
    from models.forecast import outlook
    from models.future_sales import future_sales
    from orchestration.build.insight_frames import read_frames
    from orchestration.build.plan_frames import read_plan_frames

    with run.on_build() as query:
        frames = read_frames(query, run.settings.shop.timezone)
        plans = read_plan_frames(query)
    sales = outlook(frames.daily, frames.dates, frames.promos, frames.completeness)
    value = future_sales(frames.customers, _VALUE_DAYS)
    tables = {
        **_incidents(run, frames),
        **_expectations(frames, sales, value),
        **_of_goods(plans, sales),
        **_of_promotions(plans, frames.promos),
        **_of_customers(plans, frames, run.last_day()),
    }
    for name, frame in tables.items():
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


def _expectations(
    frames: "InsightFrames", sales: "Outlook | None", ahead: "FutureSales"
) -> dict[str, pl.DataFrame]:
    from models.attribution import credited
    from models.experiments import experiment_results
    from models.forecast import FORECAST_SCHEMA

    return {
        "attribution_data_driven": credited(frames.paths),
        "experiment_results": experiment_results(frames.arms),
        "gmv_forecast": sales.table if sales else pl.DataFrame(schema=FORECAST_SCHEMA),
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


def _of_goods(plans: "PlanFrames", sales: "Outlook | None") -> dict[str, pl.DataFrame]:
    from models.demand import demand_forecast
    from models.replenishment import lead_times, reorder_plan

    of_stock = demand_forecast(plans.stock_units, sales)
    of_products = demand_forecast(plans.units, sales)
    return {
        "demand_forecast": plans.products.join(of_products, on="series", maintain_order="right")
        .rename({"series": "product_key"})
        .drop("count_dispersion", "relative_error"),
        "reorder_plan": reorder_plan(plans.stock, of_stock, lead_times(plans.purchases)),
    }


def _of_promotions(plans: "PlanFrames", phases: pl.DataFrame) -> dict[str, pl.DataFrame]:
    from models.promo_uplift import new_buyers, promo_uplift

    return {
        "promo_uplift": promo_uplift(plans.promo_sales, plans.promo_days, phases),
        "promo_new_buyers": new_buyers(plans.promo_buyers),
    }


def _of_customers(
    plans: "PlanFrames", frames: "InsightFrames", today: date | None
) -> dict[str, pl.DataFrame]:
    from models.audiences import (
        audiences,
        cart_recovery,
        look_alike,
        replenishment_reminder,
        win_back,
    )
    from models.baskets import basket_rules
    from orchestration.build.plan_frames import FIRST_PURCHASE

    bought = frames.customers.select(
        "customer_key",
        repeat_purchase_days="frequency",
        purchase_span_days="recency",
        repeat_purchase_amount="monetary",
    )
    found, sizes = audiences(
        {
            "win_back": win_back(plans.lifecycles.join(bought, on="customer_key")),
            "cart_recovery": cart_recovery(plans.carts, today),
            "replenishment_reminder": replenishment_reminder(plans.purchases_again, today),
            "look_alike": look_alike(plans.first_purchases, FIRST_PURCHASE, today),
        },
        today,
    )
    return {
        "basket_rules": basket_rules(
            plans.baskets, frames.products.rename({"segment": "product_id"})
        ),
        "audiences": found,
        "audience_sizes": sizes,
    }
