"""What the daily and the weekly letter say: what the overview and the review of the week say.

Belongs here: which parts of those pages a letter takes. Does not belong here: any sentence or
figure of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.base.data import Data, SiteInfo
from dashboards.base.page import Both, Chart, TextPool, both, same, tr
from dashboards.charts.money import MoneyLine, money_lines
from dashboards.figures.reviews import Period, Reviews
from dashboards.mail.letter import Drawing, Letter, Part
from dashboards.mail.picture import picture
from dashboards.pages.overview import page as overview
from dashboards.pages.reviews.comments import parse_comments
from dashboards.pages.reviews.measures import Cell
from dashboards.pages.reviews.page import build_period
from dashboards.pages.shared.deltas import Delta

_NOTHING = Both("", "")


def _change(found: Delta) -> Both:
    return both(
        lambda lang: " ".join(
            part for part in (found.arrow, found.size.get(lang), found.versus.get(lang)) if part
        )
    )


def _drawings(charts: Sequence[Chart | None]) -> list[Drawing]:
    return [Drawing(picture(c.figure), c.title) for c in charts if c and c.figure is not None]


def daily(data: Data, info: SiteInfo) -> Letter:
    """The letter of the last day: the overview, in the order of the overview."""
    shown = overview.build(data, info).values
    month = shown["month"]
    parts = [
        Part(tr("needs.name"),
             [[need.amount, need.text, need.owner] for need in shown["needs"]]
             or [[tr("needs.nothing")]]),
    ]  # fmt: skip
    parts += [
        Part(tr(f"range.by_{name}"),
             [[line.name, line.value, _change(line.deltas[0][1]), line.remark] for line in found])
        for name, found, _ in shown["places"]
        if found
    ]  # fmt: skip
    parts.append(
        Part(tr("mail.figures"),
             [[card.label, card.note or card.value,
               _change(card.deltas[0][1]) if card.deltas else _NOTHING]
              for card in shown["cards"]])
    )  # fmt: skip
    said = []
    if month:
        plan = month.plan or month.elapsed
        said.append(tr("mail.month", name=month.name, value=month.value, plan=plan))
        said += [one for one in (month.verdict, month.end) if one]
    return Letter(
        "daily",
        info.data_through.isoformat(),
        both(lambda lang: f"{info.shop_name}: {shown['headline'].get(lang)}"),
        shown["headline"],
        [*said, *shown["remarks"]],
        parts,
        _drawings([shown["line"], shown["waterfall"] or shown["hours"]]),
    )


def _trail(reviews: Reviews, period: Period, info: SiteInfo, grain: str) -> Drawing | None:
    """GMV of the last twelve closed periods over that of a year before."""
    shown = reviews.trail(period, grain, 12)
    rows = [reviews.of(one, "gmv") or {} for one in shown]
    now, before = ([row.get(column) for row in rows] for column in ("value", "year_before_value"))
    if len(shown) < 2 or all(value is None for value in now):
        return None
    lines = [MoneyLine(_NOTHING, before, "pale"), MoneyLine(_NOTHING, now)]
    ticks = [same(one.key) for one in shown]
    figure = money_lines(lines, (ticks, 1), info.currency, TextPool())
    words = {"first": shown[0].key, "last": shown[-1].key}
    return Drawing(picture(figure), tr(f"mail.trail_{grain}", **words))


def weekly(data: Data, info: SiteInfo) -> Letter | None:
    """The letter of the newest closed week; None before there is one."""
    reviews = Reviews(data)
    if not reviews.periods["week"]:
        return None
    week = reviews.periods["week"][-1]
    shown = build_period((data, info, reviews), week, week.path, parse_comments(info.comments))
    values = shown.values
    drawn = [_trail(reviews, week, info, grain) for grain in ("week", "month")]
    parts = [
        Part(week.name, [[m.title, *(_cell(cell) for cell in m.strip[:3])]
                         for m in values["measures"]]),
    ]  # fmt: skip
    if values["events"]:
        rows = [[event.days, event.kind, event.text, event.amount] for event in values["events"]]
        parts.append(Part(tr("review.events"), rows))
    if values["comments"]:
        said = [[same(one.author), same(" ".join(one.paragraphs))] for one in values["comments"]]
        parts.append(Part(tr("mail.comments"), said))
    return Letter(
        "weekly",
        week.key,
        both(lambda lang: f"{info.shop_name}: {values['headline'].get(lang)}"),
        values["headline"],
        [*values["moved"], *values["warnings"]],
        parts,
        [one for one in drawn if one],
        href=week.path,
    )


def _cell(cell: Cell) -> Both:
    return both(lambda lang: f"{cell.head.get(lang)} {cell.value.get(lang)}")
