"""Step rates by channel, device or platform against those of all sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from dashboards.base.data import Data, SiteInfo
from dashboards.base.names import passage, segment_name, step_name
from dashboards.base.page import Both, Chart, Key, Page, Table, tr
from dashboards.charts.heat import Cell, heat_map
from dashboards.figures.funnel import Count, Step, counts, sessions, step_names, steps
from dashboards.figures.windows import Window
from dashboards.wording.formatting import integer, percent

CSV = "data/funnel.csv"
TABLE = "marts.fct_funnel_daily"
DAYS = 28
_SMALLEST_BASE = 100  # sessions at the step before; a rate of fewer is shown as unknown
_ROWS = 10
_LIMIT = 0.3  # the colour is full where a rate is this much better or worse than that of all


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
            against = replace(step, base=whole.now, base_before=whole.before)
            if away < 0 and against.is_notable and (worst is None or away < worst[0]):
                worst = (away, label, passage(found[place - 1].name, step.name))
    if worst is None:
        return tr("funnel.heat_even")
    return tr("funnel.heat_worst", segment=worst[1], step=worst[2], rate=percent(-worst[0], 0))


def _total(found: Mapping[str, Count]) -> int:
    return max((count.total for count in found.values()), default=0)


def heat_chart(data: Data, info: SiteInfo, page: Page, dimension: str) -> Chart | None:
    """Step rates by segment against the company's."""
    names = step_names(data)
    window = Window(info.data_through - timedelta(days=DAYS - 1), info.data_through)
    by_segment = counts(sessions(data, dimension), window)
    whole = steps(names, counts(sessions(data, "all"), window).get("all", {}), None)
    ranked = sorted(by_segment, key=lambda s: (-_total(by_segment[s]), s))[:_ROWS]
    if len(ranked) < 2:
        return None
    rows = [(segment_name(dimension, s), steps(names, by_segment[s], None)) for s in ranked]
    shown = [*rows, (tr("funnel.all_sessions"), whole)]
    heads = [passage(a, b) for a, b in pairwise(names)]
    cells = [[_heat_cell(s, w) for s, w in zip(f, whole, strict=True)][1:] for _, f in shown]
    chart = Chart(
        id=f"funnel-{dimension}",
        title=_heat_title(rows, whole),
        subtitle=tr("funnel.heat_subtitle", days=DAYS, n=_SMALLEST_BASE),
        figure=heat_map(
            [label for label, _ in shown],
            [step_name(name) for name in names[1:]],
            cells,
            ("diverging", -_LIMIT, _LIMIT),
            page.pool,
        ),
        table=Table(
            [tr(f"dimension.{dimension}"), tr("funnel.head_sessions"), *heads],
            [
                [label, integer(found[0].now.total), *(cell.text for cell in line)]
                for (label, found), line in zip(shown, cells, strict=True)
            ],
        ),
        source=TABLE,
        csv=CSV,
        height=52 + 34 * len(shown),
        legend=[
            Key("■", "orange", tr("funnel.below_all")),
            Key("■", "blue", tr("funnel.above_all")),
        ],
    )
    page.charts.append(chart)
    return chart
