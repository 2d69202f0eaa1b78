"""dbt as Dagster assets: staging, intermediate, marts, quality. Keys follow schema and name."""

import contextlib
import io
from collections.abc import Iterator
from threading import Thread
from typing import Any

import dagster as dg
import polars as pl
from dagster_dbt import DbtCliResource, dbt_assets

from orchestration.build.audit import failed_errors
from orchestration.build.dbt import prepare_manifest, test_results
from orchestration.build.gate import preload
from orchestration.defs.execution import step
from orchestration.run import Run, gate_error, log


@dbt_assets(manifest=prepare_manifest(), name="transform")
@step("transform")
def transform(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, run: dg.ResourceParam[Run]
) -> Iterator[Any]:
    """Build and test every table in the working build."""
    arguments = run.begin_build()
    full = "--full-refresh" in arguments
    log.info("dbt %s", "rebuilds everything" if full else "adds what is new")
    Thread(target=preload).start()  # dbt leaves this process idle
    target = run.paths.build / "dbt_target"
    invocation = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
    # dbt talks to standard output, which belongs to the command; its log is in the target.
    with contextlib.redirect_stdout(io.StringIO()):
        yield from invocation.stream()
    run.checks = [test_results(invocation.target_path / "run_results.json", run.run_id)]
    if not invocation.is_successful():
        failed = failed_errors(run.checks[0].filter(pl.col("status") == "failed"))
        raise gate_error(failed or [str(invocation.get_error())])
