"""Products, categories, stock and suppliers of the golden shop, by hand from README.md."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.golden import stock
from tests.support.raw import read

NOVEMBER = {n: date(2026, 11, n) for n in range(1, 30)}


def test_stock_of_the_warehouse(golden_build: Path) -> None:
    """On the 10th nobody counted, on the 12th one piece had gone; after the 9th P3 is not told."""
    rows = read(
        golden_build,
        "select product_id, business_date, opening, received, sold, returned, on_hand,"
        " unexplained_units, is_balanced, is_stock_out, stock_amount::double, days_without_sale"
        " from marts.fct_inventory_daily where source = 'erp' and business_date <= '2026-11-13'"
        " and (product_id = 'P1' or business_date <= '2026-11-10')",
    )
    none = None
    assert set(rows.rows()) == {
        ("P1", NOVEMBER[8], none, none, none, none, 10, none, none, False, 400.0, none),
        ("P1", NOVEMBER[9], 10, 0, 3, 0, 7, 0, True, False, 280.0, 0),
        ("P1", NOVEMBER[10], 7, 0, 1, 0, none, none, none, none, none, 0),
        ("P1", NOVEMBER[11], none, 0, 3, 0, 3, 0, True, False, 120.0, 0),
        ("P1", NOVEMBER[12], 3, 0, 0, 1, 3, -1, False, False, 120.0, 1),
        ("P1", NOVEMBER[13], 3, 5, 4, 0, 4, 0, True, False, 160.0, 0),
        ("P3", NOVEMBER[8], none, none, none, none, 2, none, none, False, none, none),
        ("P3", NOVEMBER[9], 2, 0, 2, 0, 0, 0, True, True, none, 0),
        ("P3", NOVEMBER[10], 0, 0, 0, 0, none, none, none, none, none, 1),
    }


def test_categories_of_9_november(golden_build: Path) -> None:
    """T4 has both; E bought a hat and shoes, S4 nobody known; v1 saw both, v2 shoes."""
    rows = read(
        golden_build,
        "select platform, category, orders, units, gmv::double, buyers, views, product_visitors,"
        " conversion_rate from marts.fct_category_daily where business_date = '2026-11-09'",
    )
    assert set(rows.rows()) == {
        ("tmall", "hats", 2, 2, 180.0, 2, None, None, None),
        ("tmall", "shoes", 2, 2, 70.0, 1, None, None, None),
        ("shopify", "hats", 1, 1, 100.0, 1, 1, 1, 1.0),
        ("shopify", "shoes", 2, 2, 80.0, 1, 2, 2, 0.5),
    }


def test_products_of_the_days(golden_build: Path) -> None:
    """The gift of T11 is an order without a piece; shopify has events on the 11th, tmall never."""
    rows = read(
        golden_build,
        "select business_date, product_key, orders, buyers, units, gmv::double, views,"
        " product_visitors from marts.fct_product_daily where product_key in"
        " ('shopify|P2', 'tmall|GIFT-1') and business_date >= '2026-11-09'",
    )
    assert set(rows.rows()) == {
        (NOVEMBER[9], "shopify|P2", 1, 1, 1, 50.0, 2, 2),
        (NOVEMBER[10], "shopify|P2", 1, 1, 1, 50.0, 0, 0),
        (NOVEMBER[11], "shopify|P2", 1, 1, 1, 50.0, 0, 0),
        (NOVEMBER[12], "tmall|GIFT-1", 1, 1, 0, 0.0, None, None),
    }


def test_the_supplier_of_november(golden_build: Path) -> None:
    """Late by three days, twelve after the order; one of six refused; nothing bought before."""
    [row] = read(
        golden_build,
        "select orders, ordered_amount::double, on_time_rate, fill_rate, defect_rate, return_rate,"
        " lead_time_days, price_index, quality_points, delivery_points, score, grade"
        " from marts.fct_supplier_monthly where source = 'erp'",
    ).rows()
    # of P1 eleven were sold and one came back
    assert row == (1, 240.0, 0.0, 1.0, 1 / 6, 1 / 11, 12.0, None, 0.0, 0.0, 0.0, "D")


def test_a_product_is_known_by_its_source(golden_build: Path) -> None:
    """A warehouse's P1 borrows the description of a shop's; units: tmall 7; S2, S9; O1, O5, O6."""
    rows = read(
        golden_build,
        "select product_key, product_name, category, units from marts.dim_product"
        " where product_id = 'P1'",
    )
    assert set(rows.rows()) == {
        (f"{source}|P1", "P1", "hats", units)
        for source, units in
        {"tmall": 7, "shopify": 2, "pos": 3, "erp": None, "depot": None}.items()
    }  # fmt: skip


def days_of_depot() -> pl.DataFrame:
    """Every day of the depot by product and place, reckoned in polars from the deliveries."""
    cell = ["product_id", "warehouse"]
    counts = stock.snapshots().filter(pl.col("source") == "depot").rename({"snapshot_date": "day"})
    moves = stock.movements().filter(pl.col("source") == "depot")
    moves = moves.with_columns(day=pl.col("moved_at").dt.date())
    flows = moves.group_by(*cell, "day").agg(
        net=pl.col("quantity").sum(),
        sold=-pl.col("quantity").filter(pl.col("kind") == "sale").sum(),
        returned=pl.col("quantity").filter(pl.col("kind") == "return").sum(),
    )
    first = pl.concat([counts.select(*cell, "day"), flows.select(*cell, "day")])
    spans = first.group_by(cell).agg(pl.col("day").min())
    last = date(2026, 11, 13)
    days = spans.with_columns(day=pl.date_ranges("day", last)).explode("day")
    days = days.join(counts.drop("source"), [*cell, "day"], "left").join(
        flows, [*cell, "day"], "left"
    )
    return days.with_columns(pl.col("net", "sold", "returned").fill_null(0)).sort(*cell, "day")


def test_the_depot_by_another_way(golden_build: Path) -> None:
    """The same table, day by day in plain loops over frames: breaches, lost sales, cover."""
    days, expected = days_of_depot(), {}
    everything = {(r["product_id"], r["warehouse"], r["day"]): r for r in days.to_dicts()}
    for (one, place, day), row in everything.items():
        before = [
            everything[key]
            for key in everything
            if key[:2] == (one, place) and key[2] < day
        ]  # fmt: skip
        counted = [r for r in before if r["on_hand"] is not None]
        gap = None
        if counted and row["on_hand"] is not None:
            since = [r["net"] for r in before if r["day"] > counted[-1]["day"]] + [row["net"]]
            gap = row["on_hand"] - counted[-1]["on_hand"] - sum(since)
        lost = None if row["on_hand"] is None else 0.0
        stocked = [r for r in before[-28:] if (r["on_hand"] or 0) > 0]
        if row["on_hand"] == 0:
            lost = None
            if len(stocked) >= 14:
                mine = sum(r["sold"] for r in stocked)
                others = sum(_others(everything, r) for r in stocked)
                lost = max(mine / others * _others(everything, row) - row["sold"], 0.0)
        four = [r for r in [*before, row][-28:] if (r["on_hand"] or 0) > 0]
        daily = sum(r["sold"] for r in four) / len(four) if four else None
        cover = row["on_hand"] / daily if daily and row["on_hand"] is not None else None
        expected[one, place, day] = (gap, lost, cover)
    found = read(
        golden_build,
        "select product_id, warehouse, business_date, unexplained_units, lost_sales_units,"
        " days_of_stock from marts.fct_inventory_daily where source = 'depot'",
    )
    made = {row[:3]: row[3:] for row in found.iter_rows()}
    assert made.keys() == expected.keys() and len(made) == 6 * 71
    for key, told in expected.items():
        for mine, other in zip(made[key], told, strict=True):
            same = mine is other if other is None else mine == pytest.approx(other, rel=1e-12)
            assert same, (key, made[key], told)
    assert sum(gap not in (None, 0) for gap, _, _ in expected.values()) >= 3
    assert sum(bool(lost) for _, lost, _ in expected.values()) >= 5


def _others(everything: dict, row: dict) -> int:  # type: ignore[type-arg]
    """Pieces of other products sold from the same place on the same day."""
    return sum(
        r["sold"]
        for (one, place, day), r in everything.items()
        if place == row["warehouse"] and day == row["day"] and one != row["product_id"]
    )
