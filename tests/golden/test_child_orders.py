"""Child orders of one main order in different states: lines, products and margins by hand.

M has four children: m1 of 10.00 is paid, m2 of 20.00 was closed and never paid, m3 of 5.00 was
paid and then refunded, m4 of 18.00 was paid and then closed. GMV of M is 10 + 5 + 18 = 33.00, and
nothing of m2 is in any figure of what was sold. D has a paid child and one with its deposit only:
the order is not fully paid yet, so none of it counts.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from orchestration.build.insight_frames import REFUNDS
from tests.support.raw import build_all, read, write_raw

DAY = date(2026, 3, 2)
PAID_AT = datetime(2026, 3, 2, 4)
CHILDREN = [
    ("m1", "M", "paid", PAID_AT, "10.00", "shoes"),
    ("m2", "M", "closed", None, "20.00", "hats"),
    ("m3", "M", "refunded", PAID_AT, "5.00", "shoes"),
    ("m4", "M", "closed", PAID_AT, "18.00", "bags"),
    ("d1", "D", "paid", PAID_AT, "10.00", "shoes"),
    ("d2", "D", "deposit_paid", None, "50.00", "hats"),
]


@pytest.fixture(scope="module")
def build_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop of two main orders, built with every dbt test."""
    orders = [
        {"order_id": child, "parent_order_id": main, "platform": "site", "shop_id": "s",
         "customer_key": "A", "ordered_at": datetime(2026, 3, 2, 3), "paid_at": paid_at,
         "status": status, "currency": "CNY", "order_amount": Decimal(amount)}
        for child, main, status, paid_at, amount, _ in CHILDREN
    ]  # fmt: skip
    items = [
        {"order_id": child, "line_number": 1, "product_id": category, "category": category,
         "quantity": 2, "unit_price": Decimal(amount) / 2, "cost_amount": Decimal(amount) / 5}
        for child, _, _, _, amount, category in CHILDREN
    ]  # fmt: skip
    refund = {"refund_id": "r", "order_id": "m3", "product_id": "shoes", "amount": Decimal("5.00"),
              "refunded_at": PAID_AT, "kind": "return", "status": "succeeded"}  # fmt: skip
    file = tmp_path_factory.mktemp("children") / "working.duckdb"
    write_raw(file, {
        "orders": pl.DataFrame(orders, infer_schema_length=None),
        "order_items": pl.DataFrame(items).with_columns(is_gift=False, is_goods=True),
        "refunds": pl.DataFrame([refund]),
    })  # fmt: skip
    build_all(file)
    return file


def test_a_line_pays_what_its_child_order_paid(build_file: Path) -> None:
    lines = read(
        build_file,
        "select sub_order_id, business_date, paid_amount::double, placed_amount::double"
        " from marts.fct_order_items order by all",
    )
    assert lines.rows() == [
        ("d1", None, 0.0, 10.0),
        ("d2", None, 0.0, 50.0),
        ("m1", DAY, 10.0, 10.0),
        ("m2", None, 0.0, 20.0),
        ("m3", DAY, 5.0, 5.0),
        ("m4", DAY, 18.0, 18.0),
    ]


def test_the_main_order_is_the_sum_of_its_paid_lines(build_file: Path) -> None:
    orders = read(
        build_file,
        "select order_id, is_paid, paid_amount::double, refunded_amount::double, units"
        " from marts.fct_orders order by all",
    )
    assert orders.rows() == [("D", False, 0.0, 0.0, 0), ("M", True, 33.0, 5.0, 6)]


def test_products_and_categories_count_what_was_paid(build_file: Path) -> None:
    products = read(
        build_file,
        "select product_id, orders, units, gmv::double, refunded_amount::double"
        " from marts.dim_product where orders > 0 order by all",
    )
    assert products.rows() == [("bags", 1, 2, 18.0, 0.0), ("shoes", 1, 4, 15.0, 5.0)]
    preferred = read(build_file, "select preferred_category from marts.dim_customer")
    assert preferred.rows() == [("bags",)]


def test_the_margin_bears_the_cost_of_what_was_paid(build_file: Path) -> None:
    """Goods of 33.00 cost 6.60; 5.00 of 33.00 came back, and with it 1.00 of the cost."""
    margin = read(build_file, "select margin_amount::double from intermediate.int_order_margins")
    assert margin.rows() == [(33.0 - 5.0 - 5.6,)]


def test_a_refund_of_a_child_is_one_of_its_main_order(build_file: Path) -> None:
    assert read(build_file, REFUNDS).rows() == [(DAY, "site", 1, 5.0)]
