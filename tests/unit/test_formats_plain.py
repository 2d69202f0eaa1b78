"""Plain formats, one a feed, and what holds for every shipped format; rows worked out by hand."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.errors import FileRejected
from ingestion.feeds import FEEDS
from ingestion.mapping.formats import load_formats
from ingestion.rows.pseudonymise import pseudonyms
from tests.support.exports import KEY, Shop
from tests.support.samples import STAMP, land_sample, name_of, rows, sample

MAY_1 = date(2026, 5, 1)
D = Decimal


def key_of(value: str, kind: str = "") -> str:
    name = f"{kind}\x1fshop" if kind else "shop"
    return str(pseudonyms(pl.Series([value]), KEY, name)[0])


ONE, TWO = key_of("sample-customer-1"), key_of("sample-customer-2")


# Feed -> what its plain sample lands, by hand; Shanghai is eight hours ahead of UTC.
PLAIN: dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]] = {
    "orders": (
        ("order_id", "platform", "shop_id", "ordered_at", "status", "parent_order_id", "paid_at",
         "customer_key", "order_amount", "merchant_discount", "platform_discount",
         "creator_discount", "shipping_amount", "coupon_code", "utm_campaign", "ship_region",
         "is_presale", "deposit_amount", "deposit_paid_at", "platform_fee_amount", "is_shipped",
         "_version_at"),
        [
            ("000123", "tmall", "flagship", datetime(2026, 5, 1, 15, 58), "completed", None,
             datetime(2026, 5, 1, 16, 3), ONE, D("179.10"), D("19.90"), D("5.00"), D("1.00"),
             D("8.00"), "MAY", "may", "Shanghai", False, None, None, D("5.37"),
             True, datetime(2026, 5, 20, 1)),
            ("000124", "tmall", "flagship", datetime(2026, 5, 20, 12), "deposit_paid", "000120",
             None, TWO, D("149.00"), None, None, None, None, None, None, None, True, D("50.00"),
             datetime(2026, 5, 20, 12, 1, 2), None, None, datetime(2026, 5, 20, 12, 1, 2)),
        ],
    ),
    "order_items": (
        ("order_id", "line_number", "product_id", "quantity", "unit_price", "is_gift", "is_goods",
         "category", "discount_amount", "cost_amount"),
        [
            ("000123", 1, "P001", 2, D("99.5000"), False, True, "Tableware", D("19.90"),
             D("42.61")),
            ("000123", 2, "GIFT-1", 1, D("0.0000"), True, True, "Tableware", None, D("3.00")),
            ("000123", 3, "POST", 1, D("8.0000"), False, False, None, None, None),
            ("000124", 1, "P002", 1, D("149.0000"), False, True, None, D("0.00"), D("20.01")),
        ],
    ),
    "refunds": (
        ("refund_id", "order_id", "refunded_at", "amount", "kind", "status", "product_id",
         "requested_at", "quantity", "_version_at"),
        [
            ("R1", "000123", datetime(2026, 5, 9, 16, 30), D("89.55"), "return", "succeeded",
             "P001", datetime(2026, 5, 7, 23), 1, datetime(2026, 5, 9, 16, 31)),
            ("R2", "000124", datetime(2026, 5, 11, 2), D("149.00"), "refund_only", "rejected", None,
             None, None, datetime(2026, 5, 31, 18)),
        ],
    ),
    "customers": (
        ("customer_key", "registered_at", "email_key", "phone_key", "birth_year", "gender",
         "member_tier", "points"),
        [
            (ONE, datetime(2025, 11, 10, 16), key_of("sample.one@example.com", "email"),
             key_of("+86 100 0000 0001", "phone"), 1988, "f", "gold", 1200),
            (TWO, None, None, None, None, None, None, -30),
        ],
    ),
    "products": (
        ("product_id", "name", "valid_from", "category_3", "role", "list_price", "cost",
         "supplier_id", "launched_at"),
        [
            ("P001", "Bowl", MAY_1, "Bowls", "core", D("99.5000"), D("21.3050"), "S1",
             date(2025, 3, 1)),
            ("P002", "Cup", MAY_1, None, None, D("149.0000"), None, None, None),
        ],
    ),
    "coupon_redemptions": (
        ("customer_key", "coupon_id", "redeemed_at", "campaign_id", "order_id"),
        [
            (ONE, "C10", datetime(2026, 5, 1, 15, 59), "13", "000123"),
            (TWO, "C11", datetime(2026, 5, 2, 2), None, None),
        ],
    ),
    "campaign_members": (
        ("customer_key", "campaign_id", "member_from", "member_to"),
        [(ONE, "13", MAY_1, date(2026, 5, 31)), (TWO, "13", None, None)],
    ),
    "traffic_daily": (
        ("traffic_date", "platform", "shop_id", "grain", "segment", "visitors", "page_views",
         "paying_visitors"),
        [
            (MAY_1, "jd", "jd-shop", "shop", "all", 1204, 2992, 24),
            (MAY_1, "jd", "jd-shop", "product", "P001", 300, None, 3),
        ],
    ),
    "campaign_spend": (
        ("spend_date", "platform", "shop_id", "account", "campaign_id", "campaign", "cost_kind",
         "cost", "impressions", "clicks", "claimed_conversions", "claimed_value"),
        [
            (MAY_1, "douyin", "douyin-shop", "A1", "77", "Creator week", "slot_fee", D("1500.00"),
             None, None, None, None),
            # Two rows of half a cent are one cent.
            (MAY_1, "douyin", "douyin-shop", "A1", "77", "Creator week", "cps", D("0.01"), 30,
             3, 1.0, D("79.00")),
        ],
    ),
    "budgets": (
        ("month", "platform", "budget_amount", "currency", "campaign"),
        [
            (MAY_1, "tmall", D("100000.00"), "CNY", None),
            (date(2026, 6, 1), "tmall", D("2500.50"), "CNY", "618"),
        ],
    ),
    "exposures": (
        ("experiment", "variant", "visitor_key", "exposed_at"),
        [
            ("checkout-button", "control", key_of("sample-visitor-1", "visitor_id"),
             datetime(2026, 5, 1, 2)),
            ("checkout-button", "green", key_of("sample-visitor-2", "visitor_id"),
             datetime(2026, 5, 1, 2, 0, 1)),
        ],
    ),
    "live_sessions": (
        ("live_room_id", "platform", "started_at", "kind", "ended_at", "host", "viewers",
         "product_clicks", "commission_rate", "slot_fee"),
        [
            ("L7", "douyin", datetime(2026, 5, 1, 11, 58, 3), "creator",
             datetime(2026, 5, 1, 16, 31), "Sample Host", 18420, 7450, 0.2, D("1500.00")),
            ("L8", "douyin", datetime(2026, 5, 2, 12), "own", None, None, None, None, None, None),
        ],
    ),
    "inventory_snapshots": (
        ("snapshot_date", "product_id", "warehouse", "on_hand", "in_transit", "reserved"),
        [(MAY_1, "P001", "east", 120, 40, 7), (MAY_1, "P002", "east", -2, None, None)],
    ),
    "inventory_movements": (
        ("movement_id", "moved_at", "product_id", "warehouse", "kind", "quantity", "order_id",
         "po_id"),
        [
            ("M1", datetime(2026, 5, 1, 1), "P001", "east", "receipt", 40, None, "PO9"),
            ("M2", datetime(2026, 5, 1, 2), "P001", "east", "sale", -2, "000123", None),
        ],
    ),
    "purchase_orders": (
        ("po_id", "po_line", "supplier_id", "product_id", "ordered_at", "promised_at",
         "ordered_quantity", "unit_cost", "received_at", "received_quantity", "rejected_quantity"),
        [
            ("PO9", "1", "S1", "P001", datetime(2026, 4, 1, 1), datetime(2026, 4, 20, 10), 100,
             D("21.3050"), datetime(2026, 5, 1, 1), 42, 2),
            ("PO9", "2", "S1", "P002", datetime(2026, 4, 1, 1), datetime(2026, 4, 20, 10), 10,
             D("20.0000"), None, None, None),
        ],
    ),
    "shipments": (
        ("shipment_id", "order_id", "carrier", "shipped_at", "promised_at", "delivered_at",
         "region", "cost"),
        [
            ("SF0001", "000123", "sample carrier", datetime(2026, 5, 2, 7),
             datetime(2026, 5, 4, 12), datetime(2026, 5, 5, 3), "Shanghai", D("6.50")),
            ("SF0002", "000124", "sample carrier", datetime(2026, 5, 22, 1), None, None, None,
             None),
        ],
    ),
    "tickets": (
        ("ticket_id", "opened_at", "kind", "first_response_at", "resolved_at", "csat",
         "customer_key"),
        [
            ("T1", datetime(2026, 5, 3, 1), "late parcel", datetime(2026, 5, 3, 1, 0, 45),
             datetime(2026, 5, 4, 4), 4.5, ONE),
            ("T2", datetime(2026, 5, 3, 1, 10), "question", None, None, None, None),
        ],
    ),
    "reviews": (
        ("review_id", "product_id", "rating", "reviewed_at", "order_id", "customer_key"),
        [
            ("V1", "P001", 5.0, datetime(2026, 5, 9, 13), "000123", ONE),
            ("V2", "P002", 3.5, datetime(2026, 5, 10), None, None),
        ],
    ),
    "headcount": (
        ("month", "team", "headcount"),
        [(MAY_1, "service", 7.5), (MAY_1, "buying", 3.0)],
    ),
    "service_health": (
        ("hour_start", "metric", "value"),
        [
            (datetime(2026, 5, 1, 2), "error_rate", 0.0125),
            (datetime(2026, 5, 1, 3), "latency_change", -4.5),
        ],
    ),
    "order_costs": (
        ("order_id", "cost_type", "booked_at", "amount", "currency", "entry_id"),
        [
            ("000123", "platform_fee", datetime(2026, 5, 2, 16), D("5.37"), "CNY", "B1"),
            ("000123", "platform_fee", datetime(2026, 5, 9, 16, 31), D("-2.69"), "CNY", "B2"),
            ("000123", "freight", datetime(2026, 5, 2, 7), D("6.50"), "CNY", None),
        ],
    ),
    "settlements": (
        ("order_id", "settled_amount", "due_amount", "settled_at", "entry_id"),
        [
            ("000123", D("173.73"), D("173.73"), datetime(2026, 5, 17, 18), "J1"),
            ("000123", D("-86.87"), None, datetime(2026, 5, 18, 18), "J2"),
            ("000124", D("0.00"), D("149.00"), None, None),
        ],
    ),
    "platform_daily": (
        ("report_date", "platform", "shop_id", "currency", "paid_amount", "orders", "buyers",
         "visitors", "sub_orders", "refund_amount"),
        [
            (MAY_1, "tmall", "flagship", "CNY", D("3120.50"), 25, 24, 410, 31, D("0.00")),
            (date(2026, 5, 2), "tmall", "flagship", "CNY", None, None, None, None, None,
             None),
        ],
    ),
    "targets": (
        ("period", "period_start", "metric", "value", "dimension", "segment"),
        [
            ("month", MAY_1, "gmv", 500000.0, None, None),
            ("day", MAY_1, "gmv", 16129.03, "platform", "tmall"),
        ],
    ),
    "fx_rates": (
        ("rate_date", "currency", "rate"),
        [(MAY_1, "USD", D("7.12345678")), (MAY_1, "JPY", D("0.04670000"))],
    ),
    "benchmarks": (
        ("month", "metric", "unit", "value", "base_month", "dimension", "segment", "origin"),
        [
            (MAY_1, "conversion_rate", "rate", 0.031, None, None, None, "sample institute"),
            (MAY_1, "gmv", "index", 104.2, date(2026, 1, 1), "platform", "tmall", None),
        ],
    ),
    "campaigns": (
        ("campaign", "platform", "first_day", "last_day", "kind", "updated_at"),
        [
            ("Spring sale", "shopify", MAY_1, date(2026, 5, 14), "sale",
             datetime(2026, 4, 20, 2)),
            ("17", "shopify", date(2026, 5, 10), None, None, None),
        ],
    ),
    "market_size": (
        ("period_start", "metric", "value", "category", "origin"),
        [
            (MAY_1, "gmv", 1250000000.0, "Tableware", "sample institute"),
            (date(2026, 4, 1), "buyers", 42000000.5, None, None),
        ],
    ),
}  # fmt: skip
LEFT_OUT = {"orders": {"test_order": 1}}


@pytest.mark.parametrize("feed", PLAIN)
def test_plain_formats(tmp_path: Path, feed: str) -> None:
    home, landed = land_sample(tmp_path, f"plain_{feed}")
    columns, expected = PLAIN[feed]
    assert landed.unknown_columns == ()
    assert (landed.rows_quarantined, landed.rows_duplicate) == (0, 0)
    assert landed.excluded == LEFT_OUT.get(feed, {})
    assert rows(home, landed, feed, *columns) == expected


def test_refunds_leave_out_what_is_not_refunded_yet(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "refunds")
    assert landed.excluded == {"not_refunded_yet": 1}
    assert rows(home, landed, "refunds", "refund_id", "refunded_at", "amount", "quantity") == [
        ("R1", datetime(2026, 5, 4, 16, 30), D("99.00"), 1),
        ("R2", datetime(2026, 5, 22, 2), D("120.00"), None),
    ]


def test_products_with_their_cost_from_a_day_on(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "products")
    assert rows(home, landed, "products", "product_id", "cost", "valid_from") == [
        ("P001", D("41.3050"), MAY_1), ("P003", D("160.0000"), MAY_1),
    ]  # fmt: skip


def test_every_feed_has_a_plain_format_with_rows_worked_out() -> None:
    # Events are in test_formats_events.py.
    assert {*PLAIN, "events"} == set(FEEDS)


@pytest.mark.parametrize("feed", FEEDS)
def test_a_plain_sample_has_the_whole_header_and_none_of_the_optional_is_needed(
    tmp_path: Path, feed: str
) -> None:
    form = load_formats()[f"plain_{feed}"]
    table = pl.read_csv(sample(form.name), infer_schema=False)
    assert set(table.columns) - {"user_agent", "name", "text"} == (
        set(FEEDS[feed].delivered) - {"name", "text"} - _FILLED.get(feed, set())
    )
    _, landed = land_sample(tmp_path / "full", form.name)
    bare = Shop(tmp_path / "bare", form.name)
    # Optional, but what tells two rows of an order apart.
    key = FEEDS[feed].key
    needed = [n for n in table.columns if n not in form.read.optional or n in key]
    again = bare.land(table.select(needed).write_csv().encode(), name_of(form.name))
    assert again.rows_quarantined == 0
    if not landed.excluded and feed != "campaign_spend":  # whose parts then share no account
        assert again.rows_landed + again.rows_duplicate == landed.rows_landed


# What the sample of events leaves to the source.
_FILLED: dict[str, set[str]] = {"events": {"platform", "shop_id", "utm_content"}}


def test_platform_shop_and_currency_are_the_sources_where_the_file_has_none(
    tmp_path: Path,
) -> None:
    text = "order_id,ordered_at,status,order_amount\n1,2026-05-01 10:00:00,paid,5.00\n"
    home = Shop(tmp_path, "plain_orders")
    landed = home.land(text, "orders.csv")
    assert rows(home, landed, "orders", "platform", "shop_id", "currency") == [
        ("web", "web-1", "CNY")]  # fmt: skip
    # A blank in a column that is there is a gap, not a default.
    blank = "order_id,ordered_at,status,currency\n1,2026-05-01 10:00:00,paid,\n"
    home = Shop(tmp_path / "blank", "plain_orders", settings={"max_bad_share": 1})
    landed = home.land(blank, "orders.csv")
    assert landed.rows_quarantined == 1
    assert "currency is empty" in landed.issues[0]


def test_names_of_people_are_known_and_never_read(tmp_path: Path) -> None:
    for form in ("plain_customers", "plain_reviews"):
        home, landed = land_sample(tmp_path / form, form)
        assert landed.rows_landed == 2
        for path in home.landed_files:
            kept = pl.read_parquet(path).write_json()
            for name in ("Sample Name", "Sample Person", "example.com", "0000 0001"):
                assert name not in kept
                assert name.encode() not in path.read_bytes()


def test_a_month_is_a_date_only_where_the_feed_is_told_by_months(tmp_path: Path) -> None:
    text = "spend_date,campaign,cost_kind,cost\n2026-05,all,click,100.00\n"
    home = Shop(tmp_path, "plain_campaign_spend", settings={"max_bad_share": 1})
    landed = home.land(text, "spend.csv")
    assert (landed.rows_landed, landed.rows_quarantined) == (0, 1)
    assert "is not a date" in landed.issues[0]


def test_a_stamp_in_the_name_orders_plain_files_and_none_is_needed(tmp_path: Path) -> None:
    text = "rate_date,currency,rate\n2026-05-01,USD,7.1\n"
    home = Shop(tmp_path, "plain_fx_rates")
    stamped = home.rows(home.land(text, f"fx_{STAMP}.csv"), "fx_rates")
    assert stamped["_version_at"][0] == datetime(2026, 5, 31, 18)
    bare = home.rows(home.land(text, "fx.csv"), "fx_rates")
    assert bare["_version_at"][0] == datetime(2026, 4, 30, 16)  # its own day's start


@pytest.mark.parametrize("form", ["refunds", "products", "plain_order_items"])
def test_lists_that_carry_no_version_must_name_their_instant(tmp_path: Path, form: str) -> None:
    header = ",".join(load_formats()[form].read.header) + "\n"
    home = Shop(tmp_path, form)
    assert home.land(header, f"{form}_{STAMP}.csv").rows_read == 0
    with pytest.raises(FileRejected, match="its name carries no export instant"):
        home.land(header, f"{form}.csv")


def test_a_review_of_no_product_and_a_ticket_of_nothing_land(tmp_path: Path) -> None:
    home = Shop(tmp_path / "reviews", "plain_reviews")
    landed = home.land("review_id,rating,reviewed_at\nr1,4,2026-05-01 10:00:00\n", "r.csv")
    assert rows(home, landed, "reviews", "review_id", "product_id", "order_id", "rating") == [
        ("r1", None, None, 4.0)
    ]
    home = Shop(tmp_path / "tickets", "plain_tickets")
    landed = home.land("ticket_id,opened_at,kind\nt1,2026-05-01 10:00:00,other\n", "t.csv")
    assert rows(home, landed, "tickets", "ticket_id", "order_id", "product_id", "customer_key") == [
        ("t1", None, None, None)
    ]
