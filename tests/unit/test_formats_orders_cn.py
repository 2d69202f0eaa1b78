"""Order exports of Chinese marketplaces: each sample lands as worked out by hand.

Local times are Shanghai's, eight hours ahead of the UTC instants expected.
"""

from decimal import Decimal
from pathlib import Path

import polars as pl

from ingestion.rows.pseudonymise import pseudonyms
from tests.support.exports import KEY
from tests.support.samples import at, d, land_sample, name_of, no_person, rows, sample, shop_for

TAOBAO = "202605{:02d}000000000000{}"
DOUYIN = "691792676882364{:04d}"


def test_taobao_orders(tmp_path: Path) -> None:
    raw = sample("taobao_orders").read_bytes()
    assert raw.startswith("订单编号,".encode("gb18030"))
    assert b'\r\n="2026050100000000001",' in raw
    home, landed = land_sample(tmp_path, "taobao_orders")
    assert (landed.rows_read, landed.rows_landed) == (5, 5)
    assert rows(home, landed, "orders", "order_id", "status", "ordered_at", "paid_at",
                 "order_amount", "shipping_amount", "region", "device") == [
        # Placed at 23:58, paid at 00:03 the next day.
        ("2026050100000000001", "paid", at("2026-05-01 15:58"), at("2026-05-01 16:03"),
         d("199.00"), d("8.00"), "浙江省", "mobile"),
        ("2026052000000000002", "deposit_paid", at("2026-05-20 12:01"), None,
         d("300.00"), d("0.00"), "上海", None),
        # Paid when the balance was, not the deposit.
        ("2026052000000000003", "completed", at("2026-05-20 12:05"), at("2026-05-31 01:00"),
         d("300.00"), d("0.00"), "广东省", "mobile"),
        ("2026052100000000004", "closed", at("2026-05-21 00:00"), None,
         d("59.90"), d("6.00"), None, None),
        ("2026052200000000005", "closed", at("2026-05-22 00:00"), at("2026-05-22 00:01"),
         d("120.00"), d("0.00"), "浙江省", None),
    ]  # fmt: skip
    assert rows(home, landed, "orders", "is_presale", "deposit_amount", "deposit_paid_at") == [
        (False, None, None),
        (True, d("50.00"), at("2026-05-20 12:01:02")),
        (True, d("50.00"), at("2026-05-20 12:05:10")),
        (False, None, None),
        (False, None, None),
    ]
    orders = home.rows(landed)
    # The last was closed after a refund and has a parcel; of the others the state tells.
    assert orders["is_shipped"].to_list() == [None, None, None, None, True]
    ids = orders["order_id"].to_list()
    assert orders["_unit_key"].to_list() == orders["_row_key"].to_list() == ids
    assert orders["_version_at"].unique().to_list() == [at("2026-05-31 18:00")]
    assert orders["order_amount"].sum() == Decimal("978.90")
    # Paid: 199.00 + 300.00 + 120.00; the last was closed after it was paid and refunded.
    assert orders.filter(pl.col("paid_at").is_not_null())["order_amount"].sum() == Decimal("619.00")
    who = pseudonyms(pl.Series([f"测试买家{n}" for n in (1, 2, 3, 1, 1)]), KEY, "shop")
    assert orders["customer_key"].to_list() == who.to_list()
    # Two orders to one address, told apart from the other two and from none.
    assert orders["address_key"].n_unique() == 4
    assert orders["address_key"][0] == orders["address_key"][4]
    no_person(home)


def test_a_masked_address_identifies_nobody(tmp_path: Path) -> None:
    text = sample("taobao_orders").read_bytes().decode("gb18030")
    masked = text.replace("西湖区 示例路 1 号", "西湖区 ***")
    home = shop_for(tmp_path, "taobao_orders")
    landed = home.land(masked.encode("gb18030"), name_of("taobao_orders"))
    assert rows(home, landed, "orders", "address_key")[0] == (None,)
    assert rows(home, landed, "orders", "region")[0] == ("浙江省",)


