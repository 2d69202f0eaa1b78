"""Overview: are we on track, and what needs me today?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.names import label_of
from dashboards.base.page import Both, Chart, Page, Table, both, tr
from dashboards.charts.line import DayPoint, Shade, gmv_line
from dashboards.figures.changes import comparisons
from dashboards.figures.promotions import phases
from dashboards.filters.bar import filter_bar, script_words
from dashboards.filters.periods import for_script, period_filter, periods
from dashboards.pages.overview.cards import MEASURES, cards
from dashboards.pages.overview.hours import hours_chart
from dashboards.pages.overview.month import month
from dashboards.pages.overview.needs import good_news, needs
from dashboards.pages.overview.range import headline, inside_range, lines
from dashboards.pages.overview.versus import versus
from dashboards.pages.shared.changes import (
    base_remarks,
    contribution_tabs,
    waterfall_chart,
)
from dashboards.pages.shared.layout import anchor
from dashboards.pages.shared.movers import movers
from dashboards.pages.shared.pacing import pacing_chart
from dashboards.wording.formatting import day, exact_money
from dashboards.wording.metrics import Metrics, unit_of

LINE_DAYS = 90
HOURLY_DAYS = 70
_MIN_BASELINE_DAYS = 56
_PEAK_PHASES = {"peak", "opening"}
# What adds up over days, and ratios of such; persons do not, so no card of a period counts them.
SUMMED = ("gmv", "net_sales", "orders", "units", "aov", "new_buyers")


@dataclass(frozen=True)
class PeriodCard:
    """A card of a chosen period, which the script fills in."""

    name: str
    label: Both


def _points(data: Data, info: SiteInfo) -> list[DayPoint]:
    company = data.company(info.data_through, LINE_DAYS)
    if not company["gmv"].count():  # no day is known
        return []
    judged = data["insights.anomalies"].filter(
        pl.col("metric") == "gmv", pl.col("dimension") == "all"
    )
    known = {row["business_date"]: row for row in judged.to_dicts()}
    values = {row["business_date"]: row["gmv"] for row in company.to_dicts()}
    first = min(values)
    span = (info.data_through - first).days + 1
    return [_point(first + timedelta(days=n), values, known) for n in range(span)]


def _point(day: date, values: dict[date, float | None], known: dict[date, Row]) -> DayPoint:
    row, value = known.get(day), values.get(day)
    if row is None:
        return DayPoint(day, value)
    mark = ""
    if row["status"] == "data_incomplete":
        mark = "incomplete"
    elif row["lower"] is not None and value is not None:
        mark = "below" if value < row["lower"] else ""
    return DayPoint(day, value, row["lower"], row["upper"], mark)


def _is_judged(point: DayPoint) -> bool:
    """Whether a day's amount stands against a range: the day is whole and has one."""
    known = point.value is not None and point.lower is not None
    return known and point.mark != "incomplete"


def shades(data: Data, first: date, last: date) -> list[Shade]:
    """Promotions and holidays on the line: whole phases pale, the sales days stronger and labelled.

    Phases of one promotion that touch or overlap become one block, so each is labelled once.
    """
    blocks: list[Shade] = []
    for phase in phases(data, first, last):
        label = phase.label
        is_peak = phase.phase in _PEAK_PHASES
        kin = [b for b in blocks if b.label == label and b.is_peak == is_peak]
        if kin and (phase.first - kin[-1].last).days <= 1:
            blocks.remove(kin[-1])
            joined = Shade(label, kin[-1].first, max(kin[-1].last, phase.last), is_peak)
            blocks.append(joined)
        else:
            blocks.append(Shade(label, phase.first, phase.last, is_peak))
    return [
        Shade(s.label, max(s.first, first), min(s.last, last), s.is_peak)
        for s in _one_label_each(blocks)
    ]


def _one_label_each(blocks: list[Shade]) -> list[Shade]:
    """Only the last strong block of a promotion carries its name."""
    last = {b.label: b for b in blocks if b.is_peak}
    return [b if not b.is_peak or last[b.label] is b else Shade(Both("", ""), b.first, b.last, True)
            for b in blocks]  # fmt: skip


def _line_title(points: list[DayPoint]) -> Both:
    """What the table says of the last week: only of days that were judged."""
    week = points[-7:]
    judged = [p for p in week if _is_judged(p)]
    if not judged:
        young = not any(p.lower is not None for p in points)
        return tr("line.title_no_band" if young else "line.title_unjudged", n=len(week))
    below = sum(p.mark == "below" for p in judged)
    part = "" if len(judged) == len(week) else "_part"
    key = f"line.title_below{part}" if below else f"line.title_within{part}"
    return tr(key, b=below, j=len(judged), n=len(week))


