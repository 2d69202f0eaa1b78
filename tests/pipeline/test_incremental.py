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

SCHEMAS = "('staging', 'intermediate', 'marts')"
MARTS = ("fct_orders", "fct_order_items", "fct_sessions", "fct_funnel_daily", "fct_gmv_daily")
# Rebuilt in full from incremental tables, but for `int_touches_credited`, whose days reach 31 days
# after a session: both kinds must hold after any sequence of arrivals.
WIDE = ("fct_attribution_daily", "fct_sales_ladder_daily", "fct_retention_daily",
        "fct_retention_monthly", "fct_gmv_weekly", "fct_gmv_monthly", "fct_channel_daily",
        "dim_product", "dim_customer", "dim_campaign")  # fmt: skip


def differences(built: Path, reference: Path) -> dict[str, int]:
    """Rows that one file has and the other has not, by table, for the tables that differ."""
    with duckdb.connect() as con:
        con.execute(f"attach '{built}' as built (read_only)")
        con.execute(f"attach '{reference}' as reference (read_only)")
        tables = con.execute(
            "select distinct table_schema || '.' || table_name from information_schema.tables"
            f" where table_schema in {SCHEMAS} and table_catalog in ('built', 'reference')"
            " and table_type = 'BASE TABLE'"
        ).fetchall()
        assert len(tables) > 12
        found = {}
        for (table,) in tables:
            mine, other = f"built.{table}", f"reference.{table}"
            row = con.execute(
                f"select count(*) from ((from {mine} except all from {other})"
                f" union all (from {other} except all from {mine}))"
            ).fetchone()
            if row is not None and row[0]:
                found[table] = int(row[0])
    return found


def build(project: Path, file: Path, company: Company, *tables: str, full: bool = False) -> None:
    """One dbt run on what has arrived so far; incremental where the file is a build already."""
    write_raw(file, company.frames(), batches=company.ledger())
    selection = ["path:models/staging", *(f"+{table}" for table in tables)]
    left_out = ["--exclude-resource-type", "test", "unit_test"]
    options = [*left_out, "--full-refresh"] if full else left_out
    run_dbt(project, file, "build", "--select", *selection, *options)


def walk(
    project: Path, folder: Path, seed: int, steps: int, marts: tuple[str, ...] = MARTS
) -> Iterator[dict[str, int]]:
    """Build after each of some random arrivals; yields what differs from the full build."""
    company, random = Company(seed), Random(seed)
    built, reference = folder / "built" / "kpi.duckdb", folder / "reference" / "kpi.duckdb"
    for _ in range(4):
        company.step()
    for _ in range(steps):
        build(project, built, company, *marts)
        reference.unlink(missing_ok=True)
        build(project, reference, company, *marts)
        yield differences(built, reference)
        company.step()
        if random.random() < 0.15:  # half of the tables anew: those below must notice
            build(project, built, company, "int_sessions_built", full=True)
            company.step()
        if random.random() < 0.3:  # a run that left the marts out; the next must make up for it
            build(project, built, company, "int_orders_rolled_up")
            company.step()


@pytest.mark.parametrize(("seed", "marts"), [(1, MARTS), (2, WIDE)], ids=["core", "wide"])
def test_incremental_equals_full(seed: int, marts: tuple[str, ...], tmp_path: Path) -> None:
    for number, found in enumerate(walk(PROJECT, tmp_path, seed, steps=2, marts=marts)):
        assert found == {}, f"seed {seed}, build {number}"


@pytest.mark.long
@pytest.mark.parametrize("seed", [*range(100, 130), *range(200, 212)])
def test_incremental_equals_full_over_many_arrivals(seed: int, tmp_path: Path) -> None:
    steps, marts = (8, MARTS) if seed < 200 else (6, WIDE)
    for number, found in enumerate(walk(PROJECT, tmp_path, seed, steps, marts)):
        assert found == {}, f"seed {seed}, build {number}"


# Forms of the pattern that are known to be wrong; the comparison must see each.
MUTATIONS = {
    # A day or key that has become empty keeps its old rows.
    "replaces only what the result holds": (
        "incremental_replace.sql",
        "' where ' ~ stale_rows(rule)",
        "' where (' ~ stale_rows(rule) ~ ') and ' ~ (rule.key or rule.day or '1')"
        " ~ ' in (select ' ~ (rule.key or rule.day or '1') ~ ' from ' ~ args.temp_relation ~ ')'",
    ),
    # The day a row has left is not told downstream.
    "logs only the new rows": (
        "incremental_replace.sql",
        "' (select ' ~ compared ~ ' from ' ~ stale ~ ' except all select '",
        "' (select ' ~ compared ~ ' from ' ~ stale ~ ' where false except all select '",
    ),
    # A refund, line or purchase keeps the order that its name stood for when it came.
    "names are not looked up again": (
        "latest_versions.sql",
        '{% if run_query("select count(*) from (" ~ keys ~ ")").rows[0][0] > 0 %}',
        "{% if false %}",
    ),
    # Later orders of a customer keep their number.
    "no suffix": ("incremental_scope.sql", "config.meta.replace.suffix", "config.meta.nothing"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", list(MUTATIONS))
def test_the_comparison_sees_a_wrong_form(name: str, tmp_path: Path) -> None:
    seen = mutated_walk(name, tmp_path, seeds=range(100, 106), steps=8)
    assert seen, f"{name}: not seen"


@pytest.mark.long
def test_the_comparison_sees_stale_days(tmp_path: Path) -> None:
    assert mutated_walk("replaces only what the result holds", tmp_path, range(1, 4), steps=5)


def mutated_walk(name: str, folder: Path, seeds: range, steps: int) -> bool:
    """Whether random arrivals show the mutation of this name to be wrong."""
    project = folder / "dbt_project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    file, right, wrong = MUTATIONS[name]
    macro = project / "macros" / "incremental" / file
    assert right in macro.read_text()
    macro.write_text(macro.read_text().replace(right, wrong))
    return any(
        found
        for seed in seeds
        for found in walk(project, folder / str(seed), seed, steps, marts=MARTS[:3])
    )
