"""Marts counted a second time, from landed files by SQL of its own: every cell must be the same."""

import shutil
from pathlib import Path

import duckdb
import pytest

from benchmarks.reference import TABLES, build, differences


@pytest.fixture(scope="module")
def reference(finished_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the tables of the floor, of what the small shop landed."""
    path = tmp_path_factory.mktemp("reference") / "floor.duckdb"
    with duckdb.connect(path) as con:
        build(con, finished_home / "data/landing", "Asia/Shanghai")
    return path


def test_published_cells_are_those_of_the_reference(finished_home: Path, reference: Path) -> None:
    published = (finished_home / "data/published/current.duckdb").resolve()
    with duckdb.connect(reference) as con:
        assert list(differences(con, published)) == []


def test_a_changed_cell_and_a_lost_row_of_any_table_are_told(
    finished_home: Path, reference: Path, tmp_path: Path
) -> None:
    published = (finished_home / "data/published/current.duckdb").resolve()
    changed = shutil.copyfile(published, tmp_path / "changed.duckdb")
    figures = {"fct_sessions": "event_count", "fct_orders": "paid_amount",
               "dim_customer": "net_sales", "fct_funnel_daily": "entered_count",
               "fct_attribution_daily": "credited_revenue"}  # fmt: skip
    with duckdb.connect(changed) as con:
        for table in TABLES:
            figure = figures.get(
                table.name, "gmv" if table.name.startswith("fct_gmv") else "retained_count"
            )
            of_one = (
                f"rowid = (select min(rowid) from marts.{table.name} where {table.where}"
                f" and {figure} > 0)"
            )
            con.execute(f"update marts.{table.name} set {figure} = {figure} + 1 where {of_one}")
        con.execute(
            "delete from marts.fct_orders where rowid = (select max(rowid) from marts.fct_orders)"
        )
    with duckdb.connect(reference) as con:
        told = list(differences(con, changed))
    assert {line.partition(".")[0] for line in told} == {table.name for table in TABLES}
    assert any(line.startswith("fct_orders.is_paid: 1 of") for line in told)


def test_cohorts_are_unknown_only_where_days_are_missing_or_to_come(finished_home: Path) -> None:
    published = (finished_home / "data/published/current.duckdb").resolve()
    with duckdb.connect(published, read_only=True) as con:
        unknown = con.execute(
            "select count(*) from marts.fct_retention_daily"
            " where kind = 'visit' and retained_count is null and gap_day_count = 0"
            " and cohort_date + period_number < (select max(business_date) from marts.fct_sessions)"
        ).fetchall()
    assert unknown == [(0,)]
