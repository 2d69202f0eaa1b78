"""Each shipped format reads its platform's layout; expected rows are worked out by hand."""

import gzip
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from ingestion.landing.deliveries import match_files
from ingestion.landing.land import land_file
from ingestion.mapping.formats import load_formats
from ingestion.mapping.sources import parse_sources
from ingestion.rows.pseudonymise import pseudonyms
from tests.support.exports import KEY, Shop

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
STAMP = "202605_20260601020000.csv"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")


def shop(tmp_path: Path, form: str) -> Shop:
    return Shop(tmp_path, form)


def row(header: tuple[str, ...], **cells: str) -> str:
    assert set(cells) <= set(header), set(cells) - set(header)
    return ",".join(f'"{cells[name]}"' if name in cells else "" for name in header) + "\r\n"


def table(form: str, *rows: dict[str, str], quote_header: bool = True) -> str:
    header = load_formats()[form].read.header
    mark = '"' if quote_header else ""
    head = ",".join(f"{mark}{name}{mark}" for name in header) + "\r\n"
    return head + "".join(row(header, **cells) for cells in rows)


@needs_shared
@pytest.mark.parametrize(
    ("form", "layout", "encoding"),
    [
        ("taobao_orders", "taobao_tmall_order_report_ExportOrderList", "gb18030"),
        ("taobao_order_details", "taobao_tmall_order_detail_ExportOrderDetailList", "gb18030"),
        ("shopify_orders", "shopify_orders_export", "utf-8"),
        ("douyin_orders", "douyin_shop_order_export", "utf-8-sig"),
        ("douyin_settlement", "douyin_settlement_flow", "utf-8-sig"),
        ("jd_pop_orders", "jd_pop_order_export", "gb18030"),
        ("meta_ads_campaigns", "meta_ads_manager_campaign_export", "utf-8"),
    ],
)
def test_formats_begin_with_the_columns_seen_in_the_wild(
    form: str, layout: str, encoding: str
) -> None:
    data = (SHARED / "platform_layouts" / f"{layout}.header.csv").read_bytes()
    line = data.decode(encoding).strip().replace("(EGP)", "(CNY)")
    expected = [str(name) for name in pl.read_csv(f"{line}\n".encode(), has_header=False).row(0)]
    # Columns that only other exports of the same kind have come after them.
    assert list(load_formats()[form].read.header)[: len(expected)] == expected


def test_taobao_orders(tmp_path: Path) -> None:
    plain = {
        "订单编号": '=""2026050100000000001""', "买家会员名": "小王", "买家应付货款": "199.00",
        "买家应付邮费": "8.00", "总金额": "237.00", "买家实际支付金额": "207.00",
        "订单状态": "买家已付款，等待卖家发货", "收货地址": "浙江省 杭州市 西湖区",
        "订单创建时间": "2026-05-01 23:58:00", "订单付款时间": "2026-05-02 00:03:00",
        "是否手机订单": "手机订单",
    }  # fmt: skip
    deposit = {
        **plain, "订单编号": "2", "订单状态": "定金已付，等待付尾款", "订单付款时间": "",
        "是否手机订单": "",
        "分阶段订单信息": "阶段1:定金 50.00元 已付款 2026-05-20 20:01:02;"
        "阶段2:尾款 149.00元 未付款",
    }  # fmt: skip
    balance = {
        **deposit, "订单编号": "3", "订单状态": "交易成功", "订单付款时间": "2026-05-31 09:00:00",
        "分阶段订单信息": "阶段1:定金 50.00元 已付款 2026-05-20 20:01:02;"
        "阶段2:尾款 149.00元 已付款 2026-05-31 09:00:00",
    }  # fmt: skip
    closed = {**plain, "订单编号": "4", "订单状态": "交易关闭", "订单付款时间": ""}
    text = table("taobao_orders", plain, deposit, balance, closed, quote_header=False)
    data = text.encode("gb18030")
    home = shop(tmp_path, "taobao_orders")
    landed = home.land(data, f"ExportOrderList_{STAMP}")
    rows = home.rows(landed)
    assert rows["order_id"].to_list() == ["2026050100000000001", "2", "3", "4"]
    assert rows["status"].to_list() == ["paid", "deposit_paid", "completed", "closed"]
    assert rows["paid_at"].to_list() == [
        datetime(2026, 5, 1, 16, 3), None, datetime(2026, 5, 31, 1), None]  # fmt: skip
    assert rows["ordered_at"][0] == datetime(2026, 5, 1, 15, 58)
    assert rows["order_amount"].to_list() == [Decimal("199.00")] * 4
    assert rows["shipping_amount"][0] == Decimal("8.00")
    assert rows["region"].unique().to_list() == ["浙江省"]
    assert rows["device"].to_list() == ["mobile", None, None, "mobile"]
    assert rows["is_presale"].to_list() == [False, True, True, False]
    assert rows["deposit_amount"].to_list() == [None, Decimal("50.00"), Decimal("50.00"), None]
    assert rows["deposit_paid_at"][1] == datetime(2026, 5, 20, 12, 1, 2)
    assert rows["_version_at"].unique().to_list() == [datetime(2026, 5, 31, 18)]
    assert rows["_unit_key"].to_list() == rows["_row_key"].to_list() == rows["order_id"].to_list()
    who = pseudonyms(pl.Series(["小王"]), KEY, "shop")[0]
    assert rows["customer_key"].unique().to_list() == [who]
    assert landed.unknown_columns == ()
    for path in home.landed_files:
        assert "小王" not in pl.read_parquet(path).write_json()


