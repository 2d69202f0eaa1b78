"""Lines with their names at their ends, small multiples, and dots on a row.

Belongs here: what these charts look like. Does not belong here: which rows they show (`pages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dashboards.base.page import Both, TextPool, amount_text, both, clipped, figure_text, same
from dashboards.base.theme import token
from dashboards.charts.axes import (
    Figure,
    axis,
    base_layout,
    day_axis,
    font,
    money_axis,
    nice_ceiling,
    rate_axis,
)
from dashboards.wording.formatting import percent
from dashboards.wording.i18n import LANGUAGES

_NAME = 18


@dataclass(frozen=True)
class Curve:
    """A line over places 0, 1, 2...: `role` is its colour, `label` stands at its end."""

    label: Both
    values: Sequence[float | None]
    role: str
    is_strong: bool = False


def _hover(name: Both, tick: Both, value: float | None) -> Both:
    return both(lambda lang: f"<b>{name.get(lang)}</b> {tick.get(lang)} {percent(value)}")


def _curve(curve: Curve, ticks: Sequence[Both], pool: TextPool) -> Figure:
    name = figure_text(curve.label)
    hover = [
        pool.markup(_hover(name, tick, value))
        for tick, value in zip(ticks, curve.values, strict=True)
    ]
    return {
        "type": "scatter",
        "mode": "lines+markers" if curve.is_strong else "lines",
        "x": list(range(len(curve.values))),
        "y": list(curve.values),
        "line": {"color": token(curve.role), "width": 2.5 if curve.is_strong else 1},
        "marker": {"color": token(curve.role), "size": 6},
        "hovertext": hover if curve.is_strong else None,
        "hovertemplate": "%{hovertext}<extra></extra>" if curve.is_strong else None,
        "hoverinfo": None if curve.is_strong else "skip",
        "connectgaps": False,
    }


def _spread(ends: list[tuple[float, Curve, int]], gap: float) -> list[tuple[float, Curve, int]]:
    """Labels that would touch are pushed upwards, lowest first."""
    placed: list[tuple[float, Curve, int]] = []
    for height, curve, at in sorted(ends, key=lambda end: end[0]):
        near = [h for h, _, other in placed if abs(other - at) <= 2]
        lowest = max((h + gap for h in near), default=height)
        placed.append((max(height, lowest), curve, at))
    return placed


def rate_curves(curves: Sequence[Curve], ticks: Sequence[Both], pool: TextPool) -> Figure:
    """Curves of rates from zero; strong ones have markers and their name at the end.

    Args:
        curves: pale ones first, all as long as `ticks`; at least one known value.
        ticks: names of the places.
        pool: the page's texts.
    """
    known = [v for curve in curves for v in curve.values if v is not None]
    top = nice_ceiling(max(*known, 0.01))
    ends = []
    for curve in (c for c in curves if c.is_strong):
        places = [n for n, value in enumerate(curve.values) if value is not None]
        if places:
            ends.append((curve.values[places[-1]] or 0.0, curve, places[-1]))
    labels = [
        {
            "x": at,
            "y": height,
            "xanchor": "left",
            "xshift": 8,
            "showarrow": False,
            "text": pool.plain(clipped(curve.label, _NAME)),
            "font": font(curve.role if curve.role != "pale" else "ink3", 12),
        }
        for height, curve, at in _spread(ends, 0.06 * top)
    ]
    room = 0.16 * len(ticks) + 0.4
    layout = base_layout(
        xaxis=axis(
            tickvals=list(range(len(ticks))),
            ticktext=[pool.plain(tick) for tick in ticks],
            range=[-0.3, len(ticks) - 1 + room],
        ),
        yaxis=rate_axis(0.0, top),
        annotations=labels,
        hovermode="closest",
    )
    return {"data": [_trimmed(_curve(curve, ticks, pool)) for curve in curves], "layout": layout}


def _trimmed(trace: Figure) -> Figure:
    return {key: value for key, value in trace.items() if value is not None}


@dataclass(frozen=True)
class Series:
    """A daily line: values by day, None where unknown; `label` stands at its end."""

    label: Both
    values: Sequence[float | None]
    role: str = "accent"


def _daily(series: Series, days: Sequence[date], texts: list[str]) -> Figure:
    return {
        "type": "scatter",
        # A single known value has no line.
        "mode": "lines" if sum(v is not None for v in series.values) > 1 else "markers",
        "x": [day.isoformat() for day in days],
        "y": list(series.values),
        "line": {"color": token(series.role), "width": 2},
        "marker": {"color": token(series.role), "size": 8},
        "hovertext": texts,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "connectgaps": False,
    }


def small_rate(
    series: Series, days: Sequence[date], span: tuple[float, float], pool: TextPool
) -> Figure:
    """A small daily line of a rate between `span`; its last value stands in the title."""
    texts = [percent(value) for value in series.values]
    every = max(1, (len(days) - 1) // 2)
    shown = [*reversed(list(days)[::-1][::every])]
    layout = base_layout(
        xaxis={
            **day_axis(pool, shown if len(shown) > 1 else days),
            "range": day_axis(pool, days)["range"],
        },
        yaxis=rate_axis(*span, steps=2),
        hovermode="x",
    )
    return {"data": [_daily(series, days, texts)], "layout": layout}


def rate_lines(
    series: Sequence[Series], days: Sequence[date], pool: TextPool, low: float = 0.0
) -> Figure:
    """Daily lines of rates with their names at the end, on one axis from `low`."""
    known = [v for line in series for v in line.values if v is not None]
    top = nice_ceiling(max(*known, 0.001))
    traces, ends = [], []
    for line in series:
        texts = [
            pool.plain(both(lambda lang, v=v, n=line.label: f"{n.get(lang)} {percent(v, 2)}"))  # type: ignore[misc]
            for v in line.values
        ]
        traces.append(_daily(line, days, texts))
        places = [n for n, value in enumerate(line.values) if value is not None]
        if places:
            curve = Curve(line.label, line.values, line.role, is_strong=True)
            ends.append((line.values[places[-1]] or 0.0, curve, places[-1]))
    labels = [
        {
            "x": days[at].isoformat(), "y": height, "xanchor": "left", "xshift": 6,
            "showarrow": False, "text": pool.plain(curve.label), "font": font(curve.role, 12),
        }
        for height, curve, at in _spread(ends, 0.06 * top)
    ]  # fmt: skip
    layout = base_layout(
        xaxis=day_axis(pool, days),
        yaxis=rate_axis(low, top),
        annotations=labels,
        hovermode="closest",
        margin={"l": 8, "r": _room([line.label for line in series]), "t": 16, "b": 8},
    )
    return {"data": traces, "layout": layout}


def _room(labels: Sequence[Both]) -> int:
    """Pixels that the longest of these names takes at the end of its line, in either language."""
    wide = max(
        sum(12 if ord(sign) > 0x2E80 else 6.5 for sign in label.get(lang))
        for label in labels
        for lang in LANGUAGES
    )
    return round(max(64, min(wide + 10, 150)))


@dataclass(frozen=True)
class DotSeries:
    """Dots of one kind, one a row: a Plotly symbol, a colour of the palette, amounts by row."""

    label: Both
    symbol: str
    role: str
    amounts: Sequence[float | None]


def money_dots(
    names: Sequence[Both], series: Sequence[DotSeries], currency: str, pool: TextPool
) -> Figure:
    """One row a name, one dot a series, a grey line from the least to the greatest.

    Args:
        names: untrusted names of the rows, first on top; at least one.
        series: dots, the last ones drawn above.
        currency: ISO 4217 code, for labels.
        pool: the page's texts.
    """
    known = [amount for dots in series for amount in dots.amounts if amount is not None]
    top = nice_ceiling(max(*known, 1.0))
    low = min(*known, 0.0)
    money = money_axis(pool, top, currency)
    layout = base_layout(
        xaxis={**money, "range": [1.05 * low - 0.03 * top, 1.04 * top]},
        yaxis=axis(
            tickvals=list(range(len(names))),
            ticktext=[pool.plain(clipped(name, _NAME)) for name in names],
            range=[len(names) - 0.5, -0.5],
            showgrid=True,
            gridcolor=token("grid"),
            ticklabelstandoff=8,
        ),
        shapes=_spans(series, len(names)),
        hovermode="closest",
    )
    return {"data": [_dots(dots, names, currency, pool) for dots in series], "layout": layout}


def _dots(dots: DotSeries, names: Sequence[Both], currency: str, pool: TextPool) -> Figure:
    texts = [
        pool.markup(_dot_text(dots.label, name, amount_text(amount, currency)))
        for name, amount in zip(names, dots.amounts, strict=True)
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": list(dots.amounts),
        "y": list(range(len(names))),
        "marker": {
            "symbol": dots.symbol,
            "size": 11,
            "color": token(dots.role),
            "line": {"width": 1, "color": token("card")},
        },
        "hovertext": texts,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _spans(series: Sequence[DotSeries], rows: int) -> list[Figure]:
    """A grey line a row from its least to its greatest amount."""
    shapes = []
    for row in range(rows):
        here = [a for a in (dots.amounts[row] for dots in series) if a is not None]
        if here:
            shapes.append(
                {
                    "type": "line", "x0": min(here), "x1": max(here), "y0": row, "y1": row,
                    "layer": "below", "line": {"color": token("pale"), "width": 6},
                }
            )  # fmt: skip
    return shapes


def _dot_text(label: Both, name: Both, amount: Both) -> Both:
    model, row = figure_text(label), figure_text(name)
    sum_ = figure_text(amount) if amount.en else same("")
    return both(lambda lang: f"<b>{row.get(lang)}</b><br>{model.get(lang)} {sum_.get(lang)}")
