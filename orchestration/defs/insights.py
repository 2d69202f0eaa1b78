"""Assets of schema `insights`: what statistical models say about the marts of this run."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from orchestration.run import Run

_MARTS = ("fct_gmv_daily", "fct_gmv_change", "dim_date", "dim_promo")
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
        for name, text in (
            ("anomalies", "One row per judged day, metric and segment: expected range and score."),
            ("incidents", "One row per episode: a KPI out of its range, or data not complete."),
        )
    ],
)
def insights(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]
) -> Iterator[dg.MaterializeResult[None]]:
    """Judge every recent day, and open or close incidents."""
    from models.anomaly import DetectorParams, detect
    from models.incidents import open_incidents

    with run.step("insights"):
        if run.is_unchanged:
            for key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=key, metadata={"unchanged": True})
            return
        daily = run.query(
            "select * from marts.fct_gmv_daily where dimension in ('all', 'platform')"
        )
        completeness = run.frame("quality.source_completeness_daily")
        last_day = run.last_day()
        anomalies = detect(
            daily,
            run.frame("marts.dim_date").rename({"business_date": "date"}),
            run.frame("marts.dim_promo"),
            completeness,
            DetectorParams(min_impact_rate=run.settings.file.alerts.min_impact_rate),
            judge_from=last_day - timedelta(days=_JUDGED_DAYS) if last_day else None,
        )
        run.write("insights.anomalies", anomalies)
        changes = run.query("select * from marts.fct_gmv_change")
        incidents = open_incidents(anomalies, completeness, changes, run.published_incidents())
        run.write("insights.incidents", incidents)
        for name, frame in (("anomalies", anomalies), ("incidents", incidents)):
            yield dg.MaterializeResult(
                asset_key=["insights", name], metadata={"dagster/row_count": frame.height}
            )
