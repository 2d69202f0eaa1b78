"""Filters by platform and shop: what the browser shows against what the frames hold."""

from __future__ import annotations

import json
from datetime import date, timedelta
from itertools import chain
from pathlib import Path

import duckdb
import polars as pl
import pytest
from playwright.sync_api import Page

from dashboards.site import build_site
from dashboards.wording.formatting import fixed, integer, money, percent
from tests.browser import shop
from tests.browser.conftest import Visit
from tests.browser.test_pages import check

pytestmark = pytest.mark.browser

CHOICES = {
    "platform=tmall": ("platform", "tmall", "Tmall"),
    "platform=shopify": ("platform", "shopify", "Shopify"),
    "shop=tmall-flagship": ("shop", "tmall-flagship", "tmall-flagship"),
}
RATIOS = {
    "conversion_rate": ("tracked_buyers", "visitors"),
    "gmv_per_buyer": ("gmv", "buyers"),
}


def rows(dimension: str, segment: str) -> pl.DataFrame:
    frame = shop.frames()["marts.fct_gmv_daily"].with_columns(
        pl.col("gmv", "net_sales").cast(float)
    )
    return frame.filter(pl.col("dimension") == dimension, pl.col("segment") == segment).sort(
        "business_date"
    )


def value_of(frame: pl.DataFrame, name: str, day: date) -> float:
    row = frame.filter(pl.col("business_date") == day).row(0, named=True)
    if name in RATIOS:
        over, under = RATIOS[name]
        return float(row[over] / row[under])
    return float(row[name])


def written(name: str, value: float, lang: str) -> str:
    if name in ("gmv", "gmv_per_buyer"):
        return money(value, "CNY", lang)
    if name in ("visitors", "new_buyers"):
        return integer(value)
    return percent(value, 2) if name == "conversion_rate" else fixed(value, 3)


def moved(name: str, now: float, base: float, lang: str) -> str:
    if name == "conversion_rate":
        unit = " pp" if lang == "en" else " 百分点"
        return f"{fixed(abs(now - base) * 100, 2)}{unit}"
    return percent(abs(now / base - 1))


def words(page: Page, selector: str) -> str:
    return " ".join(page.inner_text(selector).split())


@pytest.mark.parametrize(
    ("state", "lang"),
    [
        ("platform=tmall", "zh"),
        ("shop=tmall-flagship", "en"),
        pytest.param("platform=shopify", "en", marks=pytest.mark.long),
        pytest.param("platform=shopify", "zh", marks=pytest.mark.long),
    ],
)
def test_cards_are_those_of_the_segment(visit: Visit, site: Path, state: str, lang: str) -> None:
    dimension, segment, _ = CHOICES[state]
    page = visit.drawn(site / "index.html", f"lang={lang}&theme=light&{state}")
    frame = rows(dimension, segment)
    for name in ("gmv", "visitors", "new_buyers", *RATIOS):
        now = value_of(frame, name, shop.LAST)
        assert words(page, f"#card-{name} .value") == written(name, now, lang), name
        for key, back in (("week", 7), ("day", 1), ("year", 364)):
            base = value_of(frame, name, shop.LAST - timedelta(days=back))
            change = page.locator(f"#card-{name} [data-panel='vs:{key}']")
            assert change.is_visible() == (key == "week"), (name, key)
            assert moved(name, now, base, lang) in (change.text_content() or ""), (name, key)
    assert page.locator("#card-refund_amount_rate .scope").is_visible()
    assert not page.locator("#month").is_visible()
    assert not page.locator("#card-gmv .flagtext:visible").count()
    check(visit, page, site)


