"""Money of strangers' exports, from files to SQL: the right value, or a word about it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from tests.cases.money import (
    API_LINES,
    API_MONEY,
    API_ORDERS,
    API_PARCELS,
    LINES,
    ORDERS,
    REFUNDS,
    SHOPIFY,
    WOO,
    case,
)
from tests.support.shop import kpi, query

AT = "2026-03-02 10:00:00 +0100"
PAID, SYNCED = "2026-03-02 09:00:00", "2026-03-31 03:00:00"
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
""",
        refunds=REFUNDS,  # none so far
    ),
    # Goods 100, tax 8, postage 10, all of it given back; 2 keeps half, in two steps. In prices of
    # 3 the tax of 20 is included.
    "api": case(
        shopify_api_orders__orders=f"""
{API_ORDERS}
1,EUR,false,100.00,8.00,118.00,{PAID},refunded,fulfilled,{PAID},,0,{SYNCED},{SYNCED}
2,EUR,false,100.00,8.00,118.00,{PAID},partially_refunded,,{PAID},,0,{SYNCED},{SYNCED}
3,EUR,true,120.00,20.00,130.00,{PAID},refunded,fulfilled,{PAID},,0,{SYNCED},{SYNCED}
""",
        shopify_api_order_lines__lines=f"""
{API_LINES}
11,1,1,Lamp,LAMP,1,100.00,0,P,{SYNCED}
21,2,1,Lamp,LAMP,1,100.00,0,P,{SYNCED}
31,3,1,Lamp,LAMP,1,120.00,0,P,{SYNCED}
""",
        shopify_api_transactions__transactions=f"""
{API_MONEY}
t1,1,118.00,2026-03-05 09:00:00,EUR,refund,2026-03-02 09:00:00,success,{SYNCED}
t2,2,29.50,2026-03-05 09:00:00,EUR,refund,2026-03-02 09:00:00,success,{SYNCED}
t3,2,29.50,2026-03-06 09:00:00,EUR,refund,2026-03-02 09:00:00,success,{SYNCED}
t4,3,130.00,2026-03-05 09:00:00,EUR,refund,2026-03-02 09:00:00,success,{SYNCED}
t5,3,130.00,2026-03-02 09:00:00,EUR,sale,2026-03-02 09:00:00,success,{SYNCED}
""",
        # 2 left after its refunds were asked for. Of 1 only the order says that it left, of 3 too:
        # its parcel was taken back.
        shopify_api_fulfillments__parcels=f"""
{API_PARCELS}
f2,2,2026-03-03 12:00:00,success,{SYNCED}
f3,3,2026-03-03 12:00:00,cancelled,{SYNCED}
""",
    ),
    # Refunds of orders with 50 of goods, 10 of postage and 2 of tax, where not said otherwise.
    "parts": case(
        orders=f"""
{ORDERS},tax_amount,shipped_at,parent_order_id
1,2026-03-02 10:00:00,2026-03-02 10:01:00,shipped,EUR,50.00,10.00,2.00,2026-03-04 08:00:00,
2,2026-03-02 10:00:00,2026-03-02 10:01:00,shipped,EUR,50.00,10.00,2.00,2026-03-04 08:00:00,
3,2026-03-02 10:00:00,2026-03-02 10:01:00,refunded,USD,50.00,10.00,2.00,,
4,2026-03-02 10:00:00,2026-03-02 10:01:00,shipped,EUR,50.00,0,0,,
5,2026-03-02 10:00:00,2026-03-02 10:01:00,paid,EUR,50.00,10.00,2.00,,
6,2026-03-02 10:00:00,2026-03-02 10:01:00,paid,EUR,50.00,10.00,2.00,,
7a,2026-03-02 10:00:00,2026-03-02 10:01:00,paid,EUR,30.00,0,0,,7
7b,2026-03-02 10:00:00,,closed,EUR,40.00,0,0,,7
8,2026-03-02 10:00:00,,closed,EUR,50.00,10.00,2.00,,
""",
        shipments="""
shipment_id,order_id,carrier,shipped_at,cost,currency
p1,5,post,2026-03-06 08:00:00,3.00,USD
p2,5,post,2026-03-05 08:00:00,3.00,EUR
""",
        order_costs="""
order_id,cost_type,booked_at,amount,currency
1,payment_fee,2026-03-09 08:00:00,1.00,USD
3,payment_fee,2026-03-09 08:00:00,1.00,
""",
        settlements="""
order_id,settled_amount,settled_at,currency
1,10.00,2026-03-09 08:00:00,USD
3,10.00,2026-03-09 08:00:00,
""",
        refunds=f"""
{REFUNDS},goods_amount,other_amount
r1,1,2026-03-03 09:00:00,31.00,refund_only,succeeded,,
r2,2,2026-03-04 09:00:00,20.00,refund_only,succeeded,,5.00
r3,2,2026-03-05 09:00:00,42.00,refund_only,succeeded,,
r4,3,2026-03-10 09:00:00,62.00,return,succeeded,,
r5,4,2026-03-05 09:00:00,20.00,refund_only,succeeded,,
r6,5,2026-03-04 20:00:00,10.00,refund_only,succeeded,,
r7,5,2026-03-05 20:00:00,50.00,refund_only,succeeded,,
r8,6,2026-03-05 09:00:00,80.00,refund_only,succeeded,,
r9,7b,2026-03-05 09:00:00,40.00,refund_only,succeeded,,
r10,8,2026-03-05 09:00:00,5.00,refund_only,succeeded,,
""",
    ),
    # The lines of 2 and 3 have not come; 2 names no amount, 3 says that it is 0.
    "late": case(
        orders=f"""
{ORDERS}
1,2026-03-02 10:00:00,2026-03-02 10:01:00,paid,EUR,,0
2,2026-03-02 10:00:00,2026-03-02 10:01:00,paid,EUR,,0
3,2026-03-02 10:00:00,2026-03-02 10:01:00,paid,EUR,0,0
""",
        order_items=f"""
{LINES}
1,A,1,40.00,0
""",
        refunds=REFUNDS,  # none so far
    ),
}


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
        ("1", 135.0, *money("135.00", "0.00")),
        ("1", 54.0, *money("45.00", "9.00")),
        ("2", 80.0, *money("80.00", "0.00")),
        ("3", 10.37, *money("10.37", "0.00")),
        ("4", 0.999, *money("2.70", "0.30")),
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
    sql = f"select {counts} from quality.ingest_files where source_file like 'desk/orders%'"
    assert query(home, sql) == [(8, 7, 1, 0)]


