"""The canonical feeds: which columns each has, what they mean, and what identifies a row.

Belongs here: names, types, meanings, domains, keys, all in `*.yml`. Building checks from them is in
`schemas.py`, mapping files to them in `formats/`. `docs/feeds.md` is made from what stands here.

Every landed row also carries the columns of `LANDING`: where it came from and which version it is.
"""

from __future__ import annotations

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
)
from ingestion.feeds.load import load_feeds

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

FEEDS: dict[str, Feed] = load_feeds()
