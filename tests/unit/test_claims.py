"""Titles and headlines against the table beside them: what a sentence says, the rows must show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.base.data import Data, Row
from dashboards.base.page import Page, same
from dashboards.charts.line import DayPoint, line_top
from dashboards.pages.drivers.tree import build_tree
from dashboards.pages.funnel import page as funnel
from dashboards.pages.overview import page as overview
from dashboards.pages.shared.changes import contribution_tabs
from dashboards.wording.changes import COUNTS, EFFECT_ORDER
from dashboards.wording.i18n import text
from tests.browser import shop
from tests.support.contracts import comparisons, fake, registry
from tests.support.html import whole

DAY = shop.LAST
INFO = shop.info()
SEGMENTS = ("alpha", "beta", "gamma", "delta")


def change(segment: str, gmv: float, base: float, **more: float) -> dict[str, object]:
    zeros = dict.fromkeys((f"{name}_effect" for name in EFFECT_ORDER), 0.0)
    dimension = "all" if segment == "all" else "platform"
    return {
        "business_date": DAY, "comparison": "last_week", "dimension": dimension,
        "segment": segment, "gmv": gmv, "base_gmv": base, "gmv_change": gmv - base,
        "method": "lmdi", **zeros, "aov_effect": gmv - base, **more,
    }  # fmt: skip


def contributions(moves: list[int], base: float = 10_000.0) -> tuple[str, list[list[str]]]:
    """Title and table of the contributions of platforms with these changes."""
    rows = [change(name, base + move, base)
            for name, move in zip(SEGMENTS, moves, strict=False)]  # fmt: skip
    whole = change("all", sum(base + move for move in moves), base * len(moves))
    data = Data({
        "marts.fct_gmv_change": fake("marts.fct_gmv_change", [whole, *rows]),
        "quality.comparisons": comparisons(),
    })  # fmt: skip
    page = Page("x.html", "x", "x", same("x"))
    company = data.change(DAY, "last_week")
    assert company is not None
    (tab,) = contribution_tabs((data, INFO), page, company, ("platform",), "p")
    cells = [[c if isinstance(c, str) else c.en for c in row] for row in tab.chart.table.rows]
    return tab.chart.title.en, cells


def amount(text: str) -> float:
    """A short or exact amount as a number."""
    found = re.search(r"([+\u2212]?)¥([\d,.]+)([KM]?)", text)
    assert found, text
    scale = {"": 1, "K": 1e3, "M": 1e6}[found[3]]
    return float(found[2].replace(",", "")) * scale * (-1 if found[1] == "\u2212" else 1)


def test_who_lost_more_than_the_company_does_not_account_for_most_of_its_fall() -> None:
    title, _ = contributions([-2100, 1800, -49])
    assert title == "alpha lost most (−¥2.1K), partly made good by beta (+¥1.8K)"
    assert (
        contributions([-200, -60, 20])[0] == "No single platform moved GMV notably"
    )  # 240 of 30,000
    assert contributions([-3000, -600, 200])[0] == "alpha accounts for most of the fall"
    assert contributions([-3000, -2900, -600])[0] == (
        "No single platform accounts for most of the fall"
    )


def test_nothing_does_not_cancel_out() -> None:
    assert contributions([0, 0], 0.0)[0] == "No single platform moved GMV notably"
    assert contributions([5000, -5000])[0] == "Gains and losses by platform cancelled out"
    assert contributions([-700])[0] == "All of the change lies in alpha"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(-9_000, 9_000), min_size=1, max_size=4))
def test_the_title_of_contributions_is_true_by_its_table(moves: list[int]) -> None:
    title, cells = contributions(moves)
    by_name = {row[0]: amount(row[3]) for row in cells}
    total = sum(by_name.values())
    floor = 0.01 * max(sum(amount(row[1]) for row in cells), sum(amount(row[2]) for row in cells))
    lead = next((name for name in by_name if title.startswith(name)), None)
    if "account" in title and lead:
        assert by_name[lead] / total > 0.5
        assert ("rise" in title) == (total > 0)
        assert by_name[lead] / total <= 1 or not any(v * total < 0 for v in by_name.values())
    elif "lost most" in title or "gained most" in title:
        assert lead
        first, second = re.findall(r"\(([^)]*)\)", title)
        extreme = min if "lost" in title else max
        assert by_name[lead] == extreme(by_name.values())
        assert ("lost" in title) == (total < 0)
        assert amount(first) == pytest.approx(by_name[lead], rel=0.06)
        assert amount(first) * amount(second) < 0
    elif "accounts" in title:
        assert max(v / total for v in by_name.values()) <= 0.5
    elif "cancelled" in title:
        assert abs(total) < floor
        assert max(by_name.values()) > 0 > min(by_name.values())
    elif "All of" in title:
        assert lead is None and len(by_name) == 1
    else:
        assert "notably" in title
        assert abs(total) < floor


# The line of GMV ----------------------------------------------------------------------------------


def week(states: list[tuple[str, float]]) -> Data:
    """A week whose days have a status and an amount against the range 90 to 110."""
    days = [DAY - timedelta(days=n) for n in range(len(states) - 1, -1, -1)]
    judged = [
        {"business_date": day, "metric": "gmv", "dimension": "all", "segment": "all",
         "status": status, "observed": gmv, "expected": 100.0,
         "lower": None if status == "no_baseline" else 90.0,
         "upper": None if status == "no_baseline" else 110.0}
        for day, (status, gmv) in zip(days, states, strict=True)
    ]  # fmt: skip
    sales = [{"business_date": day, "dimension": "all", "segment": "all", "gmv": gmv}
             for day, (_, gmv) in zip(days, states, strict=True)]  # fmt: skip
    return Data({
        "insights.anomalies": fake("insights.anomalies", judged),
        "marts.fct_gmv_daily": fake("marts.fct_gmv_daily", sales),
    })  # fmt: skip


STATUS = st.sampled_from(["normal", "anomaly", "data_incomplete", "no_baseline"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(STATUS, st.sampled_from([50.0, 95.0, 105.0])), min_size=7, max_size=7))
def test_the_title_of_the_line_counts_the_days_that_were_judged(
    states: list[tuple[str, float]],
) -> None:
    chart = overview.line_chart(week(states), INFO, Page("x", "x", "x", same("x")))
    judged = [gmv for status, gmv in states if status in ("normal", "anomaly")]
    below = sum(gmv < 90 for gmv in judged)
    marks = [row[4].en for row in chart.table.rows if not isinstance(row[4], str)]
    assert marks.count("below range") == below
    title = chart.title.en
    if not judged:
        assert "below" not in title
        return
    assert ("not below" in title) == (below == 0)
    numbers = [int(n) for n in re.findall(r"\d+", title)]
    told = [*([below] if below else []), *([len(judged)] if len(judged) < 7 else []), 7]
    assert numbers == told


def test_a_range_of_zeros_does_not_cut_every_sale() -> None:
    points = [DayPoint(DAY - timedelta(days=n), 4000.0 * (n % 5 == 0), 0.0, 0.0)
              for n in range(30)]  # fmt: skip
    assert line_top(points, []) >= 4000
    rare = [DayPoint(p.day, 70.0 if n == 3 else 0.0, 0.0, 0.0) for n, p in enumerate(points)]
    assert line_top(rare, []) >= 70


# The funnel ---------------------------------------------------------------------------------------


EVENTS = ("home", "search", "product_view", "add_to_cart", "checkout", "purchase", "other")


def funnel_of(names: Sequence[str], visits: Sequence[Sequence[str]], platform: str) -> list[Row]:
    """The company's and the platform's rows of sessions, each the events of one in their order."""
    rows: list[Row] = []
    for n, (name, before) in enumerate(zip(names, (None, *names), strict=False), start=1):
        at = [visit for visit in visits if name in visit]
        came = [v for v in at if before in v and v.index(str(before)) < v.index(name)]
        rows += [
            {"business_date": DAY, "basis": "session", "dimension": dimension, "segment": segment,
             "step_number": n, "step": name, "attempt_count": len(visits),
             "reached_count": len(at), "direct_count": len(at) - len(came)}
            for dimension, segment in (("all", "all"), ("platform", platform))
        ]  # fmt: skip
    return rows


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(EVENTS[:-1]), min_size=2, max_size=5, unique=True),
    st.lists(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=6), max_size=40),
    st.sets(st.sampled_from(["shopify", "tmall", "pos"])),
)
def test_the_headline_of_the_funnel_says_what_sessions_did(
    names: list[str], visits: list[list[str]], sold: set[str]
) -> None:
    """Any funnel of shop.yml, sessions that begin anywhere, platforms that record no sessions."""
    page = funnel.build(
        Data({
            "marts.fct_funnel_daily": fake(
                "marts.fct_funnel_daily", funnel_of(names, visits, "shopify")
            ),
            "marts.fct_gmv_daily": fake("marts.fct_gmv_daily", [
                {"business_date": DAY, "dimension": "platform", "segment": name, "orders": 3}
                for name in sorted(sold)
            ]) if sold else pl.DataFrame(),
        }), INFO,
    )  # fmt: skip
    headline = page.values["headline"].en
    if not visits:
        assert headline == "21 Nov: no sessions."
        return
    only = sold - {"shopify"}
    label = passage_names(names[-1:])[0]
    share = 100 * sum(names[-1] in visit for visit in visits) / len(visits)
    of = " of Shopify" if only else ""
    told = re.match(rf"Of 100 sessions{of} ([\d.]+) reach the last step, {label}\.", headline)
    assert told and float(told[1]) == pytest.approx(share, abs=0.051)
    assert ("are not recorded there" in " ".join(r.en for r in page.values["remarks"])) == bool(
        only
    )
    lost = [
        sum(a in v and not (b in v and v.index(a) < v.index(b)) for v in visits)
        for a, b in pairwise(names)
    ]
    if not max(lost):
        assert "lost" not in headline
        return
    said = re.search(r"Most are lost at (.*): (\d+) of 100", headline)
    assert said
    labels = [" → ".join(passage_names(pair)) for pair in pairwise(names)]
    assert lost[labels.index(said[1])] == max(lost)
    assert float(said[2]) == pytest.approx(100 * max(lost) / len(visits), abs=0.51)
    chart = next(c for c in page.charts if c.id == "funnel-steps")
    assert [row[1] for row in chart.table.rows] == [str(sum(n in v for v in visits)) for n in names]
    assert str(chart.table.rows[-1][-1]) == f"{share:.1f}%"


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 9), st.sampled_from(["app", "site"])),
        st.tuples(st.integers(1, 50), st.integers(0, 50), st.booleans()),
        min_size=1,
    )
)
def test_the_funnel_is_of_days_on_which_sessions_are_whole(
    days: dict[tuple[int, str], tuple[int, int, bool]],
) -> None:
    """Day and platform -> sessions, more of which none buys, and whether a part of them is lost."""
    rows, gaps = [], []
    for (back, platform), (buying, more, is_lost) in days.items():
        day = DAY - timedelta(days=back)
        rows += [
            {"business_date": day, "basis": "session", "dimension": dimension, "segment": segment,
             "step_number": n, "step": step, "attempt_count": buying + more,
             "reached_count": buying, "direct_count": buying if n == 1 else 0}
            for dimension, segment in (("all", "all"), ("platform", platform))
            for n, step in enumerate(("home", "purchase"), start=1)
        ]  # fmt: skip
        gaps.append(
            {"business_date": day, "feed": "events", "platform": platform, "shop_id": platform,
             "is_complete": not is_lost, "reason": "few_rows" if is_lost else "ok"}
        )  # fmt: skip
    page = funnel.build(
        Data({
            "marts.fct_funnel_daily": fake("marts.fct_funnel_daily", rows).group_by(
                "business_date", "basis", "dimension", "segment", "step_number", "step"
            ).agg(pl.col("attempt_count", "reached_count", "direct_count").sum()),
            "quality.source_completeness_daily": fake("quality.source_completeness_daily", gaps),
        }), INFO,
    )  # fmt: skip
    lost = {back for (back, _), (*_, is_lost) in days.items() if is_lost}
    whole = [(b, b + m) for (back, _), (b, m, _) in days.items() if back < 7 and back not in lost]
    headline = page.values["headline"].en
    if whole:
        share = 100 * sum(b for b, _ in whole) / sum(total for _, total in whole)
        told = re.match(r"Of 100 sessions ([\d.]+) reach", headline)
        assert told and float(told[1]) == pytest.approx(share, abs=0.051)
    else:
        assert "Of 100" not in headline
    left_out = " ".join(text.en for text in page.values["warnings"])
    names = {back: f"{(DAY - timedelta(days=back)).day} Nov (" for back in range(10)}
    if whole and len([1 for *_, is_lost in days.values() if is_lost]) <= 6:
        assert {back for back, name in names.items() if name in left_out} == lost


def passage_names(names: Sequence[str]) -> list[str]:
    return [text(f"step.{name}", "en") for name in names]


# The tree of drivers ------------------------------------------------------------------------------


def identity(formula: str, values: dict[str, float]) -> float:
    """The printed formula worked out."""
    right = formula.partition(" = ")[2].replace("×", "*")
    for name in sorted(values, key=len, reverse=True):
        right = right.replace(name, repr(values[name]))
    return float(eval(right, {"__builtins__": {}}))


@pytest.mark.parametrize("visitors", [0, 500])
@pytest.mark.parametrize("untracked", [0, 40])
@pytest.mark.parametrize("anonymous", [0, 30])
def test_the_printed_formula_gives_the_gmv_of_the_nodes_it_shows(
    visitors: int, untracked: int, anonymous: int
) -> None:
    tracked = 60 if visitors else 0
    buyers = tracked + untracked or 50
    counts = {
        "visitors": visitors, "tracked_buyers": tracked, "buyers": buyers,
        "untracked_buyers": buyers - tracked, "identified_orders": 150,
        "anonymous_orders": anonymous, "orders": 150 + anonymous, "gmv": (150.0 + anonymous) * 20,
    }  # fmt: skip
    assert set(counts) == set(COUNTS)
    sides = {**counts, **{f"base_{name}": value for name, value in counts.items()}}
    row = change("all", counts["gmv"], counts["gmv"]) | sides
    data = Data({
        "marts.fct_gmv_change": fake("marts.fct_gmv_change", [row]),
        "quality.metrics": registry(), "quality.comparisons": comparisons(),
    })  # fmt: skip
    company = data.change(DAY, "last_week")
    assert company is not None
    tree = build_tree(data, INFO, company)
    orders = counts["orders"]
    terms = {
        "visitors": visitors, "conversion": tracked / visitors if visitors else 0.0,
        "untracked buyers": buyers - tracked, "buyers": buyers,
        "orders per buyer": 150 / buyers, "anonymous orders": anonymous,
        "AOV": counts["gmv"] / orders,
    }  # fmt: skip
    assert identity(tree.formula.en, terms) == pytest.approx(counts["gmv"])
    shown = {node.name for node in tree.nodes}
    assert ("anonymous_orders" in shown) == ("anonymous" in tree.formula.en)
    assert ("untracked_buyers" in shown) == ("untracked" in tree.formula.en)
    assert tree.formula.zh.count("×") == tree.formula.en.count("×")
    assert tree.formula.zh.count("+") == tree.formula.en.count("+")


def test_visitors_nobody_tracks_are_shown_where_they_fell_most() -> None:
    def of(day: date, **visitors: int) -> list[dict[str, object]]:
        return [{"business_date": day, "dimension": "channel", "segment": name, "visitors": n}
                for name, n in visitors.items()]  # fmt: skip

    before = DAY - timedelta(days=7)
    now = of(DAY, email=100, **{"(untracked)": 200}, direct=90)
    base = of(before, email=110, **{"(untracked)": 900}, direct=80)
    row = change("all", 100.0, 200.0, visitors=390, base_visitors=1090)
    data = Data({
        "marts.fct_gmv_daily": fake("marts.fct_gmv_daily", [*now, *base]),
        "marts.fct_gmv_change": fake("marts.fct_gmv_change", [row]),
        "quality.metrics": registry(), "quality.comparisons": comparisons(),
    })  # fmt: skip
    company = data.change(DAY, "last_week")
    assert company is not None
    node = build_tree(data, INFO, company).nodes[0]
    assert [(c.label.en, c.value.en) for c in node.children] == [
        ("(untracked)", "200"), ("Email", "100"), ("Direct", "90"),
    ]  # fmt: skip


def test_badges_stand_on_charts_that_do_not_follow_the_filter(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from dashboards.site import build_site

    out = tmp_path_factory.mktemp("site")
    build_site(shop.frames(), INFO, out)
    source = whole(out / "cohorts.html")
    blocks = re.findall(r"<figure.*?</figure>", source, re.S)
    badge = {re.search(r'id="([^"]+)"', b)[1]: 'data-follows=""' in b for b in blocks}  # type: ignore[index]
    followed = {name for name in badge if not name.startswith("visit")}
    assert len(followed) > 4
    assert not any(badge[name] for name in followed)
    assert all(badge[name] for name in badge.keys() - followed)
