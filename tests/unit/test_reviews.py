"""The weekly and the monthly review: sentences against figures, drawings, comments, pages."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.base.data import Data, Row
from dashboards.base.page import same
from dashboards.charts.trail import Trail, trail_svg
from dashboards.figures.reviews import Period, Reviews
from dashboards.pages.reviews.comments import Comment, parse_comments, strays
from dashboards.pages.reviews.events import MOST, events
from dashboards.pages.reviews.measures import change_cell
from dashboards.pages.reviews.month import cohort_card
from dashboards.pages.reviews.page import build_reviews, unlike
from dashboards.site import build_site
from dashboards.wording.reviews import review_drivers, review_headline
from tests.browser import shop
from tests.support.contracts import fakes, registry
from tests.support.html import Tree

AMOUNT = st.one_of(st.none(), st.integers(0, 10**7).map(float))
BASES = {
    "previous_value": ("the week before", "上周"),
    "year_before_value": ("the same week last year", "去年同周"),
    "target": ("its target", "目标"),
}


def row(value: float | None, **bases: float | None) -> Row:
    return {"value": value, **dict.fromkeys(BASES), **bases}


@settings(max_examples=100, deadline=None)
@given(AMOUNT, AMOUNT, AMOUNT, AMOUNT)
def test_the_headline_is_true_by_its_row(
    value: float | None, before: float | None, year: float | None, target: float | None
) -> None:
    told = row(value, previous_value=before, year_before_value=year, target=target)
    said = review_headline(told, "week", "week 5", "en", "CNY")
    if value is None:
        assert said == "GMV of week 5 is not known."
        return
    for column, (english, _) in BASES.items():
        base = told[column]
        if base is None:
            assert english not in said
        elif base == 0:
            assert f"against nothing in {english}" in said
        elif abs(value / base - 1) < 0.01:
            assert f"within 1% of {english}" in said
        else:
            rate, side = re.search(rf"([\d.,]+)% (above|below) {english}", said).groups()  # type: ignore[union-attr]
            assert side == ("above" if value > base else "below")
            assert abs(float(rate.replace(",", "")) - abs(value / base - 1) * 100) <= 0.0501
    if told | {"value": None} == row(None):
        assert said.endswith("There is nothing earlier to compare it with.")
    chinese = review_headline(told, "week", "第5周", "zh", "CNY")
    assert [name in chinese for _, name in BASES.values()] == [
        told[column] is not None for column in BASES
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-9_000, 9_000), min_size=3, max_size=3), st.integers(0, 1))
def test_what_moved_a_week_names_the_largest_effect_on_its_side(
    moves: list[int], is_year: int
) -> None:
    names = ("visitors", "conversion", "aov")
    change: Row = dict.fromkeys((f"{n}_effect" for n in (
        "mix", "untracked_buyers", "orders_per_buyer", "anonymous_orders")), 0.0)  # fmt: skip
    change |= {f"{n}_effect": float(m) for n, m in zip(names, moves, strict=True)}
    base = 100_000.0
    change |= {"comparison": ("previous_period", "last_year")[is_year], "method": "lmdi",
               "base_gmv": base, "gmv": base + sum(moves)}  # fmt: skip
    said = review_drivers(change, "week", "en", "CNY")
    assert said.startswith(
        ("Against the week before: ", "Against the same week last year: ")[is_year]
    )
    along = [m for m in moves if m * sum(moves) > 0]
    if max(map(abs, moves)) < 0.01 * max(change["gmv"], base):
        assert "No driver moved it notably" in said
    elif "moved it" in said and along and "outweighed" not in said:
        labels = dict(zip(("Traffic", "Conversion", "AOV"), moves, strict=True))
        assert labels[re.search(r": (\w+) ", said)[1]] == max(along, key=abs)  # type: ignore[index]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from(["up", "down"]))
def test_a_change_of_a_rate_is_told_in_points_or_basis_points(
    now: int, base: int, good: str
) -> None:
    cell = change_cell(same("WoW"), now / 10_000, base / 10_000, "rate", good)
    points = abs(now - base)  # of which a hundred are a percentage point
    if points < 10:
        assert cell.value.en.endswith(f" {points} bps") and cell.value.zh.endswith(
            f" {points} 基点"
        )
    else:
        assert cell.value.en.endswith(f" {points / 100:.2f} pp")
    assert cell.value.en[0] == ("▲" if now > base else "▼" if now < base else "●")
    better = (now > base) == (good == "up")
    assert cell.tone == ("flat" if now == base else "better" if better else "worse")


@settings(max_examples=100, deadline=None)
@given(st.integers(-1_000, 1_000), st.integers(-1_000, 1_000))
def test_no_per_cent_of_a_loss_is_told(now: int, base: int) -> None:
    cell = change_cell(same("WoW"), float(now), float(base), "currency", "up")
    if base <= 0:
        assert (cell.value.en, cell.tone) == ("—", "flat")
    elif abs(now / base - 1) > 0.001:
        assert cell.value.en[0] == ("▲" if now > base else "▼")
        assert cell.tone == ("better" if now > base else "worse")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=1, max_size=12),
    st.sampled_from(["currency", "count", "rate"]),
)
def test_the_line_stands_as_high_as_its_figures(values: list[float | None], unit: str) -> None:
    if unit == "rate":
        values = [None if v is None else abs(v) / 1e9 for v in values]
    known = [v for v in values if v is not None]
    if not known:
        return
    nothing = [None] * len(values)
    trail = Trail([str(n) for n in range(len(values))], values, nothing, nothing)
    svg = trail_svg(trail, unit, lambda v: same(f"<{v}>"))
    drawn = re.search(r'class="d" d="([^"]*)"', svg)[1]  # type: ignore[index]
    heights = [float(y) for y in re.findall(r"M[\d.-]+ ([\d.-]+)h0", drawn)]
    assert len(heights) == len(known)
    assert all(5 <= y <= 115 for y in heights)
    pairs = sorted(zip(known, heights, strict=True))
    assert [y for _, y in pairs] == sorted((y for _, y in pairs), reverse=True)
    assert "<-" not in svg.replace("<path", "").replace("<g", "")  # words are escaped


def test_comments_are_read_by_period_figure_and_author() -> None:
    text = """# Our notes
