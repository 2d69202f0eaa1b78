"""What runs by kept statements is what dbt makes of the project.

Data tests say what dbt says, on good rows and on bad ones; full builds hold the same tables.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.build.data_tests import run_tests, statements
from orchestration.build.dbt import manifest, prepare_manifest
from orchestration.build.kept_builds import (
    Statements,
    reading_variables,
    repeat,
    with_variables,
)
from orchestration.build.results import Result, of_dbt
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
COLUMNS = """
select schema_name, table_name, column_name, data_type, is_nullable
from duckdb_columns()
where database_name = '{}' and schema_name <> 'raw' and not internal
order by all
"""
# Every variable of the project, as another shop might have it.
OTHERS: dict[str, Any] = {
    "reporting_timezone": "America/Lima", "reporting_currency": "USD", "week_start": "sunday",
    "session_gap_minutes": 20, "session_cap_hours": 12, "attribution_window_days": 7,
    "attribution_half_life_days": 3, "channel_own_domains": ["ours[.]example"],
    "channel_rules": [["mail", ".*", "email"]], "footprint_parcel": 0.4,
    "footprint_carriers": [["post", 0.3]], "footprint_returned": 0.2, "funnel_window_days": 0.5,
    "funnel_steps": ["product_view", "purchase"], "cost_rates": [["site", "(all)", "freight", 0.1]],
    "finance_close_day": 3, "finance_settlement_days": 10, "supplier_quality_weight": 50,
    "supplier_delivery_weight": 25, "supplier_price_weight": 25, "orphan_days": 7,
    "orphan_rows": 5, "orphan_rate": 0.1, "orphan_visit_rate": 0.2, "risk_accounts": 4,
    "risk_most_accounts": 40, "risk_refunded_orders": 2, "risk_usual_orders": 4,
    "experiment_days": 3, "experiment_pre_days": 14, "refund_ladder_days": 30,
    "quality_reasons": "broken", "retention_days": [0, 1, 7], "retention_months": [0, 1, 2],
}  # fmt: skip
Outcome = tuple[str, int | None, str | None]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Statements, list[Result]]:
    """A build of random arrivals, the statements that dbt sent, and its results."""
    file, sent = tmp_path_factory.mktemp("built") / "working.duckdb", Statements()
    _arrive(file, 3, 8)
    left_out = ["--exclude-resource-type", "test", "unit_test"]
    done: Any = run_dbt(PROJECT, file, "build", "--full-refresh", *left_out, told=sent.note)
    return file, sent, [of_dbt(one) for one in done.result.results]


def _arrive(file: Path, seed: int, steps: int) -> None:
    company = Company(seed)
    for _ in range(steps):
        company.step()
    write_raw(file, company.frames(), batches=company.ledger())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, built: tuple[Path, Any, Any]) -> Path:
    """The build, made bad afterwards."""
    file = tmp_path_factory.mktemp("tested") / "working.duckdb"
    shutil.copyfile(built[0], file)
    with duckdb.connect(file) as con:
        for statement in FAULTS:
            con.execute(statement)
    return file


@pytest.fixture(scope="module")
def told(file: Path) -> dict[str, Result]:
    """What dbt itself says of each test."""
    done = run_dbt(PROJECT, file, "test", "--exclude-resource-type", "unit_test", check=False)
    assert done.exception is None, done.exception
    results = {result.node.unique_id: of_dbt(result) for result in done.result.results}
    return {name: result for name, result in results.items() if name.startswith("test.")}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    prepare_manifest()
    return manifest()


def success(project: dict[str, Any]) -> dict[str, Result]:
    return {name: Result(name, "success") for name in project["nodes"]}


def outcomes(results: Any) -> dict[str, Outcome]:
    return {one.unique_id: (one.status, one.failures, one.message) for one in results}


def test_they_say_what_dbt_says(
    file: Path, told: dict[str, Result], project: dict[str, Any]
) -> None:
    compiled = statements(project, told)
    assert compiled is not None and len(compiled) > 200
    found = outcomes(run_tests(project, compiled, success(project), file))
    assert found == outcomes(told.values())
    assert {"pass", "fail", "warn"} == {status for status, _, _ in found.values()}
    assert sum(status == "fail" for status, _, _ in found.values()) >= 4


def test_the_statements_are_the_same_each_time(
    built: tuple[Path, Any, list[Result]],
    told: dict[str, Result],
    project: dict[str, Any],
    tmp_path: Path,
) -> None:
    """Of another shop, with another ledger: no number of a run and no day stands in them."""
    other = tmp_path / "working.duckdb"
    _arrive(other, 9, 1)
    both = ["--select", "resource_type:model", "resource_type:test"]
    done: Any = run_dbt(PROJECT, other, "compile", "--full-refresh", *both)
    again = {result.node.unique_id: of_dbt(result) for result in done.result.results}
    assert statements(project, again) == statements(project, told)
    models = {one.unique_id: one.compiled_code for one in built[2]
              if one.unique_id.startswith("model.")}  # fmt: skip
    assert len(models) > 100
    assert models == {name: again[name].compiled_code for name in models}


def test_a_repeated_full_build_has_the_same_tables(
    built: tuple[Path, Statements, list[Result]], project: dict[str, Any], tmp_path: Path
) -> None:
    file, sent, results = built
    again, kept = tmp_path / "working.duckdb", tmp_path / "sent.json"
    _arrive(again, 3, 8)
    kept.write_text(json.dumps(sent.of_all(project, results)))
    repeated = repeat(kept, again)
    assert repeated is not None
    by_dbt = {one.unique_id: one.status for one in results}
    ours = {one.unique_id: one.status for one in repeated}
    assert ours == {name: by_dbt[name] for name in by_dbt if name.startswith(("model.", "seed."))}
    assert all(one.compiled_code for one in repeated if one.unique_id.startswith("model."))
    with duckdb.connect(again) as con:
        con.execute(f"attach '{file}' as by_dbt (read_only)")
        assert con.execute(COLUMNS.format("working")).fetchall() == (
            con.execute(COLUMNS.format("by_dbt")).fetchall()
        )
        tables = {f'{schema}."{table}"' for schema, table, *_ in
                  con.execute(COLUMNS.format("working")).fetchall()}  # fmt: skip
        assert len(tables) > 100
        for table in tables:
            for one, other in (("working", "by_dbt"), ("by_dbt", "working")):
                differing = f"from {one}.{table} except all from {other}.{table}"
                assert not con.execute(differing).fetchall(), table


def test_a_full_build_that_fails_is_left_to_dbt(
    built: tuple[Path, Statements, list[Result]], project: dict[str, Any], tmp_path: Path
) -> None:
    _, sent, results = built
    kept = tmp_path / "sent.json"
    kept.write_text(
        json.dumps([["model.kpi_warehouse.fct_orders", "", ["create table a as from b"]]])
    )
    assert repeat(kept, tmp_path / "working.duckdb") is None
    missing = [one for one in results if not one.unique_id.endswith(".fct_orders")]
    assert sent.of_all(project, missing) == []


def test_one_that_dbt_did_not_compile_leaves_all_to_dbt(
    told: dict[str, Result], project: dict[str, Any]
) -> None:
    name = next(iter(told))
    assert statements(project, {one: told[one] for one in told if one != name}) is None


def test_of_a_table_that_was_not_built_nothing_is_said(
    file: Path, told: dict[str, Result], project: dict[str, Any]
) -> None:
    compiled = statements(project, told)
    assert compiled is not None
    built = success(project)
    missing = "model.kpi_warehouse.fct_orders"
    built[missing] = Result(missing, "error")
    found = outcomes(run_tests(project, compiled, built, file))
    skipped = {name for name, (status, _, _) in found.items() if status == "skipped"}
    assert skipped == {
        name for name in compiled if missing in project["nodes"][name]["depends_on"]["nodes"]
    }
    assert skipped


def test_one_that_cannot_run_has_not_passed(
    file: Path, told: dict[str, Result], project: dict[str, Any]
) -> None:
    name = next(iter(told))
    found = list(run_tests(project, {name: "select * from nowhere"}, success(project), file))
    assert [(one.status, one.failures) for one in found] == [("error", None)]
    message = found[0].message
    assert message and message.startswith(
        f"Runtime Error in test {project['nodes'][name]['name']} ("
    )


def test_of_other_variables_the_statements_are_what_dbt_would_send(
    built: tuple[Path, Statements, list[Result]], project: dict[str, Any], tmp_path: Path
) -> None:
    given = yaml.safe_load((PROJECT / "dbt_project.yml").read_text("utf-8"))["vars"]
    assert OTHERS.keys() == given.keys()
    assert all(OTHERS[name] != value for name, value in given.items())
    _, sent, results = built
    before = sent.of_all(project, results)
    other, told = tmp_path / "working.duckdb", Statements()
    _arrive(other, 3, 8)
    left_out = ["--exclude-resource-type", "test", "unit_test"]
    done: Any = run_dbt(
        PROJECT, other, "build", "--full-refresh", *left_out, vars=OTHERS, told=told.note
    )
    by_dbt = told.of_all(project, [of_dbt(one) for one in done.result.results])
    reading = set(reading_variables(project))
    adapted = with_variables(before, {name: sql for name, sql, _ in by_dbt if name in reading})
    assert adapted is not None
    assert lasting(adapted) == lasting(by_dbt)
    assert lasting(adapted) != lasting(before)


def lasting(sent: list[tuple[str, str, list[str]]]) -> dict[str, list[str]]:
    """What dbt sent but for the numbers of the build, and the turn in which it made schemas."""
    of_build = re.compile(r"\b\d{16}\b|[0-9a-f]{8}(-[0-9a-f]{4,12}){4}")
    return {
        name: sorted(of_build.sub("", one) for one in (sql, *statements))
        for name, sql, statements in sent
    }
