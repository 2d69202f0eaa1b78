"""A ranking as lying bars over the table it is drawn from.

Belongs here: the one way a page makes such a chart. Does not belong here: which rows, which title.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.base.page import Both, Chart, Key, Page, Table
from dashboards.charts.bars import Pair, bars_paired

_SINGLE, _DOUBLE = 34, 52  # pixels a row


def bar_chart(
    page: Page,
    chart_id: str,
    words: tuple[Both, Both, Both],
    pairs: Sequence[Pair],
    table: Table,
    files: tuple[str, str],
    legend: Sequence[Key] = (),
    note: Both | None = None,
) -> Chart:
    """A chart of bars, added to the page.

    Args:
        page: page it stands on.
        chart_id: HTML id.
        words: title, subtitle, and what is said where there are no rows.
        pairs: rows, the first on top.
        table: the same rows in figures.
        files: published table and name of the download.
        legend: what the two bars mean.
        note: a remark under the subtitle.
    """
    title, subtitle, empty = words
    doubled = any(pair.pale is not None for pair in pairs)
    chart = Chart(
        id=chart_id,
        title=title if pairs else empty,
        subtitle=subtitle,
        figure=bars_paired(pairs, page.pool) if pairs else None,
        table=table,
        source=files[0],
        csv=f"data/{files[1]}.csv",
        height=44 + (_DOUBLE if doubled else _SINGLE) * len(pairs),
        legend=legend,
        empty=empty,
        note=note,
    )
    page.charts.append(chart)
    return chart