@pytest.mark.parametrize("state", CHOICES)
def test_the_line_is_that_of_the_segment(visit: Visit, site: Path, state: str) -> None:
    dimension, segment, label = CHOICES[state]
    page = visit.drawn(site / "index.html", f"lang=en&{state}")
    drawn = page.evaluate("document.querySelector('[data-figure=gmv-line]').data")
    assert len(drawn) == 1, "the company's range is not drawn behind a segment"
    expected = rows(dimension, segment).tail(90)
    assert drawn[0]["y"] == pytest.approx(expected["gmv"].to_list())
    assert drawn[0]["x"] == [day.isoformat() for day in expected["business_date"]]
    assert words(page, "#gmv-line h2") == f"GMV by day: {label}"
    gmv = money(expected["gmv"][-1], "CNY", "en")
    assert words(page, "#headline") == f"{label}: GMV was {gmv} on 21 Nov."
    page.click("#gmv-line summary")
    first = page.inner_text("#gmv-line tbody tr >> nth=0").split()
    assert first[:2] == ["2026-11-21", f"¥{expected['gmv'][-1]:,.2f}"]
    for chart in ("waterfall", "contribution-platform"):
        assert words(page, f"#{chart} .scope") == "All data, does not follow the filter"
    assert page.locator("#gmv-line .scope:visible").count() == 0


def test_choosing_and_clearing_restores_the_page_letter_by_letter(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "index.html", "lang=en&theme=light")
    main = "document.querySelector('main').innerText"
    picture = "JSON.stringify(document.querySelector('[data-figure=gmv-line]').data.map(t => t.y))"
    before, drawn = page.evaluate(main), page.evaluate(picture)
    page.select_option("select[data-filter=platform]", "tmall")
    assert "platform=tmall" in page.url
    assert page.evaluate(main) != before and page.evaluate(picture) != drawn
    assert words(page, ".filters .active") == "Filter: Tmall"
    page.click("[data-do=lang]")
    assert words(page, ".filters .active") == "筛选：天猫"
    assert words(page, "#gmv-line h2") == "每日支付金额：天猫"
    ticks = page.locator("#gmv-line .ytick text").all_text_contents()
    assert ticks[0] == "¥0" and all("万" in tick for tick in ticks[1:])
    page.click("[data-do=lang]")
    # A shop of the other platform takes the place of the platform.
    page.select_option("select[data-filter=shop]", "shopify-site")
    assert "shop=shopify-site" in page.url and "platform=" not in page.url
    page.click("[data-do=clear]")
    assert "shop=" not in page.url
    assert page.evaluate(main) == before
    assert page.evaluate(picture) == drawn
    assert not page.locator(".scope:visible").count()
    check(visit, page, site)


def test_unknown_choices_fall_back_to_all(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "index.html", "lang=en&platform=nonsense&shop=none")
    assert not page.locator(".filtered").count()
    assert page.input_value("select[data-filter=platform]") == ""
    check(visit, page, site)


@pytest.mark.parametrize(
    ("state", "dimension", "segment"),
    [("platform=shopify", "platform", "shopify"), ("shop=douyin-live", "shop", "douyin-live")],
)
def test_funnel_of_a_segment(
    visit: Visit, site: Path, state: str, dimension: str, segment: str
) -> None:
    page = visit.drawn(site / "funnel.html", f"lang=en&{state}")
    frame = shop.frames()["marts.fct_funnel_daily"].filter(
        pl.col("dimension") == dimension, pl.col("segment") == segment
    )

    def summed(first: date, last: date) -> list[list[int]]:
        days = frame.filter(pl.col("business_date").is_between(first, last))
        rows = days.group_by("step_number").agg(
            pl.col("reached_count", "direct_count", "attempt_count").sum()
        )
        return [rows.sort("step_number")[name].to_list() for name in rows.columns[1:]]

    now, direct, (total, *_) = summed(date(2026, 11, 15), date(2026, 11, 21))
    base, base_direct, (base_total, *_) = summed(date(2026, 10, 11), date(2026, 10, 17))
    drawn = page.evaluate("document.querySelector('[data-figure=funnel-steps]').data.map(t => t.x)")
    assert drawn[1] == now
    assert drawn[0] == pytest.approx([value / base_total * total for value in base])
    cells = [line.split("\t") for line in page.inner_text("#funnel-steps tbody").split("\n")]
    for n, cell in enumerate(cells):
        assert cell[1:4] == [f"{now[n]:,}", f"{direct[n]:,}", f"{base[n]:,}"]
        assert cell[7].strip() == percent(now[n] / total)
        if n:
            rate = (now[n] - direct[n]) / now[n - 1]
            before = (base[n] - base_direct[n]) / base[n - 1]
            assert cell[4:6] == [percent(rate), percent(before)]
            points = fixed((rate - before) * 100, 1, True)
            assert cell[6].lstrip("●▲▼ ") == f"{points} pp"
    assert words(page, "#headline").endswith(
        f"of 100 sessions {fixed(100 * now[-1] / total, 1)} reach the last step, Pay."
    )
    assert words(page, "#funnel-steps h2").startswith("Sessions by step: ")
    assert page.locator("#funnel-trend .scope").is_visible()
    check(visit, page, site)


