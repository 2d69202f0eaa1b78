"""What the simulator plants about stock and suppliers is what the marts of goods say of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from simulator.demand import ordinal
from simulator.world import make_world, product_number
from tests.support import simulated
from tests.support.raw import PROJECT, read, run_dbt, write_raw
from tests.support.simulated import rows, truth

pytestmark = pytest.mark.long
FEEDS = {
    "inventory_snapshots": ("snapshot_date", "product_id", "warehouse"),
    "inventory_movements": ("movement_id",),
    "purchase_orders": ("po_id", "po_line"),
}


@pytest.fixture(scope="module")
def build(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Marts of goods of the long shop, from its warehouse's files alone."""
    file = tmp_path_factory.mktemp("goods") / "working.duckdb"
    frames = {}
    for feed, key in FEEDS.items():
        frame = rows(shop, f"erp/{feed}", *key).with_columns(
            pl.col(pl.Datetime).dt.offset_by("-8h"), source=pl.lit("erp")
        )
        if feed == "purchase_orders":
            frame = frame.with_columns(pl.col("unit_cost").cast(pl.Float64))
        frames[feed] = frame
    # a day of traffic at each end, so that the calendar reaches over the data
    ends = (simulated.LONG_START, simulated.LONG_AS_OF)
    frames["traffic_daily"] = pl.DataFrame(
        {"traffic_date": day, "platform": "tmall", "shop_id": "t", "grain": "shop",
         "segment": "all", "visitors": 1} for day in ends
    )  # fmt: skip
    write_raw(file, frames)
    run_dbt(PROJECT, file, "build", "--full-refresh", "--exclude-resource-type", "unit_test",
            "--indirect-selection", "cautious", "--select", "+fct_supplier_monthly")  # fmt: skip
    return file


def test_lost_sales_are_within_15_per_cent_of_the_planted_demand(shop: Path, build: Path) -> None:
    """Planted: the product's weight among all that buyers ask for, times what else was sold."""
    world = make_world(7, 1.0, simulated.LONG_START, simulated.LONG_AS_OF)
    share = world.weights / world.weights.sum(axis=1, keepdims=True)
    sold = {
        (warehouse, day): pieces
        for warehouse, day, pieces in read(
            build,
            "select warehouse, business_date, sum(sold) from marts.fct_inventory_daily"
            " where product_id like 'P%' group by all",
        ).iter_rows()
    }
    planted, days = 0.0, 0
    for row in truth(shop, "stock_outs").to_dicts():
        for back in range((row["end_date"] - row["start_date"]).days + 1):
            day = row["start_date"] + timedelta(days=back)
            mine = share[ordinal(day) - world.first, product_number(row["product_id"])]
            planted += float(sold[row["warehouse"], day]) * mine / (1 - mine)
            days += 1
    [(found, known)] = read(
        build, "select sum(lost_sales_units), count(lost_sales_units)"
        " from marts.fct_inventory_daily where is_stock_out",
    ).rows()  # fmt: skip
    assert known == days > 10
    assert found == pytest.approx(planted, rel=0.15)


def test_the_careless_the_late_and_the_short_supplier_are_at_the_end(
    shop: Path, build: Path
) -> None:
    planted = truth(shop, "suppliers")
    marks = read(
        build, "select supplier_id, avg(defect_rate) as defect_rate, avg(on_time_rate) as"
        " on_time_rate, avg(fill_rate) as fill_rate, max_by(score, period_start) as score"
        " from marts.fct_supplier_monthly group by supplier_id",
    )  # fmt: skip
    worst = {
        marks.sort("defect_rate", descending=True)["supplier_id"][0],
        marks.sort("on_time_rate")["supplier_id"][0],
        marks.sort("fill_rate")["supplier_id"][0],
    }
    assert worst == {
        planted.sort(name, descending=True)["supplier_id"][0]
        for name in ("rejected_share", "late_share", "short_share")
    }
    assert set(marks.sort("score").head(3)["supplier_id"]) == worst


def test_books_that_balance_have_no_breach(build: Path) -> None:
    """The simulator's books balance, so no breach is found in any of them."""
    found = read(
        build,
        "select count(is_balanced), count(*) filter (where not is_balanced)"
        " from marts.fct_inventory_daily",
    ).rows()
    assert found[0][0] > 50_000 and found[0][1] == 0
