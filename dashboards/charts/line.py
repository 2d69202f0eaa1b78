"""The daily line with its expected range, and the promotions behind it.

Belongs here: clipping of spikes, shading, marks.
Does not belong here: which rows are drawn and what the title says (`pages.overview`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

from dashboards.base.page import Both, TextPool, amount_text, both, clipped, figure_text, tr
from dashboards.base.theme import token
from dashboards.charts.axes import Figure, base_layout, day_axis, font, money_axis, nice_ceiling
from dashboards.wording.formatting import long_day, money

_NAME = 24  # letters of a promotion's name on the chart
_NEAR = 21  # days between peaks whose labels would meet
CLIP = 1.75  # times the expected maximum of ordinary days; higher peaks are cut and written out


@dataclass(frozen=True)
class DayPoint:
    """One day of the GMV line.

    Attributes:
        day: business date.
        value: observed amount, None where unknown.
        lower: lower end of the expected range, None without baseline.
        upper: upper end of the expected range, None without baseline.
        mark: `below` (under the range), `incomplete` (the data are not all there) or empty.
    """

    day: date
    value: float | None
    lower: float | None = None
    upper: float | None = None
    mark: str = ""


@dataclass(frozen=True)
class Shade:
    """A promotion on the time axis, both days included."""

    label: Both
    first: date
    last: date
    is_peak: bool


def _runs(points: Sequence[DayPoint]) -> list[list[DayPoint]]:
    """Stretches of days that have a range: a filled area must not bridge a gap."""
    runs: list[list[DayPoint]] = [[]]
    for point in points:
        if point.lower is None or point.upper is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def bands(points: Sequence[DayPoint], top: float) -> list[Figure]:
    """The expected range as filled areas, one a stretch of days that have one."""
    traces = []
    for run in _runs(points):
        days = [p.day.isoformat() for p in run]
        upper = [min(p.upper or 0.0, top) for p in run]
        lower = [min(p.lower or 0.0, top) for p in run]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": days + days[::-1],
                "y": upper + lower[::-1],
                "fill": "toself",
                "fillcolor": token("band"),
                "line": {"width": 1, "color": token("band")},
                "hoverinfo": "skip",
            }
        )
    return traces


def _hover(point: DayPoint, currency: str) -> Both:
    parts = both(
        lambda lang: f"<b>{long_day(point.day, lang)}</b><br>{money(point.value, currency, lang)}"
    )
    if point.lower is None or point.upper is None:
        return parts
    low, high = amount_text(point.lower, currency), amount_text(point.upper, currency)
    expected = tr("chart.hover_expected", low=low, high=high)
    return both(lambda lang: f"{parts.get(lang)}<br>{expected.get(lang)}")


def _markers(points: Sequence[DayPoint], mark: str) -> list[Figure]:
    chosen = [p for p in points if p.mark == mark and p.value is not None]
    if not chosen:
        return []
    style: dict[str, Any] = {"symbol": "triangle-down", "size": 11, "color": token("worse")}
    if mark == "incomplete":
        line = {"width": 2, "color": token("ink3")}
        style = {"symbol": "circle", "size": 8, "color": token("card"), "line": line}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [p.day.isoformat() for p in chosen],
            "y": [p.value for p in chosen],
            "marker": style,
            "hoverinfo": "skip",
        }
    ]


def line_top(points: Sequence[DayPoint], shades: Sequence[Shade]) -> float:
    """Upper end of the axis: the highest value, or `CLIP` times what ordinary days expect.

    Promotion days do not count as ordinary and may be cut off; no ordinary day is. Without a range
    the ordinary days' own maximum counts.
    """
    values = [p.value for p in points if p.value is not None] or [1.0]
    ordinary = [p for p in points if not any(s.first <= p.day <= s.last for s in shades)]
    bounds = [p.upper for p in ordinary if p.upper is not None]
    seen = [p.value for p in ordinary if p.value is not None] or values
    # A range of nothing but zero (a shop that rarely sells) says nothing of how high days reach.
    usual = max(bounds, default=0.0) or max(seen)
    top = min(max(*values, *bounds, 0.0), max(CLIP * usual, *seen))
    return nice_ceiling(top if top > 0 else 1.0)


def _shade_shapes(shades: Sequence[Shade]) -> list[Figure]:
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": s.first.isoformat(),
            "x1": (s.last + timedelta(days=1)).isoformat(),
            "y0": 0,
            "y1": 1,
            "line": {"width": 0},
            "fillcolor": token("peak" if s.is_peak else "promo"),
            "layer": "below",
        }
        for s in sorted(shades, key=lambda s: (s.is_peak, s.first))
    ]


def _shade_words(label: Both, below: Both | None) -> Both:
    if not label.en:
        return below or label
    name = figure_text(clipped(label, _NAME))
    more = both(lambda lang: f"<br>{below.get(lang)}" if below else "")
    return both(lambda lang: f"<b>{name.get(lang)}</b>{more.get(lang)}")


def _shade_labels(
    points: Sequence[DayPoint], shades: Sequence[Shade], top: float, currency: str, pool: TextPool
) -> list[Figure]:
    labels = []
    first, last = points[0].day, points[-1].day
    peaks = sorted((s for s in shades if s.is_peak), key=lambda s: s.first)
    for shade, following in zip_longest(peaks, peaks[1:]):
        inside = [p.value or 0.0 for p in points if shade.first <= p.day <= shade.last]
        peak = max(inside, default=0.0)
        off = tr("chart.off_scale", peak=amount_text(peak, currency)) if peak > top else None
        if off is None and not shade.label.en:
            continue
        on_left = (shade.first - first).days > (last - shade.last).days
        at = shade.first if on_left else shade.last + timedelta(days=1)
        labels.append(
            {
                "x": max(at, first).isoformat(),
                "y": 1,
                "xref": "x",
                "yref": "paper",
                "xanchor": "right" if on_left else "left",
                "yanchor": "top",
                "xshift": -6 if on_left else 6,
                "align": "right" if on_left else "left",
                # The label of a peak that follows at once stands above; both are read on the line.
                "yshift": -36 if following and (following.first - shade.last).days < _NEAR else 0,
                "bgcolor": token("promo"),
                "showarrow": False,
                "text": pool.markup(_shade_words(shade.label, off)),
                "font": font("ink", 12),
            }
        )
    return labels


def gmv_line(
    points: Sequence[DayPoint], shades: Sequence[Shade], currency: str, pool: TextPool
) -> Figure:
    """A daily line with its expected range, promotions behind it and days below range marked.

    Args:
        points: consecutive days, at least one.
        shades: promotions that overlap the days.
        currency: ISO 4217 code, for labels.
        pool: the page's texts.
    """
    top = line_top(points, shades)
    line = {
        "type": "scatter",
        "mode": "lines" if len(points) > 1 else "markers",
        "x": [p.day.isoformat() for p in points],
        "y": [p.value for p in points],
        "line": {"color": token("accent"), "width": 2},
        "marker": {"color": token("accent"), "size": 8},
        "hovertext": [pool.markup(_hover(p, currency)) for p in points],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "connectgaps": False,
    }
    marks = _markers(points, "below") + _markers(points, "incomplete")
    layout = base_layout(
        xaxis=day_axis(pool, [p.day for p in points]),
        yaxis=money_axis(pool, top, currency),
        shapes=_shade_shapes(shades),
        annotations=_shade_labels(points, shades, top, currency, pool),
        hovermode="x",
    )
    return {"data": [*bands(points, top), line, *marks], "layout": layout}
