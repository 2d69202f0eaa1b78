"""Figures as plain Plotly JSON: `scatter` and `bar` only, token colours, token texts, no template.

Belongs here: what a chart looks like. Any Plotly bundle can draw these traces, and the waterfall
is bars on bases, so that its labels always stand above.
Does not belong here: which rows a chart shows and what its title says (`pages`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dashboards.formatting import day, long_day, money
from dashboards.page import Both, TextPool, amount_text, both, figure_text, same, tr
from dashboards.theme import token

Figure = dict[str, Any]

CLIP = 1.75  # times the expected maximum of ordinary days; higher peaks are cut and written out
_TICK_DAYS = 14
_NICE = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


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


@dataclass(frozen=True)
class Step:
    """One bar of a waterfall: a total where `amount` is None, else a change."""

    label: Both
    level: float
    amount: float | None = None


def _font(role: str = "ink2", size: int = 12) -> dict[str, Any]:
    return {"color": token(role), "size": size}


def _layout(**more: Any) -> dict[str, Any]:
    return {
        "paper_bgcolor": token("card"),
        "plot_bgcolor": token("card"),
        "font": _font(),
        "margin": {"l": 8, "r": 12, "t": 16, "b": 8},
        "showlegend": False,
        "hoverlabel": {
            "bgcolor": token("card"),
            "bordercolor": token("pale"),
            "font": _font("ink"),
        },
        "dragmode": False,
        **more,
    }


def _axis(**more: Any) -> dict[str, Any]:
    return {
        "fixedrange": True,
        "automargin": True,
        "zeroline": False,
        "showgrid": False,
        "ticks": "",
        "tickfont": _font(),
        **more,
    }


def nice_ceiling(value: float) -> float:
    """The next round number at or above `value`, which is positive."""
    scale = 1.0
    while scale * 10 <= value:
        scale *= 10
    while scale > value:
        scale /= 10
    return next((n * scale for n in _NICE if n * scale >= value * (1 - 1e-9)), 10 * scale)


def _money_axis(pool: TextPool, top: float, currency: str) -> dict[str, Any]:
    ticks = [top * part / 4 for part in range(5)]
    return _axis(
        range=[0, top * 1.02],
        tickvals=ticks,
        ticktext=[pool.plain(amount_text(v, currency)) for v in ticks],
        showgrid=True,
        gridcolor=token("grid"),
    )


def _day_text(moment: date) -> Both:
    return both(lambda lang: day(moment, lang))


def _day_axis(pool: TextPool, days: Sequence[date]) -> dict[str, Any]:
    every = _TICK_DAYS if len(days) > 2 * _TICK_DAYS else max(1, len(days) // 4)
    shown = list(reversed(days[::-1][::every]))
    last = days[-1]
    return _axis(
        type="date",
        range=[(days[0] - timedelta(days=1)).isoformat(), (last + timedelta(days=2)).isoformat()],
        tickvals=[moment.isoformat() for moment in shown],
        ticktext=[pool.plain(_day_text(m)) for m in shown],
    )


def _runs(points: Sequence[DayPoint]) -> list[list[DayPoint]]:
    """Stretches of days that have a range: a filled area must not bridge a gap."""
    runs: list[list[DayPoint]] = [[]]
    for point in points:
        if point.lower is None or point.upper is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _band(points: Sequence[DayPoint], top: float) -> list[Figure]:
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

    Promotion days do not count as ordinary; without a range the ordinary days' own maximum does.
    """
    values = [p.value for p in points if p.value is not None] or [1.0]
    ordinary = [p for p in points if not any(s.first <= p.day <= s.last for s in shades)]
    bounds = [p.upper for p in ordinary if p.upper is not None]
    usual = bounds or [p.value for p in ordinary if p.value is not None] or values
    top = min(max(*values, *bounds, 0.0), CLIP * max(usual))
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
    name = figure_text(label)
    more = both(lambda lang: f"<br>{below.get(lang)}" if below else "")
    return both(lambda lang: f"<b>{name.get(lang)}</b>{more.get(lang)}")


def _shade_labels(
    points: Sequence[DayPoint], shades: Sequence[Shade], top: float, currency: str, pool: TextPool
) -> list[Figure]:
    labels = []
    first, last = points[0].day, points[-1].day
    for shade in (s for s in shades if s.is_peak):
        inside = [p.value or 0.0 for p in points if shade.first <= p.day <= shade.last]
        peak = max(inside, default=0.0)
        off = tr("chart.off_scale", peak=amount_text(peak, currency)) if peak > top else None
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
                "showarrow": False,
                "text": pool.markup(_shade_words(shade.label, off)),
                "font": _font("ink", 12),
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
    layout = _layout(
        xaxis=_day_axis(pool, [p.day for p in points]),
        yaxis=_money_axis(pool, top, currency),
        shapes=_shade_shapes(shades),
        annotations=_shade_labels(points, shades, top, currency, pool),
        hovermode="x",
    )
    return {"data": [*_band(points, top), line, *marks], "layout": layout}


