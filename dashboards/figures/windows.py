"""Windows of days and what they are compared with.

Belongs here: which days a page sums over, so that every page compares like with like.
Does not belong here: the sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from dashboards.base.data import Data
from dashboards.base.names import segment_name
from dashboards.base.page import Both, both, listed, named, tr
from dashboards.figures.promotions import Phase, phases
from dashboards.wording.formatting import day

_MOST_NAMED = 6  # days with a gap that a sentence lists
_LOOK_BACK = 8  # windows looked at to find one without an event


@dataclass(frozen=True)
class Window:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    def back(self, days: int) -> Window:
        """The same window some days before."""
        gap = timedelta(days=days)
        return Window(self.first - gap, self.last - gap)

    def filter(self, column: str = "business_date") -> pl.Expr:
        """Rows of these days."""
        return pl.col(column).is_between(pl.lit(self.first), pl.lit(self.last))

    def text(self, seen_from: date | None = None) -> Both:
        """Its days in words: 15 Nov to 21 Nov; one day alone is itself. Far days have a year."""
        first, last = (
            both(lambda lang, at=at: day(at, lang, seen_from))  # type: ignore[misc]
            for at in (self.first, self.last)
        )
        if self.first == self.last:
            return first
        return both(lambda lang: f"{first.get(lang)} – {last.get(lang)}")


def window_until(last: date, days: int, first_known: date | None) -> Window:
    """The last `days` days, or as many as are known."""
    first = last - timedelta(days=days - 1)
    return Window(max(first, first_known) if first_known else first, last)


def events_of(data: Data, window: Window) -> list[Phase]:
    """Events that make a window another than an ordinary one; a holiday of half its days does."""
    return [
        phase
        for phase in phases(data, window.first, window.last)
        if phase.kind != "holiday"
        or 2 * Window(max(phase.first, window.first), min(phase.last, window.last)).days
        >= window.days
    ]


def base_of(data: Data, now: Window, first_known: date | None) -> Window | None:
    """The window to compare with: the one before, or the latest one without an event.

    An ordinary week against one with 11.11 in it says nothing; a promotion is compared with what
    came before it. Shifts are whole weeks, so that weekdays match. None without enough history.
    """
    step = -(-now.days // 7) * 7
    ordinary = not events_of(data, now)
    known = [
        now.back(step * n)
        for n in range(1, _LOOK_BACK + 1)
        if first_known and now.back(step * n).first >= first_known
    ]
    calm = [w for w in known if not events_of(data, w)]
    if ordinary and calm:
        return calm[0]
    return known[0] if known else None


def incomplete(data: Data, window: Window, feeds: set[str]) -> list[Both]:
    """A warning for every feed a page draws from that did not wholly arrive in its window."""
    rows = (
        data["quality.source_completeness_daily"]
        .filter(
            window.filter(),
            pl.col("feed").is_in(sorted(feeds)),
            ~pl.col("is_complete"),
            pl.col("reason") != "not_expected",
        )
        .group_by("source", "feed")
        .agg(pl.col("business_date").n_unique().alias("days"), pl.col("business_date").max())
        .sort("source", "feed")
    )
    return [
        tr("period.incomplete", source=source, feed=feed, n=days, day=Window(last, last).text())
        for source, feed, days, last in rows.iter_rows()
    ]


def gaps(data: Data, feed: str) -> pl.DataFrame:
    """Days on which a feed of a platform is not whole: business_date, platform, shop_id, reason."""
    return (
        data["quality.source_completeness_daily"]
        .filter(pl.col("feed") == feed, ~pl.col("is_complete"), pl.col("reason") != "not_expected")
        .select("business_date", "platform", "shop_id", "reason")
        .unique()
        .sort("business_date", "platform", "shop_id", "reason")
    )


def gaps_told(found: pl.DataFrame, window: Window, key: str) -> Both | None:
    """The days of a window among gaps, each with its platform and reason; None without any.

    Args:
        found: rows of `gaps`.
        window: the days asked for.
        key: sentence of the catalogue with `days` for the list.
    """
    rows = found.filter(window.filter()).select("business_date", "platform", "reason").unique()
    rows = rows.sort("business_date", "platform", "reason", descending=[True, False, False])
    if rows.is_empty():
        return None
    days = [
        tr("period.gap", day=Window(at, at).text(window.last), reason=named("reason.cell", reason),
           platform=segment_name("platform", platform or ""))
        for at, platform, reason in rows.head(_MOST_NAMED).iter_rows()
    ]  # fmt: skip
    more = rows.height - len(days)
    return tr(key, days=listed([*days, *([tr("period.gaps_more", n=more)] if more else [])]))


def base_remark(data: Data, now: Window, base: Window | None) -> Both | None:
    """Which days a window is compared with, where that is not the window just before it."""
    if base is None:
        return tr("period.no_base")
    here = events_of(data, now)
    there = events_of(data, base)
    if there and not here:
        return tr("period.promo_base", days=base.text(now.last), promo=there[0].label)
    if here and not there:
        return tr("period.promo_now", days=base.text(now.last), promo=here[0].label)
    if (now.first - base.last).days > 1:
        return tr("period.calm_base", days=base.text(now.last))
    return None
