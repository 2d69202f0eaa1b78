"""Bars: waterfall, contributions, differences. Plain Plotly JSON with token colours and texts.

Belongs here: what a chart looks like. `bar` and `scatter` traces only, so that any Plotly bundle
can draw every page; the waterfall is bars on bases, so that its labels always stand above.
Does not belong here: which rows a chart shows and what its title says (`pages`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from dashboards.base.page import Both, TextPool, amount_text, both, clipped, figure_text, same
from dashboards.base.theme import token
from dashboards.charts.axes import Figure, axis, base_layout, day_axis, font

_NAME = 20  # letters of a name beside a bar
_EN_LINE, _ZH_LINE = 10, 5  # letters of a label under a bar that fit on a phone


@dataclass(frozen=True)
class Step:
    """One bar of a waterfall: a total where `amount` is None, else a change."""

    label: Both
    level: float
    amount: float | None = None


def _wrapped(label: Both) -> Both:
    """A label under a bar in lines short enough for phones."""
    zh = [label.zh]
    if len(label.zh) > _ZH_LINE:
        step = _ZH_LINE - 1
        zh = [label.zh[at : at + step] for at in range(0, len(label.zh), step)]
    en = wrap(label.en, _EN_LINE, break_long_words=False)
    lines = [figure_text(Both("\n".join(en), "\n".join(zh)))]
    return both(lambda lang: lines[0].get(lang).replace("\n", "<br>"))


def waterfall(
    steps: Sequence[Step], currency: str, pool: TextPool, from_zero: bool = False
) -> Figure:
    """From one total to another by signed steps; grey totals, blue gains, orange losses.

    Args:
        steps: first and last are totals, `level` is where each bar ends.
        currency: ISO 4217 code, for labels.
        pool: the page's texts.
        from_zero: the axis holds zero, totals stand on it.
    """
    levels = [step.level for step in steps]
    span = max(levels) - min(levels)
    # The axis may start above zero (the subtitle says so), or small steps would be invisible.
    ground = max(0.0, min(levels) - 1.2 * span) if span and not from_zero else 0.0
    floor = min(ground, *levels) if from_zero else ground
    ceiling = max(levels) + 0.16 * (max(levels) - floor or 1.0)
    bases, heights, colours, texts = [], [], [], []
    for step in steps:
        before = ground if step.amount is None else step.level - step.amount
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
        "textfont": font("ink"),
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
    layout = base_layout(
        xaxis=axis(tickvals=places, ticktext=labels, range=[-0.5, len(steps) - 0.5], tickangle=0),
        yaxis=axis(range=[floor, ceiling], showticklabels=False),
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
    span = (high - low) or 1.0
    # Room for the figures on the side that has bars, also on a phone.
    left, right = (
        (0.4 * span if low < 0 else 0.06 * span),
        (0.4 * span if high > 0 else 0.06 * span),
    )
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
        "textfont": font("ink"),
        "cliponaxis": False,
        "constraintext": "none",
        "hoverinfo": "skip",
    }
    zero = {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1}
    layout = base_layout(
        xaxis=axis(range=[low - left, high + right], showticklabels=False),
        yaxis=axis(
            tickvals=places,
            ticktext=[pool.plain(clipped(name, _NAME)) for name in names],
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
        "textfont": font("ink"),
        "cliponaxis": False,
        "hovertext": [pool.plain(same(str(row["source"]))) for row in wrong],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    layout = base_layout(
        xaxis=day_axis(pool, days),
        yaxis=axis(showticklabels=False, zeroline=True, zerolinecolor=token("pale")),
        barmode="relative",
    )
    return {"data": [bars], "layout": layout}
