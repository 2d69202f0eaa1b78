"""Advertising reports; expected rows are worked out by hand."""

import csv
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.errors import FileRejected
from tests.support.exports import Shop
from tests.support.samples import STAMP, land_sample, rows, sample

FIGURES = ("spend_date", "campaign", "cost", "impressions", "clicks", "claimed_conversions",
           "claimed_value")  # fmt: skip
SPEND = "campaign_spend"
SEEDS = Path(__file__).parents[3] / "shared/data/fivetran_seeds"
needs_shared = pytest.mark.skipif(not SEEDS.is_dir(), reason="../shared/data is not there")
D = Decimal
FIRST, SECOND = date(2026, 5, 1), date(2026, 5, 2)


def text_of(form: str, encoding: str = "utf-8") -> str:
    return sample(form).read_text(encoding=encoding)


def test_google_ads_totals_are_no_rows_and_parts_are_summed(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "google_ads_campaigns")
    assert (landed.rows_read, landed.rows_landed, landed.feeds) == (3, 3, {SPEND: 2})
    assert rows(home, landed, SPEND, *FIGURES, "cost_kind", "currency") == [
        (FIRST, "Brand | Search", D("172.55"), 1210, 31, 3.0, D("2000.00"), "click", "CNY"),
        (SECOND, "Generic", D("1000.01"), 12345, 0, None, D("0.00"), "click", "CNY"),
    ]
    assert home.rows(landed, SPEND)["_row_key"][0] == r"2026-05-01|web||Brand \| Search||click"
    assert landed.unknown_columns == ()


def test_a_google_ads_report_without_days_is_refused(tmp_path: Path) -> None:
    home = Shop(tmp_path, "google_ads_campaigns")
    with pytest.raises(FileRejected, match="column `Day` is missing"):
        home.land(text_of("google_ads_campaigns").replace("Day,", "Month,"), f"g_{STAMP}.csv")


def test_google_ads_api_sums_millionths_before_it_rounds(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "google_ads_api_campaign_stats")
    assert (landed.rows_read, landed.rows_landed, landed.feeds) == (5, 5, {SPEND: 3})
    # 36153333 + 6003334 + 3334 = 42160001 millionths; rounded one by one it would be 42.15.
    assert rows(home, landed, SPEND, *FIGURES, "account", "_version_at") == [
        (FIRST, "501", D("42.16"), 189, 61, 1.75, D("120.26"), "1000000001",
         datetime(2026, 5, 2, 3, 10, 12)),
        (FIRST, "502", D("0.00"), 39, 0, 0.0, D("0.00"), "1000000001",
         datetime(2026, 5, 2, 3, 10, 11)),
        (SECOND, "501", D("2.59"), 84, 2, 0.0, D("0.00"), "1000000001",
         datetime(2026, 5, 3, 3)),
    ]  # fmt: skip


def test_facebook_ads_api_reads_a_number_that_ends_in_a_dot(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "facebook_ads_api_basic_ad")
    figures = ("spend_date", "account", "campaign", "ad", "cost", "impressions", "clicks")
    account, one, two = "200000000000001", "900000000000001", "900000000000002"
    assert rows(home, landed, SPEND, *figures) == [
        (FIRST, account, one, one, D("76.53"), 4233, 10),
        (SECOND, account, one, one, D("144.00"), 10701, 27),
        (FIRST, account, two, two, D("0.01"), 7, None),
    ]


@needs_shared
def test_the_api_tables_of_the_seeds_land_with_their_exact_cost(tmp_path: Path) -> None:
    google = SEEDS / "dbt_google_ads/integration_tests/seeds/campaign_stats_data.csv"
    home = Shop(tmp_path / "google", "google_ads_api_campaign_stats")
    landed = home.land(google.read_bytes(), "campaign_stats.csv")
    with google.open(newline="") as file:
        micros = [int(line["cost_micros"]) for line in csv.DictReader(file)]
    assert (landed.rows_read, landed.rows_quarantined) == (len(micros), 0) == (16, 0)
    assert home.rows(landed, SPEND)["cost"].sum() == D(sum(micros)) / 1_000_000
    facebook = SEEDS / "dbt_facebook_ads/integration_tests/seeds/facebook_ads_basic_ad_data.csv"
    home = Shop(tmp_path / "facebook", "facebook_ads_api_basic_ad")
    landed = home.land(facebook.read_bytes(), "basic_ad.csv")
    assert (landed.rows_read, landed.rows_quarantined) == (10, 0)
    # 76.53 + 55.26 + 54.87 + 49.20 + 144.00 + 56.63 + 49.95 + 51.56 + 55.11 + 50.52
    assert home.rows(landed, SPEND)["cost"].sum() == D("643.63")


