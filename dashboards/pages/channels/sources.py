"""Sources of traffic as marketplaces report them: they overlap, so they stand apart, never added.

Belongs here: rows of `fct_channel_daily` that are not additive. The others are in `channels`.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from dashboards.base.data import Data, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import Both, Chart, Page, Table, tr
from dashboards.figures.ratios import ratio
from dashboards.figures.windows import Window
from dashboards.wording.formatting import integer, percent


def source_chart(data: Data, info: SiteInfo, page: Page) -> Chart | None:
    """The sources of the last day on which any was reported; None where none ever was."""
    frame = data["marts.fct_channel_daily"].filter(
        ~pl.col("is_additive"), pl.col("business_date") <= info.data_through
    )
    day = frame["business_date"].max()
    if not isinstance(day, date):
        return None
    rows = frame.filter(pl.col("business_date") == day).sort(
        "platform", "visitors", "channel", descending=[False, True, False]
    )
    shown: list[list[Both | str]] = [
        [
            segment_name("channel", str(channel)),
            segment_name("platform", str(platform)),
            integer(visitors),
            integer(paying),
            percent(ratio(paying, visitors), 2),
        ]
        for channel, platform, visitors, paying in rows.select(
            "channel", "platform", "visitors", "paying_visitors"
        ).iter_rows()
    ]
    heads = ["source", "platform", "visitors", "paying", "rate"]
    chart = Chart(
        id="traffic-sources",
        title=tr("sources.title"),
        subtitle=tr("sources.subtitle", day=Window(day, day).text(info.data_through)),
        figure=None,
        table=Table([tr(f"sources.{head}") for head in heads], shown, text_columns=2),
        source="marts.fct_channel_daily",
        csv="data/channel_daily.csv",
        is_open=True,
    )
    page.charts.append(chart)
    return chart
