"""The cards of a review: a figure over weeks and months, its strip, what its owner says of it.

Belongs here: which figures a review has, and their order, which is the same every time.
Does not belong here: the figures themselves (`fct_reviews`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from markupsafe import Markup

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.names import label_of
from dashboards.base.page import Both, Key, Table, both, same, tr
from dashboards.charts.axes import trimmed
from dashboards.charts.trail import Trail, trail_svg
from dashboards.figures.reviews import Period, Reviews
from dashboards.pages.reviews.comments import Comment
from dashboards.pages.shared.deltas import delta, level_text
from dashboards.wording.formatting import DASH, exact_money, fixed, integer, month_name, percent
from dashboards.wording.metrics import unit_of

MEASURES = {
    "week": (
        "gmv", "visitors", "conversion_rate", "gmv_per_buyer", "new_buyers", "cost", "mer",
        "refund_amount_rate", "shipped_48h_rate", "cm2_amount",
    ),
    "month": (
        "gmv", "cm2_amount", "visitors", "conversion_rate", "gmv_per_buyer", "new_buyers", "mer",
        "refund_amount_rate",
    ),
}  # fmt: skip
TRAILS = {"week": (("week", 6), ("month", 12)), "month": (("month", 12),)}
_TO_DATE = {"week": ("month", "quarter", "year"), "month": ("quarter", "year")}
_SMALL = 0.001  # a rate's change below it is told in basis points


@dataclass(frozen=True)
class Cell:
    """A cell of the strip: its heading, and a level or a change."""

    head: Both
    value: Both
    tone: str = ""


@dataclass(frozen=True)
class Measure:
    """A card.

    Attributes:
        id: its HTML id.
        title: what is drawn.
        drawings: the lines of each grain.
        table: the same figures in words.
        strip: the same figures in the same order every week.
        comments: of its owner.
    """

    id: str
    title: Both
    drawings: Sequence[Markup]
    table: Table
    strip: Sequence[Cell]
    comments: Sequence[Comment] = ()


def _trail(reviews: Reviews, period: Period, metric: str, grain: str, count: int) -> Trail:
    shown = reviews.trail(period, grain, count)
    rows = [reviews.of(one, metric) or {} for one in shown]
    return Trail(
        ticks=[tick(one.number, grain) for one in shown],
        values=[row.get("value") for row in rows],
        before=[row.get("year_before_value") for row in rows],
        targets=[row.get("target") for row in rows],
    )


def tick(number: int, grain: str) -> str:
    """A week or month on the axis, the same in both languages."""
    return f"W{number}" if grain == "week" else str(number)


def grain_name(month: date) -> Both:
    """A month with its year in short: Oct 26."""
    return both(
        lambda lang: (
            f"{month:%y}年{month.month}月"
            if lang == "zh"
            else f"{month_name(month, lang)} {month:%y}"
        )
    )


def cell_text(value: float | None, unit: str, currency: str) -> str:
    """A figure in full, as tables have it."""
    if value is None:
        return DASH
    if unit == "currency":
        return exact_money(value, currency)
    if unit == "rate":
        return percent(value, 2)
    return integer(value) if unit == "count" else fixed(value, 2)


def _table(reviews: Reviews, period: Period, metric: str, unit: str, info: SiteInfo) -> Table:
    shown = [
        one
        for grain, count in TRAILS[period.grain]
        for one in reversed(reviews.trail(period, grain, count))
    ]
    columns = ["value", "year_before_value"]
    if any((reviews.of(one, metric) or {}).get("target") is not None for one in shown):
        columns.append("target")
    rows = [
        [one.key, *(cell_text((reviews.of(one, metric) or {}).get(column), unit, info.currency)
                    for column in columns)]
        for one in shown
    ]  # fmt: skip
    return Table([tr("review.period"), *(tr(f"review.{column}") for column in columns)], rows)


def change_cell(head: Both, now: float | None, base: float | None, unit: str, good: str) -> Cell:
    """A change as the strip has it: per cent, points, basis points below a tenth of a point."""
    found = delta(now, base, unit, good, head)
    if unit == "rate" and now is not None and base is not None and abs(now - base) < _SMALL:
        found = replace(found, size=tr("review.bps", n=fixed(abs(now - base) * 10_000, 0)))
    text = both(lambda lang: f"{found.arrow} {found.size.get(lang)}".strip())
    return Cell(head, text, found.tone)


def _strip(row: Row, grain: str, unit: str, good: str, info: SiteInfo) -> list[Cell]:
    heads = {"previous_value": f"vs_previous_{grain}", "year_before_value": "vs_year"}
    cells = [Cell(tr(f"review.this_{grain}"), _level(row["value"], unit, info))]
    cells += [
        change_cell(tr(f"review.{head}"), row["value"], row[column], unit, good)
        for column, head in heads.items()
    ]
    if row["attainment_rate"] is not None:
        cells.append(Cell(tr("review.of_target"), same(percent(row["attainment_rate"]))))
    spans = [(span, row[f"{span}_to_date_value"]) for span in _TO_DATE[grain]]
    if any(value is not None for _, value in spans):
        cells += [Cell(tr(f"review.{span}_to_date"), _level(value, unit, info))
                  for span, value in spans]  # fmt: skip
    return cells


def _level(value: float | None, unit: str, info: SiteInfo) -> Both:
    if value is not None and unit == "ratio":
        return same(fixed(value, 2))
    return level_text(value, unit, info)


def measure(
    site: tuple[Data, SiteInfo, Reviews], period: Period, metric: str, comments: Sequence[Comment]
) -> Measure | None:
    """The card of a figure; None where no feed tells of it in any period it would show."""
    data, info, reviews = site
    unit = unit_of(metric, data.metrics)
    good = str((data.metrics.get(metric) or {}).get("good_direction") or "up")
    row = reviews.of(period, metric)
    trails = [_trail(reviews, period, metric, *of) for of in TRAILS[period.grain]]
    drawn = [trail for trail in trails if trail.known()]
    if row is None or not drawn:
        return None

    return Measure(
        f"review-{metric}",
        label_of(metric, data.metrics),
        [trail_svg(trail, unit, lambda v: trimmed(_level(v, unit, info))) for trail in drawn],
        _table(reviews, period, metric, unit, info),
        _strip(row, period.grain, unit, good, info),
        [one for one in comments if one.metric == metric],
    )


def legend() -> list[Key]:
    """What the marks of all drawings mean, said once."""
    return [
        Key("●", "accent", tr("review.value")), Key("●", "pale", tr("review.year_before_value")),
        Key("—", "ink", tr("review.target")),
    ]  # fmt: skip
