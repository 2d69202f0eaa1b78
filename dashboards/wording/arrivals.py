"""What of a day's data has arrived, as a message on an incident says it.

Belongs here: the last lines of a message. What a page or command says of a day is in `caveats`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from dashboards.wording.incidents import reason_label


def state_lines(incident: Mapping[str, Any], completeness: pl.DataFrame, lang: str) -> list[str]:
    """What of the day has arrived: a reader must know how far to trust the figures.

    Args:
        incident: its last_date is the day.
        completeness: `quality.source_completeness_daily`.
        lang: `en` or `zh`.
    """
    day = completeness.filter(
        pl.col("business_date") == incident["last_date"], pl.col("reason") != "not_expected"
    )
    gaps = day.filter(~pl.col("is_complete")).sort("source", "feed").to_dicts()
    english = lang == "en"
    if not gaps:
        known = "complete" if len(day) else "not known"
        return [f"Data of the day: {known}." if english else
                f"当日数据：{'完整' if len(day) else '未知'}。"]  # fmt: skip
    lines = ["Data of the day, incomplete:" if english else "当日数据不完整："]
    for gap in gaps:
        reason = reason_label(gap["reason"], lang)
        rows = f"{gap['arrived_rows'] or 0:,.0f} / {gap['expected_rows'] or 0:,.0f}"
        lines.append(f"  {gap['source']} {gap['feed']}: {reason} ({rows})")
    return lines


def past_lines(
    incident: Mapping[str, Any], completeness: pl.DataFrame, watermarks: pl.DataFrame, lang: str
) -> list[str]:
    """Sources that feed the metric and whose data have a gap before the day; one line each.

    A gap that begins with the day itself is told by `state_lines` already.

    Args:
        incident: its last_date is the day; of a platform only that platform's sources are told.
        completeness: `quality.source_completeness_daily`.
        watermarks: rows of `quality.source_watermarks` of the feeds that matter.
        lang: `en` or `zh`.
    """
    day = incident["last_date"]
    behind = watermarks.filter(
        pl.col("reason") != "not_daily",
        pl.col("complete_until_date").is_null() | (pl.col("complete_until_date") < day),
    )
    if incident["platform"] is not None:
        behind = behind.filter(pl.col("platform") == str(incident["platform"]))
    gaps = completeness.filter(pl.col("business_date") == day, ~pl.col("is_complete"))
    told = set(gaps.select("source", "feed").iter_rows())
    lines = []
    for row in behind.sort("source", "feed").to_dicts():
        until = row["complete_until_date"]
        if (row["source"], row["feed"]) in told and until == day - timedelta(days=1):
            continue
        lines.append(_past_line(row, lang))
    return lines


def _past_line(row: Mapping[str, Any], lang: str) -> str:
    reason = reason_label(row["reason"], lang)
    until = row["complete_until_date"]
    if lang == "en":
        known = f"complete only through {until}" if until else "not complete on any day yet"
        return f"Past what is complete: {row['source']} {row['feed']} is {known} ({reason})."
    known = f"仅完整至 {until}" if until else "尚无完整日期"
    return f"超出完整数据范围：{row['source']} {row['feed']} {known}（{reason}）。"
