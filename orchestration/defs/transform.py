"""dbt as Dagster assets: staging, intermediate, marts, quality. Keys follow schema and name.

They are those that `dagster_dbt` would make of the manifest, without the import of dbt, which most
runs do without.
"""

import contextlib
import io
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import polars as pl

from orchestration.build import dbt
from orchestration.build.audit import failed_errors
from orchestration.build.results import Result
from orchestration.defs.execution import step
from orchestration.errors import memory_full, without_values
from orchestration.run import Run, gate_error, log
from orchestration.trouble import of_words

_BUILT = ("model.", "seed.")


def _key(manifest: Mapping[str, Any], node: str) -> dg.AssetKey:
    if node.startswith("source."):
        source = manifest["sources"][node]
        return dg.AssetKey([source["source_name"], source["name"]])
    name = manifest["nodes"][node]["name"]
    return dg.AssetKey([manifest["nodes"][node]["schema"], name])


def asset_specs(manifest: Mapping[str, Any]) -> list[dg.AssetSpec]:
    """Every model and seed of a manifest as an asset."""
    return [
        dg.AssetSpec(
            _key(manifest, name),
            deps=[_key(manifest, one) for one in node["depends_on"].get("nodes", [])],
            description=f"{node['description']}\n\n#### Raw SQL:\n```sql\n"
            + textwrap.indent(node["raw_code"], "    ")
            + "\n```",
            metadata={
                "dagster/table_name": f"{node['database']}.{node['schema']}.{node['name']}",
                "dagster/column_schema": dg.TableSchema(
                    [
                        dg.TableColumn(
                            column["name"], column["data_type"] or "?", column["description"]
                        )
                        for column in node["columns"].values()
                    ]
                ),
            },
            skippable=True,
            group_name=node["meta"].get("dagster", {}).get("group") or node["config"]["group"],
            kinds={"dbt", "duckdb"},
        )
        for name, node in manifest["nodes"].items()
        if name.startswith(_BUILT)
    ]


def check_specs(manifest: Mapping[str, Any]) -> list[dg.AssetCheckSpec]:
    """Every data test of a manifest that is about one model or seed as a check of it."""
    specs = []
    for name, node in manifest["nodes"].items():
        read = node["depends_on"].get("nodes", [])
        about = read[0] if len(read) == 1 else node.get("attached_node")
        if name.startswith("test.") and about and about.startswith(_BUILT):
            specs.append(
                dg.AssetCheckSpec(
                    node["name"],
                    asset=_key(manifest, about),
                    additional_deps=[_key(manifest, one) for one in read if one != about],
                    blocking=node["config"]["severity"].lower() == "error",
                )
            )
    return specs


dbt.prepare_manifest()


@dg.multi_asset(
    name="transform",
    specs=asset_specs(dbt.manifest()),
    check_specs=check_specs(dbt.manifest()),
    can_subset=True,
)
@step("transform")
def transform(context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]) -> Iterator[Any]:
    """Build and test every table in the working build."""
    arguments = run.begin_build()
    full = "--full-refresh" in arguments
    log.info("dbt %s", "rebuilds everything" if full else "adds what is new")
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
    context: dg.AssetExecutionContext, results: Mapping[str, Result]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What dbt built and tested, as Dagster shows it."""
    manifest, checks = dbt.manifest(), {key.name: key for key in context.selected_asset_check_keys}
    for name, result in results.items():
        seconds = {"Execution Duration": result.execution_time}
        node = manifest["nodes"].get(name)  # None of what dbt tells of hooks and exposures
        if result.status == "success" and name.startswith(_BUILT):
            yield dg.MaterializeResult(asset_key=_key(manifest, name), metadata=seconds)
        elif node and (check := checks.get(node["name"])):
            is_warning = node["config"]["severity"].lower() == "warn"
            yield dg.AssetCheckResult(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=result.status == "pass",
                severity=dg.AssetCheckSeverity.WARN if is_warning else dg.AssetCheckSeverity.ERROR,
                metadata={**seconds, "failed_rows": result.failures or 0},
            )
