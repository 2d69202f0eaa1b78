"""Incidents over days: a bar a time something was not as expected, a row a measure and place.

Belongs here: what this chart and the small line of one incident look like.
Does not belong here: which incidents there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dashboards.base.page import Both, TextPool, both, clipped
from dashboards.base.theme import token
from dashboards.charts.axes import Figure, axis, base_layout, day_axis, nice_ceiling
from dashboards.charts.line import DayPoint, bands
from dashboards.wording.formatting import day

_NAME = 26


@dataclass(frozen=True)
class Stretch:
    """Days of one incident: `row` names its line, `role` is the colour of its gravity."""

    row: Both
    first: date
    last: date
    role: str
    text: Both


def timeline(stretches: Sequence[Stretch], days: Sequence[date], pool: TextPool) -> Figure:
    """Stretches on one axis of days; rows in the order they first come.

    Args:
        stretches: at least one.
        days: the days of the axis.
        pool: the page's texts.
    """
    rows = list(dict.fromkeys(stretch.row for stretch in stretches))
    half = timedelta(hours=12)
    traces: list[dict[str, Any]] = []
    for stretch in stretches:
        ends = [str(stretch.first), str(stretch.last + 2 * half)]
        traces.append(
            {
                "type": "scatter", "mode": "lines", "x": ends, "y": [rows.index(stretch.row)] * 2,
                "line": {"color": token(stretch.role), "width": 12},
                "hovertext": [pool.plain(stretch.text)] * 2,
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )  # fmt: skip
    layout = base_layout(
        xaxis=day_axis(pool, days),
        yaxis=axis(
            tickvals=list(range(len(rows))),
            ticktext=[pool.plain(clipped(row, _NAME)) for row in rows],
            range=[len(rows) - 0.4, -0.6],
            ticklabelstandoff=8,
            showgrid=True,
            gridcolor=token("grid"),
        ),
        hovermode="closest",
    )
    return {"data": traces, "layout": layout}


def incident_line(
    points: Sequence[DayPoint],
    told: tuple[date, date],
    write: Callable[[float, str], str],
    pool: TextPool,
) -> Figure:
    """One measure around an incident: the line, its expected range, the days told of.

    Args:
        points: consecutive days, at least one of them known.
        told: first and last day of the incident.
        write: a value in its unit, by language.
        pool: the page's texts.
    """
    seen = [v for p in points for v in (p.value, p.upper) if v is not None]
    top = nice_ceiling(max(*seen, 1e-9))
    ticks = [0.0, top / 2, top]
    line = {
        "type": "scatter", "mode": "lines+markers",
        "x": [str(p.day) for p in points], "y": [p.value for p in points],
        "line": {"color": token("accent"), "width": 2},
        "marker": {
            "size": [9 if told[0] <= p.day <= told[1] else 4 for p in points],
            "color": [token("worse" if told[0] <= p.day <= told[1] else "accent") for p in points],
        },
        "hovertext": [
            pool.plain(both(lambda lang, p=p: _hover(p, write, lang)))  # type: ignore[misc]
            for p in points
        ],
        "hovertemplate": "%{hovertext}<extra></extra>", "connectgaps": False,
    }  # fmt: skip
    layout = base_layout(
        xaxis=day_axis(pool, [p.day for p in points]),
        yaxis=axis(
            range=[0, top * 1.04], tickvals=ticks, showgrid=True, gridcolor=token("grid"),
            ticktext=[pool.plain(both(lambda lang, v=v: write(v, lang))) for v in ticks],  # type: ignore[misc]
        ),
        hovermode="x",
    )  # fmt: skip
    return {"data": [*bands(points, top), line], "layout": layout}


def _hover(point: DayPoint, write: Callable[[float, str], str], lang: str) -> str:
    shown = "—" if point.value is None else write(point.value, lang)
    return f"{day(point.day, lang)}  {shown}"