@pytest.mark.parametrize("platform", ["shopify", "tmall", "douyin"])
def test_channels_of_a_platform(visit: Visit, site: Path, platform: str) -> None:
    page = visit.drawn(site / "channels.html", f"lang=en&platform={platform}")
    days = pl.col("business_date").is_between(date(2026, 10, 25), date(2026, 11, 21))
    spend = (
        shop.frames()["marts.fct_channel_daily"]
        .filter(days, pl.col("platform") == platform, pl.col("is_additive"))
        .with_columns(pl.col("cost").cast(pl.Float64))
    )
    company = rows("platform", platform).filter(days)
    cost = spend["cost"].sum() if spend["cost"].count() else None
    gmv = float(company["gmv"].sum()) if company.height else None
    new = company["new_buyers"].sum() if company.height else None
    assert words(page, "#tile-spend .value") == ("—" if cost is None else money(cost, "CNY", "en"))
    assert ("is not known" in words(page, "#headline")) == (platform == "tmall")
    both = bool(cost and gmv)
    assert both == (platform == "shopify")
    assert words(page, "#tile-mer .value") == (
        fixed(float(spend["gmv"].sum()) / cost, 2) if both else "—"
    )
    assert words(page, "#tile-spend_rate .value") == (percent(cost / gmv) if both else "—")
    assert words(page, "#tile-cac .value") == (money(cost / new, "CNY", "en") if both else "—")
    cells = [line.split("\t") for line in page.inner_text("#channel-spend tbody").split("\n")]
    by_channel = spend.group_by("channel").agg(
        pl.col("cost", "attributed_gmv", "orders", "claimed_conversions", "new_customers").sum()
    )
    assert len(cells) == by_channel.height
    tracked = platform != "douyin"  # of which nothing but advertising tells
    expected = sorted(
        f"¥{value:,.2f}" if tracked else "—" for value in by_channel["attributed_gmv"]
    )
    assert sorted(cell[2] for cell in cells) == expected
    ratios = sorted(
        fixed(g / c, 2)
        for c, g in by_channel.select("cost", "attributed_gmv").iter_rows()
        if c and tracked
    )
    assert sorted(cell[3] for cell in cells if cell[3] != "—") == ratios
    claims = sorted(
        f"{fixed(claimed / orders, 2)}×"
        for orders, claimed in by_channel.select("orders", "claimed_conversions").iter_rows()
        if claimed and tracked
    )
    assert sorted(c[9].strip() for c in cells if c[9].strip() != "—") == claims
    news = sorted(fixed(v, 0) if tracked else "—" for v in by_channel["new_customers"])
    assert sorted(cell[5] for cell in cells) == news
    assert page.locator("#channel-claims .scope").is_visible()
    check(visit, page, site)


SPANS = {
    "7": ("2026-11-15", "2026-11-21"), "28": ("2026-10-25", "2026-11-21"),
    "month": ("2026-11-01", "2026-11-21"), "2026-W46": ("2026-11-09", "2026-11-15"),
}  # fmt: skip


def asked(sql: str, **frames: pl.DataFrame) -> tuple:
    """One row of DuckDB over frames."""
    with duckdb.connect() as con:
        for name, frame in frames.items():
            con.register(name, frame.to_arrow())
        return con.sql(sql).fetchall()[0]


