"""The cards of the overview: a figure, two comparisons, four weeks as a line.

Belongs here: which measures have a card, and when a card is flagged.
Does not belong here: the measures themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl
from markupsafe import Markup

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.names import definition_of, label_of
from dashboards.base.page import Both, tr
from dashboards.charts.sparkline import sparkline
from dashboards.figures.buyers import is_young, with_returning
from dashboards.pages.shared.deltas import Delta, delta, level_text
from dashboards.wording.metrics import unit_of

SPARK_DAYS = 28
TRAFFIC = frozenset({"events", "traffic_daily"})


@dataclass(frozen=True)
class Measure:
    """A measure with a card.

    Attributes:
        name: column of `fct_gmv_daily`, or `returning_share`.
        feeds: feeds of which one must be configured; empty where orders suffice.
        aliases: other names of the measure in `insights.anomalies`.
    """

    name: str
    feeds: frozenset[str] = frozenset()
    aliases: tuple[str, ...] = ()


MEASURES = (
    Measure("gmv"),
    Measure("net_sales", frozenset({"refunds"})),
    Measure("visitors", TRAFFIC),
    Measure("conversion_rate", TRAFFIC, ("conversion",)),
    Measure("orders_per_buyer"),
    Measure("aov"),
    Measure("gmv_per_buyer"),
    Measure("returning_share"),
)


@dataclass(frozen=True)
class Card:
    """What a card shows. `flag` says in words why its border is marked, if it is."""

    name: str
    label: Both
    definition: Both
    value: Both
    deltas: tuple[Delta, ...]
    spark: Markup
    flag: Both | None = None
    note: Both | None = None


def _flag(data: Data, info: SiteInfo, measure: Measure, good: str) -> Both | None:
    """Why the card is marked: outside its range on the bad side only."""
    judged = data["insights.anomalies"].filter(
        pl.col("business_date") == info.data_through,
        pl.col("dimension") == "all",
        pl.col("status") == "anomaly",
        pl.col("observed").is_not_null(),
        pl.col("metric").is_in([measure.name, *measure.aliases]),
    )
    for row in judged.to_dicts():
        low = row["lower"] is not None and row["observed"] < row["lower"]
        high = row["upper"] is not None and row["observed"] > row["upper"]
        if (low and good == "up") or (high and good == "down"):
            return tr("card.below_range" if low else "card.above_range")
    return None


def _note(measure: Measure, info: SiteInfo, value: float | None) -> Both | None:
    if measure.feeds and not measure.feeds & info.configured_feeds:
        return tr("state.not_configured")
    return tr("state.unknown") if value is None else None


def cards(data: Data, info: SiteInfo) -> list[Card]:
    """All cards of the last day, in fixed order."""
    metrics = data.metrics
    frame = with_returning(data, info.data_through, 400)
    by_day = {row["business_date"]: row for row in frame.to_dicts()}
    window = [info.data_through - timedelta(days=n) for n in range(SPARK_DAYS - 1, -1, -1)]
    found = []
    returning = frame["returning_share"].null_count() < frame.height
    for measure in MEASURES if returning else (*MEASURES[:-1], Measure("buyers")):
        values = {day: _known(row, measure) for day, row in by_day.items()}
        now = values.get(info.data_through)
        good = str((metrics.get(measure.name) or {}).get("good_direction") or "up")
        unit = unit_of(measure.name, metrics)
        note = _note(measure, info, now)
        configured = not measure.feeds or bool(measure.feeds & info.configured_feeds)
        deltas = tuple(
            delta(
                now,
                None
                if measure.name == "returning_share" and is_young(data, info.data_through, n)
                else values.get(info.data_through - timedelta(days=n)),
                unit,
                good,
                tr(k),
            )
            for k, n in (("card.vs_week", 7), ("card.vs_year", 364))
        )
        found.append(
            Card(
                name=measure.name,
                label=label_of(measure.name, metrics),
                definition=definition_of(measure.name, metrics),
                value=level_text(now if configured else None, unit, info),
                deltas=deltas if note is None else (),
                spark=sparkline([values.get(day) for day in window] if configured else []),
                flag=_flag(data, info, measure, good),
                note=note,
            )
        )
    return found


def _known(row: Row, measure: Measure) -> float | None:
    """The measure of a day; a day without a single visitor has unknown traffic, not zero."""
    value = row[measure.name]
    if measure.name == "visitors" and not value:
        return None
    return None if value is None else float(value)