def test_taobao_order_details(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "taobao_order_details")
    found = rows(home, landed, "order_items", "order_id", "line_number", "product_id",
                 "product_name", "quantity", "unit_price", "is_gift")  # fmt: skip
    first, second = "2026050100000000001", "2026052000000000002"
    assert found == [
        (first, 1, "P001", "示例碗", 2, d("99.0000"), False),
        (first, 2, "SKU-77", "示例勺", 1, d("31.0000"), False),  # no own number: merchant code
        (first, 3, "GIFT-1", "赠品 杯垫", 1, d("0.0000"), True),
        (second, 1, "P003", "示例锅, 26厘米", 1, d("350.0000"), False),
    ]
    items = home.rows(landed, "order_items")
    # 2 x 99.00 + 31.00 = 229.00: 30.00 more than the order report owes, the shop's discount.
    value = items.group_by("order_id").agg((pl.col("quantity") * pl.col("unit_price")).sum())
    assert dict(value.iter_rows()) == {first: Decimal("229"), second: Decimal("350")}
    assert items["_unit_key"].to_list() == [first, first, first, second]
    no_person(home)


def test_identical_taobao_lines_are_two_and_a_title_stands_in_for_a_number(tmp_path: Path) -> None:
    head, line, *_ = sample("taobao_order_details").read_bytes().decode("gb18030").splitlines()
    untold = line.replace("P001-L", "").replace("P001", "").replace("0501", "0502")
    home = shop_for(tmp_path, "taobao_order_details")
    data = "\r\n".join([head, line, line, untold, ""]).encode("gb18030")
    landed = home.land(data, name_of("taobao_order_details"))
    assert rows(home, landed, "order_items", "product_id", "_row_key") == [
        ("P001", "2026050100000000001|1"), ("P001", "2026050100000000001|2"),
        ("示例碗", "2026050200000000001|1"),
    ]  # fmt: skip


def test_douyin_orders(tmp_path: Path) -> None:
    raw = sample("douyin_orders").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert b'\n"\t6917926768823640001","\t' in raw
    home, landed = land_sample(tmp_path, "douyin_orders")
    # Nine rows of the file; of the last order one row's cells do not fit, so both are set aside.
    assert (landed.rows_read, landed.rows_landed, landed.rows_quarantined) == (9, 7, 2)
    assert rows(home, landed, "orders", "order_id", "status", "ordered_at", "paid_at",
                 "order_amount", "shipping_amount", "platform_discount", "merchant_discount",
                 "creator_discount") == [
        (DOUYIN.format(1), "completed", at("2026-04-30 16:54:10"), at("2026-04-30 16:54:10"),
         d("28.90"), d("0.00"), d("21.00"), d("25.00"), d("0.00")),
        # Two sub-orders, one shipped and one not: 20.00 payable, of which 5.00 postage; a gift.
        (DOUYIN.format(2), "paid", at("2026-05-02 02:00"), at("2026-05-02 02:00"),
         d("15.00"), d("5.00"), d("5.00"), d("0.00"), d("8.00")),
        # Closed after a refund: it had been paid.
        (DOUYIN.format(5), "refunded", at("2026-05-03 01:00"), at("2026-05-03 01:00"),
         d("15.90"), d("0.00"), d("0.00"), d("0.00"), d("0.00")),
        # Closed without one: it never was.
        (DOUYIN.format(6), "closed", at("2026-05-03 01:30"), None,
         d("15.90"), d("0.00"), d("0.00"), d("0.00"), d("0.00")),
        # Three sub-orders in one row: 50.00 once, not three times.
        (DOUYIN.format(7), "paid", at("2026-05-04 04:00"), at("2026-05-04 04:00"),
         d("50.00"), d("0.00"), d("0.00"), d("10.00"), d("0.00")),
        (DOUYIN.format(11), "unpaid", at("2026-05-04 05:00"), None,
         d("12.00"), d("0.00"), d("0.00"), d("0.00"), d("0.00")),
    ]  # fmt: skip
    assert home.rows(landed)["order_amount"].sum() == Decimal("137.70")
    assert rows(home, landed, "order_items", "order_id", "line_number", "product_id", "quantity",
                 "unit_price", "is_gift", "_row_number") == [
        (DOUYIN.format(1), 1, "SKU-A", 2, d("37.4500"), False, 1),  # (28.90 + 21 + 25) / 2
        (DOUYIN.format(2), 1, "SKU-B", 1, d("28.0000"), False, 2),  # 15 + 5 + 8
        (DOUYIN.format(2), 2, "SKU-B", 1, d("0.0000"), True, 3),
        (DOUYIN.format(5), 1, "SKU-A", 1, d("15.9000"), False, 4),
        (DOUYIN.format(6), 1, "SKU-A", 1, d("15.9000"), False, 5),
        # 50.00 / 3 = 16.67, 16.67, 16.66 and 10.00 / 3 = 3.34, 3.33, 3.33.
        (DOUYIN.format(7), 1, "SKU-A", 1, d("20.0100"), False, 6),
        (DOUYIN.format(7), 2, "SKU-B", 1, d("20.0000"), False, 6),
        (DOUYIN.format(7), 3, "SKU-C", 1, d("19.9900"), False, 6),
        # A `;` in the title of a single sub-order joins nothing.
        (DOUYIN.format(11), 1, "SKU-C", 1, d("12.0000"), False, 7),
    ]  # fmt: skip
    name = "douyin_orders_20260601020000.csv"
    assert landed.issues == (
        f"{name} row 8: 选购商品 has another number of values than 子订单编号. 1 row like this.",
        f"{name} row 9: order_id belongs to an order with a bad row. 1 row like this.",
    )
    assert home.rows(landed)["customer_key"].null_count() == 6
    no_person(home)


