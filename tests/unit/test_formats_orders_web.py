"""Order exports of web shops: each sample lands as worked out by hand.

Times without offset are Shanghai's, as the shop's zone says; offsets and UTC are taken as they are.
"""

from decimal import Decimal
from pathlib import Path

import polars as pl

from ingestion.rows.pseudonymise import pseudonyms
from tests.support.exports import KEY
from tests.support.samples import at, d, land_sample, name_of, no_person, rows, sample, shop_for


def test_shopify_orders(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "shopify_orders")
    assert rows(home, landed, "orders", "order_id", "status", "ordered_at", "paid_at", "currency",
                 "order_amount", "merchant_discount", "shipping_amount", "coupon_code", "region",
                 "payment_method") == [
        ("1001", "shipped", at("2026-05-01 08:00"), at("2026-05-01 08:05"), "EUR", d("179.10"),
         d("19.90"), d("4.90"), "MAY10", "BE", "Example Payments"),
        ("1002", "closed", at("2026-05-02 07:00"), None, "EUR", d("50.00"), d("0.00"), d("4.90"),
         None, "BY", None),
    ]  # fmt: skip
    assert home.rows(landed)["is_shipped"].to_list() == [True, None]
    # The order in dollars: no rates were delivered, so it is set aside and not counted as euros.
    assert landed.rows_quarantined == 1
    assert landed.troubles[0].reason == "no_rate"
    assert rows(home, landed, "order_items", "order_id", "line_number", "product_id", "quantity",
                 "unit_price", "is_gift") == [
        ("1001", 1, "BOWL-L", 1, d("99.0000"), False),
        ("1001", 2, "Example mug", 2, d("50.0000"), False),
        ("1001", 3, "GIFT-1", 1, d("0.0000"), True),
        ("1002", 1, "Example mug", 1, d("50.0000"), False),
    ]  # fmt: skip
    # 99.00 + 2 x 50.00 - 19.90 = 179.10: the order's own cells stand on its first row only.
    assert home.rows(landed)["order_amount"].sum() == Decimal("229.10")
    who = pseudonyms(pl.Series(["anna@example.com"]), KEY, "shop")[0]
    assert home.rows(landed)["customer_key"].to_list() == [who, None]
    no_person(home)


def test_a_shopify_order_is_in_the_currency_it_names(tmp_path: Path) -> None:
    home = shop_for(tmp_path, "shopify_orders", max_bad_share=0.9)
    home.currency = "USD"
    landed = home.land(sample("shopify_orders").read_bytes(), name_of("shopify_orders"))
    found = rows(home, landed, "orders", "order_id", "status", "paid_at", "order_amount")
    # 23:30 at -0400. What was refunded of it carries no day: no refund is made of it.
    assert found == [("1003", "paid", at("2026-05-04 03:30"), d("99.00"))]
    assert set(landed.feeds) == {"orders", "order_items"}


def test_amazon_orders(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "amazon_orders")
    assert (landed.rows_read, landed.rows_landed) == (5, 5)
    found = rows(home, landed, "orders", "order_id", "status", "ordered_at", "paid_at",
                 "order_amount", "merchant_discount", "shipping_amount", "tax_amount", "region",
                 "_version_at")  # fmt: skip
    zero = d("0.00")
    assert found == [
        # 59.97 for three bowls, 6.00 off; postage 5.99, all of it off.
        ("111-0000001-0000001", "shipped", at("2026-05-01 23:30"), at("2026-05-01 23:30"),
         d("53.97"), d("6.00"), zero, d("4.95"), "WA", at("2026-05-03 10:00")),
        ("111-0000002-0000002", "unpaid", at("2026-05-02 08:00"), None,
         zero, zero, zero, None, None, at("2026-05-02 08:30")),
        ("111-0000003-0000003", "closed", at("2026-05-02 09:00"), None,
         zero, zero, zero, None, None, at("2026-05-04 09:00")),
        ("111-0000004-0000004", "shipped", at("2026-05-03 09:00"), at("2026-05-03 09:00"),
         d("19.99"), zero, d("4.00"), d("1.65"), "OR", at("2026-05-08 09:00")),
    ]  # fmt: skip
    assert home.rows(landed)["order_amount"].sum() == Decimal("73.96")
    assert home.rows(landed)["currency"].to_list() == ["USD"] * 4
    assert rows(home, landed, "order_items", "order_id", "line_number", "product_id", "quantity",
                 "unit_price", "discount_amount", "is_gift") == [
        ("111-0000001-0000001", 1, "BOWL-1", 3, d("19.9900"), d("6.00"), False),  # 59.97 / 3
        # Cancelled: one piece at nothing, which counts nowhere.
        ("111-0000001-0000001", 2, "MUG-1", 1, d("0.0000"), zero, True),
        ("111-0000002-0000002", 1, "MUG-1", 1, d("0.0000"), zero, True),
        ("111-0000003-0000003", 1, "MUG-1", 1, d("0.0000"), zero, True),
        ("111-0000004-0000004", 1, "BOWL-1", 1, d("19.9900"), zero, False),
    ]  # fmt: skip
    # The report quotes nothing: an inch mark is part of the name.
    assert home.rows(landed, "order_items")["product_name"][0] == 'Example bowl, 7" wide'
    no_person(home)


