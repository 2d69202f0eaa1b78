"""What happened in the weeks a review shows: promotions, incidents, gaps in the data.

Belongs here: which of it is worth a line. Does not belong here: finding it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import Both, amount_text, named, tr
from dashboards.figures.promotions import phases
from dashboards.figures.windows import Window
from dashboards.pages.shared.incidents import alert

MOST = 8
_INCIDENTS = 4  # the costliest; more would hide the rest


@dataclass(frozen=True)
class Event:
    """A line of the list: when, what, and the money where it has any."""

    first: date
    days: Both
    kind: Both
    text: Both
    amount: Both


def _promotions(data: Data, window: Window, seen: date) -> list[Event]:
    """One line a promotion or holiday over all its phases in the window."""
    spans: dict[tuple[Both, str], Window] = {}
    for phase in phases(data, window.first, window.last):
        key = (phase.label, phase.kind)
        known = spans.get(key, Window(phase.first, phase.last))
        spans[key] = Window(min(known.first, phase.first), max(known.last, phase.last))
    return [
        Event(span.first, span.text(seen), named("review.event", kind), label, Both("", ""))
        for (label, kind), span in spans.items()
    ]


def _incidents(data: Data, info: SiteInfo, window: Window) -> list[Event]:
    rows = [
        row
        for row in data["insights.incidents"].to_dicts()
        if row["opened_date"]
        and row["opened_date"] <= window.last
        and (row["last_date"] or row["opened_date"]) >= window.first
        and row["withdrawn_date"] is None
    ]
    rows.sort(key=lambda row: (-abs(row["impact_amount"] or 0.0), str(row["incident_id"])))
    return [_incident(row, info, window.last) for row in rows[:_INCIDENTS]]


def _incident(row: Row, info: SiteInfo, seen: date) -> Event:
    told = alert(row, info)
    impact = row["impact_amount"]
    span = Window(
        row["opened_date"], max(row["opened_date"], row["last_date"] or row["opened_date"])
    )
    return Event(
        span.first,
        span.text(seen),
        tr(f"review.event.{'data' if told.kind == 'data' else 'incident'}"),
        told.text,
        amount_text(impact, info.currency, signed=True) if impact is not None else Both("", ""),
    )


def _gaps(data: Data, window: Window, seen: date) -> list[Event]:
    """One line a source and feed of which days did not come whole."""
    rows = (
        data["quality.source_completeness_daily"]
        .filter(window.filter(), ~pl.col("is_complete"), pl.col("reason") != "not_expected")
        .group_by("source", "feed", "platform")
        .agg(
            pl.col("business_date").min().alias("first"),
            pl.col("business_date").max().alias("last"),
            pl.col("business_date").n_unique().alias("days"),
        )
        .sort("first", "source", "feed")
    )
    return [
        Event(
            first,
            Window(first, last).text(seen),
            tr("review.event.data"),
            tr("review.gap", feed=feed, days=days,
               place=segment_name("platform", platform) if platform else source),
            Both("", ""),
        )
        for source, feed, platform, first, last, days in rows.iter_rows()
    ]  # fmt: skip


def events(data: Data, info: SiteInfo, window: Window) -> tuple[list[Event], int]:
    """What happened in a window, the latest first, and how many lines are left out."""
    found = [
        *_promotions(data, window, window.last),
        *_incidents(data, info, window),
        *_gaps(data, window, window.last),
    ]
    found.sort(key=lambda event: event.first, reverse=True)
    return found[:MOST], max(0, len(found) - MOST)