not a comment

## 2026-W47
The whole
week.

Second paragraph.
### gmv - Ann <b>
Fine.
### visitors
Down.
# Notes again
ignored
## 2026-10
October.
"""
    assert parse_comments(text) == [
        Comment("2026-W47", "", "", ("The whole week.", "Second paragraph.")),
        Comment("2026-W47", "gmv", "Ann <b>", ("Fine.",)),
        Comment("2026-W47", "visitors", "", ("Down.",)),
        Comment("2026-10", "", "", ("October.",)),
    ]
    assert strays(parse_comments(text), {"2026-10"}, {"gmv"}) == ["2026-W47", "visitors"]


@given(st.text(max_size=100))
@settings(max_examples=40, deadline=None)
def test_no_file_of_comments_breaks_the_pages(text: str) -> None:
    assert all(one.period and one.paragraphs for one in parse_comments(text))


@pytest.mark.parametrize(
    ("first", "key"),
    [
        (date(2026, 11, 16), "2026-W47"),  # a Monday
        (date(2026, 11, 15), "2026-W47"),  # the Sunday before, where weeks begin on it
        (date(2026, 12, 28), "2026-W53"),
        (date(2027, 1, 4), "2027-W01"),
    ],
)
def test_a_week_is_known_by_its_iso_number(first: date, key: str) -> None:
    assert Period("week", first, first + timedelta(days=6)).key == key


@pytest.fixture(scope="module")
def data() -> Data:
    return Data(shop.frames())


def test_every_figure_of_a_card_is_that_of_its_row(site: Path, data: Data) -> None:
    source = (site / "weekly.html").read_text("utf-8")
    reviews = Reviews(data)
    week = reviews.periods["week"][-1]
    shown = reviews.trail(week, "week", 6)[::-1] + reviews.trail(week, "month", 12)[::-1]
    card = re.search(r'id="review-gmv">.*?<tbody>(.*?)</tbody>', source, re.S)
    assert card
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in card[1].splitlines()]
    assert len(shown) == len(found) == 18
    for period, cells in zip(shown, found, strict=True):
        told = reviews.of(period, "gmv") or {}
        assert cells[0] == period.key
        for cell, column in zip(cells[1:], ("value", "year_before_value", "target"), strict=True):
            amount = told[column]
            assert cell == ("—" if amount is None else f"¥{amount:,.2f}")


def test_every_closed_period_has_its_page_and_leads_to_its_neighbours(
    site: Path, data: Data
) -> None:
    reviews = Reviews(data)
    for grain, folder in (("week", "weekly"), ("month", "monthly")):
        periods = reviews.periods[grain]
        assert {p.name for p in (site / folder).glob("*.html")} == {
            f"{one.key}.html" for one in periods
        }
        for at in (0, 1, len(periods) - 1):
            tree = Tree((site / periods[at].path).read_text("utf-8"))
            links = {str(a.get("href")) for a in tree.all("a")}
            beside = {periods[n].path for n in (at - 1, at + 1) if 0 <= n < len(periods)}
            assert {link.removeprefix("../") for link in links if f"/{folder}/" in link} == beside
        days = periods[-1].window.text().en
        name = f"week {periods[-1].number} ({days})" if grain == "week" else periods[-1].name.en
        said = review_headline(reviews.of(periods[-1], "gmv"), grain, name, "en", "CNY")
        assert said in Tree((site / f"{folder}.html").read_text("utf-8")).text()


class PagesBut(set[str]):
    """All pages but one."""

    def __init__(self, one: str) -> None:
        super().__init__()
        self.one = one

    def __contains__(self, path: object) -> bool:
        return path != self.one


def test_comments_stand_beside_their_figure_and_those_of_nothing_are_told(tmp_path: Path) -> None:
    text = (
        f"## 2026-W46\nAll {shop.HOSTILE}\n### gmv - Ann\nGood.\n### nothing\nx\n## 2099-W01\ny\n"
    )
    names = (
        "marts.fct_gmv_daily",
        "marts.fct_reviews",
        "marts.fct_review_changes",
        "quality.metrics",
    )
    frames = {name: shop.frames()[name] for name in names}
    build_site(frames, shop.info(comments=text), tmp_path, PagesBut("weekly/2026-W46.html"))
    source = (tmp_path / "weekly/2026-W46.html").read_text("utf-8")
    tree = Tree(source)
    assert not tree.open and "<img src=x" not in source
    card = re.search(r'<section class="block measure" id="review-gmv">.*?</section>', source, re.S)
    assert card and "Good." in card[0] and "Ann" in card[0]
    assert "(2): 2099-W01, nothing" in Tree((tmp_path / "weekly.html").read_text("utf-8")).text()


def test_pages_that_are_kept_are_not_made_again(tmp_path: Path, data: Data) -> None:
    info = shop.info()
    every = {page.path for page in build_reviews(data, info)}
    kept = {path for path in every if path.startswith("weekly/")}
    left = {page.path for page in build_reviews(data, info, kept)}
    assert left == every - kept and "weekly.html" in left


def incident(name: str, opened: date, last: date, **more: Any) -> Row:
    return {"incident_id": name, "metric": "gmv", "dimension": "all", "segment": "all",
            "opened_date": opened, "last_date": last, "severity": "low", "kind": "kpi",
            "impact_amount": -100.0, "explanation_en": f"{name} fell", "explanation_zh": name,
            **more}  # fmt: skip


def test_what_happened_is_of_the_window_bounded_and_without_what_was_taken_back() -> None:
    week = Period("week", date(2026, 11, 16), date(2026, 11, 22))
    inside = [incident(f"in{n}", date(2026, 11, 16), date(2026, 11, 17)) for n in range(9)]
    outside = [
        incident("late", date(2026, 11, 23), date(2026, 11, 24)),
        incident("gone", date(2026, 11, 16), date(2026, 11, 16), withdrawn_date=date(2026, 11, 18)),
        incident("early", date(2026, 11, 1), date(2026, 11, 15)),
    ]
    gap = {"business_date": date(2026, 11, 20), "source": "tmall", "feed": "orders",
           "platform": "tmall", "is_complete": False, "reason": "file_missing"}  # fmt: skip
    found, _ = events(
        Data(fakes({"insights.incidents": [*inside, *outside],
                    "quality.source_completeness_daily": [gap]})),
        shop.info(), week.window,
    )  # fmt: skip
    said = [event.text.en for event in found]
    assert len(found) <= MOST and said[0] == "Tmall: orders did not arrive whole on 1 day(s)"
    assert {text[:2] for text in said[1:]} == {"in"}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 500)), min_size=1, max_size=8))
def test_the_card_of_cohorts_is_of_the_newest_that_is_known(sizes: list[tuple[int, int]]) -> None:
    months = [date(2025, 1, 1).replace(month=n + 1) for n in range(len(sizes))]
    rows = [
        {"cohort_month": month, "channel": "(all)", "age_months": 1, "customers": size + back,
         "repeat_buyers": back if n + 1 < len(sizes) or n == 0 else None}
        for n, (month, (size, back)) in enumerate(zip(months, sizes, strict=True))
    ]  # fmt: skip
    data = Data(fakes({"marts.fct_channel_cohorts_monthly": rows, "quality.metrics": registry()}))
    card = cohort_card(data, Period("month", months[-1], months[-1] + timedelta(days=27)))
    assert card is not None
    newest = max(n for n, r in enumerate(rows) if r["repeat_buyers"] is not None)
    size, back = sizes[newest]
    assert card.strip[0].value.en == f"{100 * back / (size + back):.1f}%"
    assert f"{months[newest]:%b}" in card.strip[0].head.en
    assert len(card.table.rows) == len(sizes)


def test_a_shop_without_a_closed_week_says_so(tmp_path: Path) -> None:
    build_site(shop.frames(5), shop.info(), tmp_path)
    source = Tree((tmp_path / "weekly.html").read_text("utf-8"))
    assert not source.open and "No week is closed yet" in source.text()
    assert not list(tmp_path.glob("weekly/*"))


@pytest.mark.parametrize(("days", "told"), [((9, 15), "there"), ((16, 22), "here"), ((9, 22), "")])
def test_a_promotion_of_one_side_only_is_told(days: tuple[int, int], told: str) -> None:
    first, last = (date(2026, 11, day) for day in days)
    promo = {"promo": "x", "promo_year": 2026, "platform": "tmall", "phase": "peak",
             "kind": "sale", "label_en": "Sale", "label_zh": "大促",
             "start_date": first, "end_date": last}  # fmt: skip
    weeks = [
        {"grain": "week", "period_start": date(2026, 11, day), "metric": "gmv", "value": 1.0,
         "period_end": date(2026, 11, day + 6)} for day in (9, 16)
    ]  # fmt: skip
    data = Data(fakes({"marts.fct_reviews": weeks, "marts.dim_promo": [promo]}))
    reviews = Reviews(data)
    said = [one.en for one in unlike(data, reviews, reviews.periods["week"][-1])]
    assert (
        said
        == {
            "there": ["Unlike this period, the week before lay in a promotion or holiday (Sale)."],
            "here": ["This period lies in a promotion or holiday (Sale), the week before did not."],
            "": [],
        }[told]
    )
