"""The audit, the published generation, the pages and the messages: the end of every run."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from orchestration.build import dbt, warehouse
from orchestration.build.audit import audit_checks, failed_errors, reconciliation
from orchestration.ledger.retention import apply_retention
from orchestration.run import Run, gate_error

_AUDIT = ("ingest_files", "reconciliation_daily", "checks", "metrics", "run")
_GATE = dg.AssetKey(["quality", "checks"])


@dg.multi_asset(
    name="audit",
    specs=[
        dg.AssetSpec(
            ["quality", name],
            deps=[
                dg.AssetKey(["marts", "fct_orders"]),
                dg.AssetKey(["marts", "fct_gmv_daily"]),
                dg.AssetKey(["insights", "incidents"]),
            ],
            group_name="quality",
            description=text,
        )
        for name, text in (
            ("ingest_files", "One row per file of the inbox, with the fate of its rows."),
            ("reconciliation_daily", "One row per day and source: landed against mart amounts."),
            ("checks", "One row per check of this run, from every layer."),
            ("metrics", "One row per metric of the registry: labels, unit, definition."),
            ("run", "One row: the run that made this generation."),
        )
    ],
    check_specs=[
        dg.AssetCheckSpec("reconciles", asset=dg.AssetKey(["quality", "reconciliation_daily"]),
                          description="Landed and mart amounts agree to 0.00."),
        dg.AssetCheckSpec("publish_gate", asset=_GATE,
                          description="Great Expectations on the daily frame."),
    ],
)  # fmt: skip
def audit(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]
) -> Iterator[dg.MaterializeResult[None]]:
    """Reconcile, run the publish gate, and stop the run if an error-level check failed."""
    with run.step("audit"):
        if run.is_unchanged:
            standing = run.standing_failures("layer")
            for name in _AUDIT:
                yield dg.MaterializeResult(
                    asset_key=["quality", name],
                    metadata={"unchanged": True},
                    check_results=[
                        dg.AssetCheckResult(
                            check_name=_CHECKS[name],
                            asset_key=dg.AssetKey(["quality", name]),
                            passed=_LAYERS[name] not in standing,
                            severity=dg.AssetCheckSeverity.WARN,
                        )
                    ]
                    if name in _CHECKS
                    else [],
                )
            return
        manifest = json.loads(dbt.MANIFEST.read_text("utf-8"))
        totals = reconciliation(run)
        checks = audit_checks(run, totals)
        tables = {
            "ingest_files": run.frame("raw.ingest_files"),
            "reconciliation_daily": totals,
            "checks": checks,
            "metrics": dbt.metrics(manifest),
            "run": _run_frame(run),
        }
        failed = failed_errors(checks)
        for name, frame in tables.items():
            run.write(f"quality.{name}", frame)
            broken = checks.filter(pl.col("layer") == _LAYERS.get(name, "")).filter(
                pl.col("status") == "failed"
            )
            yield dg.MaterializeResult(
                asset_key=["quality", name],
                metadata={"dagster/row_count": frame.height},
                check_results=[
                    dg.AssetCheckResult(
                        check_name=check,
                        asset_key=dg.AssetKey(["quality", name]),
                        passed=broken.is_empty(),
                        severity=dg.AssetCheckSeverity.ERROR
                        if (broken["severity"] == "error").any()
                        else dg.AssetCheckSeverity.WARN,
                        metadata={"failed": ", ".join(broken["check_name"])},
                    )
                    for check in ([_CHECKS[name]] if name in _CHECKS else [])
                ],
            )
        if failed:
            raise gate_error(failed)


_CHECKS = {"reconciliation_daily": "reconciles", "checks": "publish_gate"}
_LAYERS = {"reconciliation_daily": "reconciliation", "checks": "gate"}


def _run_frame(run: Run) -> pl.DataFrame:
    through = run.query("select max(business_date) as d from marts.fct_gmv_daily")["d"][0]
    return pl.DataFrame(
        {
            "run_id": [run.run_id],
            "built_at": [datetime.now(UTC).replace(tzinfo=None)],
            "data_through": [through],
            "as_of": [run.as_of],
            "shop_name": [run.settings.shop.name],
            "currency": [run.settings.shop.currency],
            "timezone": [run.settings.shop.timezone],
            "inputs": [run.inputs],
        },
        schema_overrides={"data_through": pl.Date},
    )


@dg.asset(
    key=["published", "marts"],
    deps=[dg.AssetKey(["quality", name]) for name in _AUDIT],
    group_name="published",
    kinds={"duckdb"},
)
def published_marts(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]
) -> dg.MaterializeResult[None]:
    """The public contract: schemas marts, insights and quality in a new versioned file."""
    with run.step("publish"):
        if run.is_unchanged:
            return dg.MaterializeResult(metadata={"unchanged": True})
        manifest = json.loads(dbt.MANIFEST.read_text("utf-8"))
        file = run.publish(dbt.comments(manifest))
        return dg.MaterializeResult(
            metadata={
                "file": dg.MetadataValue.path(str(file)),
                "megabytes": round(file.stat().st_size / 1e6, 1),
                "generations": ", ".join(warehouse.generations(run.paths)),
            }
        )


@dg.asset(
    key=["published", "site"], deps=[published_marts], group_name="published", kinds={"plotly"}
)
def published_site(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]
) -> dg.MaterializeResult[None]:
    """The pages, built beside the old ones and swapped as a whole."""
    with run.step("site"):
        if run.is_unchanged:
            return dg.MaterializeResult(metadata={"unchanged": True})
        from dashboards.site import build_site

        frames, info = site_inputs(run)
        partial = run.paths.published / f".partial_site_{run.run_id}"
        build_site(frames, info, partial)
        target = run.paths.published / f"site_{run.run_id}"
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
        warehouse.point(run.paths.site, target)
        return dg.MaterializeResult(
            metadata={"index": dg.MetadataValue.path(str(run.paths.site / "index.html"))}
        )


# The pages draw new visitors of the company only; the table has 35 rows a day and segment.
_SITE_ROWS = {
    "marts.fct_retention_daily":
        "where kind = 'visit' and dimension = 'all' and retention_type = 'classic'",
    "marts.fct_retention_monthly":
        "where kind = 'purchase' and dimension <> 'channel' and retention_type = 'classic'",
}  # fmt: skip


def site_frames(run: Run) -> dict[str, pl.DataFrame]:
    """Of every table the pages name the columns they use; what is not published is left out."""
    from dashboards.base.data import COLUMNS

    held = run.published(
        "select table_schema || '.' || table_name, column_name from information_schema.columns"
    )
    there = {(table, column) for table, column in held.iter_rows()}
    frames = {}
    for table, wanted in COLUMNS.items():
        columns = [column for column in wanted if (table, column) in there]
        if columns:
            rows = _SITE_ROWS.get(table, "")
            frames[table] = run.published(f"select {', '.join(columns)} from {table} {rows}")
    return frames


def site_inputs(run: Run) -> tuple[dict[str, pl.DataFrame], Any]:
    """Frames and facts of the current generation for the pages."""
    from dashboards.site import SiteInfo

    frames = site_frames(run)
    made = run.published("from quality.run").row(0, named=True)
    configured = {feed for source in run.settings.sources.values() for feed in source.feeds()}
    info = SiteInfo(
        shop_name=run.settings.shop.name,
        currency=run.settings.shop.currency,
        timezone=run.settings.shop.timezone,
        data_through=made["data_through"],
        built_at=made["built_at"],
        run_id=made["run_id"],
        languages=tuple(run.settings.shop.languages),
        configured_feeds=configured,
        warn_hours=run.settings.file.publish.warn_hours,
    )
    return frames, info


@dg.asset(key=["alerts", "outbox"], deps=[published_site], group_name="alerts")
def outbox(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]
) -> dg.MaterializeResult[None]:
    """Messages on open incidents, written to the outbox and sent to the configured channels."""
    with run.step("alerts"):
        if run.is_unchanged:
            apply_retention(run.settings, run.state, run.as_of)
            return dg.MaterializeResult(metadata={"unchanged": True})
        from orchestration.alerting.alerts import send_alerts

        news = send_alerts(run.settings, run.state, run.published)
        run.finish(news)
        apply_retention(run.settings, run.state, run.as_of)
        return dg.MaterializeResult(
            metadata={"news": news, "outbox": dg.MetadataValue.path(str(run.paths.outbox))}
        )
