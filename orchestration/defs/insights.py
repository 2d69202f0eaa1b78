"""Assets of schema `insights`: what statistical models say about the marts of this run."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import polars as pl

from orchestration.build.tables import written
from orchestration.defs.execution import step
from orchestration.run import Run

_MARTS = (
    "fct_gmv_daily",
    "fct_gmv_change",  # for the words of an alert, which is written once all is published
    "fct_funnel_daily",
    "fct_order_items",
    "dim_date",
    "dim_promo",
)
_JUDGED_DAYS = 120  # the overview draws 90


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
    """Judge every recent day, open or close incidents, and look for where they happened."""
    from dashboards.wording.incidents import explained
    from models.anomaly import DetectorParams, detect
    from models.incidents import open_incidents
    from models.root_cause import root_causes
    from orchestration.build.insight_frames import read_frames
    from orchestration.build.registry import registry

    with run.on_build() as query:
        frames = read_frames(query)
    last_day = run.last_day()
    anomalies = detect(
        frames.daily,
        frames.dates,
        frames.promos,
        frames.completeness,
        DetectorParams(min_impact_rate=run.settings.file.alerts.min_impact_rate),
        judge_from=last_day - timedelta(days=_JUDGED_DAYS) if last_day else None,
        more=frames.series,
    )
    known = (anomalies, frames.completeness, frames.parts)
    incidents = open_incidents(*known, run.published_incidents())
    causes = root_causes(incidents, anomalies, frames.parts, frames.completeness)
    tables = {
        "anomalies": anomalies,
        "incidents": explained(incidents, registry()),
        "root_causes": causes,
    }
    for name, frame in tables.items():
        money = pl.col("^.*_amount$").round(2).cast(pl.Decimal(18, 2))
        run.write(f"insights.{name}", frame.with_columns(money))
        yield dg.MaterializeResult(
            asset_key=["insights", name], metadata={"dagster/row_count": frame.height}
        )