def test_meta_ads_sets_a_row_of_a_month_aside(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "meta_ads_campaigns")
    assert (landed.rows_read, landed.rows_landed, landed.rows_quarantined) == (6, 5, 1)
    assert rows(home, landed, SPEND, *FIGURES) == [
        (FIRST, "Spring video", D("139.57"), 15761, 131, 3.0, None),
        (FIRST, "Retargeting", D("0.00"), 91, None, None, None),
        (SECOND, "Spring video", D("51.20"), 10800, 88, 1.0, None),
        (date(2026, 5, 3), "Spring video", D("1.05"), 5, None, None, None),
        (date(2026, 5, 4), "Spring video", D("1.05"), 5, None, None, None),
    ]
    assert landed.issues == (
        f"meta_ads_campaigns_{STAMP}.csv row 6: is_daily does not hold "
        '("Reporting starts" = "Reporting ends"). 1 row like this.',
    )


def test_meta_ads_in_another_currency_than_the_source_says_is_refused(tmp_path: Path) -> None:
    dollars = text_of("meta_ads_campaigns").replace("(CNY)", "(USD)")
    home = Shop(tmp_path, "meta_ads_campaigns")
    with pytest.raises(FileRejected, match=r"column `Amount spent \(CNY\)` is missing"):
        home.land(dollars, f"m_{STAMP}.csv")
    home = Shop(tmp_path / "usd", "meta_ads_campaigns", currency="USD", source={"currency": "USD"})
    assert home.land(dollars, f"m_{STAMP}.csv").rows_landed == 5


def test_meta_ads_in_french(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "meta_ads_campaigns_fr")
    assert (landed.rows_read, landed.rows_landed, landed.rows_quarantined) == (6, 5, 1)
    # 12/05 is the twelfth of May; thousands are set off by three kinds of space.
    assert rows(home, landed, SPEND, *FIGURES) == [
        (FIRST, "Vidéo printemps", D("1234.56"), 15761, 131, 3.0, None),
        (SECOND, "Vidéo printemps", D("51.20"), 10800, 88, None, None),
        (date(2026, 5, 3), "Reciblage", D("0.00"), 91, None, None, None),
        (date(2026, 5, 4), "Reciblage", D("0.01"), 91, None, None, None),
        (date(2026, 5, 12), "Reciblage", D("7.00"), 91, 2, 1.0, None),
    ]
    assert "Début des rapports" in landed.issues[0]
    assert "is_daily does not hold" in landed.issues[0]


def test_a_meta_report_of_months_only_is_refused_whole(tmp_path: Path) -> None:
    lines = text_of("meta_ads_campaigns_fr").splitlines(keepends=True)
    home = Shop(tmp_path, "meta_ads_campaigns_fr")
    with pytest.raises(FileRejected, match="is_daily does not hold"):
        home.land(lines[0] + lines[-1], f"m_{STAMP}.csv")


def test_wanxiangtai_sums_products_and_leaves_the_total_out(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "wanxiangtai_campaigns")
    assert (landed.rows_read, landed.rows_landed) == (5, 4)
    assert landed.excluded == {"total_of_the_period": 1}
    assert rows(home, landed, SPEND, *FIGURES, "ad_product") == [
        (FIRST, "新品测款", D("417.96"), 10300, 314, 12.0, D("1650.00"), "关键词推广"),
        (FIRST, "全店托管", D("1000.00"), 33000, 900, 41.0, D("5210.40"), "全站推广"),
        (SECOND, "新品测款", D("350.00"), 9000, 280, 7.0, D("900.00"), "关键词推广"),
    ]


def test_the_older_zhitongche_report_is_read_alike(tmp_path: Path) -> None:
    text = "日期,计划名称,展现量,点击量,花费,总成交笔数\n2026/05/01,老计划,100,9,18.90,1\n"
    home = Shop(tmp_path, "wanxiangtai_campaigns")
    landed = home.land(text.encode("gb18030"), "zhitongche.csv")
    assert rows(home, landed, SPEND, *FIGURES) == [
        (FIRST, "老计划", D("18.90"), 100, 9, 1.0, None),
    ]


