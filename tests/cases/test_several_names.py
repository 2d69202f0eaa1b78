"""One order under several names: all that names it finds it, and what is unsure is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cases.money import LINES, ORDERS, REFUNDS, WOO, case
from tests.support.shop import query

SHOPIFY = (
    "Name,Email,Financial Status,Fulfillment Status,Cancelled at,Paid at,Currency,Subtotal,"
    "Shipping,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
    "Lineitem sku,Id"
)
EVENTS = "event_id,occurred_at,event_type,visitor_id,order_id,utm_source,utm_medium"
AT = "2026-03-04 10:00:00"


def bought(*ids: str, extra: str = "") -> str:
    return "\n".join(f"{one},{AT},2026-03-04 10:01:00,paid,EUR,100.00,0{extra}" for one in ids)


PARCELS = "shipment_id,order_id,carrier,shipped_at"


def back(*ids: str) -> str:
    rows = [f"r{n},{one},2026-03-10 09:00:00,10.00,refund_only,succeeded" for n, one in
            enumerate(ids)]  # fmt: skip
    return "\n".join([REFUNDS, *rows])


def shopify(number: int) -> str:
    return (
        f"#{number},b{number}@x.y,paid,fulfilled,,{AT} +0100,EUR,100.00,0.00,0.00,{AT} +0100,1,"
        f"Lamp,100.00,L,60000{number}"
    )


CASES = {
    # Five ways to write an order, one of them the other name that the export gives it.
    "shopify": case(
        shopify_orders__orders="\n".join([SHOPIFY, *map(shopify, range(3501, 3506))]),
        refunds=back("#3501", "'3502", "3503.0", "3504", "600003505"),
        # The carrier has the internal id: 3501 left before its refund, 3502 and 3505 after it. Of
        # the others only the state tells.
        shipments=f"""
{PARCELS}
p1,600003501,DHL,2026-03-09 09:00:00
p2,600003502,DHL,2026-03-11 09:00:00
p5,#3505,DHL,2026-03-12 09:00:00
""",
    ),
    # The internal id names another order's number: 12 is an order, 900 only an id of one.
    "woo_ids": case(
        woocommerce_orders__orders=f"""
{WOO}
900,11,2026-03-04 09:00:00,2026-03-04 09:05:00,completed,0,0,0,60,EUR,x,a@x.y,i1,CUP,C,2,60,60
12,13,2026-03-04 09:00:00,2026-03-04 09:05:00,completed,0,0,0,60,EUR,x,b@x.y,i2,CUP,C,2,60,60
77,12,2026-03-04 09:00:00,2026-03-04 09:05:00,completed,0,0,0,60,EUR,x,c@x.y,i3,CUP,C,2,60,60
""",
        refunds=back("900", "12"),
    ),
    # A plain shop whose orders came through a program that made numbers of them; lines and
    # purchases come as written. Leading zeros are part of an id.
    "plain": case(
        orders=f"{ORDERS}\n{bought('1001.0', '1002.0', '101.0')}",
        order_items=f"{LINES}\n#1001,A,2,50.00,0\n'1002,A,1,100.00,0\n0101,A,1,7.00,0",
        refunds=back("1002", "0101"),
    ),
    # What the order is worth only its lines say, and they name it otherwise.
    "worth": case(
        orders=f"{ORDERS},aliases\n1,{AT},{AT},paid,EUR,,0,X1",
        order_items=f"{LINES},is_goods\nX1,A,2,30.00,0,yes\nX1,POST,1,5.00,0,no",
        refunds=REFUNDS,  # none so far
    ),
    # Not all ids end so: it is part of them, and both orders stay.
    "versions": case(
        orders=f"{ORDERS}\n{bought('5', '5.0', '6')}", refunds=back("5.0", "6.0", "#5")
    ),
    # Child orders name their main order as the shop does, and as a spreadsheet writes it.
    "family": case(
        orders=f"{ORDERS},aliases,parent_order_id\n{bought('M1', extra=',T-900,')}\n"
        f"{bought('c1', extra=',,T-900')}\n{bought('c2', extra=',,#M1')}",
        refunds=back("c2", "T-900"),
    ),
    # Two orders share an alias: it stands for neither.
    "shared": case(
        orders=f"{ORDERS},aliases\n{bought('1', extra=',A7|B1')}\n{bought('2', extra=',A7|B2')}",
        refunds=back("A7", "B2"),
        # Lines of order 2 twice, of order 1 by another name alone.
        order_items=f"{LINES}\n2,A,1,100.00,0\nB2,A,1,100.00,0\nB1,A,4,25.00,0",
        # A purchase that pixel and server send under two names is one.
        events=f"""
{EVENTS}
e1,2026-03-04 09:50:00,home,v1,,google,cpc
e2,2026-03-04 10:00:00,purchase,v1,2,,
e3,2026-03-04 12:02:00,purchase,v1,B2,,
e4,2026-03-04 09:55:00,home,v2,,newsletter,email
e5,2026-03-04 10:00:30,purchase,v2,#B1,,
""",
    ),
}


def orders(home: Path, source: str, columns: str = "refunded_amount") -> list[tuple[Any, ...]]:
    sql = f"select order_id, {columns} from marts.fct_orders where source = '{source}' order by 1"
    return query(home, sql)


def refunded(home: Path, source: str) -> dict[str, float]:
    return {order: float(amount) for order, amount in orders(home, source)}


def test_a_refund_finds_its_order_by_each_of_its_names(home: Path) -> None:
    assert refunded(home, "shopify") == dict.fromkeys(("3501", "3502", "3503", "3504", "3505"), 10)


def test_a_parcel_finds_its_order_by_each_of_its_names(home: Path) -> None:
    sql = ("select order_id, is_after_shipping, shipping_basis from marts.fct_refunds"
           " where source = 'shopify' order by 1")  # fmt: skip
    assert query(home, sql) == [
        ("3501", True, "shipped_at"), ("3502", False, "shipped_at"), ("3503", True, "status"),
        ("3504", True, "status"), ("3505", False, "shipped_at"),
    ]  # fmt: skip
    assert query(home, "from quality.orphans_daily where feed = 'shipments'") == []


def test_a_number_that_is_an_orders_own_means_that_order(home: Path) -> None:
    assert refunded(home, "woo_ids") == {"11": 10, "12": 10, "13": 0}


def test_a_child_order_finds_its_main_order_by_each_of_its_names(home: Path) -> None:
    """Two children of 100.00 each are one order; its own amount would tell of them again."""
    assert orders(home, "family", "paid_amount::double, refunded_amount::double") == [
        ("M1", 200.0, 20.0)
    ]


def test_leading_zeros_are_part_of_an_id(home: Path) -> None:
    assert refunded(home, "plain") == {"1001": 0, "1002": 10, "101": 0}
    assert query(home, "select examples from quality.orphans_daily where source = 'plain'"
                       " and feed = 'refunds'") == [("0101",)]  # fmt: skip


def test_what_ends_like_a_number_stays_where_others_do_not(home: Path) -> None:
    assert refunded(home, "versions") == {"5": 10, "5.0": 10, "6": 10}


def test_a_shared_name_stands_for_none_and_is_told(home: Path) -> None:
    assert refunded(home, "shared") == {"1": 0, "2": 10}
    # woo_ids' 12, versions' 5, shared's A7 and the lines of its order 2
    sql = "select status, observed from quality.checks where check_name like '%every_name_stands%'"
    assert query(home, sql) == [("failed", "4")]


def test_lines_find_their_order_and_count_once(home: Path) -> None:
    sql = ("select source, order_id, sum(quantity)::int as pieces from marts.fct_order_items"
           " where source in ('plain', 'shared') group by all order by all")  # fmt: skip
    assert query(home, sql) == [
        ("plain", "1001", 2), ("plain", "1002", 1), ("shared", "1", 4), ("shared", "2", 1),
    ]  # fmt: skip


def test_lines_that_name_the_order_otherwise_tell_its_worth(home: Path) -> None:
    """The run reconciles to the cent by a way of its own, so it would not have ended else."""
    assert orders(home, "worth", "paid_amount::double") == [("1", 60.0)]


def test_purchases_find_their_order_and_count_once(home: Path) -> None:
    assert orders(home, "shared", "channel") == [("1", "email"), ("2", "paid_search")]
    sql = "select started_at::varchar from marts.fct_sessions where has_purchase"
    sql += " and platform = 'shared' order by 1"
    assert query(home, sql) == [("2026-03-04 08:50:00",), ("2026-03-04 08:55:00",)]


def test_what_was_taken_off_is_said(home: Path) -> None:
    sql = "select message from quality.ingest_files where source = 'plain' order by source_file"
    told = [message or "" for (message,) in query(home, sql)]
    assert any("without ' (1 rows), # (1 rows)" in one for one in told), told
    assert any("without .0 (3 rows)" in one for one in told), told
