"""Days as the detector has judged them, and how complete their feeds were, written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import polars as pl


def judged(
    day: date, metric: str, place: tuple[str, str, str | None], observed: float, expected: float,
    score: float, status: str,
) -> dict[str, Any]:  # fmt: skip
    """A row of anomalies; `place` is dimension, segment and platform."""
    dimension, segment, platform = place
    return {
        "business_date": day, "metric": metric, "dimension": dimension, "segment": segment,
        "platform": platform, "observed": observed, "expected": expected,
        "lower": expected * 0.9, "upper": expected * 1.1, "score": score,
        "impact_amount": observed - expected, "status": status,
    }  # fmt: skip


def completeness(
    days: Iterable[date],
    feeds: Iterable[tuple[str, str]],
    gaps: Mapping[tuple[str, str, date], str],
    rows: tuple[float, int, int],
) -> pl.DataFrame:
    """Feeds (source, feed) on days, whole but for the gaps (source, feed, day) -> reason.

    `rows` are those expected on a day, those of a whole day and those of a gap; a source is a
    platform of one shop.
    """
    expected, whole, left = rows
    return pl.DataFrame(
        [
            {
                "business_date": day, "source": source, "feed": feed, "platform": source,
                "shop_id": source, "expected_rows": expected,
                "arrived_rows": left if (source, feed, day) in gaps else whole,
                "is_complete": (source, feed, day) not in gaps,
                "reason": gaps.get((source, feed, day), "ok"),
            }
            for day in days
            for source, feed in feeds
        ]
    )  # fmt: skip