def test_douyin_orders_take_the_instant_of_payment_where_the_export_has_it(tmp_path: Path) -> None:
    text = sample("douyin_orders").read_text(encoding="utf-8-sig")
    head, first, *_ = text.splitlines()
    wide = f"{head},支付完成时间,省\n{first},2026-05-01 01:10:00,浙江省\n"
    home = shop_for(tmp_path, "douyin_orders")
    # Named as the platform does, with seconds since 1970: 2026-05-31 18:00 UTC.
    landed = home.land("\ufeff" + wide, "1780250400_export.csv")
    found = rows(home, landed, "orders", "paid_at", "region", "_version_at")
    assert found == [(at("2026-04-30 17:10"), "浙江省", at("2026-05-31 18:00"))]
    assert landed.unknown_columns == ()


def test_douyin_settlement(tmp_path: Path) -> None:
    raw = sample("douyin_settlement").read_text(encoding="utf-8-sig").splitlines()
    assert raw[1].startswith(" , , ,收入+支出,")
    assert ",'T001," in raw[2]
    home, landed = land_sample(tmp_path, "douyin_settlement")
    # The second header line is no row; the insurance premium concerns no order.
    assert (landed.rows_read, landed.rows_landed) == (4, 3)
    assert landed.excluded == {"no_order": 1}
    first, second = DOUYIN.format(1), DOUYIN.format(2)
    booked = [at("2026-05-19 23:54:38"), at("2026-05-21 00:00"), at("2026-05-25 01:00")]
    assert rows(home, landed, "order_costs", "order_id", "cost_type", "amount", "booked_at",
                "entry_id") == [
        (first, "platform_fee", d("2.88"), booked[0], "T001"),
        (first, "creator_commission", d("4.90"), booked[0], "T001"),
        (second, "platform_fee", d("0.80"), booked[1], "T002"),
        (second, "creator_commission", d("1.00"), booked[1], "T002"),
        (second, "agency_fee", d("1.00"), booked[1], "T002"),  # 0.50 + 0.50
        # The refund gives fees back, but not the agency's.
        (second, "platform_fee", d("-0.80"), booked[2], "T003"),
        (second, "creator_commission", d("-1.00"), booked[2], "T003"),
    ]  # fmt: skip
    assert rows(home, landed, "settlements", "order_id", "settled_amount", "due_amount",
                "settled_at", "entry_id") == [
        (first, d("63.12"), d("63.12"), booked[0], "T001"),  # 28.90 + 42.00 - 2.88 - 4.90
        (second, d("17.20"), d("17.20"), booked[1], "T002"),  # 15 + 5 - 0.80 - 1.00 - 1.00
        (second, d("-13.20"), d("-13.20"), booked[2], "T003"),  # -15 + 0.80 + 1.00
    ]  # fmt: skip
    assert home.rows(landed, "order_costs")["amount"].sum() == Decimal("8.78")
    assert home.rows(landed, "settlements")["settled_amount"].sum() == Decimal("67.12")
    assert home.rows(landed, "order_costs")["currency"].unique().to_list() == ["CNY"]
    no_person(home)


