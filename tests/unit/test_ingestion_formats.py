"""Layouts seen in the wild, and the rules by which formats make rows; worked out by hand."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.mapping.formats import load_formats
from tests.support.exports import Shop

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")


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


def test_a_snapshot_is_replaced_by_its_period(tmp_path: Path) -> None:
    home = Shop(tmp_path, "traffic_sources", settings={"delivery": "snapshot:traffic_date"})
    text = "统计日期,店铺名称,流量来源,访客数\n2026-05-01,店,a,1\n2026-05-01,店,b,1\n"
    landed = home.land(text, "t_202605_20260601020000.csv")
    found = home.rows(landed, "traffic_daily")
    assert found["_unit_key"].to_list() == ["web|web-1|traffic_source|2026-05-01"] * 2
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
    text += f"1,B,1,1.10,{at},2026-05-03 08:00:00\n2,A,1,5.00,{at},2026-05-02 08:00:00\n"
    for rule, amount in (("each_line", "2.20"), ("repeated", "1.10")):
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
