"""The demo company's orders: lines, discounts, payments, pre-sales and refunds add up."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.simulated import STAMP, latest, site_orders, table, tmall_orders


def test_shopify_orders_add_up(demo: Path) -> None:
    orders = site_orders(demo)
    assert len(orders) > 500
    sizes, discounted, gifts, anonymous = Counter(), 0, 0, 0
    for lines in orders.values():
        head = lines[0]
        assert all(line["Subtotal"] == "" and line["Email"] == "" for line in lines[1:])
        value = sum(Decimal(x["Lineitem price"]) * int(x["Lineitem quantity"]) for x in lines)
        discount = Decimal(head["Discount Amount"])
        assert Decimal(head["Subtotal"]) == value - discount > 0
        assert Decimal(head["Total"]) == Decimal(head["Subtotal"]) + Decimal(head["Shipping"])
        free = [x for x in lines if Decimal(x["Lineitem price"]) == 0]
        assert all(x["Lineitem sku"].startswith("GIFT-") for x in free)
        assert (head["Discount Code"] != "") == (discount > 0)
        sizes[len(lines) - len(free)] += 1
        discounted += discount > 0
        gifts += len(free)
        anonymous += head["Email"] == ""
        if head["Financial Status"] == "voided":
            assert head["Cancelled at"]
            assert not head["Paid at"]
        if head["Financial Status"] in {"paid", "refunded", "partially_refunded"}:
            assert head["Paid at"] >= head["Created at"]
        assert Decimal(head["Refunded Amount"]) <= Decimal(head["Subtotal"])
        assert (Decimal(head["Refunded Amount"]) > 0) == ("refunded" in head["Financial Status"])
    assert set(sizes) == {1, 2, 3, 4}
    assert 0.2 < discounted / len(orders) < 0.6
    assert gifts > 20
    assert 0 < anonymous < 0.05 * len(orders)


def test_tmall_orders_add_up_and_match_their_details(demo: Path) -> None:
    orders = tmall_orders(demo)
    details = tmall_orders(demo, "DetailList")
    assert orders.keys() == details.keys()
    states = Counter()
    for number, (order,) in orders.items():
        assert re.fullmatch(r'="\d{19}"', number)
        goods = sum(Decimal(x["价格"]) * int(x["购买数量"]) for x in details[number])
        freight, payable = Decimal(order["买家应付邮费"]), Decimal(order["买家应付货款"])
        assert Decimal(order["总金额"]) == goods + freight
        assert 0 < payable <= goods
        assert sum(int(x["购买数量"]) for x in details[number]) == int(order["宝贝总数量"])
        assert {x["订单状态"] for x in details[number]} == {order["订单状态"]}
        paid, state = Decimal(order["买家实际支付金额"]), order["订单状态"]
        if order["订单付款时间"]:
            assert paid == payable + freight
        elif order["分阶段订单信息"]:
            assert paid < payable
        else:
            assert paid == 0
            assert state in {"等待买家付款", "交易关闭"}
        states[state] += 1
    assert set(states) <= {
        "等待买家付款",
        "买家已付款，等待卖家发货",
        "卖家已发货，等待买家确认",
        "交易成功",
        "交易关闭",
    }  # no deposit is open two weeks after the opening
    assert len(states) >= 4


def test_presale_deposits_wait_for_the_opening(demo: Path) -> None:
    before = table(demo / "inbox/tmall/ExportOrderList_2026_20261101020000.csv", "gb18030")
    stages = [row for row in before if row["分阶段订单信息"]]
    assert {row["订单创建时间"][:10] for row in stages} <= {f"2026-10-{d}" for d in range(24, 31)}
    waiting = [row for row in stages if row["订单状态"] == "定金已付，等待付尾款"]
    pattern = r"阶段1:定金 (\d+\.\d\d)元 已付款 2026-10-\S+ \S+;阶段2:尾款 (\d+\.\d\d)元 未付款"
    for row in waiting:
        match = re.fullmatch(pattern, row["分阶段订单信息"])
        assert match
        deposit, balance = Decimal(match.group(1)), Decimal(match.group(2))
        assert row["订单付款时间"] == ""
        assert Decimal(row["买家实际支付金额"]) == deposit
        assert deposit + balance == Decimal(row["买家应付货款"]) + Decimal(row["买家应付邮费"])
    orders = tmall_orders(demo)
    final = [orders[row["订单编号"]][0] for row in stages]
    paid = [row for row in final if row["订单付款时间"]]
    assert all("2026-10-31" <= row["订单付款时间"][:10] <= "2026-11-04" for row in paid)
    assert len(waiting) >= 2
    forfeited = [row for row in final if not row["订单付款时间"]]
    assert forfeited
    assert {row["订单状态"] for row in forfeited} == {"交易关闭"}


def test_files_hold_what_happened_in_their_period(demo: Path) -> None:
    for path in (demo / "inbox/shopify").glob("orders_export_202611*.csv"):
        day = datetime.strptime(path.name.split("_")[2], "%Y%m%d")
        end = day + timedelta(days=1)
        for row in table(path):
            for name in ("Created at", "Paid at", "Fulfilled at", "Cancelled at"):
                assert row[name] == "" or datetime.strptime(row[name][:19], STAMP) < end
        created = [row["Created at"][:10] for row in table(path) if row["Created at"]]
        assert f"{day:%Y-%m-%d}" in created


def test_some_orders_are_paid_after_midnight_and_some_never(demo: Path) -> None:
    orders = site_orders(demo)
    heads = [lines[0] for lines in orders.values()]
    late = [row for row in heads if row["Paid at"] and row["Paid at"][:10] > row["Created at"][:10]]
    assert late
    unpaid = [row for row in heads if row["Financial Status"] == "voided"]
    assert 0.02 < len(unpaid) / len(heads) < 0.07


@pytest.mark.parametrize(
    ("folder", "placed", "paid", "amount"),
    [
        ("shopify", site_orders, "Paid at", "Subtotal"),
        ("tmall", tmall_orders, "订单付款时间", "买家应付货款"),
    ],
)
def test_refunds_stay_within_their_orders(
    demo: Path, folder: str, placed: Callable[[Path], dict], paid: str, amount: str
) -> None:
    orders = {re.sub(r"\D", "", number): rows[0] for number, rows in placed(demo).items()}
    refunds = latest(demo, f"{folder}/refunds", "refund_id")
    total: dict[str, Decimal] = defaultdict(Decimal)
    lags = []
    for (row,) in refunds.values():
        order = orders[row["order_id"]]
        assert row["kind"] in {"refund_only", "return"}
        assert (row["refunded_at"] != "") == (row["status"] == "succeeded")
        assert row["requested_at"] > order[paid][:19]
        total[row["order_id"]] += Decimal(row["amount"])
        if row["refunded_at"]:
            since = datetime.strptime(order[paid][:19], STAMP)
            lags.append((datetime.strptime(row["refunded_at"], STAMP) - since).days)
    assert all(total[number] <= Decimal(orders[number][amount]) for number in total)
    bought = sum(row[paid] != "" for row in orders.values())
    assert 0.03 < len(total) / bought < 0.09  # the youngest orders' refunds are still to come
    assert min(lags) <= 1  # some come before shipping
    assert max(lags) >= 15


def test_customers_come_back(demo: Path) -> None:
    orders = site_orders(demo)
    buyers = Counter(rows[0]["Email"] for rows in orders.values() if rows[0]["Email"])
    assert sum(count > 1 for count in buyers.values()) > 10
    assert all(re.fullmatch(r"user\d+@example\.com", mail) for mail in buyers)