def test_a_refund_of_an_order_older_than_the_export_is_told_of(home: Path) -> None:
    sql = f"from quality.orphans_daily where looks_for = 'order' and source in {tuple(CASES)}"
    assert query(home, sql) == [
        ("refunds", "woo", date(2026, 3, 8), 1, Decimal("33.00"), "9", "order")
    ]
    checks = query(home, "select check_name, severity from quality.checks where status <> 'passed'")
    assert ("every_refund_and_line_finds_its_order", "warn") in checks
    told = kpi(home, "status").stdout
    assert "rows that find nothing to belong to" in told and "33.00" in told


def refunds(home: Path, source: str) -> dict[str, tuple[Decimal, Decimal]]:
    """Refund -> its goods and its rest, of a source."""
    sql = "select refund_id, goods_amount, other_amount from marts.fct_refunds where source = "
    return {row[0]: (row[1], row[2]) for row in query(home, f"{sql}'{source}'")}


def test_a_connectors_tables_tell_what_had_left(home: Path) -> None:
    sql = ("select refund_id, is_after_shipping, shipping_basis from marts.fct_refunds"
           " where source = 'api' order by 1")  # fmt: skip
    assert query(home, sql) == [
        ("t1", True, "status"), ("t2", False, "shipped_at"), ("t3", False, "shipped_at"),
        ("t4", True, "status"),
    ]  # fmt: skip


def test_only_the_goods_of_a_refund_lower_sales(home: Path) -> None:
    found = orders(home, "api")
    assert found["1"] == money("100.00", "100.00")
    # Half of 118 in two steps; of 130 with its tax in the prices 120 are goods.
    assert (found["2"], found["3"]) == (money("100.00", "50.00"), money("120.00", "120.00"))
    # 29.50 x 100 / 118
    assert refunds(home, "api") == {
        "t1": money("100.00", "18.00"),
        "t2": money("25.00", "4.50"),
        "t3": money("25.00", "4.50"),
        "t4": money("120.00", "10.00"),
    }
    days = "select business_date::varchar, net_sales from marts.fct_gmv_daily"
    of = "where dimension = 'platform' and segment = 'api' and net_sales <> 0 order by 1"
    assert query(home, f"{days} {of}") == [
        ("2026-03-02", Decimal("320.00")),
        ("2026-03-05", Decimal("-245.00")),
        ("2026-03-06", Decimal("-25.00")),
    ]


