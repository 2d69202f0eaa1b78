"""Lines of money over places 0, 1, 2...: hours of a day, hours of a promotion, months.

Belongs here: what these charts look like. Does not belong here: which rows they show (`pages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.base.page import Both, TextPool, amount_text, both, figure_text
from dashboards.base.theme import token
from dashboards.charts.axes import Figure, axis, base_layout, money_axis, nice_ceiling


@dataclass(frozen=True)
class MoneyLine:
    """A line of amounts, None where unknown; `role` is its colour."""

    label: Both
    values: Sequence[float | None]
    role: str = "accent"
    is_dashed: bool = False


def _line(line: MoneyLine, ticks: Sequence[Both], currency: str, pool: TextPool) -> Figure:
    name = figure_text(line.label)
    texts = [
        pool.markup(
            both(
                lambda lang, v=v, t=t: (  # type: ignore[misc]
                    f"<b>{name.get(lang)}</b> {t.get(lang)}<br>{amount_text(v, currency).get(lang)}"
                )
            )
        )
        for v, t in zip(line.values, ticks, strict=True)
    ]
    return {
        "type": "scatter",
        "mode": "lines" if sum(v is not None for v in line.values) > 1 else "markers",
        "x": list(range(len(line.values))),
        "y": list(line.values),
        "line": {
            "color": token(line.role),
            "width": 2,
            **({"dash": "dash"} if line.is_dashed else {}),
        },
        "marker": {"color": token(line.role), "size": 7},
        "hovertext": texts,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "connectgaps": False,
    }


def money_lines(
    lines: Sequence[MoneyLine],
    axis_of: tuple[Sequence[Both], int],
    currency: str,
    pool: TextPool,
    band: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Figure:
    """Lines of money from zero, the last on top, over a band where there is one.

    Args:
        lines: as long as there are places; at least one known amount.
        axis_of: names of the places, and from how many of them each one has a label.
        currency: ISO 4217 code, for labels.
        pool: the page's texts.
        band: lower and upper amounts of each place.
    """
    ticks, every = axis_of
    known = [v for line in lines for v in line.values if v is not None]
    top = nice_ceiling(max([*known, *(band[1] if band else []), 0.0]) or 1.0)
    places = list(range(len(ticks)))
    traces = []
    if band and band[1]:
        traces.append({
            "type": "scatter", "mode": "lines", "x": places + places[::-1],
            "y": [*band[1], *list(band[0])[::-1]], "fill": "toself", "fillcolor": token("band"),
            "line": {"width": 1, "color": token("band")}, "hoverinfo": "skip",
        })  # fmt: skip
    traces += [_line(line, ticks, currency, pool) for line in lines]
    shown = [place for place in places if place % every == 0]
    layout = base_layout(
        xaxis=axis(
            tickvals=shown,
            ticktext=[pool.plain(ticks[place]) for place in shown],
            range=[-0.03 * len(ticks), 1.03 * len(ticks) - 1],
            ticklabelstandoff=4,
        ),
        yaxis=money_axis(pool, top, currency),
        hovermode="closest",
    )
    return {"data": traces, "layout": layout}
