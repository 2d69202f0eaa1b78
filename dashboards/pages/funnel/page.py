"""Funnel: where do we lose buyers?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import polars as pl

from dashboards.base.data import Data, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import Both, Chart, Key, Page, Panel, Table, both, named, same, tr
from dashboards.charts.bars import Pair, bars_over
from dashboards.charts.curves import Series, small_rate
from dashboards.charts.heat import Cell, heat_map
from dashboards.figures.funnel import Step, counts, rolling_rates, sessions, step_names, steps
from dashboards.figures.windows import Window, base_of, base_remark, incomplete, window_until
from dashboards.filters.bar import filter_bar, script_words
from dashboards.pages.shared.layout import Block, Choice, analysis, empty_state
from dashboards.wording.formatting import DASH, fixed, integer, percent

DAYS, HEAT_DAYS, TREND_DAYS = 7, 28, 56
_DIMENSIONS = ("channel", "device", "platform")
_SMALLEST_BASE = 100  # sessions at the step before; a rate of fewer is shown as unknown
_ROWS = 10
_LIMIT = 0.3  # the colour is full where a rate is this much better or worse than the company's
_CSV = "data/funnel.csv"
_TABLE = "marts.fct_funnel_daily"


def step_label(name: str) -> Both:
    """A step's name."""
    return named("step", name)


def passage(before: str, name: str) -> Both:
    """A step from one to the next: Add to cart → Checkout."""
    return tr("tree.step", a=step_label(before), b=step_label(name))


def points(change: float | None) -> Both:
    """A change of a rate in percentage points: −2.1 pp."""
    return same(DASH) if change is None else tr("card.points", n=fixed(change * 100, 1, True))


def _moved(step: Step) -> Both:
    arrow = "●" if not step.is_notable else "▲" if (step.change or 0) > 0 else "▼"
    text = points(step.change)
    return text if step.change is None else both(lambda lang: f"{arrow} {text.get(lang)}")


def _title(found: Sequence[Step], base: Window | None) -> Both:
    if base is None:
        return tr("funnel.title_no_base")
    notable = [
        (n, step) for n, step in enumerate(found) if step.is_notable and step.change is not None
    ]
    worse = [(step.change or 0, n) for n, step in notable if (step.change or 0) < 0]
    better = [(-(step.change or 0), n) for n, step in notable if (step.change or 0) > 0]
    if not worse and not better:
        return tr("funnel.title_same")
    _, place = min(worse or better)
    key = "funnel.title_worse" if worse else "funnel.title_better"
    step = passage(found[place - 1].name, found[place].name)
    return tr(key, step=step, points=points(found[place].change))


def _headline(found: Sequence[Step], now: Window) -> Both:
    overall = found[-1].overall
    if overall is None:
        return tr("funnel.headline_none", days=now.text())
    # Sessions, not rates: a narrow step late in the funnel has few left to lose.
    falls = [(found[n - 1].count - found[n].count, -n) for n in range(1, len(found))]
    lost, place = max(falls, default=(0, 0))
    place = -place
    if lost <= 0 or _fault(found):  # where steps rise, a loss of 100 sessions means nothing
        return tr("funnel.headline_lossless", n=fixed(overall * 100, 1))
    return tr(
        "funnel.headline",
        n=fixed(overall * 100, 1),
        lost=fixed(lost / found[0].count * 100, 0),
        step=passage(found[place - 1].name, found[place].name),
    )


