"""The built site without a browser: structure, texts, escaping, determinism, figures."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from dashboards.base.data import Data
from dashboards.base.page import safe_csv, script_json
from dashboards.base.theme import TOKENS
from dashboards.figures.promotions import phases
from dashboards.pages.quality.page import file_rows
from dashboards.pages.quality.watermarks import marks
from dashboards.registry import PAGES as REGISTERED
from dashboards.site import build_site, write_status
from dashboards.wording.changes import COUNTS
from dashboards.wording.i18n import catalogue
from tests.browser import shop
from tests.support.contracts import comparisons, fake, fakes, registry
from tests.support.html import Tree, whole

PAGES = (*(entry.href for entry in REGISTERED), "404.html")


@cache
def parsed(path: Path) -> Tree:
    return Tree(whole(path))


def pages(site: Path) -> list[Path]:
    """All pages but the one for unknown addresses, which has rules of its own."""
    return sorted(path for path in site.rglob("*.html") if path.name != "404.html")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    report = build_site(shop.frames(), shop.info(), out)
    assert report.figures > 100
    assert set(PAGES) <= set(report.pages)
    return out


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hostile")
    build_site(shop.hostile(), shop.info(shop_name=shop.HOSTILE), out)
    return out


def test_catalogues_match() -> None:
    en, zh = catalogue("en"), catalogue("zh")
    assert en.keys() == zh.keys()
    for key, text in en.items():
        fields = {name for _, name, _, _ in Formatter().parse(text) if name}
        theirs = {name for _, name, _, _ in Formatter().parse(zh[key]) if name}
        assert theirs <= fields | {"dimension"}, key
    assert not [key for key, text in zh.items() if re.search("—", text)]


def test_pages_are_well_formed(site: Path) -> None:
    for path in pages(site):
        tree = parsed(path)
        assert not tree.open, path.name
        ids = [a["id"] for _, a, _ in tree.elements if "id" in a]
        assert len(ids) == len(set(ids)), path.name
        spans = [a["lang"] for a in tree.all("span") if "lang" in a]
        assert spans.count("en") == spans.count("zh") > 5
        assert len(tree.all("h1")) == 1
        assert "default-src 'none'" in path.read_text("utf-8")


def test_every_chart_is_readable_without_being_seen(site: Path) -> None:
    for path in pages(site):
        source = whole(path)
        tree = parsed(path)
        plots = [a for a in tree.all("div") if a.get("class") == "plot"]
        assert {a["data-figure"] for a in plots} == set(tree.payload()["figures"])
        for plot in plots:
            assert plot["role"] == "img"
            named = (plot["aria-labelledby"] or "").split()
            assert named and set(named) <= {a.get("id") for _, a, _ in tree.elements}
        for block in re.findall(r"<figure.*?</figure>", source, re.S):
            is_empty = 'class="plot"' not in block and "<table>" not in block
            parts = ("<figcaption id=", "<code>", " download>", 'class="copy"')
            for part in (*parts, *(() if is_empty else ("<table>",))):
                assert part in block, part


def test_links_lead_somewhere_and_nothing_is_loaded_from_outside(site: Path) -> None:
    for path in pages(site):
        tree = parsed(path)
        ids = {a["id"] for _, a, _ in tree.elements if "id" in a}
        for _, attrs, _ in tree.elements:
            target = attrs.get("href") or attrs.get("src")
            if not target or target.startswith("data:"):
                continue
            assert not re.match(r"[a-z]+:|//", target), target
            if target.startswith("#"):
                assert target[1:].removeprefix("at=") in ids, target
            else:
                file, _, place = target.partition("#")
                assert (path.parent / file).resolve().is_file(), target
                if place.startswith("at="):
                    there = parsed((path.parent / file).resolve())
                    assert place.removeprefix("at=") in {
                        a["id"] for _, a, _ in there.elements if "id" in a
                    }, target


@pytest.mark.parametrize(
    ("base", "home"),
    [("/", "/index.html"), ("kpi", "/kpi/index.html"), ("/a/b/", "/a/b/index.html")],
)
def test_page_of_unknown_addresses_needs_no_file_of_the_site(
    tmp_path: Path, base: str, home: str
) -> None:
    build_site({}, shop.info(base_path=base, shop_name=shop.HOSTILE), tmp_path)
    tree = Tree((tmp_path / "404.html").read_text("utf-8"))
    assert not tree.open and not tree.all("script") and not tree.all("img")
    targets = [a.get("href") or a.get("src") for _, a, _ in tree.elements]
    start = home.removesuffix("index.html")
    assert [t for t in targets if t] == ["data:,"] + [
        f"{start}{entry.href}#lang={lang}" for lang in ("en", "zh") for entry in REGISTERED
    ]
    assert "页面不存在" in tree.text() and "Page not found" in tree.text()


def figures(site: Path) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    found = []
    for path in pages(site):
        payload = parsed(path).payload()
        found += [(f"{path.name}#{k}", f, payload) for k, f in payload["figures"].items()]
    return found


def strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [s for item in value.values() for s in strings(item)]
    return [s for item in value for s in strings(item)] if isinstance(value, list) else []


def test_figures_are_valid_and_carry_tokens_only(site: Path) -> None:
    for name, figure, payload in figures(site):
        assert {trace["type"] for trace in figure["data"]} <= {"bar", "scatter", "heatmap"}
        for text in strings(figure):
            if text.startswith("#"):
                assert text in TOKENS.values(), (name, text)
            if text.startswith("t:"):
                assert int(text[2:]) < len(payload["texts"])
        if not name.startswith("2026-"):
            go.Figure(figure)  # raises on a property Plotly does not have


def test_bars_sum_to_the_change_and_the_waterfall_closes(site: Path) -> None:
    change = shop.frames()["marts.fct_gmv_change"].filter(
        pl.col("business_date") == shop.LAST,
        pl.col("comparison") == "last_week",
        pl.col("dimension") == "all",
    )
    gmv, moved = change["gmv"][0], change["gmv_change"][0]
    payload = Tree(whole(site / "index.html")).payload()
    for dimension in ("platform", "channel", "device"):
        bars = payload["figures"][f"contribution-{dimension}"]["data"][0]["x"]
        assert sum(bars) == pytest.approx(moved, abs=0.05), dimension
    fall = payload["figures"]["waterfall"]["data"][0]
    floor = payload["figures"]["waterfall"]["layout"]["yaxis"]["range"][0]
    assert fall["base"][0] + fall["y"][0] == pytest.approx(gmv - moved)
    assert fall["base"][-1] + fall["y"][-1] == pytest.approx(gmv)
    assert fall["base"][0] == fall["base"][-1] == floor
    for before, after in zip(range(len(fall["y"]) - 1), range(1, len(fall["y"])), strict=True):
        ends = {
            round(fall["base"][at] + part, 2) for at in (before,) for part in (0, fall["y"][at])
        }
        starts = {round(fall["base"][after], 2), round(fall["base"][after] + fall["y"][after], 2)}
        assert ends & starts, "each bar begins where the one before ended"


def test_the_day_of_the_specification_stands_on_the_page(tmp_path: Path) -> None:
    row = {"dimension": "all", "segment": "all", "buyers": 1486.0, "orders": 1626.0,
           "visitors": 46369.0, "tracked_buyers": 1486.0, "untracked_buyers": 0.0,
           "identified_orders": 1626.0, "anonymous_orders": 0.0, "units": 2992.0,
           "conversion_rate": 1486 / 46369, "orders_per_buyer": 1.0942, "aov": 204.19,
           "gmv_per_buyer": 223.42, "net_sales": 310000.0, "new_buyers": None}  # fmt: skip
    counts = {name: row[name] for name in COUNTS if name != "gmv"}
    days = [shop.LAST, shop.LAST - timedelta(days=7), shop.LAST - timedelta(days=364)]
    levels = [{**row, "business_date": d, "gmv": g}
              for d, g in zip(days, (332000.0, 349100.0, 292000.0), strict=True)]  # fmt: skip
    change = (
        [{"business_date": shop.LAST, "comparison": "last_week", "dimension": "all",
          "segment": "all", **counts, **{f"base_{name}": of for name, of in counts.items()},
          "gmv": 332000.0, "base_gmv": 349100.0, "gmv_change": -17100.0,
          "visitors_effect": -30000.0, "conversion_effect": 4000.0,
          "orders_per_buyer_effect": 3174.0, "aov_effect": 5726.0, "mix_effect": 0.0,
          "untracked_buyers_effect": 0.0, "anonymous_orders_effect": 0.0, "method": "lmdi"}]
    )  # fmt: skip
    frames = fakes({"marts.fct_gmv_daily": levels, "marts.fct_gmv_change": change})
    frames |= {"quality.metrics": registry(), "quality.comparisons": comparisons()}
    build_site(frames, shop.info(), tmp_path)
    text = Tree(whole(tmp_path / "index.html")).text()
    for words in (
        "GMV was ¥332K on Sat 21 Nov, 4.9% below the same day last week.",
        "较上周同期下降 4.9%",
        "▼ 4.9%",
        "▲ 13.7%",  # 332000 / 292000
        "46,369",
        "¥223",
        "客单价",
        "笔单价",
        "GMV −4.9%: traffic −¥30K, AOV +¥5.7K, conversion +¥4.0K",
    ):
        assert words in text, words
    tree = Tree(whole(tmp_path / "drivers.html")).text()
    for words in ("46,369", "3.20%", "1.094", "¥204", "1.84", "GMV effect −¥30K"):
        assert words in tree, words


def test_output_depends_on_data_alone(site: Path, tmp_path: Path) -> None:
    later = shop.info(run_id="run-2", built_at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC))
    build_site(shop.frames(), later, tmp_path)
    for path in (p for p in site.rglob("*") if p.is_file()):
        name = path.relative_to(site).as_posix()
        same = path.read_bytes() == (tmp_path / name).read_bytes()
        assert same == (name not in ("manifest.json", "assets/status.js")), name
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["run_id"] == "run-2"
    assert manifest["built_at"] == "2026-11-22T09:30:00Z"


@pytest.mark.parametrize(
    "name",
    ["</script><script>alert(1)</script>", "<!--", "]]>", "\u2028alert(1)\u2029", '"\\', "{{7*7}}"],
)
def test_json_cannot_leave_its_element(name: str) -> None:
    dumped = str(script_json({"name": name}))
    assert json.loads(dumped) == {"name": name}
    assert not re.search("</|<!--|\u2028|\u2029", dumped)


def test_hostile_names_stay_text(hostile: Path) -> None:
    seen = 0
    for path in pages(hostile):
        source = whole(path)
        tree = parsed(path)
        assert "img" not in {tag for tag, _, _ in tree.elements}
        for tag, attrs, _ in tree.elements:
            assert not [name for name in attrs if name.startswith("on")], tag
            assert "javascript:" not in (attrs.get("href") or "")
        scripts = [a["src"] for a in tree.all("script") if "src" in a]
        assert all(re.match(r"(\.\./)*assets/[\w.-]+$", name or "") for name in scripts)
        filtered = any("/cube-" in (name or "") for name in scripts)
        assert len(tree.all("script")) == (8 if filtered else 4)
        payload = tree.payload()
        for text in strings(payload["texts"]):
            assert not re.search(r"<(?!/?b>|br>)", text), text
        seen += source.count("&lt;/script&gt;")
        assert "{{7*7}}" in tree.text() and "49}}" not in source
    assert seen > 20


def test_downloads_hold_no_formula(hostile: Path) -> None:
    for path in (hostile / "data").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.reader(handle):
                for cell in row:
                    number = re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell)
                    assert number or not cell.startswith(("=", "+", "-", "@", "\t")), cell
    risky = pl.DataFrame({"a": ["=1", "+1", "-1", "@x", "\tx", "fine", None], "n": [-1.0] * 7})
    lines = safe_csv(risky).splitlines()
    assert lines[1:3] == ["'=1,-1.0", "'+1,-1.0"]
    assert lines[-2:] == ["fine,-1.0", ",-1.0"]


def test_regions_of_few_buyers_are_not_published(site: Path) -> None:
    for path in [*pages(site), *(site / "data").glob("*.csv")]:
        assert "西藏" not in whole(path), path
    assert "Regions under 10 buyers" in whole(site / "drivers.html")


@pytest.mark.parametrize("days", [0, 1, 20, 70])
def test_young_warehouses_build_every_page(days: int, tmp_path: Path) -> None:
    frames = shop.frames(days) if days else {}
    report = build_site(frames, shop.info(), tmp_path)
    expected = min(max(days, 1), 14)
    others = ("platform/", "weekly/", "monthly/", "wbr/")  # one a platform, a week, a month
    own = [path for path in report.pages if not path.startswith(others)]
    assert len(own) == expected + len(PAGES) - 1
    text = Tree(whole(tmp_path / "index.html")).text()
    assert ("No sales are published yet." in text) == (days == 0)
    assert ("No earlier day to compare with yet." in text) == (days < 2)
    if days == 20:
        assert "Less than 8 weeks of history" in text
    if days:
        assert "— vs last yr" in text.replace("\n", "")


def test_columnless_and_missing_frames_read_as_empty(tmp_path: Path) -> None:
    frames = {name: pl.DataFrame() for name in shop.frames(3)}
    build_site(frames, shop.info(configured_feeds={"orders"}), tmp_path)
    text = Tree(whole(tmp_path / "index.html")).text()
    assert text.count("not configured") == text.count("未配置") == 3
    assert "No checks ran" in text


def test_unknown_traffic_starts_at_buyers(tmp_path: Path) -> None:
    build_site(shop.without_traffic(60), shop.info(configured_feeds={"orders"}), tmp_path)
    text = Tree(whole(tmp_path / "drivers.html")).text()
    assert "GMV = buyers × orders per buyer × AOV" in text
    assert "Traffic is unknown, so the tree starts at buyers." in text
    assert "流量未知" in text
    assert "Visitors" not in text
    index = Tree(whole(tmp_path / "index.html")).text()
    assert "not configured" in index


def test_comparison_in_a_promotion_uses_the_phase(tmp_path: Path) -> None:
    frames = shop.frames()
    frames["insights.incidents"] = pl.DataFrame()
    build_site(frames, shop.info(data_through=date(2026, 11, 11)), tmp_path)
    text = Tree(whole(tmp_path / "index.html")).text()
    assert "the same promo phase last year" in text.split("vs last wk")[0]
    build_site(frames, shop.info(data_through=date(2026, 11, 18)), tmp_path)
    text = Tree(whole(tmp_path / "index.html")).text()
    assert "The day compared with lay in a promotion or holiday (11.11); this one does not." in text


def test_a_comparison_is_a_row_of_the_list_and_no_code(tmp_path: Path) -> None:
    frames = shop.frames(60)
    row = {"comparison": "four_weeks", "position": 7, "first_offset": 28, "last_offset": 28,
           "label_en": "vs 4 weeks ago", "label_zh": "较四周前", "base_en": "4 weeks ago",
           "base_zh": "四周前", "versus_en": "the day four weeks before",
           "versus_zh": "四周前同日"}  # fmt: skip
    frames["quality.comparisons"] = pl.concat([
        frames["quality.comparisons"], fake("quality.comparisons", [row])])  # fmt: skip
    changes = frames["marts.fct_gmv_change"]
    more = changes.filter(pl.col("comparison") == "last_week").with_columns(
        comparison=pl.lit("four_weeks")
    )
    frames["marts.fct_gmv_change"] = pl.concat([changes, more])
    build_site(frames, shop.info(), tmp_path)
    tree = Tree(whole(tmp_path / "drivers.html"))
    tabs = [a["data-tab"] for a in tree.all("button") if a.get("data-tab", "").startswith("cmp:")]
    assert tabs == ["cmp:last_week", "cmp:previous_day", "cmp:trailing_28d", "cmp:four_weeks"]
    for words in ("vs 4 weeks ago", "较四周前", "the day four weeks before", "四周前同日"):
        assert words in tree.text(), words
    # Its base is one day: 24 October, when a promotion began.
    assert "The day compared with lay in a promotion or holiday (11.11)" in tree.text()


def test_a_promotion_has_the_days_of_the_reporting_zone(tmp_path: Path) -> None:
    # 11.11 begins at midnight of the 9th in Shanghai, which is the 8th, 16:00 UTC.
    frames = shop.frames()
    [peak] = [p for p in phases(Data(frames), shop.LAST - timedelta(days=30), shop.LAST)
              if p.phase == "peak"]  # fmt: skip
    assert (peak.first, peak.last) == (date(2026, 11, 9), date(2026, 11, 11))
    build_site(frames, shop.info(), tmp_path)
    line = Tree(whole(tmp_path / "index.html")).payload()["figures"]["gmv-line"]
    shaded = {shape["x0"] for shape in line["layout"]["shapes"] if "x0" in shape}
    assert "2026-11-09" in shaded and "2026-11-08" not in shaded
    # 618 begins on the 15th: a week after it the base lay in it, a day earlier not.
    for day, warned in ((21, False), (22, True)):
        build_site(frames, shop.info(data_through=date(2026, 6, day)), tmp_path)
        text = Tree(whole(tmp_path / "index.html")).text()
        assert ("The day compared with lay in a promotion or holiday" in text) == warned, day


def test_alert_lines_are_open_ones_three_at_most(tmp_path: Path) -> None:
    one = shop.incidents().row(0, named=True)
    rows = [{**one, "incident_id": f"i{n}", "impact_amount": -1000.0 * n} for n in range(5)]
    rows.append({**one, "incident_id": "shut", "closed_date": shop.LAST, "explanation_en": "SHUT"})
    frame = fake("insights.incidents", rows)
    build_site({**shop.frames(30), "insights.incidents": frame}, shop.info(), tmp_path)
    source = whole(tmp_path / "index.html")
    assert source.count('class="need kpi"') == 3
    # Stock and parcels weigh as much as incidents of this severity, and come after.
    assert "And 4 more open." in source
    assert "SHUT" not in source
    assert source.index("−¥4.0K") < source.index("−¥3.0K") < source.index("−¥2.0K")


def test_what_did_not_run_is_unknown_not_passed(tmp_path: Path) -> None:
    checks = [
        {"check_name": name, "layer": "dbt", "subject": "t", "severity": "error", "status": status}
        for name, status in (("a", "passed"), ("b", "not_run"), ("c", "crashed"))
    ]
    build_site(fakes({"quality.checks": checks}), shop.info(), tmp_path)
    text = Tree(whole(tmp_path / "quality.html")).text()
    assert "1 of 3 checks passed, 2 not run" in text
    assert "What did not run is unknown, not fine." in text


def test_files_that_do_not_balance_come_first(tmp_path: Path) -> None:
    files = shop.frames(20)["quality.ingest_files"]
    first = files["source_file"].min()
    broken = files.with_columns(
        rows_landed=pl.when(pl.col("source_file") == first).then(989).otherwise("rows_landed"),
        unknown_columns=pl.lit(""),
        rows_quarantined=pl.lit(0),
        rows_excluded=pl.lit(10),
    )
    build_site({"quality.ingest_files": broken}, shop.info(), tmp_path)
    source = whole(tmp_path / "quality.html")
    row = re.search(r"<tbody>\s*<tr>.*?</tr>", source[source.index('id="files"') :], re.S)
    assert row and str(first) in row[0] and "does not balance" in row[0]


def test_the_platforms_own_figures_are_folded_away_while_they_agree(
    site: Path, tmp_path: Path
) -> None:
    """60 days agree; then one differs, and on one nothing of ours is known."""
    text = whole(site / "quality.html")
    figure = text[text.index('id="consoles"') :].partition("</figure>")[0]
    assert "agree with ours on all 60 days" in figure and "<details>" in figure
    assert "平台自报数据与我方数据在全部 60 天一致" in text
    rows = shop.frames(20)["quality.platform_reconciliation_daily"].with_columns(
        own_paid_amount=pl.when(pl.col("business_date") == shop.LAST).then(8e4)
        .when(pl.col("business_date") < shop.LAST - timedelta(days=5)).then("own_paid_amount"),
        differs_in=pl.when(pl.col("business_date") == shop.LAST).then(pl.lit("paid_amount")),
        is_within_tolerance=pl.when(pl.col("business_date") == shop.LAST).then(False)
        .when(pl.col("business_date") < shop.LAST - timedelta(days=5)).then(True),
    )  # fmt: skip
    build_site({"quality.platform_reconciliation_daily": rows}, shop.info(), tmp_path)
    text = whole(tmp_path / "quality.html")
    figure = text[text.index('id="consoles"') :].partition("</figure>")[0]
    assert "differ from ours on 1 day" in figure and "<details open>" in figure
    assert figure.count("<tr>") == 2 and "¥100,000.00" in figure and "¥80,000.00" in figure
    build_site({}, shop.info(), tmp_path / "none")
    text = whole(tmp_path / "none/quality.html")
    assert "No figures of the platforms" in text


def test_reconciliation_difference_is_drawn_and_named(tmp_path: Path) -> None:
    recon = shop.frames(20)["quality.reconciliation_daily"].with_columns(
        difference=pl.when(
            pl.col("source") == "tmall",
            pl.col("business_date") == shop.LAST,
            pl.col("measure") == "paid",
        )
        .then(-12.5)
        .otherwise(0.0)
    )
    build_site({"quality.reconciliation_daily": recon}, shop.info(), tmp_path)
    tree = Tree(whole(tmp_path / "quality.html"))
    assert tree.payload()["figures"]["reconciliation"]["data"][0]["y"] == [-12.5]
    assert "differ in 1 cases" in tree.text()


@pytest.mark.parametrize(
    ("difference", "row_difference", "title", "tile"),
    [
        (0.0, None, "agree to the cent on all", "exact"),
        (None, 0, "agree to the cent on all", "exact"),
        (None, -3, "differ in 1 cases", "differs"),
        (None, None, "Of 1 of 120 comparisons of landed files and mart the difference is not known",
         "not wholly known"),
    ],
)  # fmt: skip
def test_a_difference_that_is_not_known_is_neither_exact_nor_nothing(
    tmp_path: Path, difference: float | None, row_difference: int | None, title: str, tile: str
) -> None:
    recon = shop.frames(40)["quality.reconciliation_daily"]
    last = (
        (pl.col("source") == "tmall")
        & (pl.col("business_date") == shop.LAST)
        & (pl.col("measure") == "refunds")
    )
    recon = recon.with_columns(
        pl.when(~last).then("difference").otherwise(pl.lit(difference)).alias("difference"),
        pl.when(~last).then("row_difference").otherwise(pl.lit(row_difference))
        .alias("row_difference"),
    )  # fmt: skip
    build_site({"quality.reconciliation_daily": recon}, shop.info(), tmp_path)
    text = Tree(whole(tmp_path / "quality.html")).text()
    assert title in text
    assert tile in text
    assert ("exact" in text) == (tile == "exact")


def test_rows_that_find_nothing_are_told_of_and_the_few_are_folded(tmp_path: Path) -> None:
    build_site(shop.frames(20), shop.info(), tmp_path)
    source = whole(tmp_path / "quality.html")
    text = Tree(source).text()
    assert "1 kind of row in which many find none." in text
    assert "paid orders without a visit" in text and "55.6%" in text
    folded = source.index("refunds without an order")
    assert source.rindex("<details>", 0, folded) > source.index('id="lookups"')
    build_site(
        {"quality.lookups": shop.frames(20)["quality.lookups"].clear()}, shop.info(), tmp_path
    )
    text = Tree(whole(tmp_path / "quality.html")).text()
    assert "Does every row find what it belongs to?" in text and "many find none" not in text


def test_status_is_the_only_file_that_changes(site: Path, tmp_path: Path) -> None:
    write_status(tmp_path, "failed", datetime(2026, 11, 20, 23, 0), "audit", "</script>\u2028x")
    written = (tmp_path / "assets/status.js").read_text("utf-8")
    assert [p.name for p in (tmp_path / "assets").iterdir()] == ["status.js"]
    status = json.loads(written.removeprefix("window.STATUS=").rstrip(";\n"))
    assert status == {"state": "failed", "last_ok": "2026-11-20T23:00:00Z",
                      "failed_step": "audit", "message": "</script>\u2028x"}  # fmt: skip
    assert "</" not in written and "\u2028" not in written
    write_status(tmp_path, "failed", "2026-11-20T23:00:00")
    assert '"2026-11-20T23:00:00Z"' in (tmp_path / "assets/status.js").read_text("utf-8")
    write_status(tmp_path, "failed", "run-7")
    assert '"run-7"' in (tmp_path / "assets/status.js").read_text("utf-8")
    with pytest.raises(ValueError, match="unknown state"):
        write_status(tmp_path, "fine", None)  # type: ignore[arg-type]


def test_one_language_offers_no_switch(tmp_path: Path) -> None:
    build_site({}, shop.info(languages=("zh",)), tmp_path)
    source = whole(tmp_path / "index.html")
    assert 'data-lang="zh"' in source and 'data-do="lang"' not in source
    with pytest.raises(ValueError, match="languages"):
        build_site({}, shop.info(languages=("fr",)), tmp_path)


def test_site_stays_small(site: Path) -> None:
    sizes = {p.relative_to(site).as_posix(): p.stat().st_size for p in site.rglob("*.*")}
    # The pages of closed weeks and months are an archive; Plotly comes as it is.
    apart = r"plotly\.min\.js$|(weekly|monthly)[/-]\d"
    own = {name: size for name, size in sizes.items() if not re.search(apart, name)}
    assert own["assets/app.js"] < 20_000 and own["assets/app.css"] < 22_000
    assert max(size for name, size in own.items() if name.endswith(".html")) <= 60_000
    assert sum(own.values()) < 5_500_000  # six pages a platform are among them


def test_data_health_says_how_far_each_source_is_complete(tmp_path: Path) -> None:
    found = marks(Data(shop.frames(20)))
    assert [(m.source, m.feed, m.lag, m.tone) for m in found] == [
        ("meta_ads", "", "1", "worse"),
        ("meta_ads", "campaign_spend", "1", "worse"),
        ("new_shop", "", "—", "worse"),
        ("tmall", "", "0", "better"),
        ("tmall", "refunds", "—", "flat"),
    ]
    assert (found[0].reason.en, found[0].reason.zh) == ("few rows", "行数偏少")
    assert (found[4].reason.en, found[4].reason.zh) == ("not daily", "非每日")
    # An announced file that is not there comes before all that is as it should be.
    files = shop.frames(20)["quality.ingest_files"].with_columns(
        status=pl.when(pl.col("source_file") == pl.col("source_file").min())
        .then(pl.lit("missing"))
        .otherwise("status")
    )
    name = files["source_file"].min()
    marked = shop.frames(20)["quality.source_watermarks"]
    frames = {"quality.ingest_files": files, "quality.source_watermarks": marked}
    rows, _ = file_rows(Data(frames))
    assert name in [row.name for row in rows if row.is_absent]
    build_site(frames, shop.info(), tmp_path)
    text = Tree(whole(tmp_path / "quality.html")).text()
    assert "How far is each source complete?" in text and "not come" in text
    assert (tmp_path / "data/watermarks.csv").exists()
