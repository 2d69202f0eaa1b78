"""The last day against what was expected of it: the company in a sentence, each platform in a line.

Belongs here: which of the sentences is true. Does not belong here: expectations (`insights`), and
what moved a day that left its range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import Both, amount_text, both, named, sentences, tr
from dashboards.figures.promotions import phases
from dashboards.pages.overview.versus import Versus
from dashboards.pages.shared.changes import told
from dashboards.pages.shared.deltas import Delta, delta
from dashboards.wording.formatting import day, long_day

MOST_LINES = 6  # shops that have a line of their own; the others are counted
_OUTSIDE = ("below", "above")


@dataclass(frozen=True)
class Line:
    """A platform or shop on the last day; `tone` is worse where it fell below its range."""

    name: Both
    value: Both
    deltas: Sequence[tuple[str, Delta]]
    remark: Both
    tone: str


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


def side_of_day(data: Data, info: SiteInfo) -> str:
    """Where the last day lies: inside, above, below, incomplete or plain."""
    gmv = (data.company_on(info.data_through) or {}).get("gmv")
    return _side(_judged(data, info, "all").get("all"), gmv) if gmv else "plain"


def inside_range(data: Data, info: SiteInfo) -> Both | None:
    """The headline of a day inside its range: its drivers are noise and are not told. Else None.

    A day of a promotion or holiday is not called a normal one of its weekday.
    """
    if side_of_day(data, info) != "inside":
        return None
    last = info.data_through
    words = _words(
        _judged(data, info, "all")["all"], (data.company_on(last) or {}).get("gmv"), info
    )
    if phases(data, last, last):
        return tr("headline.inside", day=both(lambda lang: long_day(last, lang)), **words)
    weekday = named("weekday", str(last.isoweekday()))
    return tr("headline.normal", weekday=weekday, day=both(lambda lang: day(last, lang)), **words)


def _place(data: Data, info: SiteInfo, side: str) -> Both | None:
    """The platform farthest from what was expected of it, of those out of their range too."""
    known = {str(row["segment"]): row["gmv"] for row in data.on(info.data_through, "platform")}
    out = [
        row
        for name, row in _judged(data, info, "platform").items()
        if _side(row, known.get(name)) == side and row["impact_amount"]
    ]
    if len(known) < 2 or not out:
        return None
    worst = max(out, key=lambda row: (abs(row["impact_amount"]), str(row["segment"])))
    return tr(
        f"headline.place_{side}",
        platform=segment_name("platform", str(worst["segment"])),
        amount=amount_text(worst["impact_amount"], info.currency, signed=True),
    )


def headline(data: Data, info: SiteInfo, change: Row | None) -> Both:
    """The first sentence: calm inside the range, else amount, cause, place and state of data."""
    calm = inside_range(data, info)
    if calm:
        return calm
    side = side_of_day(data, info)
    parts: list[Both | None] = [told(data, info, info.data_through, change)]
    if side in _OUTSIDE:
        row = _judged(data, info, "all")["all"]
        parts.append(tr(f"headline.out_{side}", **_words(row, None, info)))
        parts.append(_place(data, info, side))
    elif side == "incomplete":
        parts.append(tr("headline.incomplete"))
    return sentences(parts)


def lines(
    data: Data, info: SiteInfo, bases: Sequence[Versus], dimension: str
) -> tuple[list[Line], int]:
    """One line a platform or shop, the largest first, and how many are left out.

    A single platform is the company and has none; shops have some where they are no platforms.
    """
    judged = _judged(data, info, dimension)
    rows = [row for row in data.on(info.data_through, dimension) if row["gmv"] is not None]
    least = len(data.on(info.data_through, "platform")) if dimension == "shop" else 1
    if len(rows) <= least:
        return [], 0
    rows.sort(key=lambda row: (-row["gmv"], str(row["segment"])))
    before = {
        base.key: {str(row["segment"]): row["gmv"] for row in data.on(base.day, dimension)}
        for base in bases
    }
    found = []
    for row in rows[: MOST_LINES if dimension == "shop" else None]:
        name, gmv = str(row["segment"]), row["gmv"]
        side = _side(judged.get(name), gmv)
        found.append(
            Line(
                segment_name(dimension, name),
                amount_text(gmv, info.currency),
                [
                    (b.key, delta(gmv, before[b.key].get(name), "currency", "up", b.beside))
                    for b in bases
                ],
                tr(f"range.{side}", **_words(judged.get(name), gmv, info))
                if judged
                else Both("", ""),
                "worse" if side == "below" else "flat",
            )
        )
    return found, len(rows) - len(found)