def test_taobao_order_details(tmp_path: Path) -> None:
    rows = [
        {"订单编号": '=""77""', "标题": "碗", "价格": "59.90", "购买数量": "2",
         "外部系统编号": "P003"},
        {"订单编号": '=""77""', "标题": "碗", "价格": "59.90", "购买数量": "2",
         "外部系统编号": "P003"},
        {"订单编号": '=""77""', "标题": "赠品", "价格": "0.00", "购买数量": "1",
         "商家编码": "GIFT-1"},
        {"订单编号": '=""78""', "标题": "杯", "价格": "10", "购买数量": "1"},
    ]  # fmt: skip
    home = shop(tmp_path, "taobao_order_details")
    data = table("taobao_order_details", *rows).encode("gb18030")
    found = home.rows(home.land(data, f"ExportOrderDetailList_{STAMP}"), "order_items")
    assert found.select("order_id", "line_number", "product_id", "quantity", "unit_price",
                        "is_gift", "is_goods").rows() == [
        ("77", 1, "P003", 2, Decimal("59.9000"), False, True),
        ("77", 2, "P003", 2, Decimal("59.9000"), False, True),  # identical lines are two lines
        ("77", 3, "GIFT-1", 1, Decimal("0.0000"), True, True),
        ("78", 1, "杯", 1, Decimal("10.0000"), False, True),
    ]  # fmt: skip
    assert found["_row_key"].to_list() == ["77|1", "77|2", "77|3", "78|1"]
    assert found["_unit_key"].to_list() == ["77", "77", "77", "78"]


