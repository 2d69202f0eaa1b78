"""Cohorts: do customers come back, and which cohorts are worse?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from dashboards.base.data import SMALLEST_GROUP, Data, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import Both, Chart, Page, Table, amount_text, same, tr
from dashboards.charts.curves import Curve, rate_curves
from dashboards.charts.heat import Cell, heat_map
from dashboards.figures.cohorts import (
    MEASURES,
    MONTHS,
    Cohort,
    against_average,
    average,
    cohorts,
    has_measure,
    known_periods,
    monthly,
    segments,
)
from dashboards.figures.windows import Window, gaps, gaps_told, incomplete
from dashboards.filters.bar import Filter, Option, script_words
from dashboards.pages.cohorts.visits import visit_chart
from dashboards.pages.shared.layout import Block, Choice, analysis, empty_state
from dashboards.wording.formatting import DASH, exact_money, fixed, integer, percent

_FEWEST_COHORTS = 3
_NOTABLE = 0.1  # a cohort this far below the average is named
_TABLE = "marts.fct_retention_monthly"
_CSV = "data/retention_monthly.csv"
_HIDDEN = f"<{SMALLEST_GROUP}"


def month_text(month: date) -> Both:
    """A month as 2026-03."""
    return same(month.strftime("%Y-%m"))


def _short(value: float, measure: str, info: SiteInfo) -> Both | str:
    if measure == "customers":
        return fixed(value * 100, 0 if value >= 0.0995 else 1)
    return amount_text(value, info.currency)


def _exact(value: float, measure: str, info: SiteInfo) -> str:
    return percent(value) if measure == "customers" else exact_money(value, info.currency)


def _worst(found: Sequence[Cohort], mean: Sequence[float | None]) -> tuple[float, Cohort] | None:
    ranked = [
        (away, n, c) for n, c in enumerate(found) if (away := against_average(c, mean)) is not None
    ]
    if not ranked or min(ranked)[0] > -_NOTABLE:
        return None
    away, _, cohort = min(ranked)
    return away, cohort


def _heat_title(found: Sequence[Cohort], mean: Sequence[float | None], measure: str) -> Both:
    if all(mark is None for cohort in found for mark in cohort.marks):
        return tr("cohorts.title_young")
    worst = _worst(found, mean) if len(found) >= _FEWEST_COHORTS else None
    if worst is None:
        return tr(f"cohorts.title_even_{measure}")
    return tr(
        f"cohorts.title_worst_{measure}",
        month=month_text(worst[1].month),
        rate=percent(-worst[0], 0),
    )


def _size(cohort: Cohort) -> str:
    return _HIDDEN if cohort.is_small else integer(cohort.size)


def _rows(
    found: Sequence[Cohort], measure: str, width: int, info: SiteInfo
) -> list[list[Both | str]]:
    mean = average(found)[:width]
    table: list[list[Both | str]] = [
        [
            month_text(cohort.month),
            _size(cohort),
            *(
                "" if m is None else _HIDDEN if m.is_hidden else _exact(m.value, measure, info)
                for m in cohort.marks[:width]
            ),
        ]
        for cohort in found
    ]
    table.append(
        [
            tr("cohorts.average"),
            integer(sum(c.size for c in found if not c.is_small)),
            *(DASH if v is None else _exact(v, measure, info) for v in mean),
        ]
    )
    return table


def heat_chart(
    found: Sequence[Cohort], measure: str, key: str, page: Page, info: SiteInfo
) -> Chart:
    """Month of the first order by months since; blank until the month is over."""
    width = known_periods(found)
    values = [m.value for c in found for m in c.marks if m is not None and not m.is_hidden]
    cells = [
        [
            None if m is None else Cell(_HIDDEN, None) if m.is_hidden
            else Cell(_short(m.value, measure, info), m.value)
            for m in cohort.marks[:width]
        ]
        for cohort in found
    ]  # fmt: skip
    heads = [same(f"M{n}") for n in range(1, width + 1)]
    chart = Chart(
        id=f"cohorts-{measure}-{key}",
        title=_heat_title(found, average(found), measure),
        subtitle=tr(f"cohorts.subtitle_{measure}", n=SMALLEST_GROUP),
        figure=heat_map(
            [same(f"{month_text(c.month).en} · {_size(c)}") for c in found],
            heads,
            cells,
            ("sequential", min(values, default=0.0), max(values, default=1.0)),
            page.pool,
        )
        if values
        else None,
        table=Table(
            [tr("cohorts.month"), tr("cohorts.size"), *heads], _rows(found, measure, width, info)
        ),
        source=_TABLE,
        csv=_CSV,
        height=44 + 30 * len(found),
        min_width=240 + 30 * width,
        empty=tr("cohorts.empty"),
    )
    page.charts.append(chart)
    return chart


def _curves_title(found: Sequence[Cohort], mean: Sequence[float | None]) -> Both:
    first, last = mean[0], next((v for v in reversed(mean) if v is not None), None)
    if first is None or last is None:
        return tr("cohorts.title_young")
    months = max(n for n, v in enumerate(mean, start=1) if v is not None)
    if months == 1:
        return tr("cohorts.curves_first", first=percent(first))
    return tr("cohorts.curves_title", first=percent(first), last=percent(last), n=months)


def curve_chart(found: Sequence[Cohort], key: str, page: Page) -> Chart:
    """The same rates as curves: the average, the worst cohort, the others in grey."""
    mean = average(found)
    worst = _worst(found, mean)
    shown = [
        (c, [None if m is None or m.is_hidden else m.value for m in c.marks])
        for c in found
        if not c.is_small
    ]
    curves = [
        Curve(month_text(c.month), line, "pale")
        for c, line in shown
        if not worst or c is not worst[1]
    ]
    if worst:
        line = next(values for c, values in shown if c is worst[1])
        curves.append(Curve(month_text(worst[1].month), line, "worse", is_strong=True))
    curves.append(Curve(tr("cohorts.average"), mean, "accent", is_strong=True))
    width = known_periods(found)
    curves = [replace(curve, values=curve.values[:width]) for curve in curves]
    drawn = any(v is not None for curve in curves for v in curve.values)
    heads = [same(f"M{n}") for n in range(1, width + 1)]
    chart = Chart(
        id=f"cohort-curves-{key}",
        title=_curves_title(found, mean),
        subtitle=tr("cohorts.curves_subtitle"),
        figure=rate_curves(curves, heads, page.pool) if drawn else None,
        table=Table(
            [tr("cohorts.month"), *heads],
            [[c.label, *(DASH if v is None else percent(v) for v in c.values)] for c in curves],
        ),
        source=_TABLE,
        csv=_CSV,
        height=300,
        empty=tr("cohorts.empty"),
    )
    page.charts.append(chart)
    return chart


def _segment_blocks(
    site: tuple[Data, SiteInfo], page: Page, of: tuple[str, str], key: str
) -> list[Block]:
    """Heat map and curves of one segment, `of` = (dimension, segment)."""
    data, info = site
    frame = monthly(data, *of, info.data_through)
    choices = []
    for measure in MEASURES:
        if not has_measure(frame, measure) and measure != "customers":
            continue
        chart = heat_chart(cohorts(frame, measure), measure, key, page, info)
        choices.append(Choice(measure, tr(f"cohorts.measure_{measure}"), [Block(charts=(chart,))]))
    heat = Block(group="what", label=tr("cohorts.measure"), choices=choices)
    return [heat, Block(charts=(curve_chart(cohorts(frame, "customers"), key, page),))]


def _headline(data: Data, info: SiteInfo) -> Both:
    found = cohorts(monthly(data, "all", "all", info.data_through), "customers")
    mean = average(found)
    if not mean or mean[0] is None:
        return tr("cohorts.title_young")
    worst = _worst(found, mean)
    parts = {"n": fixed(mean[0] * 100, 0), "cohorts": len(found)}
    if worst:
        return tr("cohorts.headline_worst", **parts, month=month_text(worst[1].month),
                  rate=percent(-worst[0], 0))  # fmt: skip
    return tr("cohorts.headline", **parts)


def build(data: Data, info: SiteInfo) -> Page:
    """The page `cohorts.html`."""
    page = analysis("cohorts")
    frame = monthly(data, "all", "all", info.data_through)
    missing = empty_state(data[_TABLE], info, {"orders"})
    if missing is None and frame.is_empty():
        missing = tr("cohorts.title_young")
    visits = [] if data["marts.fct_retention_daily"].is_empty() else [visit_chart]
    if missing:
        page.values["headline"] = missing
        page.values["blocks"] = [Block(charts=(make(data, info, page),)) for make in visits]
        return page
    page.values["headline"] = _headline(data, info)
    recent = Window(info.data_through - timedelta(days=30), info.data_through)
    page.values["warnings"] = incomplete(data, recent, {"orders"})
    months = Window(
        min(frame["cohort_month"].unique().sort().tail(MONTHS)), recent.first - timedelta(days=1)
    )
    told = gaps_told(gaps(data, "orders"), months, "period.too_low")
    page.values["warnings"] += [told] if told else []
    platforms = segments(data, "platform")
    whole = _segment_blocks((data, info), page, ("all", "all"), "all")
    choices = [Choice("", tr("filter.all"), whole)]
    for place, segment in enumerate(platforms if len(platforms) > 1 else []):
        blocks = _segment_blocks((data, info), page, ("platform", segment), f"p{place}")
        choices.append(Choice(segment, segment_name("platform", segment), blocks))
    page.values["blocks"] = [Block(group="platform", choices=choices, is_bar=True)]
    page.values["blocks"] += [Block(charts=(make(data, info, page),)) for make in visits]
    if len(choices) > 1:
        options = [Option(c.key, c.label) for c in choices]
        page.payload = script_words(info)
        page.values["filters"] = [Filter("platform", tr("dimension.platform"), options)]
    return page