@pytest.mark.parametrize(
    ("period", "state"),
    [
        pytest.param("7", "", marks=pytest.mark.long),
        ("2026-W46", "platform=tmall"),
        pytest.param("month", "shop=shopify-site", marks=pytest.mark.long),
    ],
)
def test_sums_of_a_period_are_those_of_duckdb(
    visit: Visit, site: Path, period: str, state: str
) -> None:
    page = visit.drawn(site / "index.html", f"lang=en&period={period}&{state}")
    dimension, _, segment = (state or "all=all").partition("=")
    first, last = SPANS[period]
    gmv, net, orders, units, new, aov = asked(
        f"""
        select sum(gmv), sum(net_sales), sum(orders), sum(units), sum(new_buyers),
            sum(gmv) / sum(orders)
        from daily
        where dimension = '{dimension}' and segment = '{segment}'
            and business_date between '{first}' and '{last}'
        """,
        daily=shop.frames()["marts.fct_gmv_daily"],
    )
    shown = {
        name: words(page, f"#period-{name} .value")
        for name in ("gmv", "net_sales", "orders", "units", "new_buyers", "aov")
    }
    assert shown == {
        "gmv": money(float(gmv), "CNY", "en"), "net_sales": money(float(net), "CNY", "en"),
        "orders": integer(orders), "units": integer(units), "new_buyers": integer(new),
        "aov": money(float(aov), "CNY", "en"),
    }  # fmt: skip
    assert f"GMV was {shown['gmv']}." in words(page, "#headline")
    assert not page.locator(".daily:visible").count()
    assert words(page, "#gmv-line .scope") == "All data, does not follow the filter"
    assert "period=" in (page.get_attribute("nav.side a >> nth=4", "href") or "")
    check(visit, page, site)


def test_a_day_that_is_not_known_is_no_zero_of_its_period(visit: Visit, tmp_path: Path) -> None:
    frames = shop.frames(60)
    table = frames["marts.fct_gmv_daily"]
    lost = (pl.col("business_date") == shop.LAST - timedelta(days=2)) & (pl.col("segment") == "all")
    frames["marts.fct_gmv_daily"] = table.with_columns(
        pl.when(~lost).then(pl.col("gmv")).alias("gmv")
    )
    build_site(frames, shop.info(), tmp_path)
    page = visit.drawn(tmp_path / "index.html", "lang=en&period=7")
    assert words(page, "#headline").endswith(
        "Not known on 1 of the days; the sum is of the others."
    )


@pytest.mark.parametrize("period", ["month", pytest.param("2026-W46", marks=pytest.mark.long)])
def test_funnel_and_channels_of_a_period(visit: Visit, site: Path, period: str) -> None:
    first, last = SPANS[period]
    days = f"business_date between '{first}' and '{last}'"
    page = visit.drawn(site / "funnel.html", f"lang=en&period={period}")
    drawn = page.evaluate("document.querySelector('[data-figure=funnel-steps]').data[1].x")
    (reached,) = asked(
        f"""
        select list(n order by step_number) from (
            select step_number, sum(reached_count)::bigint as n from funnel
            where dimension = 'all' and basis = 'session' and {days} group by all
        )
        """,
        funnel=shop.frames()["marts.fct_funnel_daily"],
    )
    assert drawn == reached
    assert page.locator("#funnel-trend .scope").is_visible()
    check(visit, page, site)
    page = visit.drawn(site / "channels.html", f"lang=en&period={period}")
    cost, claimed = asked(
        f"""
        select sum(cost), sum(claimed_conversions) filter (channel = 'paid_search')
        from channel where is_additive and {days}
        """,
        channel=shop.frames()["marts.fct_channel_daily"],
    )
    assert words(page, "#tile-spend .value") == money(float(cost), "CNY", "en")
    row = page.locator("#channel-spend tbody tr", has_text="Paid search").inner_text().split("\t")
    assert row[8] == (integer(claimed) if claimed else "—")
    check(visit, page, site)


