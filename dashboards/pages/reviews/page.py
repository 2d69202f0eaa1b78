"""A page for each closed week and month: how did it go, told in the same order every time.

Belongs here: the layout of both reviews and which pages there are. Does not belong here: what a
card shows (`measures`), what happened (`events`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

import polars as pl

from dashboards.base.data import Data, SiteInfo
from dashboards.base.page import Both, Page, both, tr
from dashboards.figures.reviews import FOLDERS, GRAINS, Period, Reviews
from dashboards.figures.windows import Window, events_of, incomplete
from dashboards.pages.reviews.comments import Comment, parse_comments, strays
from dashboards.pages.reviews.events import events
from dashboards.pages.reviews.measures import MEASURES, legend, measure
from dashboards.pages.reviews.month import cohort_card, month_blocks
from dashboards.pages.shared.layout import empty_state
from dashboards.wording.reviews import review_drivers, review_headline

_WEEKS = 6  # whose events a weekly review lists
_SALES = {"orders", "refunds"}


def headline(reviews: Reviews, period: Period, info: SiteInfo) -> Both:
    """The sentence of a period; the mails say the same."""
    row = reviews.of(period, "gmv")
    return both(
        lambda lang: review_headline(
            row, period.grain, _inside(period).get(lang), lang, info.currency
        )
    )


def drivers(reviews: Reviews, period: Period, info: SiteInfo) -> list[Both]:
    """What moved it against the period before and a year before, as far as there are such."""
    changes = [reviews.change(period, name) for name in ("previous_period", "last_year")]
    return [
        both(lambda lang, row=row: review_drivers(row, period.grain, lang, info.currency))  # type: ignore[misc]
        for row in changes
        if row is not None
    ]


def _inside(period: Period) -> Both:
    """A period inside a sentence."""
    if period.grain == "month":
        return period.name
    return tr("review.week_inside", n=period.number, days=period.window.text())


def unlike(data: Data, reviews: Reviews, period: Period) -> list[Both]:
    """A remark where a promotion or holiday lies in a period or its base, but not in both.

    After a promotion every ordinary week is a disaster by its figures alone.
    """
    before, _ = reviews.beside(period)
    bases = {"previous": before.window} if before else {}
    if period.grain == "week" and reviews.change(period, "last_year"):
        bases["year"] = period.window.back(364)
    own = events_of(data, period.window)
    found = []
    for name, window in bases.items():
        there = events_of(data, window)
        if bool(own) != bool(there):
            key = "review.event_here" if own else "review.event_there"
            base = tr(f"review.{period.grain}_{name}")
            found.append(tr(key, base=base, event=(own or there)[0].label))
    return found


def _window(period: Period) -> Window:
    """The days whose events are listed."""
    if period.grain == "month":
        return period.window
    return Window(period.last - timedelta(days=7 * _WEEKS - 1), period.last)


def _page(grain: str, path: str, title: Both) -> Page:
    nav = FOLDERS[grain]
    page = Page(path, "review.html", nav, title)
    page.values = {
        "question": tr(f"ask.{nav}.question"),
        "grain": grain,
        "headline": Both("", ""),
        "moved": [],
        "warnings": [],
        "remarks": [],
        "before": None,
        "after": None,
        "latest": "",
        "measures": [],
        "comments": [],
        "events": [],
        "more_events": 0,
        "event_days": Both("", ""),
        "legend": legend(),
        "drawn": tr(f"review.drawn_{grain}"),
        "blocks": [],
    }
    return page


def build_period(
    site: tuple[Data, SiteInfo, Reviews], period: Period, path: str, comments: Sequence[Comment]
) -> Page:
    """The page of a closed period at a path."""
    data, info, reviews = site
    page = _page(period.grain, path, period.name)
    own = [one for one in comments if one.period == period.key]
    window = _window(period)
    found, more = events(data, info, window)
    before, after = reviews.beside(period)
    cards = [measure(site, period, name, own) for name in MEASURES[period.grain]]
    if period.grain == "month":
        cards.append(cohort_card(data, period))
    page.values |= {
        "headline": headline(reviews, period, info),
        "moved": [*drivers(reviews, period, info), *unlike(data, reviews, period)],
        "warnings": incomplete(data, period.window, _SALES),
        "before": before,
        "after": after,
        "latest": f"{FOLDERS[period.grain]}.html",
        "measures": [card for card in cards if card is not None],
        "comments": [one for one in own if not one.metric],
        "events": found,
        "more_events": more,
        "event_days": window.text(),
        "blocks": month_blocks(site, page, period) if period.grain == "month" else [],
    }
    return page


def _strays(reviews: Reviews, comments: Sequence[Comment]) -> list[Both]:
    """A remark on comments that stand on no page, so that none is lost unseen."""
    periods = {one.key for grain in GRAINS for one in reviews.periods[grain]}
    found = strays(comments, periods, {name for names in MEASURES.values() for name in names})
    return [tr("review.strays", n=len(found), names=", ".join(found[:5]))] if found else []


def build_reviews(data: Data, info: SiteInfo, kept: Collection[str] = ()) -> list[Page]:
    """All pages of both reviews.

    Args:
        data: the frames.
        info: facts about the site.
        kept: pages below the site that the caller has from earlier and that are not made anew.
    """
    reviews = Reviews(data)
    comments = parse_comments(info.comments)
    site = (data, info, reviews)
    pages = []
    for grain in GRAINS:
        nav = FOLDERS[grain]
        periods = reviews.periods[grain]
        if not periods:
            page = _page(grain, f"{nav}.html", tr(f"nav.{nav}_title"))
            page.values["headline"] = empty_state(pl.DataFrame(), info, {"orders"}) or Both("", "")
            page.values["remarks"] = [tr(f"review.none_{grain}")] if data.first_day() else []
            pages.append(page)
            continue
        newest = build_period(site, periods[-1], f"{nav}.html", comments)
        newest.values["remarks"] = _strays(reviews, comments) if grain == "week" else []
        pages.append(newest)
        pages += [
            build_period(site, one, one.path, comments) for one in periods if one.path not in kept
        ]
    return pages