def step_chart(found: Sequence[Step], now: Window, base: Window | None, page: Page) -> Chart:
    """Sessions by step, the base in pale behind."""
    rows = [
        Pair(
            step_label(step.name),
            step.count,
            same(f"{integer(step.count)} · {percent(step.overall)}"),
            # The base in today's proportion: what is compared is where people leave.
            None if step.base_count is None or not found[0].base_count
            else step.base_count / found[0].base_count * found[0].count,
        )
        for step in found
    ]  # fmt: skip
    head = ["step", "sessions", "base_sessions", "step_rate", "base_rate", "moved", "overall"]
    legend = [Key("■", "accent", tr("funnel.now", days=now.text()))]
    if base:
        legend.append(Key("■", "pale", tr("funnel.base", days=base.text())))
    chart = Chart(
        id="funnel-steps",
        title=_title(found, base),
        subtitle=tr("funnel.subtitle" if base else "funnel.subtitle_plain"),
        figure=bars_over(rows, page.pool),
        table=Table(
            [tr(f"funnel.head_{key}") for key in head],
            [
                [
                    step_label(step.name),
                    integer(step.count),
                    DASH if step.base_count is None else integer(step.base_count),
                    percent(step.rate),
                    percent(step.base_rate),
                    _moved(step),
                    percent(step.overall),
                ]
                for step in found
            ],
        ),
        source=_TABLE,
        csv=_CSV,
        height=70 + 54 * len(found),
        legend=legend,
        is_open=True,
        binding="funnel",
    )
    page.charts.append(chart)
    return chart


def _heat_cell(step: Step, company: Step) -> Cell:
    if not step.before or step.before < _SMALLEST_BASE or step.rate is None:
        return Cell(f"<{_SMALLEST_BASE}", None)
    away = step.rate / company.rate - 1 if company.rate else 0.0
    return Cell(percent(step.rate), max(-_LIMIT, min(_LIMIT, away)))


def _heat_title(rows: Sequence[tuple[Both, Sequence[Step]]], company: Sequence[Step]) -> Both:
    """The segment and step that lose most buyers against the company's rate."""
    worst: tuple[float, Both, Both] | None = None
    for label, found in rows:
        for place, (step, whole) in enumerate(zip(found, company, strict=True)):
            if not place or _heat_cell(step, whole).value is None or not whole.rate:
                continue
            away = (step.rate or 0) / whole.rate - 1
            against = replace(step, base_count=whole.count, base_before=whole.before)
            if away < 0 and against.is_notable and (worst is None or away < worst[0]):
                worst = (away, label, passage(found[place - 1].name, step.name))
    if worst is None:
        return tr("funnel.heat_even")
    return tr("funnel.heat_worst", segment=worst[1], step=worst[2], rate=percent(-worst[0], 0))


def heat_chart(data: Data, info: SiteInfo, page: Page, dimension: str) -> Chart | None:
    """Step rates by segment against the company's."""
    names = step_names(data)
    window = Window(info.data_through - timedelta(days=HEAT_DAYS - 1), info.data_through)
    by_segment = counts(sessions(data, dimension), window)
    whole = steps(names, counts(sessions(data, "all"), window).get("all", {}), None)
    ranked = sorted(by_segment, key=lambda s: (-by_segment[s].get(names[0], 0), s))[:_ROWS]
    if len(ranked) < 2:
        return None
    rows = [(segment_name(dimension, s), steps(names, by_segment[s], None)) for s in ranked]
    shown = [*rows, (tr("funnel.company"), whole)]
    heads = [passage(a, b) for a, b in pairwise(names)]
    cells = [[_heat_cell(s, w) for s, w in zip(f, whole, strict=True)][1:] for _, f in shown]
    chart = Chart(
        id=f"funnel-{dimension}",
        title=_heat_title(rows, whole),
        subtitle=tr("funnel.heat_subtitle", days=HEAT_DAYS, n=_SMALLEST_BASE),
        figure=heat_map(
            [label for label, _ in shown],
            [step_label(name) for name in names[1:]],
            cells,
            ("diverging", -_LIMIT, _LIMIT),
            page.pool,
        ),
        table=Table(
            [tr(f"dimension.{dimension}"), tr("funnel.head_sessions"), *heads],
            [
                [label, integer(found[0].count), *(cell.text for cell in line)]
                for (label, found), line in zip(shown, cells, strict=True)
            ],
        ),
        source=_TABLE,
        csv=_CSV,
        height=52 + 34 * len(shown),
        legend=[
            Key("■", "orange", tr("funnel.below_company")),
            Key("■", "blue", tr("funnel.above_company")),
        ],
    )
    page.charts.append(chart)
    return chart