def test_douyin_after_sales(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "douyin_after_sales")
    assert (landed.rows_read, landed.rows_landed) == (4, 2)
    assert landed.excluded == {"no_refund": 1, "not_refunded_yet": 1}
    assert rows(home, landed, "refunds", "refund_id", "order_id", "refunded_at", "amount",
                "goods_amount", "kind", "product_id", "reason") == [
        ("7100000000000000001", DOUYIN.format(5), at("2026-05-03 01:25:31"), d("15.90"), d("15.90"),
         "refund_only", "SKU-A", "不想要了"),
        # No instant of arrival: when the shop paid it. The postage given back is no goods.
        ("7100000000000000002", DOUYIN.format(2), at("2026-05-24 15:59:59"), d("20.00"), d("15.00"),
         "return", "SKU-B", "质量问题"),
    ]  # fmt: skip
    no_person(home)


def test_a_booking_that_comes_twice_is_landed_once(tmp_path: Path) -> None:
    text = sample("douyin_settlement").read_text(encoding="utf-8-sig")
    lines = text.splitlines(keepends=True)
    home = shop_for(tmp_path, "douyin_settlement")
    landed = home.land("".join([*lines, lines[2]]), "settlement.csv")
    assert (landed.rows_read, landed.rows_landed, landed.rows_duplicate) == (5, 3, 1)
    assert home.rows(landed, "order_costs")["amount"].sum() == Decimal("8.78")


def test_jd_pop_orders(tmp_path: Path) -> None:
    raw = sample("jd_pop_orders").read_bytes().decode("gb18030")
    assert raw.count(",340.00,310.00,") == 3  # the order's amount stands on each of its rows
    home, landed = land_sample(tmp_path, "jd_pop_orders")
    assert (landed.rows_read, landed.rows_landed) == (7, 7)
    found = rows(home, landed, "orders", "order_id", "status", "paid_at", "order_amount",
                 "merchant_discount", "platform_discount", "shipping_amount", "region")  # fmt: skip
    zero = d("0.00")
    assert found == [
        # 340.00 of goods, 30.00 given by the shop and 10.00 by JD; 306.00 paid, 6.00 for postage.
        ("290000000001", "completed", at("2026-05-01 16:01"), d("300.00"), d("30.00"), d("10.00"),
         d("6.00"), "北京"),
        # Cash on delivery: nothing until it is received.
        ("290000000002", "shipped", None, d("50.00"), zero, zero, zero, "广东"),
        ("290000000003", "completed", at("2026-05-09 10:30"), d("50.00"), zero, zero, zero, "广东"),
        # 20.00 of the 100.00 came from the buyer's balance.
        ("290000000004", "paid", at("2026-05-05 02:02"), d("100.00"), zero, zero, zero, "北京"),
        ("290000000005", "closed", None, d("100.00"), zero, zero, zero, "北京"),
    ]  # fmt: skip
    # A sum over the rows of the file would be 1,200.00.
    assert home.rows(landed)["order_amount"].sum() == Decimal("600.00")
    assert rows(home, landed, "order_items", "order_id", "line_number", "product_id", "quantity",
                 "unit_price", "is_gift") == [
        ("290000000001", 1, "100001", 1, d("240.0000"), False),
        ("290000000001", 2, "100002", 2, d("50.0000"), False),
        ("290000000001", 3, "100009", 1, d("0.0000"), True),
        ("290000000002", 1, "100002", 1, d("50.0000"), False),
        ("290000000003", 1, "100002", 1, d("50.0000"), False),
        ("290000000004", 1, "100003", 4, d("25.0000"), False),
        ("290000000005", 1, "100003", 4, d("25.0000"), False),
    ]  # fmt: skip
    no_person(home)


def test_a_jd_order_whose_amounts_contradict_the_layout_is_set_aside_whole(tmp_path: Path) -> None:
    text = sample("jd_pop_orders").read_bytes().decode("gb18030")
    wrong = text.replace(",340.00,310.00,", ",300.00,310.00,")  # settled above its own value
    home = shop_for(tmp_path, "jd_pop_orders")
    landed = home.land(wrong.encode("gb18030"), name_of("jd_pop_orders"))
    assert (landed.rows_landed, landed.rows_quarantined) == (4, 3)
    assert landed.troubles[-1].column == "merchant_discount"