def line_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """GMV of the last 90 days with its expected range."""
    points = _points(data, info)
    has_band = any(p.lower is not None for p in points)
    figure = None
    rows: list[list[Both | str]] = []
    note = None
    if points:
        found = shades(data, points[0].day, points[-1].day)
        figure = gmv_line(points, found, info.currency, page.pool)
        rows = [
            [
                p.day.isoformat(),
                exact_money(p.value, info.currency),
                exact_money(p.lower, info.currency),
                exact_money(p.upper, info.currency),
                tr(f"line.mark_{p.mark or 'none'}"),
            ]
            for p in reversed(points)
        ]
        first = data.first_day()
        young = first is None or (info.data_through - first).days + 1 < _MIN_BASELINE_DAYS
        if not has_band:
            note = tr("line.note_young" if young else "line.note_no_band")
    head = ["table.day", "table.gmv", "table.lower", "table.upper", "table.remark"]
    chart = Chart(
        id="gmv-line",
        title=_line_title(points) if points else tr("line.title_empty"),
        subtitle=tr(
            "line.subtitle" if has_band else "line.subtitle_plain", n=len(points) or LINE_DAYS
        ),
        figure=figure,
        table=Table([tr(key) for key in head], rows),
        source="marts.fct_gmv_daily",
        csv="data/gmv_daily.csv",
        height=330,
        empty=tr("state.no_sales"),
        note=note,
        wide=True,
        follows="platform shop",
    )
    page.charts.append(chart)
    return chart


def _parts(name: str, metrics: Metrics) -> tuple[str, str]:
    """Columns of the cube a card is made of: over and under the line; empty where it is not."""
    row = metrics.get(name) or {}
    if row.get("numerator"):
        return row["numerator"], row["denominator"]
    return ("" if unit_of(name, metrics) == "rate" else name), ""


def _last_day(info: SiteInfo) -> Both:
    return tr("span.own_day", day=both(lambda lang: day(info.data_through, lang)))


def build(data: Data, info: SiteInfo) -> Page:
    """The page `index.html`."""
    page = Page("index.html", "overview.html", "overview", tr("nav.overview"))
    available = comparisons(data, info.data_through)
    change = data.change(info.data_through, available[0]) if available else None
    calm = inside_range(data, info) is not None
    bases = versus(data, info)
    open_needs, more = needs(data, info)
    page.values = {
        "headline": headline(data, info, change),
        "month": month(data, info),
        "needs": open_needs,
        "more_needs": more,
        "good_news": good_news(data, info),
        "versus": bases,
        "places": [(name, *lines(data, info, bases, name)) for name in ("platform", "shop")],
        "remarks": base_remarks(data, info.data_through, available[0]) if available else [],
        "cards": cards(data, info, bases),
        "pacing": pacing_chart(data, info, page, is_running=True),
        "hours": hours_chart(data, info, page),
        "movers": movers(data, info),
        "line": line_chart(data, info, page),
        "calm": calm,
        "waterfall": None,
        "tabs": [],
        "filters": [
            *filter_bar(
                data,
                *(
                    data["marts.fct_gmv_daily"].filter(pl.col("dimension") == name)
                    for name in ("platform", "shop")
                ),
            ),
            *period_filter(periods(data, info), _last_day(info)),
        ],
        "period_cards": [PeriodCard(name, label_of(name, data.metrics)) for name in SUMMED],
    }
    parts = {m.name: _parts(m.name, data.metrics) for m in MEASURES}
    page.values["bound"] = {name for name, (over, _) in parts.items() if over}
    page.values["defined"] = {name: anchor(name) for name in data.metrics}
    page.payload = {
        **script_words(info),
        "cards": [[m.name, unit_of(m.name, data.metrics), *parts[m.name]] for m in MEASURES],
        "periods": for_script(periods(data, info), info),
        "sums": [[n, unit_of(n, data.metrics), *_parts(n, data.metrics)] for n in SUMMED],
        "versus": [
            [base.key, (info.data_through - base.day).days, [base.beside.en, base.beside.zh]]
            for base in bases
        ],
    }
    if change and not calm:
        page.values["waterfall"] = waterfall_chart((data, info), page, change, "waterfall")
        dimensions = ("platform", "channel", "device")
        page.values["tabs"] = contribution_tabs(
            (data, info), page, change, dimensions, "contribution"
        )
    return page
