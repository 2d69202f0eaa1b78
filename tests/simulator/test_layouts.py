"""The demo company's files have the platforms' own layouts."""

from __future__ import annotations

import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.simulated import export_instant, table

ORDERS = (
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,"
    "买家实际支付金额,买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址,运送方式,"
    "联系电话,联系手机,订单创建时间,订单付款时间,宝贝标题,宝贝种类,物流单号,物流公司,"
    "订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,发票抬头,"
    "是否手机订单,分阶段订单信息,定金排名,修改后的sku,修改后的收货地址,异常信息"
)
DETAILS = "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码"
TOTALS = "统计日期,店铺名称,访客数,浏览量,商品访客数,收藏人数,加购人数,支付买家数"
SOURCES = "统计日期,店铺名称,流量来源,访客数,支付买家数"
REFUNDS = (
    "refund_id,order_id,product_id,requested_at,refunded_at,amount,quantity,kind,reason,status"
)
PRODUCTS = "product_id,name,category_1,category_2,brand,role,list_price,cost,launched_at,valid_from"
HEADERS = {
    "tmall/ExportOrderList": ORDERS,
    "tmall/ExportOrderDetailList": DETAILS,
    "tmall/shop_traffic": TOTALS,
    "tmall/traffic_sources": SOURCES,
    "tmall/refunds": REFUNDS,
    "shopify/refunds": REFUNDS,
    "tmall/products": PRODUCTS,
    "shopify/products": PRODUCTS,
}


@pytest.mark.parametrize("stream", HEADERS)
def test_headers_and_encodings(demo: Path, stream: str) -> None:
    for path in (demo / "inbox").glob(f"{stream}_*.csv"):
        raw = path.read_bytes()
        if "ExportOrder" in stream:
            text = raw.decode("gb18030")
            assert raw.count(b"\n") == raw.count(b"\r\n")
            with pytest.raises(UnicodeDecodeError):
                raw.decode("utf-8")
        else:
            text = raw.decode("utf-8-sig" if "traffic" in stream else "utf-8")
            assert raw.startswith(b"\xef\xbb\xbf") == ("traffic" in stream)
        assert text.splitlines()[0] == HEADERS[stream]


def test_shopify_header_has_its_70_columns(demo: Path) -> None:
    for path in (demo / "inbox/shopify").glob("orders_export_*.csv"):
        first = path.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
        assert first[:4] == ["Name", "Email", "Financial Status", "Paid at"]
        assert len(first) == len(set(first)) == 70
        assert first[-1] == "Tax 5 Value"


def test_google_report_has_titles_and_a_total(demo: Path) -> None:
    path = demo / "inbox/google_ads/campaigns_2026_20261101020000.csv"
    lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert lines[0] == ["Campaign report"]
    assert lines[2][:4] == ["Day", "Campaign", "Currency code", "Impr."]
    rows, total = lines[3:-1], lines[-1]
    assert len(rows) == 3 * 61
    assert total[0] == "Total: All campaigns"
    for column in range(3, 8):
        cells = [Decimal(row[column].replace(",", "")) for row in [*rows, total]]
        assert sum(cells[:-1]) == cells[-1]
    assert "," in total[3]


def test_meta_rows_are_daily_and_in_yuan(demo: Path) -> None:
    path = demo / "inbox/meta_ads/campaigns_2026_20261101020000.csv"
    rows = table(path)
    assert len(rows) == 3 * 61
    assert all(row["Reporting starts"] == row["Reporting ends"] for row in rows)
    assert "CPM (cost per 1,000 impressions) (CNY)" in rows[0]
    assert all(Decimal(row["Amount spent (CNY)"]) >= 0 for row in rows)


def test_json_carries_integers_as_text(demo: Path) -> None:
    path = demo / "inbox/ga4/events_20261105.json.gz"
    raw = path.read_bytes()
    assert raw[4:8] == b"\0\0\0\0"  # no time of writing in the gzip header
    row = json.loads(gzip.decompress(raw).splitlines()[0])
    assert isinstance(row["event_timestamp"], str)
    assert isinstance(row["event_params"][0]["value"]["int_value"], str)
    assert row["event_params"][0]["key"] == "ga_session_id"
    assert row["geo"]["region"].endswith(("省", "市"))


def test_products_change_on_known_days(demo: Path) -> None:
    paths = sorted((demo / "inbox/tmall").glob("products_*.csv"))
    assert [export_instant(path) for path in paths] == ["20260901020000"]
    rows = table(paths[0])
    assert sum(row["product_id"].startswith("GIFT-") for row in rows) == 3
    assert len({row["category_1"] for row in rows}) == 7  # six and the gifts
    assert all(Decimal(row["list_price"]) > Decimal(row["cost"]) for row in rows[:-3])
