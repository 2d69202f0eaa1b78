"""The pages in headless Chromium, from file://, as a reader opens them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page

from dashboards.base.theme import PALETTE
from dashboards.site import write_status
from tests.browser import shop
from tests.browser.conftest import NOW, Visit

pytestmark = pytest.mark.browser

PAGES = (
    "index.html", "drivers.html", "quality.html", "funnel.html", "cohorts.html",
    "attribution.html", "channels.html", "customers.html", "products.html", "profit.html",
    "service.html", "promo.html", "experiments.html", "metrics.html", "alerts.html", "live.html",
    "drivers/2026-11-18.html",
)  # fmt: skip
WIDTHS = (360, 390, 768, 1024, 1440)
LOOKS = [(lang, theme) for lang in ("en", "zh") for theme in ("light", "dark")]
QUICK = {
    ("index.html", "en", "light"),
    ("index.html", "zh", "dark"),
    ("drivers.html", "zh", "light"),
    ("quality.html", "en", "dark"),
    ("funnel.html", "zh", "dark"),
    ("cohorts.html", "en", "dark"),
    ("attribution.html", "zh", "light"),
    ("channels.html", "zh", "light"),
    ("customers.html", "zh", "dark"),
    ("products.html", "zh", "dark"),
    ("promo.html", "en", "dark"),
    ("experiments.html", "zh", "light"),
    ("profit.html", "en", "light"),
    ("service.html", "zh", "light"),
    ("metrics.html", "en", "light"),
    ("alerts.html", "zh", "dark"),
    ("live.html", "en", "light"),
}
NARROW = {(360, "index.html"), (360, "quality.html"), (768, "drivers.html"),
          (360, "funnel.html"), (390, "cohorts.html"), (360, "attribution.html"),
          (390, "channels.html"), (360, "products.html"), (360, "profit.html"),
          (390, "service.html"), (360, "customers.html"),
          (360, "promo.html"), (360, "experiments.html"),
          (360, "alerts.html"), (390, "live.html")}  # fmt: skip
MATRIX = [
    pytest.param(page, *look, marks=() if (page, *look) in QUICK else pytest.mark.long)
    for page in PAGES
    for look in LOOKS
]


def check(visit: Visit, page: Page, site: Path) -> None:
    """What must hold of every page in every state."""
    assert visit.errors == []
    assert all(url.startswith(f"file://{site}/") for url in visit.requests if url != "about:blank")
    state = page.evaluate(
        """() => ({
            undrawn: [...document.querySelectorAll('.plot')]
                .filter(el => el.offsetWidth && !el.querySelector('.main-svg')).map(el => el.id),
            tokens: [...document.querySelectorAll('.plot text')]
                .filter(el => /t:\\d+/.test(el.textContent)).map(el => el.textContent),
            broken: [...document.querySelectorAll('.plot text')]
                .filter(el => /NaN|undefined/.test(el.textContent)).length,
            wide: document.documentElement.scrollWidth - window.innerWidth,
        })"""
    )
    assert state == {"undrawn": [], "tokens": [], "broken": 0, "wide": state["wide"]}
    assert state["wide"] <= 0, f"{state['wide']} px wider than the window"


@pytest.mark.parametrize(("name", "lang", "theme"), MATRIX)
def test_page(visit: Visit, site: Path, name: str, lang: str, theme: str) -> None:
    page = visit.drawn(site / name, f"lang={lang}&theme={theme}")
    check(visit, page, site)
    assert page.evaluate("document.documentElement.lang") == ("zh-CN" if lang == "zh" else "en")
    hidden = "en" if lang == "zh" else "zh"
    assert page.locator(f"main span[lang={hidden}]:visible").count() == 0
    text = page.inner_text("h1")
    assert bool(re.search("[\u4e00-\u9fff]", text)) == (lang == "zh")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    expected = next(getattr(c, theme) for c in PALETTE if c.role == "page")
    rgb = ", ".join(str(int(expected[at : at + 2], 16)) for at in (1, 3, 5))
    assert ground == f"rgb({rgb})"
    if lang == "zh" and name == "index.html":
        ticks = page.locator("#gmv-line .ytick text").all_text_contents()
        assert ticks[0] == "¥0" and all("万" in tick for tick in ticks[1:])


@pytest.mark.parametrize(
    ("name", "width"),
    [
        pytest.param(name, width, marks=() if (width, name) in NARROW else pytest.mark.long)
        for name in PAGES[:-1]
        for width in WIDTHS
    ],
)
def test_no_page_is_wider_than_its_window(visit: Visit, site: Path, name: str, width: int) -> None:
    for lang in ("en", "zh"):
        check(visit, visit.drawn(site / name, f"lang={lang}&theme=light", width), site)


@pytest.mark.parametrize("kind", ["hostile", "no traffic", "one day", "empty"])
def test_odd_warehouses(visit: Visit, sites: dict[str, Path], kind: str) -> None:
    for name in PAGES[:-1]:
        page = visit.drawn(sites[kind] / name, "lang=zh&theme=dark", 768)
        check(visit, page, sites[kind])
        assert page.locator("img, a[href^='javascript']").count() == 0
        assert page.locator("svg a").count() == 0, "Plotly made a link of a name"
        if kind == "hostile" and name == "index.html":
            assert "</script><img src=x" in page.text_content("#contribution-platform svg")


def test_a_phone_shows_the_first_figure_at_once(visit: Visit, site: Path) -> None:
    for lang in ("en", "zh"):
        page = visit.drawn(site / "index.html", f"lang={lang}&theme=light", 390)
        figure = page.locator("#month .figure").bounding_box()
        assert figure and figure["y"] + figure["height"] <= 400


def test_language_and_theme_switch_without_reload(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "index.html")
    page.evaluate("window.same = true")
    assert "Same day" in page.text_content("#waterfall svg.main-svg")
    colour = "document.querySelector('#waterfall .points path').style.fill"
    before = page.evaluate(colour)
    page.click("[data-do=lang]")
    page.click("[data-do=theme]")
    assert "上周同期" in page.text_content("#waterfall svg.main-svg")
    assert page.evaluate(colour) != before
    assert page.evaluate("window.same") is True
    assert "lang=zh" in page.url and "theme=dark" in page.url
    assert "lang=zh" in page.get_attribute("nav.side a >> nth=1", "href")
    check(visit, page, site)


def test_search_leads_by_keyboard_to_pages_and_metrics(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "drivers/2026-11-18.html", "lang=en&theme=light&platform=tmall")
    page.keyboard.press("/")
    page.wait_for_selector("dialog.search[open]")
    page.keyboard.type("conversion rate")
    page.keyboard.press("Enter")
    page.wait_for_url("**/metrics.html#*at=metric-conversion_rate")
    assert "platform=tmall" in page.url and "lang=en" in page.url
    page.wait_for_load_state("load")
    page.click("[data-do=lang]")
    page.click("[data-do=search]")
    page.wait_for_selector("dialog.search[open]")
    page.keyboard.type("告警")
    assert page.locator(".search a").count() == 1
    page.keyboard.press("Escape")
    assert not page.is_visible("dialog.search")
    page.keyboard.press("/")
    page.keyboard.type("nothing of this kind")
    assert page.inner_text(".search [role=listbox]") == "没有结果"
    check(visit, page, site)


def test_an_alert_leads_to_its_incident(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "index.html", "lang=en&theme=light")
    page.click("#needs a >> nth=0")
    page.wait_for_url("**/alerts.html#*at=alert-*")
    place = page.url.split("at=")[1].split("&")[0]
    assert page.locator(f"#{place}").is_visible()
    assert "kpi sql" in page.inner_text(f"#{place} .command")
    page.wait_for_load_state("load")
    page.evaluate("kpi.drawAll()")
    check(visit, page, site)


def test_a_link_to_a_day_shows_that_day(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "drivers.html", "lang=zh&dim=channel&day=2026-11-18")
    assert page.url.split("#")[0].endswith("/drivers/2026-11-18.html")
    assert "lang=zh" in page.url and "dim=channel" in page.url and "day=" not in page.url
    page = visit.drawn(site / "drivers.html", "lang=en&day=1999-01-01")
    assert page.url.split("#")[0].endswith("/drivers.html")


def test_the_skip_link_leaves_the_address_as_it_was(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "drivers.html", "lang=zh&cmp=last_year&dim=channel")
    before = page.url
    page.focus(".skip")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.url == before
    assert page.locator("#by-last_year-channel svg.main-svg").first.is_visible()


@pytest.mark.parametrize("name", ["index.html", "channels.html", "metrics.html"])
def test_a_phone_shows_which_page_it_is_on(visit: Visit, site: Path, name: str) -> None:
    page = visit.go(site / name, width=390)
    box = page.locator(".side [aria-current]").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_the_first_column_stays_and_leaves_room_for_figures(visit: Visit, site: Path) -> None:
    page = visit.go(site / "channels.html", width=390)
    cell = page.locator("#channel-spend tbody th").first
    head = page.locator("#channel-spend thead th").first
    before = [one.bounding_box()["x"] for one in (cell, head)]
    page.evaluate("document.querySelector('#channel-spend .scroll').scrollLeft = 300")
    assert [one.bounding_box()["x"] for one in (cell, head)] == before
    assert cell.bounding_box()["width"] < 0.5 * 390


def test_tabs_keep_their_state_in_the_address(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "drivers.html", "lang=en&cmp=last_year&dim=channel&junk&x=%E0%A4%A")
    assert page.locator("section:visible").count() == 1
    assert "the same weekday last year" in page.inner_text("section:visible .headline")
    assert page.locator("#by-last_year-channel svg.main-svg").first.is_visible()
    page.click("[data-tab='cmp:previous_day']")
    page.wait_for_selector("[data-figure=waterfall-previous_day].drawn")
    assert "cmp=previous_day" in page.url
    assert "cmp=previous_day" in page.get_attribute(".days a >> nth=2", "href")
    visit.drawn(site / "drivers.html", "cmp=nonsense&theme=pink&lang=fr")
    assert page.locator("section:visible").count() == 1
    check(visit, page, site)


def test_failed_run_is_said_on_every_page(visit: Visit, copied: Path) -> None:
    last = datetime(2026, 11, 20, 23, 2, tzinfo=UTC)
    write_status(copied, "failed", last, "audit", "<b>orders</b> differ.")
    for name in PAGES:
        page = visit.go(copied / name)
        text = page.inner_text("#status-banner")
        assert text == (
            "The last run failed at step audit. <b>orders</b> differ. "
            "These pages show the last good data, of 21 Nov, 07:02."
        )
    page = visit.go(copied / "index.html", "lang=zh")
    assert "在 audit 步骤失败" in page.inner_text("#status-banner")
    write_status(copied, "stale", last, message="No run for 2 days.")
    assert "not up to date" in visit.go(copied / "index.html").inner_text("#status-banner")
    write_status(copied, "ok", last)
    assert not visit.go(copied / "index.html").is_visible("#status-banner")
    assert visit.errors == []


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (NOW, None),
        ("2026-11-23T03:59:00Z", None),  # 35 h 59 after the end of the last day
        ("2026-11-23T05:00:00Z", "Data is 37 hours old: it ends with 2026-11-21."),
        ("2026-11-25T20:00:00Z", "Data is 4 days old: it ends with 2026-11-21."),
    ],
)
def test_age_is_judged_in_the_browser(
    visit: Visit, site: Path, now: str, words: str | None
) -> None:
    visit.page.clock.set_fixed_time(now)
    try:
        page = visit.go(site / "index.html")
        assert page.is_visible("#stale-banner") == (words is not None)
        if words:
            assert page.inner_text("#stale-banner") == words
    finally:
        visit.page.clock.set_fixed_time(NOW)


def test_without_plotly_the_tables_open(visit: Visit, copied: Path) -> None:
    (copied / "assets/plotly.min.js").unlink()
    page = visit.go(copied / "index.html")
    page.wait_for_selector(".no-plotly")
    assert page.is_visible("#gmv-line .failed")
    assert page.is_visible("#gmv-line table")
    assert page.is_visible(".headline")


def test_without_scripts_the_page_is_complete(visit: Visit, site: Path) -> None:
    context = visit.page.context.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{site / 'drivers.html'}")
    assert page.inner_text("h1") == "What moved GMV"
    # The first comparison is there, and where the others would be it says what they need.
    assert page.locator("section h2:visible").count() == 1
    assert page.locator("main > .later:visible").count() == 3
    assert page.locator(".kids:visible").count() >= 4
    assert page.locator("[data-do]:visible").count() == 0
    context.close()


def test_print_fits_the_paper(visit: Visit, site: Path, tmp_path: Path) -> None:
    page = visit.drawn(site / "index.html", "lang=en&theme=dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    widths = page.evaluate(
        """() => [...document.querySelectorAll('.plot.drawn')].filter(el => el.offsetWidth)
            .map(el => el.querySelector('.main-svg').clientWidth - el.clientWidth)"""
    )
    page.pdf(path=tmp_path / "index.pdf", format="A4", landscape=True)
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert widths and max(widths) <= 0
    assert (tmp_path / "index.pdf").stat().st_size > 20_000
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_drawn_bars_are_those_of_the_mart(visit: Visit, site: Path) -> None:
    page = visit.drawn(site / "index.html", "lang=en&dim=channel")
    shown = page.evaluate("document.querySelector('[data-figure=contribution-channel]').data[0].x")
    frame = shop.frames()["marts.fct_gmv_change"]
    rows = frame.filter(
        (frame["business_date"] == shop.LAST)
        & (frame["comparison"] == "last_week")
        & (frame["dimension"] == "channel")
    )
    assert sorted(shown) == pytest.approx(sorted(rows["gmv_change"]))


def test_unknown_address_below_a_sub_path(visit: Visit, site: Path) -> None:
    """As a server answers: the page under an address it does not have, with none of its files."""
    address = "http://shop.test/kpi/drivers/deep/none.html"
    source = (site / "404.html").read_text("utf-8")
    visit.page.goto("about:blank")
    visit.errors.clear()
    visit.requests.clear()
    visit.page.route("http://shop.test/**", lambda route: route.fulfill(
        status=200, content_type="text/html; charset=utf-8", body=source))  # fmt: skip
    try:
        visit.page.goto(address)
        assert visit.requests == [address]
        assert visit.errors == []
        assert visit.page.is_visible("text=页面不存在")
    finally:
        visit.page.unroute("http://shop.test/**")
