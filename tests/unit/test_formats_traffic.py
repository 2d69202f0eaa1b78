"""Daily traffic of marketplaces and live sessions; expected rows are worked out by hand."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import FileRejected
from tests.support.exports import Shop
from tests.support.samples import STAMP, land_sample, rows, sample

COUNTS = ("visitors", "page_views", "product_visitors", "favourite_visitors", "cart_visitors",
          "paying_visitors")  # fmt: skip
FIRST, SECOND, THIRD = date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 3)


def test_sycm_totals_of_the_shop_read_days_and_set_periods_aside(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "shop_traffic", max_bad_share=0.3)
    assert (landed.rows_read, landed.rows_landed, landed.rows_quarantined) == (4, 3, 1)
    assert rows(home, landed, "traffic_daily", "traffic_date", "grain", "segment", *COUNTS) == [
        (FIRST, "shop", "all", 1204, 2992, 980, 41, 63, 24),
        (SECOND, "shop", "all", 987, None, 801, None, 55, 0),
        (THIRD, "shop", "all", 12345678, 20, 7, 1, 2, 3),
    ]
    (told,) = landed.troubles
    assert (told.reason, told.column) == ("not_readable", "traffic_date (统计日期)")
    assert "2026-05-01~2026-05-03" in told.example
    found = home.rows(landed, "traffic_daily")
    assert found["platform"].unique().to_list() == ["web"]
    assert found["shop_id"].unique().to_list() == ["web-1"]
    assert found["_version_at"].unique().to_list() == [datetime(2026, 5, 31, 18)]
    assert found["_row_key"][0] == "2026-05-01|web|web-1|shop|all"
    assert landed.last_at == datetime(2026, 5, 2, 16)  # local midnight of the third, in UTC


def test_sycm_sources_are_read_once_each_without_their_details(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "traffic_sources")
    assert (landed.rows_landed, landed.excluded) == (3, {"detail_of_a_source": 1})
    assert rows(home, landed, "traffic_daily", "traffic_date", "grain", "segment", *COUNTS) == [
        (FIRST, "traffic_source", "手淘搜索", 340, 1020, None, 12, 30, 9),
        (FIRST, "traffic_source", "手淘推荐", 1310, 2500, None, None, 44, 5),
        (SECOND, "traffic_source", "手淘搜索", 300, 900, None, 10, 25, None),
    ]


def test_sycm_products_keep_their_long_numbers(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "sycm_products")
    assert rows(home, landed, "traffic_daily", "traffic_date", "grain", "segment", *COUNTS) == [
        (FIRST, "product", "600000000000000001", 1050, 2310, None, 30, 70, 21),
        (FIRST, "product", "600000000000000002", 8, 9, None, None, None, None),
        (SECOND, "product", "600000000000000001", 900, 1800, None, 25, 60, 18),
    ]


def test_douyin_shop_totals_leave_out_the_period_and_the_parts(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "douyin_compass_shop")
    assert landed.excluded == {"part_of_the_shop": 2, "total_of_the_period": 1}
    assert rows(home, landed, "traffic_daily", "traffic_date", "grain", "segment", *COUNTS) == [
        (FIRST, "shop", "all", 2804, 6500, 2804, None, None, 131),
        (SECOND, "shop", "all", 2500, None, 2500, None, None, None),
    ]
    shown = {"feeds": {"traffic_daily": {"columns": {"visitors": "商品曝光人数"}}}}
    home, landed = land_sample(tmp_path / "shown", "douyin_compass_shop", overrides=shown)
    assert rows(home, landed, "traffic_daily", "visitors") == [(50210,), (45000,)]


def test_douyin_products_come_by_day_or_not_at_all(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "douyin_compass_products")
    assert landed.excluded == {"total_of_the_period": 1}
    assert rows(home, landed, "traffic_daily", "traffic_date", "grain", "segment", *COUNTS) == [
        (FIRST, "product", "3600000000000000001", 640, 910, None, 12, 80, 33),
        (FIRST, "product", "3600000000000000002", 0, 0, None, None, None, None),
    ]
    whole_period = sample("douyin_compass_products").read_text(encoding="utf-8").splitlines()
    text = "".join(line.partition(",")[2] + "\n" for line in whole_period)
    with pytest.raises(FileRejected, match="column `日期` is missing"):
        home.land(text, f"june_{STAMP}.csv")


def test_a_live_session_counts_on_the_day_it_began(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "douyin_compass_live_rooms")
    assert rows(home, landed, "traffic_daily", "traffic_date", "grain", "segment", *COUNTS) == [
        (FIRST, "live_room", "7300000000000000001", 18420, 25003, 3120, None, None, 211),
        (SECOND, "live_room", "7300000000000000002", 950, 1100, 120, None, None, None),
    ]


def test_live_sessions_with_host_kind_rate_and_fee(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "douyin_live_sessions")
    assert set(landed.feeds) == {"live_sessions"}
    columns = ("live_room_id", "started_at", "ended_at", "kind", "host", "viewers",
               "product_clicks", "commission_rate", "slot_fee", "currency")  # fmt: skip
    # Shanghai is eight hours ahead of UTC; 20% and 0.15 are both shares.
    assert rows(home, landed, "live_sessions", *columns) == [
        ("7300000000000000001", datetime(2026, 5, 1, 11, 58, 3), datetime(2026, 5, 1, 16, 31),
         "own", "样品主播甲", 18420, 7450, None, None, "CNY"),
        ("7300000000000000002", datetime(2026, 5, 2, 0, 5), datetime(2026, 5, 2, 1, 5),
         "creator", "样品主播乙", 950, 190, 0.2, Decimal("1500.00"), "CNY"),
        ("7300000000000000003", datetime(2026, 5, 3, 2), None,
         "creator", "样品主播丙", 30, 6, 0.15, Decimal("0.00"), "CNY"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "reason", "column"),
    [
        ("自营", "其他", "unknown_value", "kind"),
        ("20%", "二成", "not_readable", "rate"),
        ("2026/5/2 8:05", "五月二日", "not_readable", "started_at (直播开始时间)"),
    ],
)
def test_a_word_nobody_knows_is_set_aside_with_its_name(
    tmp_path: Path, old: str, new: str, reason: str, column: str
) -> None:
    text = sample("douyin_live_sessions").read_text(encoding="utf-8").replace(old, new)
    home = Shop(tmp_path, "douyin_live_sessions", settings={"max_bad_share": 0.5})
    landed = home.land(text, f"live_{STAMP}.csv")
    assert (landed.rows_landed, landed.rows_quarantined) == (2, 1)
    assert (landed.troubles[0].reason, landed.troubles[0].column) == (reason, column)
    assert new in landed.troubles[0].example


def test_a_corrected_day_is_a_later_version_of_the_same_row(tmp_path: Path) -> None:
    first: Any = land_sample(tmp_path / "first", "shop_traffic", max_bad_share=0.3)
    text = sample("shop_traffic").read_text(encoding="utf-8").replace('"1,204"', '"1,210"')
    home = Shop(tmp_path / "later", "shop_traffic", settings={"max_bad_share": 0.3})
    later = home.rows(home.land(text, "shop_traffic_20260602020000.csv"), "traffic_daily")
    before = first[0].rows(first[1], "traffic_daily")
    assert later["_row_key"].to_list() == before["_row_key"].to_list()
    assert later["visitors"][0] == 1210
    assert (later["_version_at"] > before["_version_at"]).all()
