"""Funnel, cohorts, attribution, channels, definitions: figures worked out by hand or apart."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.stats import chi2_contingency

from dashboards.base.data import Data
from dashboards.figures.cohorts import average, cohorts, last_month, monthly
from dashboards.figures.funnel import Count, Step, counts, sessions, steps
from dashboards.figures.windows import Window, base_of
from dashboards.registry import PAGES
from dashboards.site import build_site
from tests.browser import shop
from tests.support.contracts import fake, fakes, registry
from tests.support.html import figure, table_of, tree, whole

NEW = ("funnel.html", "cohorts.html", "attribution.html", "channels.html", "metrics.html")


# Periods and the funnel ---------------------------------------------------------------------------


def test_an_ordinary_week_is_compared_with_the_latest_one_without_promotion() -> None:
    data = Data(shop.frames())
    now = Window(date(2026, 11, 15), date(2026, 11, 21))
    # The weeks before hold 11.11 (8th), its opening (1st), its presale (25th, 24th of October).
    assert base_of(data, now, date(2026, 1, 1)) == Window(date(2026, 10, 11), date(2026, 10, 17))
    # A promotion is compared with the week before, whatever that was.
    peak = Window(date(2026, 11, 5), date(2026, 11, 11))
    assert base_of(data, peak, date(2026, 1, 1)) == peak.back(7)
    # With three weeks of history there is no calm week to go back to.
    assert base_of(data, now, date(2026, 11, 1)) == now.back(7)
    assert base_of(data, now, date(2026, 11, 12)) is None


@pytest.mark.parametrize(
    ("now", "base"), [((360, 249), (317, 221)), ((249, 135), (221, 145)), ((5000, 100), (5000, 99))]
)
def test_a_step_is_notable_beyond_two_standard_errors(
    now: tuple[int, int], base: tuple[int, int]
) -> None:
    step = Step("pay", Count(9999, now[1]), now[0], Count(9999, base[1]), base[0])
    table = [[now[1], now[0] - now[1]], [base[1], base[0] - base[1]]]
    assert step.is_notable == (chi2_contingency(table, correction=False).statistic >= 4)
    assert step.change == pytest.approx(now[1] / now[0] - base[1] / base[0])


def test_a_step_nobody_reached_before_had_a_rate_of_zero() -> None:
    step = Step("pay", Count(400, 30), 100, Count(400, 0), 100)
    assert (step.base_rate, step.change) == (0.0, 0.3)
    assert step.is_notable
    assert Step("pay", Count(400, 30), 100, Count(400, 0), 0).base_rate is None


def test_funnel_bars_and_rates_are_sums_over_sums(site: Path) -> None:
    frame = shop.frames()["marts.fct_funnel_daily"].filter(pl.col("dimension") == "all")
    week = pl.col("business_date").is_between(date(2026, 11, 15), date(2026, 11, 21))
    calm = pl.col("business_date").is_between(date(2026, 10, 11), date(2026, 10, 17))
    columns = ("reached_count", "direct_count", "attempt_count")
    (now, direct, (total, *_)), (base, base_direct, (base_total, *_)) = (
        [summed[name].to_list() for name in columns]
        for days in (week, calm)
        for summed in [
            frame.filter(days).group_by("step_number").agg(pl.col(columns).sum())
            .sort("step_number")
        ]
    )  # fmt: skip
    pale, strong, _ = figure(site, "funnel.html", "funnel-steps")["data"]
    assert strong["x"] == now
    # The base is drawn in the proportion of the same number of sessions.
    assert pale["x"] == pytest.approx([value / base_total * total for value in base])
    rows = table_of(site, "funnel.html", "funnel-steps")
    assert [row[1] for row in rows] == [f"{value:,}" for value in now]
    assert [row[2] for row in rows] == [f"{value:,}" for value in direct]
    assert [row[3] for row in rows] == [f"{value:,}" for value in base]
    for n in range(1, 5):
        rate, before = (now[n] - direct[n]) / now[n - 1], (base[n] - base_direct[n]) / base[n - 1]
        assert rows[n][4:6] == [f"{rate:.1%}", f"{before:.1%}"]
        moved = (rate - before) * 100
        assert rows[n][6].lstrip("●▲▼ ").replace("\u2212", "-") in (
            f"{moved:+.1f} pp", f"{abs(moved):.1f} pp")  # fmt: skip
        assert rows[n][7] == f"{now[n] / total:.1%}"
    told = tree(site, "funnel.html").text()
    part = f"{now[-1] / total:.1%}".rstrip("%")
    assert f"Of 100 sessions of Douyin, Shopify {part} reach the last step, Pay." in told
    assert "Not in this funnel, for sessions are not recorded there: Tmall." in told


def test_the_planted_checkout_fault_is_named(site: Path) -> None:
    # Mobile checkout loses 7 % of its rate from 14 November on.
    rows = table_of(site, "funnel.html", "funnel-steps")
    assert rows[3][6].startswith("▼")
    heat = figure(site, "funnel.html", "funnel-channel")["data"][0]
    names = shop.frames()["marts.fct_funnel_daily"].filter(pl.col("dimension") == "channel")
    assert len(heat["z"]) == names["segment"].n_unique() + 1
    assert (
        "Paid social loses most at Product view → Add to cart" in tree(site, "funnel.html").text()
    )


def small_funnel(
    reached: list[int], direct: tuple[int, ...] = (0, 0, 0, 0), day: date = shop.LAST
) -> pl.DataFrame:
    """Sessions by step, all of which are at the first or began further down."""
    names = ("home", "product_view", "add_to_cart", "checkout", "purchase")
    return fake(
        "marts.fct_funnel_daily",
        [
            {"business_date": day, "basis": "session", "dimension": dimension, "segment": segment,
             "step_number": n, "step": name, "attempt_count": reached[0] + sum(direct),
             "reached_count": reached[n - 1], "direct_count": (reached[0], *direct)[n - 1]}
            for dimension, segment in (("all", "all"), ("channel", "email"), ("channel", "direct"))
            for n, name in enumerate(names, start=1)
        ]
    )  # fmt: skip


def test_a_step_that_most_come_to_without_the_one_before_is_told(tmp_path: Path) -> None:
    frames = {"marts.fct_funnel_daily": small_funnel([900, 400, 120, 130, 60], (0, 0, 70, 0))}
    build_site(frames, shop.info(), tmp_path)
    text = tree(tmp_path, "funnel.html").text()
    assert "54% of the sessions at Checkout had not been at Add to cart" in text
    assert "There is no earlier period to compare with yet." in text
    # 120 sessions at the cart are judged, 60 of 130 at checkout too; nothing under 100 is.
    frames = {"marts.fct_funnel_daily": small_funnel([900, 400, 90, 60, 30])}
    build_site(frames, shop.info(), tmp_path)
    shown = figure(tmp_path, "funnel.html", "funnel-channel")["data"]
    assert [cell is None for cell in shown[0]["z"][0]] == [False, False, True, True]
    assert shown[-1]["text"][0][2] == "<100"


def test_only_sessions_are_summed() -> None:
    frame = small_funnel([100, 50, 20, 10, 5])
    both = pl.concat([frame, frame.with_columns(basis=pl.lit("visitor"))])
    data = Data({"marts.fct_funnel_daily": both})
    found = counts(sessions(data, "all"), Window(shop.LAST, shop.LAST))["all"]
    assert found["home"] == Count(100, 100, 100)
    assert steps(["home", "product_view"], found, None)[1].rate == 0.5


# Cohorts ------------------------------------------------------------------------------------------


def cohort_frame() -> pl.DataFrame:
    """Three months by hand: January 200, February 400, March 9 customers; April is not over."""
    cells = {
        date(2026, 1, 1): (200, [200, 50, 30, 8]),
        date(2026, 2, 1): (400, [400, 60, 100]),
        date(2026, 3, 1): (9, [9, 5]),
    }
    return fake(
        "marts.fct_retention_monthly",
        [
            {"cohort_month": month, "kind": "purchase", "retention_type": "classic",
             "dimension": "all", "segment": "all", "period_number": n, "cohort_size": size,
             "retained_count": known[n] if n < len(known) else None,
             "retention_rate": known[n] / size if n < len(known) else None,
             "revenue": known[n] * 10.0 if n < len(known) else None}
            for month, (size, known) in cells.items()
            for n in range(25)
        ],
    )  # fmt: skip


def test_cells_stay_blank_until_mature_and_small_ones_are_hidden(tmp_path: Path) -> None:
    frames = {"marts.fct_retention_monthly": cohort_frame()}
    build_site(frames, shop.info(data_through=date(2026, 4, 30)), tmp_path)
    heat = figure(tmp_path, "cohorts.html", "cohorts-customers-all")["data"]
    # Three columns, for no cohort has reached month 4; 8 customers are known and not shown.
    assert heat[0]["z"] == [[None, 0.15, None], [0.15, None, None], [None, None, None]]
    assert heat[0]["text"] == [["", "15", ""], ["15", "", ""], ["", "", ""]]
    assert heat[1]["z"] == [[0.25, None, None], [None, 0.25, None], [None, None, None]]
    assert heat[1]["text"] == [["25", "", ""], ["", "25", ""], ["", "", ""]]
    assert heat[1]["textfont"] != heat[0]["textfont"]  # legible on the dark end of the scale
    assert heat[2]["text"] == [["", "", "<10"], ["", "", ""], ["<10", "", ""]]
    assert heat[2]["z"] == [[None, None, 0.0], [None, None, None], [0.0, None, None]]
    rows = table_of(tmp_path, "cohorts.html", "cohorts-customers-all")
    assert rows[0][:5] == ["2026-01", "200", "25.0%", "15.0%", "<10"]
    assert rows[2][:3] == ["2026-03", "<10", "<10"]
    # Weighted by size over mature cells; nine customers would show through a sum with them.
    assert rows[3][:4] == ["Average", "600", f"{110 / 600:.1%}", f"{130 / 600:.1%}"]
    money = figure(tmp_path, "cohorts.html", "cohorts-revenue-all")["data"]
    assert (money[1]["z"][0][0], money[0]["z"][0][1]) == (2.5, 1.5)
    file = pl.read_csv(tmp_path / "data/retention_monthly.csv", infer_schema_length=None)
    kept = file.drop_nulls("retained_count")
    assert kept["retained_count"].to_list() == [200, 50, 30, 400, 60, 100]
    assert kept["revenue"].to_list() == [2000, 500, 300, 4000, 600, 1000]
    assert file["cohort_size"].drop_nulls().unique().sort().to_list() == [200, 400]


def test_a_month_that_is_not_over_is_no_cohort() -> None:
    assert last_month(date(2026, 4, 30)) == date(2026, 4, 1)
    assert last_month(date(2026, 4, 29)) == date(2026, 3, 1)
    assert last_month(date(2026, 1, 5)) == date(2025, 12, 1)
    data = Data({"marts.fct_retention_monthly": cohort_frame()})
    found = cohorts(monthly(data, "all", "all", date(2026, 3, 30)), "customers")
    assert [c.month.month for c in found] == [1, 2]
    assert average(found)[0] == pytest.approx(110 / 600)


def test_the_cohort_of_the_promotion_is_named_and_platforms_are_apart(site: Path) -> None:
    text = tree(site, "cohorts.html").text()
    assert "Customers won in 2025-11 come back" in text
    frame = shop.frames()["marts.fct_retention_monthly"].filter(
        pl.col("segment") == "shopify", pl.col("cohort_month") == date(2026, 5, 1)
    )
    known = frame.filter(pl.col("period_number") == 1)["retention_rate"][0]
    faint, full = (t["z"] for t in figure(site, "cohorts.html", "cohorts-customers-p1")["data"][:2])
    months = [date(2025, 10 + n, 1) if n < 3 else date(2026, n - 2, 1) for n in range(13)]
    row = months.index(date(2026, 5, 1))
    assert (faint[row][0] or full[row][0]) == pytest.approx(known)
    # JD has 6 to 14 customers a cohort: whoever came back is fewer than ten and not shown.
    assert "JD" in text
    jd = figure(site, "cohorts.html", "cohorts-customers-p2")["data"][:2]
    assert {value for trace in jd for row in trace["z"] for value in row} == {None, 0.0}


def test_weeks_of_new_visitors_wait_until_every_day_is_mature(tmp_path: Path) -> None:
    last = date(2026, 3, 31)
    rows = [
        {"cohort_date": last - timedelta(days=back), "kind": "visit", "retention_type": "classic",
         "dimension": "all", "segment": "all", "period_number": n, "cohort_size": 100,
         "retained_count": 10 + back % 7 if back >= n else None}
        for back in range(14) for n in (1, 7, 30)
    ]  # fmt: skip
    frame = fake("marts.fct_retention_daily", rows)
    build_site({"marts.fct_retention_daily": frame}, shop.info(data_through=last), tmp_path)
    found = table_of(tmp_path, "cohorts.html", "visits")
    # The week before: 10 + 11 + ... + 16 = 91 of 700; the last week still has a day 0 to come.
    assert found == [
        ["2026-03-31", "700", "—", "—", "—"],
        ["2026-03-24", "700", "13.0%", "13.0%", "—"],
    ]


# Attribution --------------------------------------------------------------------------------------


def test_every_model_has_its_dot_and_they_are_never_added(site: Path) -> None:
    frame = shop.frames()["marts.fct_attribution_daily"].filter(
        pl.col("business_date") > shop.LAST - timedelta(days=30)
    )
    sums = {
        (channel, model): value
        for channel, model, value in frame.group_by("channel", "model")
        .agg(pl.col("credited_revenue").sum()).iter_rows()
    }  # fmt: skip
    drawn = figure(site, "attribution.html", "attribution-dots")["data"]
    assert len(drawn) == 6
    for dots, model in zip(drawn, ("first", "last", "last_non_direct", "linear", "position",
                                   "time_decay"), strict=True):  # fmt: skip
        values = sorted(value for (_, name), value in sums.items() if name == model)
        assert sorted(dots["x"]) == pytest.approx(values)
    text = tree(site, "attribution.html").text()
    assert text.count("Attributed, not incremental") >= 8
    assert "do not credit the same sum" not in text
    total = sum(value for (_, name), value in sums.items() if name == "linear")
    assert f"{6 * total:,.2f}" not in text


def test_net_roas_is_after_refunds_and_says_so(tmp_path: Path) -> None:
    """900 paid and 300 given back later, of which the channel has all, for 200: 3.00."""
    credited = [
        {"business_date": shop.LAST - timedelta(days=back), "model": model, "campaign": "brand",
         "channel": "paid_search", "credited_orders": float(back), "credited_revenue": revenue}
        for model in ("first", "last")
        for back, revenue in ((3, 900.0), (0, -300.0))
    ]  # fmt: skip
    spent = {
        "business_date": shop.LAST, "platform": "shopify", "channel": "paid_search",
        "is_additive": True, "cost": 200, "attributed_gmv": 900.0,
    }  # fmt: skip
    frames = {
        "marts.fct_attribution_daily": fake("marts.fct_attribution_daily", credited),
        "marts.fct_channel_daily": fake("marts.fct_channel_daily", [spent]),
    }
    build_site(frames, shop.info(), tmp_path)
    text = tree(tmp_path, "attribution.html").text()
    assert "Net ROAS = attributed net sales / spend: refunds are taken off" in text
    rows = table_of(tmp_path, "attribution.html", "attribution-last")
    assert rows[-1][-4:] == ["3.0", "¥600.00", "¥200.00", "3.00"]


def test_models_that_disagree_on_the_sum_are_called_wrong(tmp_path: Path) -> None:
    frame = shop.frames()["marts.fct_attribution_daily"]
    last = pl.col("model") == "last"
    broken = frame.with_columns(
        credited_revenue=pl.when(last).then(pl.col("credited_revenue") * 1.1)
        .otherwise("credited_revenue")
    )  # fmt: skip
    build_site({"marts.fct_attribution_daily": broken}, shop.info(), tmp_path)
    assert "At least one of them is wrong" in tree(tmp_path, "attribution.html").text()


# Channels -----------------------------------------------------------------------------------------


def channel_row(day: date, channel: str, **values: float | None) -> dict[str, Any]:
    names = ("cost", "gmv", "attributed_gmv", "orders", "new_customers", "claimed_conversions")
    return {"business_date": day, "platform": "shopify", "channel": channel, "is_additive": True,
            **dict.fromkeys(names, 0.0), **values}  # fmt: skip


def test_the_golden_figures_of_spend(tmp_path: Path) -> None:
    """METRICS 8: spend 10,000 and 80 new: CAC 125; attributed GMV 32,000: ROAS 3.2."""
    half = {"cost": 5000.0, "gmv": 25000.0, "attributed_gmv": 16000.0, "orders": 100.0,
            "new_customers": 40.0, "claimed_conversions": 170.0}  # fmt: skip
    rows = [channel_row(shop.LAST - timedelta(days=n), "paid_search", **half) for n in (0, 1)]
    rows.append(channel_row(shop.LAST, "direct", attributed_gmv=8000.0, orders=50.0,
                            new_customers=5.0))  # fmt: skip
    rows.append(channel_row(shop.LAST, "paid_social", cost=100.0, orders=20.0))
    # What a marketplace reports by source overlaps: it is in no sum.
    overlapping = {"is_additive": False, "visitors": 800.0, "paying_visitors": 20.0}
    rows.append({**channel_row(shop.LAST, "手淘搜索", orders=999.0), **overlapping})
    company = fake(
        "marts.fct_gmv_daily",
        [{"business_date": shop.LAST - timedelta(days=n), "dimension": dimension,
          "segment": segment, "gmv": 25000.0, "new_buyers": 50}
         for n in (0, 1) for dimension, segment in (("all", "all"), ("platform", "shopify"))],
    )  # fmt: skip
    frames = {
        "marts.fct_channel_daily": fake("marts.fct_channel_daily", rows),
        "marts.fct_gmv_daily": company,
        "quality.metrics": registry(),
    }
    build_site(frames, shop.info(), tmp_path)
    found = {row[0]: row[1:] for row in table_of(tmp_path, "channels.html", "channel-spend")}
    assert found["Paid search"] == ["¥10,000.00", "¥32,000.00", "3.20", "20.0%", "80", "¥125.00",
                                    "200", "340", "1.70×"]  # fmt: skip
    assert found["Direct"] == ["—", "¥8,000.00", "—", "—", "5", "—", "50", "—", "—"]
    assert found["Paid social"] == ["¥100.00", "¥0.00", "0.00", "0.2%", "0", "—", "20", "—", "—"]
    assert "手淘搜索" not in found
    sources = table_of(tmp_path, "channels.html", "traffic-sources")
    assert sources == [["手淘搜索", "Shopify", "800", "20", "2.50%"]]
    # Against the whole company of both days, 50,000 of GMV and 100 new buyers.
    source = whole(tmp_path / "channels.html")
    tiles = dict(re.findall(r'id="tile-(\w+)".*?class="value">(<span.*?</span>|[^<]+)', source))
    assert "¥10.1K" in tiles["spend"]
    assert (tiles["mer"], tiles["spend_rate"]) == ("4.95", "20.2%")
    assert tiles["cac"] == "¥101"
    text = tree(tmp_path, "channels.html").text()
    for words in ("全店投产比", "费比", "投产比", "Paid search claims 1.7"):
        assert words in text, words
    assert "inf" not in text.lower().replace("info", "")


# cost, gmv, attributed GMV, new customers, own orders, claimed conversions
PARTLY_KNOWN = {
    ("shopify", "paid_search"): (1000.0, 4000.0, 3000.0, 20.0, 50.0, 60.0),
    ("shopify", "direct"): (0.0, 2000.0, 1000.0, 5.0, 25.0, 0.0),
    # no advertising tells of tmall, nothing tracks pos, and douyin has no orders
    ("tmall", "paid_search"): (None, 9000.0, 7000.0, 40.0, 90.0, None),
    ("pos", "paid_search"): (500.0, 1500.0, None, None, 10.0, 5.0),
    ("douyin", "paid_social"): (300.0, None, None, None, None, 4.0),
}


def test_ratios_of_the_company_are_of_what_knows_both_sides(tmp_path: Path) -> None:
    """MER (4000 + 2000 + 1500) / (1000 + 500) = 5.00, CAC 1500 / (25 + 15) = 37.50."""
    names = ("cost", "gmv", "attributed_gmv", "new_customers", "orders", "claimed_conversions")
    rows = [{"business_date": shop.LAST, "platform": platform, "channel": channel,
             "is_additive": True, **dict(zip(names, values, strict=True))}
            for (platform, channel), values in PARTLY_KNOWN.items()]  # fmt: skip
    sales = {"all": (16500.0, 100), "shopify": (6000.0, 25), "tmall": (9000.0, 60),
             "pos": (1500.0, 15)}  # fmt: skip
    gmv = [{"business_date": shop.LAST, "dimension": "all" if name == "all" else "platform",
            "segment": name, "gmv": of, "new_buyers": new}
           for name, (of, new) in sales.items()]  # fmt: skip
    tables = {"marts.fct_channel_daily": rows, "marts.fct_gmv_daily": gmv}
    build_site({**fakes(tables), "quality.metrics": registry()}, shop.info(), tmp_path)
    found = {row[0]: row[1:] for row in table_of(tmp_path, "channels.html", "channel-spend")}
    # 3000 / 1000, 1500 / 16500, 1000 / 20, (60 + 5) / (50 + 10)
    assert found["Paid search"] == ["¥1,500.00", "¥10,000.00", "3.00", "9.1%", "60", "¥50.00",
                                    "150", "65", "1.08×"]  # fmt: skip
    assert found["Paid social"] == ["¥300.00", "—", "—", "1.8%", "—", "—", "—", "4", "—"]
    source = whole(tmp_path / "channels.html")
    tiles = dict(re.findall(r'id="tile-(\w+)".*?class="value">(<span.*?</span>|[^<]+)', source))
    assert (tiles["mer"], tiles["spend_rate"]) == ("5.00", "10.9%")
    assert "37.5" in tiles["cac"]
    text = tree(tmp_path, "channels.html").text()
    assert "MER and CAC are of Store, Shopify alone: of Douyin, Tmall spend and sales are" in text
    assert "全店投产比与获客成本仅含" in text


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((None, 100.0), "no spend is known"),
        ((0.0, 100.0), "nothing was spent"),
        ((50.0, None), "¥50.00 was spent; no sales are known beside it"),
        ((50.0, 100.0), "¥50.00 was spent"),
    ],
)
def test_the_headline_of_channels_tells_nothing_from_not_known(
    tmp_path: Path, values: tuple[float | None, float | None], told: str
) -> None:
    row = {"business_date": shop.LAST, "platform": "shopify", "channel": "paid_search",
           "is_additive": True, "cost": values[0], "gmv": values[1]}  # fmt: skip
    frames = {**fakes({"marts.fct_channel_daily": [row]}), "quality.metrics": registry()}
    build_site(frames, shop.info(), tmp_path)
    assert told in tree(tmp_path, "channels.html").text()


def test_sales_without_spend_say_that_spend_is_not_configured(tmp_path: Path) -> None:
    row = channel_row(shop.LAST, "direct", attributed_gmv=8000.0, orders=50.0)
    info = shop.info(configured_feeds={"orders", "events"})
    build_site(fakes({"marts.fct_channel_daily": [row]}), info, tmp_path)
    text = tree(tmp_path, "channels.html").text()
    assert "Spend is not configured" in text and "花费未配置" in text
    assert "No channel has spend" in text


def test_a_feed_that_did_not_wholly_arrive_is_said_on_the_pages_it_feeds(site: Path) -> None:
    # meta_ads is short on the last day, google_ads nine days before it; events and orders are not.
    text = tree(site, "channels.html").text()
    assert "Data of meta_ads (campaign_spend) did not wholly arrive on 1 of these days" in text
    assert "google_ads（campaign_spend）的数据在本期有 1 天不完整，最近为 11月12日" in text
    for name in ("funnel.html", "attribution.html", "cohorts.html"):
        assert "did not wholly arrive" not in tree(site, name).text(), name


# Definitions, states, cube ------------------------------------------------------------------------


def test_every_metric_of_the_registry_has_its_place(site: Path) -> None:
    page = tree(site, "metrics.html")
    anchors = {a["id"] for a in page.all("article")}
    assert anchors == {f"metric-{name}" for name in registry()["name"]}
    assert {"metric-gmv", "metric-roas", "metric-retention_rate"} < anchors
    text = page.text()
    for words in ("支付金额 ÷ 支付买家数", "GMV ÷ orders", "客单价", "笔单价", "Marketing", "down",
                  "distinct: never added over days or segments"):  # fmt: skip
        assert words in text, words
    links = {a["href"] for a in tree(site, "index.html").all("a") if a.get("data-anchor")}
    assert {link for link in links if not link.startswith("alerts.html#at=alert-")} == {
        f"metrics.html#at=metric-{name}"
        for name in ("gmv", "cm2_amount", "visitors", "conversion_rate", "gmv_per_buyer",
                     "new_buyers", "repurchase_rate", "refund_amount_rate")
    }  # fmt: skip


@pytest.mark.parametrize("feeds", [{"orders"}, {"orders", "events", "campaign_spend"}])
def test_pages_without_rows_say_why(tmp_path: Path, feeds: set[str]) -> None:
    build_site({}, shop.info(configured_feeds=feeds), tmp_path)
    for name in ("funnel.html", "attribution.html", "channels.html"):
        text = tree(tmp_path, name).text()
        assert ("Not configured" in text) == ("events" not in feeds), name
        assert ("No data yet" in text) == ("events" in feeds), name
    assert "No data yet" in tree(tmp_path, "cohorts.html").text()
    assert "No metric is registered yet" in tree(tmp_path, "metrics.html").text()
    navigation = whole(tmp_path / "index.html")
    assert navigation.count('class="dim"') == sum(bool(entry.table) for entry in PAGES)


def test_the_cube_holds_integers_and_is_named_by_its_content(site: Path, tmp_path: Path) -> None:
    files = list((site / "assets").glob("cube-*.js"))
    assert len(files) == 1
    source = files[0].read_text("utf-8")
    cube = json.loads(source.removeprefix("window.CUBE=").rstrip(";\n"))

    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [leaf for item in value.values() for leaf in leaves(item)]
        if isinstance(value, list):
            return [leaf for item in value for leaf in leaves(item)]
        return [value]

    assert not [leaf for leaf in leaves(cube) if isinstance(leaf, float)]
    assert len(leaves(cube)) <= 150_000
    assert files[0].stat().st_size < 300_000
    assert cube["shops"] == {"tmall-flagship": "tmall", "shopify-site": "shopify"}
    day = shop.frames()["marts.fct_gmv_daily"].filter(
        pl.col("business_date") == shop.LAST, pl.col("segment") == "tmall"
    )
    held = cube["gmv"]["values"]["platform:tmall"]
    assert held["gmv"][-1] == int(day["gmv"][0] * 100)
    assert held["visitors"][-1] == day["visitors"][0]
    build_site({**shop.frames(), "quality.metrics": pl.DataFrame()}, shop.info(), tmp_path)
    assert [p.name for p in (tmp_path / "assets").glob("cube-*.js")] == [files[0].name]
    for name in ("index.html", "funnel.html", "channels.html", "cohorts.html"):
        assert files[0].name in (site / name).read_text("utf-8"), name
        assert "All data" in tree(site, name).text() or name == "cohorts.html"


def test_of_hundreds_of_stores_the_largest_are_offered(tmp_path: Path) -> None:
    frames = shop.frames()
    table = frames["marts.fct_gmv_daily"]
    one = table.filter(pl.col("dimension") == "shop", pl.col("segment") == "tmall-flagship")
    stores = [
        one.with_columns(segment=pl.lit(f"store-{number:03}"), gmv=pl.col("gmv") + number)
        for number in range(200)
    ]
    frames = {**frames, "marts.fct_gmv_daily": pl.concat([table, *stores])}
    build_site(frames, shop.info(), tmp_path)
    [file] = (tmp_path / "assets").glob("cube-*.js")
    cube = json.loads(file.read_text("utf-8").removeprefix("window.CUBE=").rstrip(";\n"))
    held = {name.partition(":")[2] for name in cube["gmv"]["values"] if name.startswith("shop:")}
    assert held == {f"store-{number:03}" for number in range(185, 200)}
    page = tree(tmp_path, "index.html").text()
    assert "store-199" in page
    assert "store-184" not in page
