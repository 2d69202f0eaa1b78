"""The audit: what schema `quality` says of a run, and the gate nothing passes that is wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import polars as pl

from orchestration.build.audit import audit_checks, failed_errors, reconciliation
from orchestration.build.registry import registry
from orchestration.build.tables import written
from orchestration.defs.execution import step
from orchestration.ledger.outgoing import Outgoing
from orchestration.run import Run, gate_error

TABLES = written("quality")
# Table -> its check, the layer of `quality.checks` it sums up, and what it means.
_CHECKS = {
    "reconciliation_daily": (
        "reconciles", "reconciliation", "Landed and mart amounts and rows agree exactly.",
    ),
    "checks": ("publish_gate", "gate", "Great Expectations on the daily frame."),
}  # fmt: skip
_UPSTREAM = ("marts/fct_orders", "marts/fct_gmv_daily", "insights/incidents")


@dg.multi_asset(
    name="audit",
    specs=[
        dg.AssetSpec(
            ["quality", name],
            deps=[dg.AssetKey.from_user_string(key) for key in _UPSTREAM],
            group_name="quality",
            description=text,
        )
        for name, text in TABLES.items()
    ],
    check_specs=[
        dg.AssetCheckSpec(check, asset=dg.AssetKey(["quality", name]), description=text)
        for name, (check, _, text) in _CHECKS.items()
    ],
)
@step("audit", layers={check: layer for check, layer, _ in _CHECKS.values()})
def audit(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]
) -> Iterator[dg.MaterializeResult[None]]:
    """Reconcile, run the publish gate, and stop the run if an error-level check failed."""
    shop = run.settings.shop
    totals = reconciliation(
        run.query,
        run.paths.landing,
        run.landed_batches(),
        shop.timezone,
        shop.currency,
        run.counted_purchases(),
    )
    undelivered = Outgoing(run.state).undelivered(datetime.now(UTC))
    own = audit_checks(run.query, totals, run.as_of, run.run_id, undelivered)
    checks = pl.concat([*run.checks, own])
    tables = {
        "ingest_files": run.query("from raw.ingest_files"),
        "reconciliation_daily": totals,
        "checks": checks,
        "metrics": registry(),
        "run": run.facts(),
    }
    for name, frame in tables.items():
        run.write(f"quality.{name}", frame)
        yield dg.MaterializeResult(
            asset_key=["quality", name],
            metadata={"dagster/row_count": frame.height},
            check_results=[_result(name, checks)] if name in _CHECKS else [],
        )
    if failed := failed_errors(checks):
        raise gate_error(failed)


def _result(table: str, checks: pl.DataFrame) -> dg.AssetCheckResult:
    """What the checks of a layer come to."""
    name, layer, _ = _CHECKS[table]
    failed = checks.filter(pl.col("layer") == layer, pl.col("status") == "failed")
    is_error = (failed["severity"] == "error").any()
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=dg.AssetKey(["quality", table]),
        passed=failed.is_empty(),
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        metadata={"failed": ", ".join(failed["check_name"])},
    )