def test_shopify_orders(tmp_path: Path) -> None:
    head = {
        "Name": "#100123", "Email": "Anna@Example.com", "Financial Status": "paid",
        "Paid at": "2026-05-01 10:05:00 +0800", "Fulfillment Status": "fulfilled",
        "Currency": "CNY", "Subtotal": "179.10", "Shipping": "10.00", "Taxes": "0.00",
        "Total": "189.10", "Discount Code": "MAY", "Discount Amount": "19.90",
        "Created at": "2026-05-01 10:00:00 +0800", "Shipping Province": "Zhejiang",
        "Lineitem quantity": "1", "Lineitem name": "Bowl", "Lineitem price": "99.00",
        "Lineitem sku": "P1", "Lineitem discount": "0.00", "Payment Method": "Alipay",
    }  # fmt: skip
    second = {"Name": "#100123", "Lineitem quantity": "2", "Lineitem name": "Cup",
              "Lineitem price": "50.00", "Lineitem sku": "P2"}  # fmt: skip
    pending = {**head, "Name": "#100124", "Financial Status": "pending", "Paid at": "",
               "Cancelled at": "2026-05-02 10:00:00 +0800", "Email": ""}  # fmt: skip
    home = shop(tmp_path, "shopify_orders")
    landed = home.land(table("shopify_orders", head, second, pending), f"orders_export_{STAMP}")
    assert (landed.rows_landed, landed.feeds) == (3, {"orders": 2, "order_items": 3})
    found = home.rows(landed)
    assert found.select("order_id", "status", "order_amount", "shipping_amount", "region",
                        "merchant_discount", "coupon_code", "payment_method").row(0) == (
        "100123", "shipped", Decimal("179.10"), Decimal("10.00"), "Zhejiang", Decimal("19.90"),
        "MAY", "Alipay")  # fmt: skip
    assert found["paid_at"].to_list() == [datetime(2026, 5, 1, 2, 5), None]
    assert found["status"][1] == "closed"
    who = pseudonyms(pl.Series(["anna@example.com"]), KEY, "shop")[0]
    assert found["customer_key"].to_list() == [who, None]
    lines = home.rows(landed, "order_items")
    assert lines.select("order_id", "line_number", "product_id", "quantity").rows() == [
        ("100123", 1, "P1", 1), ("100123", 2, "P2", 2), ("100124", 1, "P1", 1)]  # fmt: skip


EVENTS: list[dict[str, Any]] = [
    {
        "event_date": "20260501",
        "event_timestamp": 1777600000000001,
        "event_name": name,
        "event_params": [
            {"key": "ga_session_id", "value": {"string_value": None, "int_value": 17}},
            {"key": "page_location", "value": {"string_value": page, "int_value": None}},
        ],
        "user_pseudo_id": visitor,
        "user_id": None,
        "device": {"category": "mobile"},
        "geo": {"country": "China", "region": "Zhejiang", "city": "Hangzhou"},
        "collected_traffic_source": {"manual_campaign_name": None, "manual_source": source,
                                     "manual_medium": medium, "gclid": click},
        "ecommerce": {"transaction_id": order, "purchase_revenue": 99.0 if order else None},
        "items": [{"item_id": "P1", "item_name": "Bowl", "price": 99.0, "quantity": 1}] * items,
    }
    for name, page, visitor, source, medium, click, order, items in [
        ("page_view", "https://shop.example/", "v1", "newsletter", "email", None, None, 0),
        ("page_view", "https://shop.example/?a=1", "v1", None, None, "Cj0x", None, 0),
        ("page_view", "https://shop.example/collections/x", "v1", None, None, None, None, 0),
        ("view_item", "https://shop.example/products/P1", "v1", None, None, None, None, 1),
        ("view_item", "https://shop.example/products/P1", "v1", None, None, None, None, 1),
        ("purchase", "https://shop.example/thank-you", "v2", "google", "organic", None, "100123",
         2),
        ("session_start", "https://shop.example/", None, None, None, None, "(not set)", 0),
    ]
]  # fmt: skip


def check_events(found: pl.DataFrame) -> None:
    assert found["event_type"].to_list() == [
        "home", "home", "other", "product_view", "product_view", "purchase", "other"]  # fmt: skip
    assert found["utm_source"].to_list() == [
        "newsletter", "google", None, None, None, "google", None]  # fmt: skip
    assert found["utm_medium"].to_list()[:2] == ["email", "cpc"]
    assert found["order_id"].to_list() == [None] * 5 + ["100123", None]
    assert found["product_id"].to_list() == [None, None, None, "P1", "P1", "P1", None]
    assert found["occurred_at"].unique().to_list() == [datetime(2026, 5, 1, 1, 46, 40, 1)]
    assert found["visitor_key"].null_count() == 1
    assert found["visitor_key"].n_unique() == 3
    assert found["region"].unique().to_list() == ["Zhejiang"]
    assert found["event_id"].n_unique() == 7  # alike events are told apart, never dropped
    assert found["_version_at"].unique().to_list() == [datetime(2026, 5, 1, 1, 46, 40, 1)]


