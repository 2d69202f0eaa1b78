"""The canonical feeds: which columns each has, what they mean, and what identifies a row.

Belongs here: names, types, meanings, domains, keys. Building checks from them is in `schemas.py`,
reading files into them in `formats/`. `docs/feeds.md` is made from what stands here.

Every landed row also carries the columns of `LANDING`: where it came from and which version it is.
"""

from __future__ import annotations

from ingestion.feeds import finance, operations, sales, traffic
from ingestion.feeds.feed import (
    COUNT,
    DAY,
    FLAG,
    INSTANT,
    LANDING,
    MONEY,
    NUMBER,
    PRICE,
    RATE,
    TEXT,
    Column,
    Dtype,
    Feed,
    by_name,
)

__all__ = [
    "COUNT",
    "DAY",
    "FEEDS",
    "FLAG",
    "INSTANT",
    "LANDING",
    "MONEY",
    "NUMBER",
    "PRICE",
    "RATE",
    "TEXT",
    "Column",
    "Dtype",
    "Feed",
]

FEEDS: dict[str, Feed] = by_name((*sales.FEEDS, *traffic.FEEDS, *operations.FEEDS, *finance.FEEDS))
