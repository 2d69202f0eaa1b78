"""Data tests run by what dbt compiled of them say what dbt says, on good rows and on bad ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from dbt.contracts.graph.manifest import Manifest

from orchestration.build.data_tests import run_tests, statements
from orchestration.build.dbt import parsed
from tests.support.arrivals import Company
from tests.support.raw import PROJECT, run_dbt, write_raw

# What a bad build looks like: an error, a warning, a row twice, a NULL.
FAULTS = (
    "update staging.stg_raw__orders set status = 'lost' where order_id = 'o1'",
    "update marts.fct_orders set platform = null",
    "insert into marts.dim_product from marts.dim_product limit 1",
    "insert into quality.version_conflicts from quality.version_conflicts",
    "update marts.fct_gmv_daily set gmv = gmv + 1 where dimension = 'all'",
)
Outcome = tuple[str, int | None, str | None]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of random arrivals, made bad afterwards."""
    file = tmp_path_factory.mktemp("tested") / "kpi.duckdb"
    company = Company(3)
    for _ in range(8):
        company.step()
    write_raw(file, company.frames(), batches=company.ledger())
    left_out = ["--exclude-resource-type", "test", "unit_test"]
    run_dbt(PROJECT, file, "build", "--full-refresh", *left_out)
    with duckdb.connect(file) as con:
        for statement in FAULTS:
            con.execute(statement)
    return file


@pytest.fixture(scope="module")
def told(file: Path) -> dict[str, Any]:
    """What dbt itself says of each test."""
    done = run_dbt(PROJECT, file, "test", "--exclude-resource-type", "unit_test", check=False)
    assert done.exception is None, done.exception
    results = {result.node.unique_id: result for result in done.result.results}
    return {name: result for name, result in results.items() if name.startswith("test.")}


@pytest.fixture(scope="module")
def project(file: Path) -> Manifest:
    return parsed([], file)


def success(project: Manifest) -> dict[str, Any]:
    return {name: SimpleNamespace(status="success") for name in project.nodes}


def outcomes(results: Any) -> dict[str, Outcome]:
    return {one.node.unique_id: (str(one.status), one.failures, one.message) for one in results}


def test_they_say_what_dbt_says(file: Path, told: dict[str, Any], project: Manifest) -> None:
    compiled = statements(project, told)
    assert compiled is not None and len(compiled) > 200
    found = outcomes(run_tests(project, compiled, success(project), file))
    assert found == outcomes(told.values())
    assert {"pass", "fail", "warn"} == {status for status, _, _ in found.values()}
    assert sum(status == "fail" for status, _, _ in found.values()) >= 4


def test_the_statements_are_the_same_each_time(
    told: dict[str, Any], project: Manifest, tmp_path: Path
) -> None:
    """Of another shop, with another ledger: no number of a run and no day stands in them."""
    other, company = tmp_path / "kpi.duckdb", Company(9)
    company.step()
    write_raw(other, company.frames(), batches=company.ledger())
    done = run_dbt(PROJECT, other, "compile", "--select", "resource_type:test")
    again = {result.node.unique_id: result for result in done.result.results}
    assert statements(project, again) == statements(project, told)


def test_one_that_dbt_did_not_compile_leaves_all_to_dbt(
    told: dict[str, Any], project: Manifest
) -> None:
    name = next(iter(told))
    assert statements(project, {one: told[one] for one in told if one != name}) is None


def test_of_a_table_that_was_not_built_nothing_is_said(
    file: Path, told: dict[str, Any], project: Manifest
) -> None:
    compiled = statements(project, told)
    assert compiled is not None
    built = success(project)
    missing = "model.kpi_warehouse.fct_orders"
    built[missing] = SimpleNamespace(status="error")
    found = outcomes(run_tests(project, compiled, built, file))
    skipped = {name for name, (status, _, _) in found.items() if status == "skipped"}
    nodes: Any = project.nodes
    assert skipped == {name for name in compiled if missing in nodes[name].depends_on.nodes}
    assert skipped


def test_one_that_cannot_run_has_not_passed(
    file: Path, told: dict[str, Any], project: Manifest
) -> None:
    name = next(iter(told))
    found = list(run_tests(project, {name: "select * from nowhere"}, success(project), file))
    assert [(one.status, one.failures) for one in found] == [("error", None)]
    assert found[0].message.startswith(f"Runtime Error in test {told[name].node.name} (")
