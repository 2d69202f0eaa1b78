"""Money of strangers' exports, from files to SQL: the right value, or a word about it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cases.money import LINES, ORDERS, REFUNDS, SHOPIFY, WOO, case, run
from tests.support.shop import kpi, query

AT = "2026-03-02 10:00:00 +0100"
RATES = """
rate_date,currency,rate
2026-03-02,USD,0.90
2026-03-09,USD,0.80
2026-03-02,JPY,0.0061
2026-03-09,JPY,0.0070
"""
CASES = {
    "bank": case(fx_rates=RATES),
    # Refunds and lines in files of their own, of orders in three currencies.
    "abroad": case(
        orders=f"""
{ORDERS}
1,2026-03-02 10:00:00,2026-03-02 10:01:00,refunded,USD,200.00,0
2,2026-03-02 11:00:00,2026-03-02 11:01:00,paid,EUR,80.00,0
3,2026-03-02 12:00:00,2026-03-02 12:01:00,paid,JPY,1700,0
4,2026-03-02 12:00:00,2026-03-02 12:01:00,paid,USD,,0
""",
        order_items=f"""
{LINES}
1,A,1,150.00,0
1,B,1,60.00,10.00
2,A,1,80.00,0
3,A,1,1700,0
4,A,3,1.11,0.33
""",
        refunds=f"""
{REFUNDS}
r1,1,2026-03-10 09:00:00,200.00,refund_only,succeeded
r3,3,2026-03-03 09:00:00,1700,refund_only,succeeded
""",
    ),
    # The neighbour: a source in dollars, whose refunds say what they are in.
    "dollars": case(
        "USD",
        orders=f"""
{ORDERS}
1,2026-03-02 10:00:00,2026-03-02 10:01:00,paid,USD,100.00,0
2,2026-03-02 10:00:00,2026-03-02 10:01:00,paid,EUR,50.00,0
3,2026-03-02 10:00:00,2026-03-02 10:01:00,paid,EUR,50.00,5.00
4,2026-03-02 10:00:00,2026-03-02 10:01:00,paid,EUR,50.00,5.00
""",
        refunds=f"""
{REFUNDS},currency
r1,1,2026-03-10 09:00:00,10.00,refund_only,succeeded,EUR
r2,2,2026-03-10 09:00:00,5.00,refund_only,succeeded,
r3,3,2026-03-10 09:00:00,55.00,refund_only,succeeded,
r4,4,2026-03-10 09:00:00,60.00,refund_only,succeeded,
""",
    ),
    # Paid, then cancelled: 1 was, 2 never; 3 has a discount as a negative fee, 4 a service.
    "woo": case(
        woocommerce_orders__orders=f"""
{WOO}
1,1,2026-03-02 09:00:00,2026-03-02 09:05:00,cancelled,5,0,0,85,EUR,x,w5@x.y,i1,MUG,M,1,80,80
2,2,2026-03-02 10:00:00,,cancelled,0,0,0,60,EUR,x,w6@x.y,i2,MUG,M,1,60,60
3,3,2026-03-03 09:00:00,2026-03-03 09:05:00,completed,0,-7.50,0,52.50,EUR,x,w7@x.y,i3,CUP,C,2,60,60
4,4,2026-03-03 09:00:00,2026-03-03 09:05:00,completed,0,4,0,64,EUR,x,w8@x.y,i4,CUP,C,2,60,60
""",
        refunds=f"""
{REFUNDS}
r1,1,2026-03-08 10:00:00,80,refund_only,succeeded
r2,9,2026-03-08 10:00:00,33,return,succeeded
""",
    ),
    # An exchange, a discount as a line, lines that were edited out (one carries its order), a card.
    "desk": case(
        shopify_orders__orders=f"""
{SHOPIFY}
#1,s1@x.y,paid,,,card,{AT},EUR,12.00,0,0,{AT},1,Coat XL,120.00,XL
#1,,,,,,,,,,,{AT},-1,Coat L,108.00,L
#2,s2@x.y,paid,,,card,{AT},EUR,25.00,0,0,{AT},0,Hat,40.00,HAT
#2,,,,,,,,,,,{AT},2,Sock,15.00,SOCK
#2,,,,,,,,,,,{AT},1,Loyalty,-5.00,LOYAL
#2,,,,,,,,,,,{AT},0,Belt,9.00,BELT
#3,s3@x.y,paid,,,card,{AT},EUR,65.00,0,0,{AT},1,Gift Card - $50.00,50.00,GC-50
#3,,,,,,,,,,,{AT},1,Gift card holder,15.00,HOLD
"""
    ),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases in one run."""
    home = tmp_path_factory.mktemp("money") / "home"
    run(home, CASES, "2026-03-31")
    return home


def orders(home: Path, source: str) -> dict[str, tuple[Decimal, Decimal]]:
    """Order -> paid and refunded, of a source."""
    sql = "select order_id, paid_amount, refunded_amount from marts.fct_orders where source = "
    return {row[0]: (row[1], row[2]) for row in query(home, f"{sql}'{source}'")}


