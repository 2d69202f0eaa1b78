"""Incremental equals full: after any sequence of arrivals, cell for cell, in every table.

The reference is the same SQL in full mode, so an error common to both is for other tests.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import duckdb
import pytest

from tests.support.arrivals import Company
from tests.support.raw import PROJECT, run_dbt, write_raw

SELECTION = "fct_orders fct_order_items fct_sessions fct_funnel_daily"
TABLES = [
    "staging.stg_raw__orders",
    "staging.stg_raw__order_items",
    "staging.stg_raw__refunds",
    "staging.stg_raw__events",
    "staging.stg_raw__products",
    "staging.stg_raw__traffic_daily",
    "staging.stg_raw__campaign_spend",
    "intermediate.int_order_items_shared",
    "intermediate.int_orders_rolled_up",
    "intermediate.int_orders_linked",
    "intermediate.int_sessions_built",
    "intermediate.int_funnel_sessions_counted",
    "intermediate.int_funnel_visitors_counted",
    "marts.fct_orders",
    "marts.fct_order_items",
    "marts.fct_sessions",
    "marts.fct_funnel_daily",
]
TABLES = [
    table for table in TABLES if list((PROJECT / "models").rglob(f"{table.split('.')[1]}.sql"))
]


def differences(built: Path, reference: Path) -> dict[str, int]:
    """Rows that one file has and the other has not, by table, for the tables that differ."""
    with duckdb.connect() as con:
        con.execute(f"attach '{built}' as built (read_only)")
        con.execute(f"attach '{reference}' as reference (read_only)")
        found = {}
        for table in TABLES:
            mine, other = f"built.{table}", f"reference.{table}"
            query = (
                f"select count(*) from ((from {mine} except all from {other})"
                f" union all (from {other} except all from {mine}))"
            )
            row = con.execute(query).fetchone()
            if row is not None and row[0]:
                found[table] = int(row[0])
    return found


def build(project: Path, file: Path, company: Company, *options: str) -> None:
    write_raw(file, company.frames(), batches=company.ledger())
    staging = "channel_map stg_raw__traffic_daily stg_raw__campaign_spend"
    marts = " ".join(f"+{name}" for name in SELECTION.split())
    selection = options or ("--select", *f"{staging} {marts}".split())
    run_dbt(project, file, "build", *selection, "--exclude-resource-type", "test", "unit_test")


def full_build(project: Path, file: Path, company: Company) -> None:
    file.unlink(missing_ok=True)
    build(project, file, company)


def walk(project: Path, folder: Path, seed: int, steps: int) -> Iterator[dict[str, int]]:
    """Build after each of some random arrivals; yields what differs from the full build."""
    company, random = Company(seed), Random(seed)
    built, reference = folder / "built" / "kpi.duckdb", folder / "reference" / "kpi.duckdb"
    for _ in range(4):
        company.step()
    for _ in range(steps):
        build(project, built, company)
        full_build(project, reference, company)
        yield differences(built, reference)
        company.step()
        if random.random() < 0.3:  # a run that left the marts out; the next one must make up for it
            build(project, built, company, "--select", "path:models/staging", "channel_map")
            company.step()


@pytest.mark.parametrize("seed", [1, 2])
def test_incremental_equals_full(seed: int, tmp_path: Path) -> None:
    for number, found in enumerate(walk(PROJECT, tmp_path, seed, steps=4)):
        assert found == {}, f"seed {seed}, build {number}"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 130))
def test_incremental_equals_full_long(seed: int, tmp_path: Path) -> None:
    for number, found in enumerate(walk(PROJECT, tmp_path, seed, steps=8)):
        assert found == {}, f"seed {seed}, build {number}"