def test_ga4_parquet_and_json_lines_land_alike(tmp_path: Path) -> None:
    home = shop(tmp_path / "a", "ga4_events")
    path = home.put(b"", "events_202605.parquet")
    pl.DataFrame(EVENTS).write_parquet(path)
    from_parquet = home.rows(home.land(path), "events")
    check_events(from_parquet)

    lines = []
    for event in EVENTS:
        text = json.loads(json.dumps(event))
        text["event_timestamp"] = str(text["event_timestamp"])  # as BigQuery writes 64-bit integers
        text["event_params"][0]["value"]["int_value"] = "17"
        lines.append(json.dumps(text) + "\n")
    home = shop(tmp_path / "b", "ga4_events_jsonl")
    landed = home.land(gzip.compress("".join(lines).encode()), "events_20260501.json.gz")
    from_json = home.rows(landed, "events")
    check_events(from_json)
    same = [c for c in from_json.columns if c not in ("_batch_id", "_source_file")]
    assert from_parquet.select(same).equals(from_json.select(same))

    # Another order of the same rows gives the same events.
    home = shop(tmp_path / "c", "ga4_events_jsonl")
    turned = home.rows(home.land("".join(lines[::-1]), "events_20260501.json"), "events")
    assert set(turned["event_id"]) == set(from_json["event_id"])


def test_google_ads_campaigns_sums_a_campaign_that_comes_in_parts(tmp_path: Path) -> None:
    text = (
        'Campaign report\n"May 1, 2026 - May 31, 2026"\n'
        "Day,Campaign,Currency code,Impr.,Clicks,Cost,Conversions,Conv. value\n"
        '2026-05-01,Brand | Search,CNY,"1,204",30,"1,172.455",2.50,"2,000.00"\n'
        "2026-05-01,Brand | Search,CNY,6,1,0.10,0.50, --\n"
        '2026-05-01,Generic,CNY,10,0,0.00,0.00,0.00\n"Total: All campaigns",,CNY,"1,220",31,'
        '"1,172.56",3.00,"2,000.00"\n'
    )
    home = shop(tmp_path, "google_ads_campaigns")
    landed = home.land(text, f"campaigns_{STAMP}")
    assert (landed.rows_read, landed.rows_landed, landed.feeds) == (3, 3, {"campaign_spend": 2})
    found = home.rows(landed, "campaign_spend")
    assert found.select("spend_date", "campaign", "cost", "impressions", "clicks",
                        "claimed_conversions", "claimed_value", "cost_kind").rows() == [
        (date(2026, 5, 1), "Brand | Search", Decimal("1172.56"), 1210, 31, 3.0,
         Decimal("2000.00"), "click"),
        (date(2026, 5, 1), "Generic", Decimal("0.00"), 10, 0, 0.0, Decimal("0.00"), "click"),
    ]  # fmt: skip
    assert found["_row_key"][0] == r"2026-05-01|web||Brand \| Search||click"


def test_meta_ads_campaigns_refuses_rows_that_are_not_of_one_day(tmp_path: Path) -> None:
    day = {"Reporting starts": "2026-05-01", "Reporting ends": "2026-05-01",
           "Campaign name": "video", "Amount spent (CNY)": "139.57", "Impressions": "15761",
           "Link clicks": "131", "Results": "3"}  # fmt: skip
    month = {**day, "Campaign name": "all", "Reporting ends": "2026-05-31"}
    home = shop(tmp_path, "meta_ads_campaigns")
    home.settings = {"max_bad_share": 0.5}
    landed = home.land(table("meta_ads_campaigns", day, month), f"campaigns_{STAMP}")
    assert (landed.rows_landed, landed.rows_quarantined) == (1, 1)
    (told,) = landed.issues
    rule = '("Reporting starts" = "Reporting ends")'
    assert told == f"campaigns_{STAMP} row 2: is_daily does not hold {rule}. 1 row like this."
    found = home.rows(landed, "campaign_spend")
    assert found.select("cost", "claimed_conversions").row(0) == (Decimal("139.57"), 3.0)


