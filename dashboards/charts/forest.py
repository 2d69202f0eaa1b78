"""Differences with their ranges around zero: a dot and a bar a row.

Belongs here: what this chart looks like. Does not belong here: which rows it shows (`pages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.base.page import Both, TextPool, both, clipped
from dashboards.base.theme import token
from dashboards.charts.axes import Figure, axis, base_layout, font, rate_axis

_NAME = 24


@dataclass(frozen=True)
class Range:
    """A difference in parts of what it is a difference from; `text` stands at its end."""

    name: Both
    low: float
    value: float
    high: float
    text: Both
    role: str = "ink3"


def forest(rows: Sequence[Range], pool: TextPool) -> Figure:
    """Ranges on one axis of per cent with zero in it; the first row on top.

    Args:
        rows: at least one.
        pool: the page's texts.
    """
    low = min(0.0, *(row.low for row in rows))
    high = max(0.0, *(row.high for row in rows))
    span = (high - low) or 1.0
    places = list(range(len(rows)))
    bars = [
        {
            "type": "line", "x0": row.low, "x1": row.high, "y0": at, "y1": at, "layer": "between",
            "line": {"color": token(row.role), "width": 3},
        }
        for at, row in enumerate(rows)
    ]  # fmt: skip
    zero = {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1,
            "line": {"color": token("pale"), "width": 1}}  # fmt: skip
    dots = {
        "type": "scatter", "mode": "markers", "x": [row.value for row in rows], "y": places,
        "marker": {"size": 10, "color": [token(row.role) for row in rows]}, "hoverinfo": "skip",
    }  # fmt: skip
    words = {
        "type": "scatter", "mode": "text", "x": [row.high for row in rows], "y": places,
        "text": [
            pool.plain(both(lambda lang, t=row.text: f"  {t.get(lang)}")) for row in rows  # type: ignore[misc]
        ], "textposition": "middle right",
        "textfont": font("ink"), "cliponaxis": False, "hoverinfo": "skip",
    }  # fmt: skip
    ticks = rate_axis(low, high)
    layout = base_layout(
        xaxis={**ticks, "range": [low - 0.06 * span, high + 0.4 * span]},
        yaxis=axis(
            tickvals=places,
            ticktext=[pool.plain(clipped(row.name, _NAME)) for row in rows],
            range=[len(rows) - 0.4, -0.6],
            ticklabelstandoff=8,
        ),
        shapes=[*bars, zero],
    )
    return {"data": [dots, words], "layout": layout}
