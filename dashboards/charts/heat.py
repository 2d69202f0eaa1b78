"""Heat maps: a table whose cells have a colour and a figure.

Belongs here: sequential and diverging scales, cells that are known but not shown.
Does not belong here: which cells are suppressed or not yet observable (`pages`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.base.page import Both, TextPool, clipped
from dashboards.base.theme import token
from dashboards.charts.axes import Figure, axis, base_layout, font

_NAME = 20  # letters of a row's name
# From here on up a sequential scale is nearer to the ink than to the card.
_STRONG = 0.65
_SCALES = {
    "sequential": ("low", "middle", "high"),
    "diverging": ("orange", "card", "blue"),
}


@dataclass(frozen=True)
class Cell:
    """A cell: `value` gives the colour and is None where only the text is shown, on grey."""

    text: Both | str
    value: float | None


def _trace(z: list[list[float | None]], text: list[list[str]], ink: str, **more: Any) -> Figure:
    # Plotly writes the text of a cell that has no colour too, over what lies below.
    shown = [
        [words if value is not None else "" for value, words in zip(values, line, strict=True)]
        for values, line in zip(z, text, strict=True)
    ]
    return {
        "type": "heatmap",
        "z": z,
        "text": shown,
        "texttemplate": "%{text}",
        "textfont": {"color": token(ink)},
        "hoverinfo": "skip",
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        **more,
    }


def heat_map(
    rows: Sequence[Both],
    columns: Sequence[Both],
    cells: Sequence[Sequence[Cell | None]],
    scale: tuple[str, float, float],
    pool: TextPool,
) -> Figure:
    """A heat map with the first row on top.

    Args:
        rows: names of the rows, untrusted.
        columns: names of the columns, untrusted, written above.
        cells: one list a row; None stays blank (nothing to know there yet).
        scale: `sequential` or `diverging`, the value of its lower and of its upper end.
        pool: the page's texts.
    """
    kind, low, high = scale

    def shown(cell: Cell | None) -> str:
        if cell is None:
            return ""
        return cell.text if isinstance(cell.text, str) else pool.plain(cell.text)

    texts = [[shown(cell) for cell in line] for line in cells]
    known = [[None if cell is None else cell.value for cell in line] for line in cells]
    grey = [
        [0.0 if cell is not None and cell.value is None else None for cell in line]
        for line in cells
    ]
    steps = [[place / 2, token(role)] for place, role in enumerate(_SCALES[kind])]
    strong = low + _STRONG * (high - low) if kind == "sequential" else math.inf
    faint = [[v if v is not None and v <= strong else None for v in line] for line in known]
    full = [[v if v is not None and v > strong else None for v in line] for line in known]
    traces = [
        _trace(z, texts, ink, colorscale=steps, zmin=low, zmax=high)
        for z, ink in ((faint, "ink"), (full, "card"))
    ]
    if any(value is not None for line in grey for value in line):
        flat = [[0, token("thin")], [1, token("thin")]]
        traces.append(_trace(grey, texts, "ink3", colorscale=flat, zmin=0, zmax=1))
    layout = base_layout(
        xaxis=axis(
            side="top",
            tickvals=list(range(len(columns))),
            ticktext=[pool.plain(name) for name in columns],
            range=[-0.5, len(columns) - 0.5],
            tickangle=0,
        ),
        yaxis=axis(
            tickvals=list(range(len(rows))),
            ticktext=[pool.plain(clipped(name, _NAME)) for name in rows],
            range=[len(rows) - 0.5, -0.5],
            ticklabelstandoff=6,
        ),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )
    layout["font"] = font("ink2", 12)
    return {"data": traces, "layout": layout}
