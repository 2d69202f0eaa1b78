"""dbt as Dagster assets: staging, intermediate, marts, quality. Keys follow schema and name."""

import contextlib
import io
from collections.abc import Iterator, Mapping
from threading import Thread
from typing import Any

import dagster as dg
import polars as pl
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from orchestration.build import dbt
from orchestration.build.audit import failed_errors
from orchestration.build.gate import preload
from orchestration.defs.execution import step
from orchestration.errors import memory_full, without_values
from orchestration.run import Run, gate_error, log
from orchestration.trouble import of_words

_TRANSLATOR = DagsterDbtTranslator()


@dbt_assets(manifest=dbt.prepare_manifest(), name="transform", dagster_dbt_translator=_TRANSLATOR)
@step("transform")
def transform(context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]) -> Iterator[Any]:
    """Build and test every table in the working build."""
    arguments = run.begin_build()
    full = "--full-refresh" in arguments
    log.info("dbt %s", "rebuilds everything" if full else "adds what is new")
    Thread(target=preload).start()  # dbt waits for DuckDB most of the time
    target = run.paths.build / "dbt_target"
    # What dbt says belongs into its log: standard output is the command's.
    with contextlib.redirect_stdout(io.StringIO()):
        results = run.transform(arguments, target)
    yield from _told(context, results)
    run.checks = [dbt.test_results(target / "run_results.json", run.run_id)]
    if any(result.status in {"error", "fail"} for result in results.values()):
        failed = failed_errors(run.checks[0].filter(pl.col("status") == "failed"))
        said = [str(result.message) for result in results.values() if result.status == "error"]
        if any("Out of Memory Error" in message for message in said):
            raise memory_full(run.paths.build)
        if trouble := of_words(said, run.settings):
            raise trouble
        raise gate_error(failed or [without_values(message) for message in said])


def _told(
    context: dg.AssetExecutionContext, results: Mapping[str, Any]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What dbt built and tested, as Dagster shows it."""
    manifest, checks = dbt.manifest(), {key.name: key for key in context.selected_asset_check_keys}
    for node, result in results.items():
        seconds = {"Execution Duration": result.execution_time}
        if result.status == "success" and node.startswith(("model.", "seed.")):
            key = _TRANSLATOR.get_asset_spec(manifest, node, None).key
            yield dg.MaterializeResult(asset_key=key, metadata=seconds)
        elif check := checks.get(result.node.name):
            is_warning = result.node.config.severity.lower() == "warn"
            yield dg.AssetCheckResult(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=result.status == "pass",
                severity=dg.AssetCheckSeverity.WARN if is_warning else dg.AssetCheckSeverity.ERROR,
                metadata={**seconds, "failed_rows": result.failures or 0},
            )