def money(*values: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(value) for value in values)


def test_a_refund_in_a_file_of_its_own_is_in_the_currency_of_its_order(home: Path) -> None:
    # 200 x 0.90; back on the 10th at the 9th's 0.80. 1,700 x 0.0061 both ways: 10.37.
    assert orders(home, "abroad") == {
        "1": money("180.00", "160.00"),
        "2": money("80.00", "0.00"),
        "3": money("10.37", "10.37"),
        "4": money("2.70", "0.00"),  # 3 x 0.9990 less 0.297, to the cent: 3.00 - 0.30
    }


def test_a_refund_that_names_its_currency_is_in_that(home: Path) -> None:
    # A source in dollars: order 2 is in euros, and so is the refund that names no currency.
    found = orders(home, "dollars")
    assert (found["1"], found["2"]) == (money("90.00", "10.00"), money("50.00", "5.00"))


def test_lines_in_a_file_of_their_own_take_the_rate_of_their_order(home: Path) -> None:
    lines = query(
        home,
        "select order_id, unit_price, paid_amount, merchant_discount_amount"
        " from marts.fct_order_items where source = 'abroad' order by 1, line_number",
    )
    # 150, 60 and the discount of 10 dollars at 0.90, 1,700 yen at 0.0061; no discount invented.
    assert lines == [
        ("1", *money("135.0000", "135.00", "0.00")),
        ("1", *money("54.0000", "45.00", "9.00")),
        ("2", *money("80.0000", "80.00", "0.00")),
        ("3", *money("10.3700", "10.37", "0.00")),
        ("4", *money("0.9990", "2.70", "0.30")),
    ]


def test_what_was_paid_and_then_cancelled_is_a_sale_and_a_refund(home: Path) -> None:
    found = orders(home, "woo")
    assert (found["1"], found["2"]) == (money("80.00", "80.00"), money("0.00", "0.00"))
    days = query(
        home,
        "select business_date::varchar, gmv, net_sales from marts.fct_gmv_daily"
        " where dimension = 'platform' and segment = 'woo' and (gmv <> 0 or net_sales <> 0)"
        " order by 1",
    )
    # 3 March: 52.50 of order 3 and 60.00 of order 4. The refund of an unknown order is in no day.
    assert days == [
        ("2026-03-02", *money("80.00", "80.00")),
        ("2026-03-03", *money("112.50", "112.50")),
        ("2026-03-08", *money("0.00", "-80.00")),
    ]


def test_a_negative_fee_is_a_discount_and_a_service_is_no_goods(home: Path) -> None:
    found = orders(home, "woo")
    assert (found["3"][0], found["4"][0]) == money("52.50", "60.00")


def test_exchanges_discounts_as_lines_and_gift_cards_have_their_value(home: Path) -> None:
    assert {order: paid for order, (paid, _) in orders(home, "desk").items()} == dict(
        zip("123", money("12.00", "25.00", "15.00"), strict=True)
    )
    lines = query(
        home,
        "select order_id, product_id, quantity, paid_amount, is_goods from marts.fct_order_items"
        " where source = 'desk' order by 1, line_number",
    )
    assert lines == [
        ("1", "XL", 1, Decimal("120.00"), True),
        ("1", "L", -1, Decimal("-108.00"), True),
        ("2", "SOCK", 2, Decimal("30.00"), True),
        ("2", "LOYAL", 1, Decimal("-5.00"), True),
        ("3", "GC-50", 1, Decimal("50.00"), False),
        ("3", "HOLD", 1, Decimal("15.00"), True),
    ]


def test_a_line_of_nothing_is_left_out_and_counted(home: Path) -> None:
    # Of the two in order 2 one is on the row that carries the order: that row lands.
    counts = "rows_read, rows_landed, rows_excluded, rows_quarantined"
    sql = f"select {counts} from quality.ingest_files where source = 'desk'"
    assert query(home, sql) == [(8, 7, 1, 0)]


def test_a_refund_of_an_order_older_than_the_export_is_told_of(home: Path) -> None:
    assert query(home, "from quality.orphans_daily") == [
        ("refunds", "woo", date(2026, 3, 8), 1, Decimal("33.00"), "9", "order")
    ]
    checks = query(home, "select check_name, severity from quality.checks where status <> 'passed'")
    assert ("every_refund_and_line_finds_its_order", "warn") in checks
    told = kpi(home, "status").stdout
    assert "rows that find nothing to belong to" in told and "33.00" in told


def test_a_refund_above_goods_postage_and_tax_is_told_of(home: Path) -> None:
    # Order 4 of dollars: 60.00 back of 50.00; all others are within, order 3 with its postage.
    sql = "select status, severity, observed from quality.checks where check_name = "
    assert query(home, f"{sql}'refunds_are_within_what_was_paid'") == [("failed", "warn", "1")]
