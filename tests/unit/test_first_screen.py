"""The first screen: month, needs, places, cards, hours, products, each against its table."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.base.data import Data
from dashboards.base.page import Page, same
from dashboards.figures.hours import hours
from dashboards.pages.overview.month import month, verdict
from dashboards.pages.overview.needs import good_news, needs
from dashboards.pages.overview.versus import versus
from dashboards.pages.shared.movers import movers
from dashboards.pages.shared.pacing import pacing_chart
from dashboards.registry import PAGES
from dashboards.site import build_site
from dashboards.wording.formatting import money
from dashboards.wording.i18n import catalogue
from tests.browser import shop
from tests.support.contracts import fake, fakes, registry
from tests.support.html import figure, table_of, tree

INFO, DAY = shop.info(), shop.LAST


def test_every_page_is_asked_something_decides_something_and_has_an_owner(site: Path) -> None:
    owners = set(registry()["owner"])
    for entry in PAGES:
        text = tree(site, entry.href).text()
        for lang in ("en", "zh"):
            words = catalogue(lang)
            assert words[f"ask.{entry.key}.question"]
            assert words[f"ask.{entry.key}.decision"] in text
            assert words[f"owner.{entry.owner}"] in text
        assert entry.owner in owners | {"management", "product"}


def test_the_first_screen_shows_what_the_marts_hold(site: Path) -> None:
    text = tree(site, "index.html").text()
    company = shop.frames()["marts.fct_gmv_daily"].filter(
        pl.col("dimension") == "all", pl.col("business_date") >= DAY.replace(day=1)
    )
    sold = float(company["gmv"].sum())
    plan = sold + 1000.0 * company.height
    for words in (
        money(sold, "CNY", "en"), money(sold, "CNY", "zh"),
        f"of {money(plan, 'CNY', 'en')} planned to 21 Nov · {sold / plan:.1%}",
        f"{money(1.4 * sold, 'CNY', 'en')} expected ({money(1.3 * sold, 'CNY', 'en')}",
        "Time elapsed: 21 of 30 days, 70%.",
        "¥982",  # CM2 of two platforms, 470 and 21 each
        "10.00%", "▼ 5.00 pp",  # 20 of 200 came back, of the cohort before 30
        "4.0%", "all refunds in",  # 40 of 1000
        "Best seller “Trail jacket” lasts 3 days.",
    ):  # fmt: skip
        assert words.replace("10.00%", "10.0%") in text, words
    assert text.index("Month to date") < text.index("What needs you") < text.index("By platform")


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 900), st.integers(0, 300), st.integers(1, 1200))
def test_the_verdict_on_the_target_is_that_of_the_range(low: int, width: int, target: int) -> None:
    forecast = {"lower_amount": float(low), "upper_amount": float(low + width)}
    told = verdict(float(target), forecast, INFO)
    assert told is not None
    assert ("reaches" in told.en) == (low >= target)
    assert ("falls short" in told.en) == (low + width < target)
    assert ("it is open" in told.en) == (low < target <= low + width)


def test_a_month_without_plan_or_with_a_gap_says_so() -> None:
    so_far = {"period_start": DAY.replace(day=1), "dimension": "all", "segment": "all"}
    bare = Data({"marts.fct_gmv_monthly": fake("marts.fct_gmv_monthly", [{**so_far, "gmv": 5e3}])})
    shown = month(bare, INFO)
    assert shown and shown.value.en == "¥5.00K"
    assert (shown.plan, shown.verdict, shown.end, shown.planned) == (None,) * 4
    assert month(Data({}), INFO) is None
    plan = {"business_date": DAY, "metric": "gmv", "dimension": "all", "segment": "all",
            "target": 1.0, "target_so_far": 10.0, "month_target": 9000.0}  # fmt: skip
    gap = month(Data({"marts.fct_targets_daily": fake("marts.fct_targets_daily", [plan])}), INFO)
    assert gap and gap.value.en == "—"
    assert gap.plan and "not known for every day" in gap.plan.en and "¥9.00K" in gap.plan.en


def test_the_last_day_of_a_month_has_no_forecast_of_it() -> None:
    last = date(2026, 11, 30)
    rows = {
        "insights.gmv_forecast": [{"grain": "month", "platform": "all", "made_on": last,
                                   "period_start": date(2026, 11, 1), "expected_amount": 9.0,
                                   "lower_amount": 8.0, "upper_amount": 10.0, "unknown_days": 0}],
        "marts.fct_gmv_monthly": [{"period_start": date(2026, 11, 1), "dimension": "all",
                                   "segment": "all", "gmv": 9.0}],
    }  # fmt: skip
    shown = month(Data(fakes(rows)), shop.info(data_through=last))
    assert shown and shown.end is None and shown.elapsed.en == "The month is over."


def test_a_forecast_without_range_has_no_verdict() -> None:
    row = {"grain": "month", "platform": "all", "made_on": DAY, "unknown_days": 0,
           "period_start": DAY.replace(day=1), "expected_amount": 9e3}  # fmt: skip
    so_far = {"period_start": DAY.replace(day=1), "dimension": "all", "segment": "all", "gmv": 5e3}
    frames = fakes({"insights.gmv_forecast": [row], "marts.fct_gmv_monthly": [so_far]})
    shown = month(Data(frames), INFO)
    assert shown and shown.end and "¥9.00K expected; there is too little history" in shown.end.en
    assert verdict(8e3, row | {"lower_amount": None, "upper_amount": None}, INFO) is None


SEVERITY = st.sampled_from(["critical", "high", "medium", "low"])


@settings(max_examples=100, deadline=None)
@given(st.lists(SEVERITY, max_size=4), st.integers(0, 60), st.integers(0, 500), st.integers(0, 9))
def test_needs_are_the_gravest_three_and_the_rest_are_counted(
    severities: list[str], days: int, overdue: int, waiting: int
) -> None:
    data = Data(fakes({
        "insights.incidents": [
            {"incident_id": f"i{n}", "kind": "kpi", "metric": "gmv", "dimension": "all",
             "segment": "all", "opened_date": DAY, "last_date": DAY, "severity": severity,
             "impact_amount": -100.0 * (n + 1), "explanation_en": f"{severity} matter.",
             "explanation_zh": "。"} for n, severity in enumerate(severities)
        ],
        "marts.dim_product": [
            {"product_key": "p", "product_name": "Jacket", "abc_class": "A", "gmv": 9.0,
             "on_hand": 3, "days_of_stock": days / 2}],
        "marts.fct_settlements_daily": [
            {"business_date": DAY, "platform": "tmall", "overdue_amount": float(overdue)}],
        "marts.fct_fulfilment_daily": [
            {"business_date": DAY, "platform": "tmall", "overdue_orders": waiting}],
    }))  # fmt: skip
    lines, more = needs(data, INFO)
    runs_out, owed, late = days / 2 < 7, overdue > 0, waiting > 0
    assert len(lines) + more == len(severities) + runs_out + owed + late
    assert len(lines) == min(3, len(lines) + more)
    levels = [line.level for line in lines]
    assert levels == sorted(levels)
    grave = sum(severity in ("critical", "high") for severity in severities)
    kinds = [line.kind for line in lines]
    assert kinds[: min(3, grave)] == ["kpi"] * min(3, grave)
    if grave < 3 and runs_out:
        (stock,) = [line for line in lines if line.kind == "stock"]
        assert f"lasts {int(days / 2)} days" in stock.text.en
    if grave + runs_out < 3 and owed:
        (money_line,) = [line for line in lines if line.kind == "money"]
        assert money_line.amount.en == money(overdue, "CNY", "en")
    assert all(line.owner.en for line in lines)
    for line in lines:
        at = "alerts.html#at=alert-" if line.kind in ("kpi", "data") else ""
        assert line.href.startswith(at) if at else line.href.endswith(".html")


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["all", "tmall", "shopify"]), st.integers(50, 150)),
    st.sampled_from(["", "all", "tmall", "shopify"]),
    st.sampled_from(["kpi", "data"]),
)
def test_good_news_are_rises_on_days_without_an_incident(
    seen: dict[str, int], odd: str, kind: str
) -> None:
    def place(name: str) -> dict[str, object]:
        return {"dimension": "all" if name == "all" else "platform", "segment": name,
                "platform": None if name == "all" else name}  # fmt: skip

    days = [
        {"business_date": day, "metric": "gmv", "status": "normal", "observed": 1e3 * value,
         "expected": 90e3, "lower": 60e3, "upper": 120e3, "impact_amount": 1e3 * value - 90e3,
         **{k: v for k, v in place(name).items() if k != "platform"}}
        for name, value in seen.items() for day in (DAY, DAY - timedelta(days=1))
    ]  # fmt: skip
    incident = {"incident_id": "i", "kind": kind, "metric": "aov", "opened_date": DAY,
                "last_date": DAY, **place(odd)}  # fmt: skip
    frames = {"insights.anomalies": days, "insights.incidents": [incident] if odd else []}
    told = good_news(Data(fakes(frames)), INFO)
    above = {name for name, value in seen.items() if value > 120}
    if odd and kind == "kpi":
        above = set() if odd == "all" else above - {"all", odd}
    speaks = above - {"all"} or above
    assert {line.zh.partition("支付")[0].removeprefix("好于预期：") for line in told} == {
        {"all": "全公司", "tmall": "天猫", "shopify": "Shopify"}[name] for name in speaks
    }
    for line in told:
        assert "more than expected" in line.en and "−" not in line.en


def test_in_a_promotion_the_year_is_that_of_its_phase() -> None:
    frames = shop.frames()
    keys = [base.key for base in versus(Data(frames), INFO)]
    assert keys == ["week", "day", "year"]
    year = versus(Data(frames), INFO)[2]
    assert (DAY - year.day).days == 364 and year.beside.en == "vs last yr"
    peak = shop.info(data_through=date(2026, 11, 10))
    phase = versus(Data(frames), peak)[2]
    assert phase.day == date(2025, 11, 10) and phase.beside.en == "vs same phase last yr"


def test_hours_stand_in_the_zone_of_the_shop_beside_ordinary_days(site: Path) -> None:
    found = hours(Data(shop.frames()), INFO)
    assert found and found.values == [10.0 * hour for hour in range(1, 25)]
    # Saturdays before: 11.11 and its presale are left out, 31 October lies in the opening.
    assert found.days == [date(2026, 11, 14), *(date(2026, 10, d) for d in (17, 10, 3))]
    assert found.low == found.high == found.values
    text = tree(site, "index.html").text()
    assert "Most was sold between 23:00 and 24:00, ¥240" in text
    assert len(table_of(site, "index.html", "hours")) == 24


def test_products_up_and_down_are_those_of_the_weeks_compared() -> None:
    found = movers(Data(shop.frames()), INFO)
    assert found
    # The jacket gained a yuan a day, seven days a week, over the five weeks to the calm one.
    assert [(m.name.en, m.amount.en) for m in found.up] == [
        ("Trail jacket", "+¥245"),
        ("Head lamp", "+¥49"),
    ]
    assert [(m.name.en, m.amount.en) for m in found.down] == [("露营杯", "−¥245")]
    assert movers(Data({}), INFO) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_the_pace_is_called_what_the_hours_say(now: int, before: int) -> None:
    phase = {"promo": "sale", "promo_year": 2026, "platform": "tmall", "phase": "peak"}
    data = Data(fakes({
        "marts.dim_promo": [{**phase, "start_date": DAY, "end_date": DAY + timedelta(days=1),
                             "label_en": "Sale", "label_zh": "大促"}],
        "marts.fct_promo_hourly": [
            {**phase, "hours_since_start": hour, "cumulative_gmv": value,
             "previous_cumulative_gmv": float(before * (hour + 1))}
            for hour, value in ((0, float(now)), (1, None))
        ],
    }))  # fmt: skip
    page = Page("x.html", "x", "x", same("x"))
    chart = pacing_chart(data, INFO, page, is_running=True)
    assert chart is not None
    title = chart.title.en
    word = (
        "nothing before" if not before else "on pace" if abs(now - before) < 0.01 * before
        else "ahead" if now > before else "behind"
    )  # fmt: skip
    assert word in title
    assert money(now, "CNY", "en") in title
    over = shop.info(data_through=DAY + timedelta(days=5))
    assert pacing_chart(data, over, page, is_running=True) is None


def test_a_calm_day_has_no_drivers(tmp_path: Path) -> None:
    frames = shop.frames(100)
    gmv = float(frames["marts.fct_gmv_daily"].filter(
        pl.col("dimension") == "all", pl.col("business_date") == DAY)["gmv"][0])  # fmt: skip
    frames["insights.anomalies"] = fake("insights.anomalies", [
        {"business_date": DAY, "metric": "gmv", "dimension": "all", "segment": "all",
         "status": "normal", "observed": gmv, "expected": gmv, "lower": gmv - 1, "upper": gmv + 1}
    ])  # fmt: skip
    build_site(frames, INFO, tmp_path)
    text = tree(tmp_path, "index.html").text()
    assert "A normal Saturday, 21 Nov: " in text and "正常的周六（11月21日）" in text
    assert "waterfall" not in tree(tmp_path, "index.html").payload()["figures"]
    assert re.search(r"hours", str(figure(tmp_path, "index.html", "hours"))) is None