def test_a_report_that_repeats_its_cost_for_each_window_is_refused(tmp_path: Path) -> None:
    head = "统计日期,转化周期,计划名字,展现量,点击量,花费\n"
    one = "2026-05-01,15天转化,计划,100,9,18.90\n"
    home = Shop(tmp_path, "wanxiangtai_campaigns")
    assert home.land((head + one).encode("gb18030"), "one.csv").rows_landed == 1
    both = (head + one + one.replace("15天", "1天")).encode("gb18030")
    with pytest.raises(FileRejected, match="one_attribution_window does not hold"):
        home.land(both, "both.csv")


def test_qianchuan_in_both_generations(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path / "old", "qianchuan_campaigns")
    assert (landed.rows_landed, landed.excluded) == (3, {"total_of_the_period": 1})
    assert rows(home, landed, SPEND, *FIGURES, "account") == [
        (FIRST, "五一直播间", D("2130.40"), 101000, 2900, 52.0, D("6240.00"), "1780000000000001"),
        (FIRST, "短视频引流", D("0.00"), 0, 0, 0.0, D("0.00"), "1780000000000001"),
        (SECOND, "五一直播间", D("1100.00"), 49000, 1200, 25.0, D("2860.00"), "1780000000000001"),
    ]
    text = (
        "抖音号名称,日期,净成交ROI,整体消耗,整体支付ROI,整体成交金额,整体成交订单数,整体展现次数\n"
        '样品号,全部,2.1,"3,000.00",2.5,"7,500.00",60,"90,000"\n'
        '样品号,2026-05-01,2.1,"3,000.00",2.5,"7,500.00",60,"90,000"\n'
    )
    home = Shop(tmp_path / "new", "qianchuan_campaigns")
    landed = home.land(text, "global.csv")
    assert landed.excluded == {"total_of_the_period": 1}
    assert rows(home, landed, SPEND, *FIGURES) == [
        (FIRST, "样品号", D("3000.00"), 90000, None, 60.0, D("7500.00")),
    ]


def test_an_hour_is_no_day(tmp_path: Path) -> None:
    text = "日期,计划名称,消耗(元)\n2026-05-01 10:00:00,计划,1.00\n"
    with pytest.raises(FileRejected, match="is not a date"):
        Shop(tmp_path, "qianchuan_campaigns").land(text, "hours.csv")


def test_jingzhuntong_sums_the_units_of_a_campaign(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "jingzhuntong_campaigns")
    assert (landed.rows_landed, landed.feeds) == (3, {SPEND: 2})
    assert rows(home, landed, SPEND, *FIGURES, "account", "ad_product") == [
        (FIRST, "碗类快车", D("106.51"), 6000, 130, 6.0, D("1554.90"), "样品店", "京东快车"),
        (SECOND, "触点拉新", D("1060.00"), 12000, 95, 2.0, D("198.00"), "样品店", "购物触点"),
    ]
    younger = text_of("jingzhuntong_campaigns", "gb18030").replace("总费用", "花费")
    home = Shop(tmp_path / "younger", "jingzhuntong_campaigns")
    landed = home.land(younger.encode("gb18030"), "jzt.csv")
    assert home.rows(landed, SPEND)["cost"].to_list() == [D("106.51"), D("1060.00")]


def test_juguang_by_plan_and_day(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "juguang_campaigns")
    assert (landed.rows_landed, landed.excluded) == (3, {"total_of_the_period": 1})
    assert rows(home, landed, SPEND, *FIGURES, "account") == [
        (FIRST, "种草笔记", D("760.30"), 52000, 1850, 12.0, D("1404.00"), "401"),
        (SECOND, "种草笔记", D("500.00"), 36000, 1200, 7.0, D("800.00"), "401"),
        (SECOND, "直播预热", D("0.00"), 0, 0, None, None, "401"),
    ]


@pytest.mark.parametrize(
    ("form", "cost"),
    [("qianchuan_campaigns", "消耗(元)"), ("jingzhuntong_campaigns", "总费用")],
)
def test_a_report_without_its_cost_lands_nothing(tmp_path: Path, form: str, cost: str) -> None:
    encoding = "gb18030" if form.startswith("jing") else "utf-8"
    text = text_of(form, encoding).replace(cost, "成本")
    with pytest.raises(FileRejected, match="cost is empty"):
        Shop(tmp_path, form).land(text.encode(encoding), "ads.csv")