def trend_chart(data: Data, page: Page, last: date) -> Chart:
    """Every step's rate over eight weeks, all panels with the same span of points."""
    names = step_names(data)
    days, rates = rolling_rates(sessions(data, "all"), names, last, TREND_DAYS)
    known = {name: [v for v in line if v is not None] for name, line in rates.items()}
    span = max([0.04, *(1.15 * (max(k) - min(k)) for k in known.values() if k)])
    panels = []
    for before, name in pairwise(names):
        if not known[name]:
            continue
        middle = (max(known[name]) + min(known[name])) / 2
        low = max(0.0, min(1 - span, middle - span / 2))
        figure = small_rate(
            Series(passage(before, name), rates[name]), days, (low, low + span), page.pool
        )
        label = passage(before, name)
        panels.append(Panel(f"funnel-trend-{name}", label, percent(known[name][-1]), figure))
    weekly = range(len(days) - 1, -1, -7)
    chart = Chart(
        id="funnel-trend",
        title=tr("funnel.trend_title"),
        subtitle=tr("funnel.trend_subtitle", days=TREND_DAYS, points=fixed(span * 100, 1)),
        figure=None,
        panels=panels,
        table=Table(
            [tr("funnel.week_until"), *(panel.label for panel in panels)],
            [
                [
                    days[n].isoformat(),
                    *(percent(rates[name][n]) for name in names[1:] if known[name]),
                ]
                for n in weekly
            ],
        ),
        source=_TABLE,
        csv=_CSV,
        height=190,
        empty=tr("funnel.trend_empty"),
    )
    page.charts.append(chart)
    return chart


def _fault(found: Sequence[Step]) -> Both | None:
    """Steps cannot rise down a funnel; where they do, tracking is wrong, and the page says so."""
    for before, step in pairwise(found):
        if step.count > before.count:
            return tr("funnel.rises", step=step_label(step.name), before=step_label(before.name))
    return None


def build(data: Data, info: SiteInfo) -> Page:
    """The page `funnel.html`."""
    whole = sessions(data, "all").filter(pl.col("business_date") <= info.data_through)
    page = analysis("funnel")
    missing = empty_state(whole, info, {"events"})
    if missing:
        page.values["headline"] = missing
        return page
    first = whole["business_date"].min()
    known = first if isinstance(first, date) else None
    now = window_until(info.data_through, DAYS, known)
    base = base_of(data, now, known)
    by_window = [counts(whole, window).get("all") for window in (now, base)]
    found = steps(step_names(data), by_window[0] or {}, by_window[1])
    page.values["headline"] = _headline(found, now)
    page.values["warnings"] = [text for text in (_fault(found),) if text]
    page.values["warnings"] += incomplete(data, now, {"events"})
    page.values["remarks"] = [text for text in (base_remark(data, now, base),) if text]
    blocks = [Block(charts=(step_chart(found, now, base, page),))]
    heats = [(name, heat_chart(data, info, page, name)) for name in _DIMENSIONS]
    choices = [
        Choice(name, tr(f"dimension.{name}"), [Block(charts=(chart,))])
        for name, chart in heats
        if chart
    ]
    if choices:
        blocks.append(Block(group="dim", label=tr("nav.by"), choices=choices))
    blocks.append(Block(charts=(trend_chart(data, page, info.data_through),)))
    page.values["blocks"] = blocks
    page.values["filters"] = filter_bar(data, sessions(data, "platform"), sessions(data, "shop"))
    page.payload = {
        **script_words(info),
        "funnel": {
            "steps": step_names(data),
            "now": [now.first.isoformat(), now.last.isoformat()],
            "base": [base.first.isoformat(), base.last.isoformat()] if base else None,
        },
    }
    return page