def test_woocommerce_orders(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "woocommerce_orders")
    assert (landed.rows_read, landed.rows_landed) == (5, 5)
    assert rows(home, landed, "orders", "order_id", "status", "ordered_at", "paid_at",
                 "order_amount", "merchant_discount", "shipping_amount", "tax_amount",
                 "coupon_code", "region", "payment_method") == [
        # 113.29 less 4.20 postage, 1.00 fee and 18.09 tax.
        ("1501", "paid", at("2026-05-01 15:45"), at("2026-05-01 15:45"), d("90.00"), d("10.00"),
         d("4.20"), d("18.09"), "MAY10", "BY", "stripe"),
        ("1502", "unpaid", at("2026-05-02 01:00"), None, d("20.00"), d("0.00"),
         d("0.00"), d("3.80"), None, "HH", "bacs"),
        ("1503", "refunded", at("2026-05-03 01:00"), at("2026-05-03 01:00"), d("20.00"), d("0.00"),
         d("0.00"), d("3.80"), None, "HH", "stripe"),
    ]  # fmt: skip
    # A sum over the rows would count the first order three times: 310.00.
    assert home.rows(landed)["order_amount"].sum() == Decimal("130.00")
    assert rows(home, landed, "order_items", "order_id", "line_number", "product_id", "quantity",
                 "unit_price", "discount_amount", "is_gift") == [
        ("1501", 1, "BOWL-L", 2, d("40.0000"), d("8.00"), False),
        ("1501", 2, "32", 1, d("20.0000"), d("2.00"), False),
        ("1501", 3, "STICKER", 1, d("0.0000"), d("0.00"), True),
        ("1502", 1, "32", 1, d("20.0000"), d("0.00"), False),
        ("1503", 1, "32", 1, d("20.0000"), d("0.00"), False),
    ]  # fmt: skip
    who = home.rows(landed)["customer_key"]
    assert who[1] == who[2] != who[0]
    assert home.rows(landed)["_version_at"].unique().to_list() == [at("2026-05-31 18:00")]
    no_person(home)


def test_woocommerce_takes_the_instant_of_payment_where_the_export_has_it(tmp_path: Path) -> None:
    text = sample("woocommerce_orders").read_text(encoding="utf-8")
    head, first, *_ = text.splitlines()
    home = shop_for(tmp_path, "woocommerce_orders")
    name = name_of("woocommerce_orders")
    landed = home.land(f"{head},paid_date\n{first},2026-05-02 00:10:00\n", name)
    assert rows(home, landed, "orders", "paid_at") == [(at("2026-05-01 16:10"),)]