def test_refunds_leave_out_what_is_not_refunded_yet(tmp_path: Path) -> None:
    done = {"refund_id": "R1", "order_id": "77", "product_id": "P1", "amount": "255.90",
            "requested_at": "2026-05-01 07:00:00", "refunded_at": "2026-05-03 00:30:00",
            "quantity": "1", "kind": "return", "status": "succeeded"}  # fmt: skip
    asked = {**done, "refund_id": "R2", "refunded_at": "", "status": "requested"}
    home = shop(tmp_path, "refunds")
    landed = home.land(table("refunds", done, asked), f"refunds_{STAMP}")
    assert (landed.rows_landed, landed.rows_excluded) == (1, 1)
    assert landed.excluded == {"not_refunded_yet": 1}
    found = home.rows(landed, "refunds")
    assert found.select("refund_id", "refunded_at", "amount", "quantity").row(0) == (
        "R1", datetime(2026, 5, 2, 16, 30), Decimal("255.90"), 1)  # fmt: skip


def test_refunds_without_id_get_one_of_order_instant_and_ordinal(tmp_path: Path) -> None:
    columns = {"order_id": "o", "refunded_at": "at", "amount": "amount"}
    constants = {"kind": "return", "status": "succeeded"}
    form = {"feeds": {"refunds": {"columns": columns, "constants": constants}}}
    home = Shop(tmp_path, form)
    at = "2026-05-01 08:00:00"
    landed = home.land(f"o,at,amount\n7,{at},2.00\n7,{at},1.00\n8,{at},3.00\n")
    assert home.rows(landed, "refunds").select("refund_id", "amount").rows() == [
        ("7@20260501T000000#2", Decimal("2.00")), ("7@20260501T000000#1", Decimal("1.00")),
        ("8@20260501T000000#1", Decimal("3.00"))]  # fmt: skip


def test_traffic_and_products(tmp_path: Path) -> None:
    total = {"统计日期": "2026-05-01", "店铺名称": "店", "访客数": "1,204", "浏览量": "2992",
             "支付买家数": "24"}  # fmt: skip
    home = shop(tmp_path / "a", "shop_traffic")
    data = "\ufeff" + table("shop_traffic", total, quote_header=False)
    landed = home.land(data, f"shop_traffic_{STAMP}")
    found = home.rows(landed, "traffic_daily")
    assert found.select("traffic_date", "grain", "segment", "visitors", "paying_visitors",
                        "_row_key").row(0) == (
        date(2026, 5, 1), "shop", "all", 1204, 24, "2026-05-01|web|web-1|shop|all")  # fmt: skip
    assert landed.last_at == datetime(2026, 4, 30, 16)  # local midnight, in UTC

    source = {"统计日期": "2026-05-01", "店铺名称": "店", "流量来源": "手淘搜索", "访客数": "340"}
    home = shop(tmp_path / "b", "traffic_sources")
    landed = home.land(table("traffic_sources", source), f"traffic_sources_{STAMP}")
    assert home.rows(landed, "traffic_daily").select("grain", "segment", "visitors").row(0) == (
        "traffic_source", "手淘搜索", 340)  # fmt: skip

    product = {"product_id": "P1", "name": "碗", "list_price": "59.90", "cost": "21.305",
               "valid_from": "2026-05-01"}  # fmt: skip
    home = shop(tmp_path / "c", "products")
    landed = home.land(table("products", product), "products_20260501020000.csv")
    assert home.rows(landed, "products").select("product_id", "cost", "valid_from").row(0) == (
        "P1", Decimal("21.3050"), date(2026, 5, 1))  # fmt: skip


def test_a_snapshot_is_replaced_by_its_period(tmp_path: Path) -> None:
    day = {"统计日期": "2026-05-01", "店铺名称": "店", "流量来源": "a", "访客数": "1"}
    home = shop(tmp_path, "traffic_sources")
    home.settings = {"delivery": "snapshot:traffic_date"}
    landed = home.land(table("traffic_sources", day, {**day, "流量来源": "b"}), f"t_{STAMP}")
    found = home.rows(landed, "traffic_daily")
    assert found["_unit_key"].to_list() == ["2026-05-01"] * 2
    assert found["_row_key"].n_unique() == 2