@pytest.mark.parametrize(
    "name", ["profit", *(pytest.param(n, marks=pytest.mark.long) for n in ("products", "service"))]
)
def test_a_platform_has_its_own_page_and_keeps_it(visit: Visit, site: Path, name: str) -> None:
    page = visit.drawn(site / f"{name}.html", "lang=en&platform=tmall")
    page.wait_for_url(f"**/platform/tmall/{name}.html**")
    page.wait_for_load_state("load")
    page.evaluate("kpi.drawAll()")
    assert page.input_value("select[data-filter=platform]") == "tmall"
    assert "platform=tmall" in (page.get_attribute("nav.side a >> nth=2", "href") or "")
    check(visit, page, site)
    page.click("[data-do=clear]")
    page.wait_for_url(f"file://{site}/{name}.html**")
    assert "platform=" not in page.url


def test_pages_without_a_filter_say_so(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "customers.html", "lang=zh&platform=tmall&period=7")
    assert words(page, "#unfollowed") == "本页不随筛选变化：天猫、时段。"
    assert "platform=tmall" in (page.get_attribute("nav.side a", "href") or "")
    page = visit.drawn(site / "customers.html", "lang=zh")
    assert not page.is_visible("#unfollowed")


def test_cohorts_of_a_platform_are_its_stored_rows(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "cohorts.html", "lang=en&platform=shopify&what=customers")
    plot = page.locator("[data-figure^=cohorts-customers]:visible")
    # Light and dark cells are a trace each.
    light, dark = plot.evaluate("el => [el.data[0].z, el.data[1].z]")
    frame = shop.frames()["marts.fct_retention_monthly"].filter(
        pl.col("segment") == "shopify",
        pl.col("period_number").is_between(1, 12),
        pl.col("cohort_month").is_between(date(2025, 10, 1), date(2026, 10, 1)),
    )
    stored = frame.sort("cohort_month", "period_number")["retention_rate"].to_list()
    both = zip(chain.from_iterable(light), chain.from_iterable(dark), strict=True)
    assert [a if a is not None else b for a, b in both] == pytest.approx(stored)
    page.click("[data-tab='what:revenue']:visible")
    assert "what=revenue" in page.url
    check(visit, page, site)


def test_numbers_are_written_as_in_python(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "index.html")
    values = [
        0.0,
        0.004,
        0.005,
        0.5,
        1.5,
        2.5,
        0.125,
        0.375,
        9.995,
        9.999,
        99.95,
        99.5,
        100.5,
        999.5,
        999.4999,
        1000.0,
        1005.0,
        9995.0,
        9999.5,
        10050.0,
        99950.0,
        99999.5,
        999500.0,
        999999.0,
        1e6,
        12345678.9,
        99995000.0,
        1e8,
        123456789012.0,
        -0.004,
        -12345.6,
        -0.5,
    ]
    values += [round(1.37**n * 0.1, 3) for n in range(60)]
    shown = page.evaluate(
        """values => values.map(v => [
            kpi.formats.money(v, '¥', 'en', 2), kpi.formats.money(v, '¥', 'zh', 2),
            kpi.formats.money(v, '¥', 'en', 0),
            kpi.formats.fixed(v, 0), kpi.formats.fixed(v, 2, true), kpi.formats.percent(v, 1)])""",
        values,
    )  # fmt: skip
    expected = [
        [money(v, "CNY", "en"), money(v, "CNY", "zh"), money(v, "JPY", "en"),
         fixed(v, 0), fixed(v, 2, True), percent(v, 1)]
        for v in values
    ]  # fmt: skip
    wrong = [(v, a, b) for v, a, b in zip(values, shown, expected, strict=True) if a != b]
    assert not wrong, json.dumps(wrong[:5], ensure_ascii=False)


def test_hostile_names_can_be_chosen(visit: Visit, sites: dict[str, Path]) -> None:
    for name in ("index.html", "funnel.html", "channels.html", "cohorts.html"):
        page = visit.drawn(sites["hostile"] / name, "lang=en")
        options = page.locator("select[data-filter=platform] option")
        values = [options.nth(n).get_attribute("value") or "" for n in range(options.count())]
        hostile = next(value for value in values if "onerror" in value)
        page.select_option("select[data-filter=platform]", hostile)
        assert "onerror" in words(page, ".filters .active")
        assert page.locator("main img").count() == 0
        check(visit, page, sites["hostile"])
