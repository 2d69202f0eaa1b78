"""A ranking as lying bars over the table it is drawn from.

Belongs here: the one way a page makes such a chart. Does not belong here: which rows, which title.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.base.page import Both, Chart, Key, Page, Table
from dashboards.charts.bars import Pair, bars_paired

_SINGLE, _DOUBLE = 34, 52  # pixels a row


@dataclass(frozen=True)
class Bars:
    """What a ranking is made of.

    Attributes:
        id: HTML id.
        words: title, subtitle, and what is said where there are no rows.
        pairs: rows, the first on top.
        table: the same rows in figures.
        files: published table and name of the download.
        legend: what the two bars mean.
    """

    id: str
    words: tuple[Both, Both, Both]
    pairs: Sequence[Pair]
    table: Table
    files: tuple[str, str]
    legend: Sequence[Key] = ()


def bar_chart(page: Page, bars: Bars) -> Chart:
    """A chart of bars, added to the page."""
    title, subtitle, empty = bars.words
    doubled = any(pair.pale is not None for pair in bars.pairs)
    chart = Chart(
        id=bars.id,
        title=title if bars.pairs else empty,
        subtitle=subtitle,
        figure=bars_paired(bars.pairs, page.pool) if bars.pairs else None,
        table=bars.table,
        source=bars.files[0],
        csv=f"data/{bars.files[1]}.csv",
        height=44 + (_DOUBLE if doubled else _SINGLE) * len(bars.pairs),
        legend=bars.legend,
        empty=empty,
    )
    page.charts.append(chart)
    return chart
