"""Landed totals: versions, sharing out, and the day a payment belongs to, worked out by hand."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing.reconcile import landed_totals
from tests.support.exports import Shop

ITEMS = {
    "exported_at": {"file_name": r"_(\d{14})"},
    "gift": {"products": ["^GIFT-"]},
    "non_goods": ["^POST$"],
    "feeds": {"order_items": {"columns": {
        "order_id": "o", "product_id": "p", "quantity": "q", "unit_price": "price",
        "discount_amount": "off"}}},
}  # fmt: skip
ORDERS = {
    "exported_at": {"file_name": r"_(\d{14})"},
    "feeds": {"orders": {"columns": {
        "order_id": "o", "ordered_at": "at", "paid_at": "paid", "status": "s",
        "order_amount": "v", "parent_order_id": "parent"}}},
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def put(home: Shop, *rows: str, day: int = 1) -> str:
    """Land orders `o,at,paid,s,v` exported on a day; returns the batch."""
    home.form = ORDERS
    text = "o,at,paid,s,v,parent\n" + "".join(f"{r}{',' * (5 - r.count(','))}\n" for r in rows)
    return home.land(text, f"orders_202605{day:02d}020000.csv").batch_id


def put_lines(home: Shop, *rows: str, day: int = 1) -> str:
    home.form = ITEMS
    text = "o,p,q,price,off\n" + "".join(f"{row}\n" for row in rows)
    return home.land(text, f"lines_202605{day:02d}020000.csv").batch_id


def totals(home: Shop, *batches: str) -> list[tuple[date, Decimal, int]]:
    found = landed_totals(home.root / "landing", batches, "Asia/Shanghai")
    assert found["source"].unique().to_list() in ([], ["shop"])
    assert found.schema["landed_amount"] == pl.Decimal(18, 2)
    return found.select("business_date", "landed_amount", "orders").rows()


PAID = "2026-05-01 10:00:00,2026-05-01 10:05:00,paid"


def test_paid_orders_count_on_the_local_day_of_full_payment(home: Shop) -> None:
    batch = put(
        home,
        f"1,{PAID},10.00",
        "2,2026-05-01 23:58:00,2026-05-02 00:03:00,shipped,20.00",
        "3,2026-05-01 10:00:00,,unpaid,40.00",
        "4,2026-05-01 10:00:00,2026-05-01 11:00:00,deposit_paid,80.00",
        "5,2026-05-01 10:00:00,2026-05-01 11:00:00,closed,160.00",
        "6,2026-05-01 10:00:00,,closed,320.00",
    )
    assert totals(home, batch) == [
        (date(2026, 5, 1), Decimal("170.00"), 2),
        (date(2026, 5, 2), Decimal("20.00"), 1),
    ]
    assert totals(home) == []


def test_the_newest_export_counts_whatever_the_order(home: Shop) -> None:
    new = put(home, f"1,{PAID},12.00", day=3)
    old = put(home, f"1,{PAID},10.00", f"2,{PAID},5.00", day=2)
    for batches in ((new, old), (old, new), (old, new, new, old)):
        assert totals(home, *batches) == [(date(2026, 5, 1), Decimal("17.00"), 2)]
    assert totals(home, old) == [(date(2026, 5, 1), Decimal("15.00"), 2)]


def test_postage_takes_its_share_out_of_the_goods(home: Shop) -> None:
    # 100.00 over 60 + 30 goods and 10 postage, less 0.01: shares 59.994, 29.997, 9.999 ->
    # floors 59.99, 29.99, 9.99 and two cents left to the largest remainders .9 and .7 (of a cent).
    order = put(home, f"1,{PAID},99.99")
    lines = put_lines(home, "1,A,2,30.00,0", "1,B,1,35.00,5.00", "1,POST,1,10.00,")
    assert totals(home, order, lines) == [(date(2026, 5, 1), Decimal("89.99"), 1)]


def test_the_sample_of_the_metrics_page(home: Shop) -> None:
    # 50.00 off lines of 199.00, 99.90, 29.90 and a gift: 30.26, 15.19 and 4.55 off.
    order = put(home, f"1,{PAID},278.80")
    goods = [("A", "199.00", "168.74"), ("B", "99.90", "84.71"), ("C", "29.90", "25.35")]
    for number, (_, _, alone) in enumerate(goods):
        rows = [f"1,{'A' if i == number else 'POST'},1,{price}," for i, (_, price, _) in
                enumerate(goods)]  # fmt: skip
        lines = put_lines(home, *rows, "1,GIFT-1,1,9.90,", day=number + 1)
        assert totals(home, order, lines) == [(date(2026, 5, 1), Decimal(alone), 1)]


def test_an_order_without_amount_is_worth_its_lines_and_gifts_are_worth_nothing(home: Shop) -> None:
    order = put(home, f"1,{PAID},")
    lines = put_lines(home, "1,A,3,0.335,", "1,GIFT-1,1,9.90,", "1,POST,1,5.00,")
    # 3 x 0.335 = 1.005 -> 1.01
    assert totals(home, order, lines) == [(date(2026, 5, 1), Decimal("1.01"), 1)]


def test_lines_worth_nothing_leave_the_amount_to_the_first_that_is_no_gift(home: Shop) -> None:
    order = put(home, f"1,{PAID},7.00", f"2,{PAID},3.00")
    lines = put_lines(home, "1,GIFT-1,1,9.90,", "1,A,1,0.00,", "2,POST,1,0.00,", "2,A,1,0.00,")
    assert totals(home, order, lines) == [(date(2026, 5, 1), Decimal("7.00"), 2)]


def test_a_newer_export_replaces_all_lines_of_its_orders(home: Shop) -> None:
    order = put(home, f"1,{PAID},", f"2,{PAID},")
    old = put_lines(home, "1,A,1,10.00,", "1,B,1,20.00,", "2,A,1,1.00,", day=2)
    new = put_lines(home, "1,A,1,11.00,", day=3)
    assert totals(home, order, old, new) == [(date(2026, 5, 1), Decimal("12.00"), 2)]


def test_child_orders_make_one_order_paid_when_all_are(home: Shop) -> None:
    late = "2026-05-01 10:00:00,2026-05-02 09:00:00,paid"
    batch = put(
        home,
        f"M,{PAID},30.00", f"M1,{PAID},10.00,M", f"M2,{late},20.00,M",
        f"N1,{PAID},5.00,N", "N2,2026-05-01 10:00:00,,unpaid,5.00,N", day=3,
    )  # fmt: skip
    assert totals(home, batch) == [(date(2026, 5, 2), Decimal("30.00"), 1)]


def test_parts_of_a_snapshot_of_one_instant_add_up_and_a_later_one_replaces_them(
    home: Shop,
) -> None:
    home.settings = {"delivery": "snapshot:shop_id"}
    parts = [put(home, f"{number},{PAID},{number}0.00") for number in (1, 2)]
    assert totals(home, *parts) == [(date(2026, 5, 1), Decimal("30.00"), 2)]
    later = put(home, f"3,{PAID},7.00", day=2)
    assert totals(home, *parts, later) == [(date(2026, 5, 1), Decimal("7.00"), 1)]
