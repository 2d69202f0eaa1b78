"""Marts counted a second time, from landed files by SQL of its own: every cell must be the same."""

import shutil
from pathlib import Path

import duckdb
import pytest

from benchmarks.reference import TABLES, build, differences
from tests.support.landed import built

# Order 2 has no line: of what it is worth its pieces are not known, as is said of neither side.
SMALL_SHOP = """
shop: {name: S, currency: EUR, timezone: Europe/Berlin}
sources:
  web:
    platform: web
    shop_id: web
    timezone: Europe/Berlin
    currency: EUR
    files:
      - {path: "orders_20260408020000.csv", format: plain_orders, daily: false}
      - {path: "items_20260408020000.csv", format: plain_order_items, daily: false}
      - {path: "events_20260408020000.csv", format: plain_events, daily: false}
      - {path: "refunds_20260408020000.csv", format: plain_refunds, daily: false}
      - {path: "traffic_20260408020000.csv", format: plain_traffic_daily, daily: false}
"""
SMALL_FILES = {
    "orders_20260408020000.csv": "order_id,ordered_at,paid_at,status,customer_id,order_amount\n"
    "1,2026-04-06 09:00:00,2026-04-06 09:01:00,completed,c1,30\n"
    "2,2026-04-06 10:00:00,2026-04-06 10:01:00,completed,c2,20\n"
    "3,2026-04-06 11:00:00,,unpaid,c3,20\n",
    "items_20260408020000.csv": "order_id,line_id,product_id,quantity,unit_price\n1,1,P1,3,10\n",
    "events_20260408020000.csv": "visitor_id,occurred_at,event_type\nv1,2026-04-06 08:00:00,home\n",
    "refunds_20260408020000.csv": "refund_id,order_id,refunded_at,amount,kind,status\n"
    "r1,1,2026-04-07 12:00:00,3,refund_only,succeeded\n",
    "traffic_20260408020000.csv": "traffic_date,grain,segment,visitors\n2026-04-06,shop,all,3\n",
}


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


def test_the_pieces_of_an_order_without_lines_are_known_to_neither(tmp_path: Path) -> None:
    file = built(tmp_path / "shop", SMALL_SHOP, SMALL_FILES)
    units = "select order_id, units from {}fct_orders order by order_id"
    with duckdb.connect() as con:
        build(con, tmp_path / "shop/data/landing", "Europe/Berlin")
        con.execute(f"attach '{file}' as product (read_only)")
        floor = con.execute(units.format("")).fetchall()
        product = con.execute(units.format("product.marts.")).fetchall()
    assert floor == product == [("1", 3), ("2", None), ("3", 0)]


def test_cohorts_are_unknown_only_where_days_are_missing_or_to_come(finished_home: Path) -> None:
    published = (finished_home / "data/published/current.duckdb").resolve()
    with duckdb.connect(published, read_only=True) as con:
        unknown = con.execute(
            "select count(*) from marts.fct_retention_daily"
            " where kind = 'visit' and retained_count is null and gap_day_count = 0"
            " and cohort_date + period_number < (select max(business_date) from marts.fct_sessions)"
        ).fetchall()
    assert unknown == [(0,)]