def test_shopify_api_orders_and_lines(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path / "orders", "shopify_api_orders")
    assert landed.excluded == {"test_order": 1}
    assert rows(home, landed, "orders", "order_id", "status", "ordered_at", "paid_at",
                 "order_amount", "merchant_discount", "shipping_amount", "tax_amount", "region",
                 "_version_at") == [
        # 49.95 with tax: 45.00 of goods, 4.95 of postage.
        ("26001", "shipped", at("2026-05-01 22:59:50"), at("2026-05-01 22:59:49"), d("45.00"),
         d("5.00"), d("4.95"), d("7.50"), "England", at("2026-05-03 08:00")),
        # 27.00 with tax on top: 20.00 of goods, 4.00 of tax, 3.00 of postage.
        ("26002", "unpaid", at("2026-05-02 09:00"), None, d("20.00"),
         d("0.00"), d("3.00"), d("4.00"), "Scotland", at("2026-05-02 09:00:05")),
        ("26003", "refunded", at("2026-05-02 10:00"), at("2026-05-02 10:00"), d("10.00"),
         d("0.00"), d("0.00"), d("0.00"), "Wales", at("2026-05-05 10:00")),
    ]  # fmt: skip
    assert home.rows(landed)["is_shipped"].to_list() == [True, None, None]
    assert home.rows(landed)["order_amount"].sum() == Decimal("75.00")
    no_person(home)

    lines, landed = land_sample(tmp_path / "lines", "shopify_api_order_lines")
    assert rows(lines, landed, "order_items", "order_id", "line_number", "product_id", "quantity",
                 "unit_price", "discount_amount", "is_goods") == [
        # 2 x 20.00 + 10.00 - 5.00 = 45.00, what the order says.
        ("26001", 1, "BOWL-L", 2, d("20.0000"), d("0.00"), True),
        ("26001", 2, "45002", 1, d("10.0000"), d("5.00"), True),
        ("26002", 1, "CARD-20", 1, d("20.0000"), d("0.00"), False),  # a gift card is no goods
    ]  # fmt: skip


def test_shopify_api_refunds(tmp_path: Path) -> None:
    columns = ("refund_id", "order_id", "refunded_at", "amount", "kind", "status", "product_id")
    home, landed = land_sample(tmp_path / "a", "shopify_api_transactions")
    assert landed.excluded == {"not_a_refund": 1, "not_succeeded": 1, "test_order": 1}
    assert rows(home, landed, "refunds", *columns) == [
        ("88002", "26003", at("2026-05-05 23:10"), d("10.00"), "refund_only", "succeeded", None)
    ]
    no_person(home)

    home, landed = land_sample(tmp_path / "b", "shopify_api_refunds")
    assert rows(home, landed, "refunds", *columns) == [
        ("18901", "26001", at("2026-05-06 22:30"), d("20.00"), "return", "succeeded", "BOWL-L"),
        ("18902", "26003", at("2026-05-05 23:10"), d("10.00"), "refund_only", "succeeded", None),
    ]


def test_shopify_api_fulfillments(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "shopify_api_fulfillments")
    assert rows(home, landed, "shipments", "shipment_id", "order_id", "carrier", "shipped_at") == [
        ("55001", "26001", None, at("2026-05-02 23:17:22")),
        ("55002", "26003", "Royal Mail", None),  # cancelled: nothing has left
        ("55003", "26004", "Royal Mail", at("2026-05-05 09:00")),
    ]
    no_person(home)


def test_shopify_api_customers_share_their_key_with_orders(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path / "a", "shopify_api_customers")
    found = home.rows(landed, "customers")
    assert found["registered_at"].to_list() == [at("2026-04-30 23:30"), at("2026-05-02 08:00")]
    assert found["phone_key"].null_count() == 1
    no_person(home)
    orders, landed = land_sample(tmp_path / "b", "shopify_api_orders")
    assert found["customer_key"].to_list() == orders.rows(landed)["customer_key"].to_list()[:2]


def test_shopify_api_products_and_stock(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path / "a", "shopify_api_products")
    columns = ("product_id", "name", "category_1", "brand")
    assert rows(home, landed, "products", *columns) == [
        ("45001", "Example bowl", "Tableware", "Example maker"),
        ("45009", "Gift card", None, "Example maker"),
    ]
    home, landed = land_sample(tmp_path / "b", "shopify_api_product_variants")
    assert landed.feeds == {"products": 2, "inventory_snapshots": 2}
    found = home.rows(landed, "products")
    assert found["product_id"].to_list() == ["BOWL-L", "45002"]
    assert found["list_price"].to_list() == [d("20.0000"), d("10.0000")]
    assert found["valid_from"].cast(pl.String).to_list() == ["2026-05-01", "2026-04-01"]
    found = home.rows(landed, "inventory_snapshots")
    assert found.select("product_id", "warehouse", "on_hand").rows() == [
        ("BOWL-L", "all", 12), ("45002", "all", -1)]  # fmt: skip
    assert found["snapshot_date"].cast(pl.String).unique().to_list() == ["2026-05-04"]
    home, landed = land_sample(tmp_path / "c", "shopify_api_inventory_quantities")
    # Reserved and available are parts of what is on hand, not more of it.
    assert landed.excluded == {"other_kind": 2}
    assert rows(home, landed, "inventory_snapshots", "product_id", "warehouse", "on_hand") == [
        ("43001", "18401", 12), ("43001", "18402", 0)]  # fmt: skip
