"""The filter bar: the platforms and shops a page offers, and the words its script writes.

Belongs here: what can be chosen. Does not belong here: the figures a choice shows (`cube`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from dashboards.base.data import Data, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import Both, tr
from dashboards.wording.formatting import MONTHS, decimals, symbol

CUBE_DAYS = 372  # a year and a week: cards look 364 days back
DIMENSIONS = ("platform", "shop")
# So many of each dimension fit into the cube, the largest by GMV; a shop with hundreds of stores
# finds the others in the marts.
MOST_OFFERED = 15
_WORDS = {
    "active": "filter.active",
    "peak": "filter.peak",
    "line_title": "filter.line_title",
    "line_subtitle": "filter.line_subtitle",
    "headline": "filter.headline",
    "headline_none": "filter.headline_none",
    "funnel_title": "filter.funnel_title",
    "funnel_headline": "filter.funnel_headline",
    "funnel_none": "filter.funnel_none",
    "channels_title": "filter.channels_title",
    "channels_headline": "filter.channels_headline",
    "channels_subtitle": "channels.subtitle",
    "channels_unknown": "filter.channels_unknown",
    "before": "channels.before",
    "points": "card.points",
    "period_headline": "span.headline",
    "period_none": "span.none",
    "period_gap": "span.gap",
    "period_against": "span.against",
    "unknown": "state.unknown",
}


@dataclass(frozen=True)
class Option:
    """An entry of a filter: the value kept in the address, its name, and its page if it has one."""

    value: str
    label: Both
    href: str = ""


@dataclass(frozen=True)
class Filter:
    """A select of the filter bar: `platform`, `shop` or `period`."""

    name: str
    label: Both
    options: Sequence[Option]


def names_of(frame: pl.DataFrame, column: str = "segment") -> list[str]:
    """Segments of a frame that can be chosen, in order."""
    found = frame[column].drop_nulls().unique().to_list()
    return sorted(str(name) for name in found if not str(name).startswith("("))


def offered(data: Data, frame: pl.DataFrame, dimension: str, column: str = "segment") -> list[str]:
    """Segments of a frame that a page offers; of too many the largest by GMV, in order."""
    names = names_of(frame, column)
    if len(names) <= MOST_OFFERED:
        return names
    rows = data["marts.fct_gmv_daily"].filter(pl.col("dimension") == dimension)
    first = pl.col("business_date").max() - timedelta(days=CUBE_DAYS - 1)
    sums = rows.filter(pl.col("business_date") >= first).group_by("segment").agg(pl.sum("gmv"))
    largest = sums.filter(pl.col("segment").is_in(names)).sort(
        "gmv", "segment", descending=[True, False]
    )
    return sorted(largest["segment"].head(MOST_OFFERED))


def filter_bar(
    data: Data, platforms: pl.DataFrame | None, shops: pl.DataFrame | None
) -> list[Filter]:
    """Selects of the segments that a page's own table holds; one alone is no choice.

    Args:
        data: the frames.
        platforms: rows with a column `segment` or `platform`; None offers no platform.
        shops: rows with a column `segment`; None offers no shop.
    """
    bar = []
    for name, frame in zip(DIMENSIONS, (platforms, shops), strict=True):
        if frame is None:
            continue
        column = "platform" if "platform" in frame.columns else "segment"
        values = offered(data, frame, name, column)
        if len(values) < 2:
            continue
        options = [Option("", tr("filter.all"))]
        options += [Option(value, segment_name(name, value)) for value in values]
        bar.append(Filter(name, tr(f"dimension.{name}"), options))
    return bar


def script_words(info: SiteInfo) -> dict[str, Any]:
    """What the script writes on a filtered page, in both languages."""
    said = {name: tr(key) for name, key in _WORDS.items()}
    return {
        "symbol": symbol(info.currency),
        "decimals": decimals(info.currency),
        "filter": {
            "months": list(MONTHS),
            **{name: [text.en, text.zh] for name, text in said.items()},
        },
    }