def _wrapped(label: Both) -> Both:
    """A label under a bar in lines short enough for phones."""
    safe = figure_text(label)
    zh = safe.zh
    if len(zh) > 4 and "&" not in zh:
        zh = "<br>".join(zh[at : at + 4] for at in range(0, len(zh), 4))
    return Both(safe.en.replace(" ", "<br>"), zh)


def waterfall(steps: Sequence[Step], currency: str, pool: TextPool) -> Figure:
    """From one total to another by signed steps; grey totals, blue gains, orange losses.

    Args:
        steps: first and last are totals, `level` is where each bar ends.
        currency: ISO 4217 code, for labels.
        pool: the page's texts.
    """
    levels = [step.level for step in steps]
    span = max(levels) - min(levels)
    # The axis may start above zero (the subtitle says so), or small steps would be invisible.
    floor = max(0.0, min(levels) - 1.2 * span) if span else 0.0
    ceiling = max(levels) + 0.16 * (max(levels) - floor or 1.0)
    bases, heights, colours, texts = [], [], [], []
    for step in steps:
        before = floor if step.amount is None else step.level - step.amount
        bases.append(min(before, step.level))
        heights.append(abs(step.level - before))
        gain = "better" if (step.amount or 0) > 0 else "worse"
        colours.append(token("ink3" if step.amount is None else gain))
        shown = step.level if step.amount is None else step.amount
        signed = step.amount is not None
        texts.append(pool.plain(amount_text(shown, currency, signed)))
    places = list(range(len(steps)))
    bars = {
        "type": "bar",
        "x": places,
        "y": heights,
        "base": bases,
        "marker": {"color": colours},
        "width": 0.62,
        "text": texts,
        "textposition": "outside",
        "textfont": _font("ink"),
        "cliponaxis": False,
        "constraintext": "none",
        "textangle": 0,
        "hoverinfo": "skip",
    }
    line = {"color": token("ink3"), "width": 1, "dash": "dot"}
    joints = [
        {"type": "line", "x0": at + 0.31, "x1": at + 0.69, "y0": y, "y1": y, "line": line}
        for at, y in enumerate(levels[:-1])
    ]
    labels = [pool.markup(_wrapped(step.label)) for step in steps]
    layout = _layout(
        xaxis=_axis(tickvals=places, ticktext=labels, range=[-0.5, len(steps) - 0.5], tickangle=0),
        yaxis=_axis(range=[floor, ceiling], showticklabels=False),
        shapes=joints,
    )
    return {"data": [bars], "layout": layout}


def contribution_bars(
    names: Sequence[Both], amounts: Sequence[float], currency: str, pool: TextPool
) -> Figure:
    """Diverging horizontal bars in the given order, top to bottom.

    Args:
        names: untrusted labels of the bars.
        amounts: money, signed, in the reporting currency.
        currency: ISO 4217 code, for labels.
        pool: the page's texts.
    """
    low, high = min(*amounts, 0.0), max(*amounts, 0.0)
    pad = 0.24 * ((high - low) or 1.0)
    places = list(range(len(names)))
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": list(amounts),
        "y": places,
        "width": 0.66,
        "marker": {"color": [token("better" if a > 0 else "worse") for a in amounts]},
        "text": [pool.plain(amount_text(v, currency, signed=True)) for v in amounts],
        "textposition": "outside",
        "textfont": _font("ink"),
        "cliponaxis": False,
        "constraintext": "none",
        "hoverinfo": "skip",
    }
    zero = {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1}
    layout = _layout(
        xaxis=_axis(range=[low - pad, high + pad], showticklabels=False),
        yaxis=_axis(
            tickvals=places,
            ticktext=[pool.plain(name) for name in names],
            range=[len(places) - 0.4, -0.6],
        ),
        shapes=[{**zero, "line": {"color": token("pale"), "width": 1}}],
    )
    return {"data": [bars], "layout": layout}


def reconciliation_bars(rows: Sequence[Mapping[str, Any]], currency: str, pool: TextPool) -> Figure:
    """Differences between landing and mart, one bar a day and source; every bar is a fault.

    Args:
        rows: `business_date`, `source`, `difference`, in order of days; at least one difference.
        currency: ISO 4217 code, for labels.
        pool: the page's texts.
    """
    days = sorted({row["business_date"] for row in rows})
    wrong = [row for row in rows if abs(row["difference"] or 0) >= 0.005]
    bars = {
        "type": "bar",
        "x": [row["business_date"].isoformat() for row in wrong],
        "y": [row["difference"] for row in wrong],
        "marker": {"color": token("worse")},
        "text": [pool.plain(amount_text(r["difference"], currency, signed=True)) for r in wrong],
        "textposition": "outside",
        "textfont": _font("ink"),
        "cliponaxis": False,
        "hovertext": [pool.plain(same(str(row["source"]))) for row in wrong],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    layout = _layout(
        xaxis=_day_axis(pool, days),
        yaxis=_axis(showticklabels=False, zeroline=True, zerolinecolor=token("pale")),
        barmode="relative",
    )
    return {"data": [bars], "layout": layout}