def test_the_parts_of_a_refund_are_told_or_shared(home: Path) -> None:
    assert refunds(home, "parts") == {
        "r1": money("25.00", "6.00"),  # half of 50 + 12
        "r2": money("15.00", "5.00"),  # told: 5.00 is no goods
        "r3": money("35.00", "7.00"),  # what r2 left
        # 62 USD of an order at 0.90, at the 9th's 0.80: 49.60, of which 50 in 62
        "r4": money("40.00", "9.60"),
        "r5": money("20.00", "0.00"),  # nothing but goods
        "r6": money("0.00", "10.00"),  # what r7, just the goods, leaves of 62
        "r7": money("50.00", "0.00"),
        "r8": money("50.00", "30.00"),  # never more than the goods
        "r9": money("0.00", "40.00"),  # this child was never paid
        "r10": money("4.03", "0.97"),  # an order never paid is in no sales
    }
    assert orders(home, "parts")["7"] == money("30.00", "0.00")


def test_before_or_after_shipping_is_told_by_an_instant_or_the_state(home: Path) -> None:
    sql = (
        "select refund_id, is_after_shipping, shipping_basis from marts.fct_refunds"
        " where source = 'parts' and refund_id in ('r1', 'r2', 'r5', 'r6', 'r7', 'r8') order by 1"
    )
    assert query(home, sql) == [
        ("r1", False, "shipped_at"),  # a day before its order left; the order is shipped now
        ("r2", True, "shipped_at"),
        ("r5", True, "status"),
        ("r6", False, "shipped_at"),  # of two parcels the first left on the 5th
        ("r7", True, "shipped_at"),
        ("r8", False, "status"),
    ]


def test_the_ladder_holds_goods_and_the_rest_beside_them(home: Path) -> None:
    sql = (
        "select rung, amount, other_amount, shipping_basis from marts.fct_sales_ladder_daily"
        " where refund_basis = 'refund_date' and business_date = date '2026-03-05'"
        " and rung_number > 5 order by rung_number"
    )
    assert query(home, sql) == [
        ("paid", *money("0.00", "0.00"), None),
        # r8 and r9 of orders that are paid now, t2 by the instant of its parcel
        ("refunded_before_shipping", *money("-75.00", "-74.50"), "both"),
        # r3 and r7 by an instant, r5 by the state, t1 and t4 by what the order says of its parcels
        ("refunded_after_shipping", *money("-325.00", "-35.00"), "both"),
        ("returned", *money("0.00", "0.00"), None),
        ("net", *money("-400.00", "-109.50"), None),
    ]


def test_a_paid_order_whose_lines_have_not_come_is_none_of_nothing(home: Path) -> None:
    sql = (
        "select order_id, is_paid, is_awaiting_value, placed_amount from marts.fct_orders"
        " where source = 'late' order by 1"
    )
    assert query(home, sql) == [
        ("1", True, False, Decimal("40.00")),
        ("2", False, True, None),
        ("3", True, False, Decimal("0.00")),  # what the export says
    ]
    of = "where dimension = 'platform' and segment = 'late' and orders > 0"
    assert query(home, f"select orders, aov from marts.fct_gmv_daily {of}") == [(2, 20.0)]
    sql = "select status, severity, observed from quality.checks where check_name = "
    assert query(home, f"{sql}'paid_orders_have_a_value'") == [("failed", "warn", "2")]
    assert "paid_orders_have_a_value" in kpi(home, "status").stdout


def test_costs_and_settlements_are_in_their_own_currency_or_their_orders(home: Path) -> None:
    # 9 March: a dollar is 0.80. What names no currency waits for its order, as delivered.
    landed = home / "data/landing"
    read = "select {} from read_parquet('{}/{}/**/*.parquet') order by order_id"
    costs = duckdb.sql(read.format("order_id, amount, currency", landed, "order_costs"))
    assert costs.fetchall() == [("1", Decimal("0.80"), "USD"), ("3", Decimal("1.00"), None)]
    paid = duckdb.sql(read.format("order_id, settled_amount, currency", landed, "settlements"))
    assert paid.fetchall() == [("1", Decimal("8.00"), "USD"), ("3", Decimal("10.00"), None)]


def test_a_refund_above_goods_postage_and_tax_is_told_of(home: Path) -> None:
    # Order 4 of dollars: 60.00 back of 50.00; 6 of parts: 80.00 of 62.00; a child of 7 and 8 were
    # never paid. All others are within, order 3 of dollars with its postage.
    sql = "select status, severity, observed from quality.checks where check_name = "
    assert query(home, f"{sql}'refunds_are_within_what_was_paid'") == [("failed", "warn", "4")]
