"""The last day against what was expected of it: the company in a sentence, each platform in a line.

Belongs here: which of the sentences is true. Does not belong here: expectations (`insights`), and
what moved a day that left its range.
"""

from __future__ import annotations

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import Both, amount_text, both, tr
from dashboards.wording.formatting import long_day


def _judged(data: Data, info: SiteInfo, dimension: str) -> dict[str, Row]:
    """Judgements of the last day's GMV by segment."""
    rows = data["insights.anomalies"].filter(
        pl.col("business_date") == info.data_through,
        pl.col("metric") == "gmv",
        pl.col("dimension") == dimension,
    )
    return {str(row["segment"]): row for row in rows.to_dicts()}


def _side(row: Row | None, gmv: float | None) -> str:
    """Where an amount lies: inside, above, below; incomplete, or plain where nothing judges it."""
    if row is None:
        return "plain"
    if row["status"] == "data_incomplete":
        return "incomplete"
    low, high = row["lower"], row["upper"]
    if gmv is None or low is None or high is None or row["status"] not in ("normal", "anomaly"):
        return "plain"
    return "below" if gmv < low else "above" if gmv > high else "inside"


def _words(row: Row | None, gmv: float | None, info: SiteInfo) -> dict[str, Both]:
    known = row or {}
    bounds = {"gmv": gmv, "low": known.get("lower"), "high": known.get("upper")}
    return {name: amount_text(value, info.currency) for name, value in bounds.items()}


def inside_range(data: Data, info: SiteInfo) -> Both | None:
    """The headline of a day inside its range: its drivers are noise and are not told. Else None."""
    row = _judged(data, info, "all").get("all")
    gmv = (data.company_on(info.data_through) or {}).get("gmv")
    if not gmv or _side(row, gmv) != "inside":
        return None
    when = both(lambda lang: long_day(info.data_through, lang))
    return tr("headline.inside", day=when, **_words(row, gmv, info))


def platform_lines(data: Data, info: SiteInfo) -> list[Both]:
    """One line a platform, the largest first; a single one is the company."""
    judged = _judged(data, info, "platform")
    rows = [row for row in data.on(info.data_through, "platform") if row["gmv"] is not None]
    if len(rows) < 2 or not judged:
        return []
    rows.sort(key=lambda row: (-row["gmv"], str(row["segment"])))
    lines = []
    for row in rows:
        name, gmv = str(row["segment"]), row["gmv"]
        found = judged.get(name)
        words = _words(found, gmv, info)
        platform = segment_name("platform", name)
        lines.append(tr(f"headline.platform_{_side(found, gmv)}", platform=platform, **words))
    return lines
