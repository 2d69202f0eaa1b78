"""Bars lying on their side: a funnel over its base, and two amounts of one name.

Belongs here: what these charts look like. Does not belong here: which rows they show (`pages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.base.page import Both, TextPool, both, clipped
from dashboards.base.theme import token
from dashboards.charts.axes import Figure, axis, base_layout, font

_NAME = 16


@dataclass(frozen=True)
class Pair:
    """A row of two lying bars: the strong one with a text, the pale one behind or below it."""

    name: Both
    value: float | None
    text: Both
    pale: float | None = None
    pale_text: Both | None = None


def _bars(rows: Sequence[Pair], values: list[float | None], role: str, **more: object) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": list(range(len(rows))),
        "marker": {"color": token(role)},
        "hoverinfo": "skip",
        "cliponaxis": False,
        **more,
    }


def _names(rows: Sequence[Pair], pool: TextPool) -> dict[str, object]:
    return axis(
        tickvals=list(range(len(rows))),
        ticktext=[pool.plain(clipped(row.name, _NAME)) for row in rows],
        range=[len(rows) - 0.45, -0.55],
        ticklabelstandoff=8,
    )


def _top(rows: Sequence[Pair]) -> float:
    return max([v for row in rows for v in (row.value, row.pale) if v is not None] + [0.0]) or 1.0


def bars_over(rows: Sequence[Pair], pool: TextPool) -> Figure:
    """A funnel: strong bars over wider pale ones; the first row on top.

    Args:
        rows: steps in order, at least one.
        pool: the page's texts.
    """
    traces = [
        _bars(rows, [row.pale for row in rows], "pale", width=0.76),
        _bars(rows, [row.value for row in rows], "accent", width=0.42),
        {
            "type": "scatter",
            "mode": "text",
            # Right of the longer bar, so that neither runs through the figures.
            "x": [max(row.value or 0.0, row.pale or 0.0) for row in rows],
            "y": list(range(len(rows))),
            "text": [pool.plain(both(lambda lang, r=row: f" {r.text.get(lang)}")) for row in rows],  # type: ignore[misc]
            "textposition": "middle right",
            "textfont": font("ink"),
            "cliponaxis": False,
            "hoverinfo": "skip",
        },
    ]
    layout = base_layout(
        xaxis=axis(range=[0, 1.42 * _top(rows)], showticklabels=False),
        yaxis=_names(rows, pool),
        barmode="overlay",
    )
    return {"data": traces, "layout": layout}


def bars_paired(rows: Sequence[Pair], pool: TextPool) -> Figure:
    """Two bars a name, one below the other, each with its text; the first row on top.

    A row without a second amount has its one bar in the middle.
    """
    strong = {"text": [pool.plain(row.text) for row in rows]}
    weak = {"text": [pool.plain(row.pale_text) if row.pale_text else "" for row in rows]}
    style = {"textposition": "outside", "textfont": font("ink"), "constraintext": "none"}
    offsets = [-0.18 if row.pale is None else -0.38 for row in rows]
    traces = [
        _bars(rows, [row.value for row in rows], "accent", width=0.36, offset=offsets,
              **strong, **style),
        _bars(rows, [row.pale for row in rows], "ink3", width=0.36, offset=0.02, **weak, **style),
    ]  # fmt: skip
    layout = base_layout(
        xaxis=axis(range=[0, 1.3 * _top(rows)], showticklabels=False),
        yaxis=_names(rows, pool),
        barmode="overlay",
    )
    return {"data": traces, "layout": layout}
