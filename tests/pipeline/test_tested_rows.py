"""Data tests of a partial run read what it changed: they find a bad row there, whatever its day."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from orchestration.build.data_tests import run_tests, statements
from orchestration.build.dbt import manifest, prepare_manifest
from orchestration.build.results import of_dbt
from tests.support.arrivals import START, Company, Row
from tests.support.raw import PROJECT, read, run_dbt, write_raw

# Where a bad row of a feed comes to light: table, its test, and how the row is made.
FAULTS = {
    "a state no order has": (
        "stg_raw__orders",
        "accepted_values_stg_raw__orders_status",
        "orders",
        lambda row: [row | {"status": "lost"}],
    ),
    "an order of no platform": (
        "fct_orders",
        "not_null_fct_orders_platform",
        "orders",
        lambda row: [row | {"platform": None, "parent_order_id": None}],
    ),
    "a day told twice": (
        "stg_raw__traffic_daily",
        "unique_grain_stg_raw__traffic_daily",
        "traffic_daily",
        lambda row: [row | {"_row_key": key, "_unit_key": key} for key in "ab"],
    ),
}


def bad_rows(company: Company, fault: str, day: date) -> tuple[str, list[Row]]:
    """The feed and the rows of a fault on a day."""
    _, _, feed, made = FAULTS[fault]
    if feed == "orders":
        at = START + timedelta(days=(day - START.date()).days, hours=5)
        order = company._order("o99")
        return feed, made(order | {"ordered_at": at, "paid_at": at, "status": "paid"})
    row = {"traffic_date": day, "platform": "tmall", "shop_id": "s1", "grain": "shop",
           "segment": "late", "visitors": 3}  # fmt: skip
    return feed, made(row)


def failing(file: Path, company: Company, table: str, *, tests_all: bool) -> set[str]:
    """Build staging and a table with what has arrived; names of the tests that failed on it."""
    write_raw(file, company.frames(), batches=company.ledger(), tests_all=tests_all)
    only = ["--exclude-resource-type", "test", "unit_test", "--select", f"+{table}"]
    done = map(of_dbt, run_dbt(PROJECT, file, "build", *only).result)
    built = {one.unique_id: one for one in done}
    project, compiled = compiled_by(file)
    tests = {
        name: sql
        for name, sql in compiled.items()
        if set(project["nodes"][name]["depends_on"]["nodes"]) <= built.keys()
    }
    return {
        project["nodes"][one.unique_id]["name"]
        for one in run_tests(project, tests, built, file)
        if one.status in {"fail", "error"}
    }


@cache
def compiled_by(file: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The project and what dbt compiles of its tests, with any build file of that name."""
    done = run_dbt(PROJECT, file, "compile", "--select", "resource_type:test")
    prepare_manifest()
    project = manifest()
    compiled = statements(project, {one.unique_id: one for one in map(of_dbt, done.result)})
    assert compiled is not None
    return project, compiled


def walk(file: Path, seed: int, fault: str) -> None:
    """Build, let a bad row of any day arrive, build in part; then see what reads all rows."""
    company, random = Company(seed), Random(seed)
    table, test, _, _ = FAULTS[fault]
    for _ in range(4):
        company.step()
    assert failing(file, company, table, tests_all=False) == set()
    company.step()
    back = random.randint(0, company.today)
    company._land(*bad_rows(company, fault, START.date() + timedelta(days=company.today - back)))
    [found] = failing(file, company, table, tests_all=False)
    assert found.startswith(test)
    assert read(file, f"select count(*) as n from incremental.changes where model = '{table}'"
                " and day is null").item() <= 1, "built in part"  # fmt: skip
    # It stands in the table now, and the next run changes other rows.
    company.events()
    assert failing(file, company, table, tests_all=False) == set()
    assert {one.partition(".")[0] for one in failing(file, company, table, tests_all=True)} == {
        found.partition(".")[0]
    }


@pytest.mark.parametrize(("seed", "fault"), list(enumerate(FAULTS, start=1)))
def test_a_late_bad_row_is_found(seed: int, fault: str, tmp_path: Path) -> None:
    """And only there: the same row is not read again by a run that did not touch it."""
    walk(tmp_path / "working.duckdb", seed, fault)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 30))
@pytest.mark.parametrize("fault", list(FAULTS))
def test_late_bad_rows_are_found(seed: int, fault: str, tmp_path: Path) -> None:
    walk(tmp_path / "working.duckdb", seed, fault)
