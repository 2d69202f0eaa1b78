"""dbt as Dagster assets: staging, intermediate, marts, quality. Keys follow schema and name."""

import contextlib
import io
from collections.abc import Iterator
from graphlib import TopologicalSorter
from threading import Thread
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from orchestration.build.dbt import prepare_manifest, test_results
from orchestration.build.gate import preload
from orchestration.run import Run, gate_error, log


@dbt_assets(manifest=prepare_manifest(), name="transform")
def transform(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, run: dg.ResourceParam[Run]
) -> Iterator[Any]:
    """Build and test every table in the working build."""
    with run.step("transform"):
        if run.is_unchanged:
            log.info("nothing new since the last good build")
            upstream = context.assets_def.asset_deps
            chosen = context.selected_asset_keys
            for key in TopologicalSorter({key: upstream[key] for key in chosen}).static_order():
                if key in chosen:
                    yield dg.MaterializeResult(asset_key=key, metadata={"unchanged": True})
            standing = run.standing_failures("check_name")
            for check in context.selected_asset_check_keys:
                yield dg.AssetCheckResult(
                    asset_key=check.asset_key,
                    check_name=check.name,
                    passed=check.name not in standing,
                    metadata={"unchanged": True},
                )
            return
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
            failed = [row["check_name"] for row in run.checks[0].iter_rows(named=True)
                      if row["status"] == "failed" and row["severity"] == "error"]  # fmt: skip
            raise gate_error(failed or [str(invocation.get_error())])