def test_order_values_on_each_line_are_summed_and_repeated_ones_are_not(tmp_path: Path) -> None:
    form: dict[str, Any] = {
        "order_value": "each_line",
        "updated_at": "seen",
        "feeds": {
            "orders": {"columns": {"order_id": "o", "ordered_at": "at", "order_amount": "v"},
                       "constants": {"status": "paid"}},
            "order_items": {"columns": {"order_id": "o", "product_id": "p", "quantity": "q",
                                        "unit_price": "v"}},
        },
    }  # fmt: skip
    at = "2026-05-01 08:00:00"
    text = f"o,p,q,v,at,seen\n1,A,1,1.10,{at},2026-05-02 08:00:00\n"
    text += f"1,B,1,2.20,{at},2026-05-03 08:00:00\n2,A,1,5.00,{at},2026-05-02 08:00:00\n"
    for rule, amount in (("each_line", "3.30"), ("repeated", "1.10")):
        home = Shop(tmp_path / rule, {**form, "order_value": rule})
        landed = home.land(text)
        found = home.rows(landed)
        assert found["order_amount"].to_list() == [Decimal(amount), Decimal("5.00")]
        newest = datetime(2026, 5, 3)
        assert found["_version_at"].to_list() == [newest, datetime(2026, 5, 2)]
        lines = home.rows(landed, "order_items")
        assert lines["_version_at"].to_list() == [newest, newest, datetime(2026, 5, 2)]


def test_orders_the_export_calls_tests_are_left_out_with_all_their_lines(tmp_path: Path) -> None:
    form: dict[str, Any] = {
        "order_value": "each_line",
        "feeds": {
            "orders": {"columns": {"order_id": "o", "ordered_at": "at", "is_test": "test"},
                       "constants": {"status": "paid"}},
            "order_items": {"columns": {"order_id": "o", "product_id": "p", "quantity": "q",
                                        "unit_price": "v"}},
        },
    }  # fmt: skip
    at = "2026-05-01 08:00:00"
    lines = (f"1,A,1,1.10,{at},no", f"2,A,1,5.00,{at},yes", f"2,B,1,5.00,{at},")
    home = Shop(tmp_path, form)
    landed = home.land("\n".join(("o,p,q,v,at,test", *lines, "")))
    assert (landed.rows_read, landed.rows_landed, landed.rows_excluded) == (3, 1, 2)
    assert landed.excluded == {"test_order": 2}
    assert home.rows(landed)["order_id"].to_list() == ["1"]
    assert home.rows(landed, "order_items")["order_id"].to_list() == ["1"]


@needs_shared
def test_online_retail_goes_through_its_mapping_alone(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox" / "retail"
    inbox.mkdir(parents=True)
    for path in (SHARED / "online_retail_2010_2011").glob("*.csv.gz"):
        (inbox / path.name).write_bytes(path.read_bytes())
    raw = yaml.safe_load((ROOT / "examples/online_retail/shop.yml").read_text(encoding="utf-8"))
    sources = parse_sources(raw["sources"])
    (match,) = match_files(tmp_path / "inbox", sources)
    landed = land_file(
        match.path, inbox=tmp_path / "inbox", landing=tmp_path / "landing",
        quarantine=tmp_path / "quarantine", source=sources[match.source], files=match.files,
        key=KEY, reporting_currency=raw["shop"]["currency"],
    )  # fmt: skip
    assert (landed.rows_read, landed.rows_quarantined, landed.rows_duplicate) == (105_335, 0, 0)
    orders = pl.read_parquet(tmp_path / "landing/orders/*/*.parquet")
    items = pl.read_parquet(tmp_path / "landing/order_items/*/*.parquet")
    value = (pl.col("quantity") * pl.col("unit_price")).sum().alias("value")
    local = pl.col("paid_at").dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/London")
    months = (
        items.group_by("order_id").agg(value).join(orders, on="order_id")
        .group_by(local.dt.strftime("%Y-%m").alias("month"))
        .agg(pl.len(), pl.col("value").sum(), pl.col("customer_key").drop_nulls().n_unique())
        .sort("month")
    )  # fmt: skip
    # The figures of ../shared/data/README.md.
    assert months.rows() == [
        ("2010-12", 1559, Decimal("823746.1400"), 885),
        ("2011-01", 1086, Decimal("691364.5600"), 741),
        ("2011-02", 1100, Decimal("523631.8900"), 758),
    ]
