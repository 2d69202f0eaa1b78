"""How far a day's figures can be trusted: what of its data has not arrived, in a sentence each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from dashboards.wording.i18n import text, word

_SALES = {"orders", "order_items"}
_FEEDS = ("orders", "order_items", "refunds", "events", "traffic_daily", "campaign_spend")


@dataclass(frozen=True)
class Gap:
    """A feed of a source that is not whole on a day."""

    business_date: date
    source: str
    feed: str
    platform: str | None
    reason: str


def late_platforms(found: Iterable[Gap]) -> list[str]:
    """Platforms whose sales are not whole."""
    return sorted({gap.platform for gap in found if gap.feed in _SALES and gap.platform})


def blind_platforms(found: Iterable[Gap]) -> list[str]:
    """Platforms whose visitor events are not whole: their orders have no channel or device."""
    return sorted({gap.platform for gap in found if gap.feed == "events" and gap.platform})


def warnings(found: Iterable[Gap], day: date, lang: str) -> list[str]:
    """One sentence a source and state: what is missing, and which figures are not complete.

    Args:
        found: gaps of the day asked for and of days it is compared with.
        day: the day asked for; other days are named.
        lang: `en` or `zh`.
    """
    grouped: dict[tuple[date, str, str, str], list[str]] = {}
    for gap in found:
        key = (gap.business_date, gap.source, gap.reason, _figure(gap.feed))
        grouped.setdefault(key, []).append(gap.feed)
    told = []
    for (when, source, reason, figure), feeds in grouped.items():
        names = sorted(feeds, key=_FEEDS.index) if set(feeds) <= set(_FEEDS) else feeds
        if "orders" in names:
            names = [name for name in names if name != "order_items"]
        told.append(_sentence(when, when == day, source, names, reason, figure, lang))
    return told


def _sentence(  # noqa: PLR0913, PLR0917 - the parts of one sentence
    when: date, is_asked: bool, source: str, feeds: list[str], reason: str, figure: str, lang: str
) -> str:
    is_chinese, spoiled = lang == "zh", text(f"incomplete.{figure}", lang)
    state = word("reason.of_feed", reason, lang, "不完整" if is_chinese else "are not complete")
    named = [word("feed", feed, lang) for feed in feeds]
    if is_chinese:
        start = "" if is_asked else f"对比日 {when}："
        return f"{start}{source} {'、'.join(named)}{state}；{spoiled}。"
    start = "" if is_asked else f"On {when}, which it is compared with, "
    return f"{start}{source} {' and '.join(named)} {state}; {spoiled}."


def _figure(feed: str) -> str:
    if feed in _SALES:
        return "sales"
    if feed in ("events", "traffic_daily"):
        return "traffic"
    return {"refunds": "refunds", "campaign_spend": "spend"}.get(feed, "others")


def missed_days(run: dict[str, object], found: Iterable[Gap], lang: str) -> list[str]:
    """Says so where the data end before the day the run was of.

    Args:
        run: the row of `quality.run`.
        found: gaps of the days after the data's last one.
        lang: `en` or `zh`.
    """
    days = sorted({gap.business_date for gap in found})
    if not days:
        return []
    span = f"{days[0]}" if len(days) == 1 else f"{days[0]} .. {days[-1]}"
    if lang == "zh":
        return [f"{span} 没有任何来源的数据；以下为 {run['data_through']} 的数据。"]
    return [f"Nothing has arrived for {span}; the figures are those of {run['data_through']}."]
