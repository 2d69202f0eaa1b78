"""Order ids as programs decorate them, to the id itself: in every feed alike, so that they meet.

Belongs here: what is no part of an id, and when that is sure. Does not belong here: other names of
an order (`orders.aliases`), which the warehouse resolves.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from ingestion.feeds import TEXT

ORDER_IDS = ("order_id", "parent_order_id", "aliases")
_WHOLE = r"^\d+\.0$"
OF_ALL_IDS = ".0"  # taken off only where all ids of a file's column end so
# Mark -> pattern of what it is at the beginning of a name, of which the groups stay. What follows
# must look like an id: of any other text a mark is a part.
_MARKS = {
    "=": r'(^)="([^"|]*)"',
    "'": r"(^)'+([0-9A-Za-z#])",
    "#": r"(^)#+([0-9A-Za-z])",
}


def plain_order_ids(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Take off what spreadsheets and shops write around order ids.

    `="1001"` and `'1001` are a spreadsheet's way to say text, `#1001` a shop's to say number;
    `1001.0` is a number that a program read as one, but only where all ids of the column are so.
    Leading zeros are part of an id.

    Args:
        frame: canonical columns, text or as a file of typed columns has them.

    Returns:
        The frame, and what was taken off -> from how many rows.
    """
    taken: dict[str, int] = {}
    for name in (name for name in ORDER_IDS if name in frame.columns):
        ids = frame[name] if frame.schema[name] == TEXT else frame[name].cast(TEXT)
        for mark in _MARKS:
            pattern = _pattern(mark, name)
            if rows := _count(ids.str.contains(pattern)):
                taken[mark] = taken.get(mark, 0) + rows
                ids = ids.str.replace_all(pattern, "${1}${2}")
        if _are_whole(ids):
            taken[OF_ALL_IDS] = taken.get(OF_ALL_IDS, 0) + _count(ids.is_not_null())
            ids = ids.str.strip_suffix(OF_ALL_IDS)
        frame = frame.with_columns(ids.alias(name))
    return frame, taken


def plain_keys(keys: pl.Series, marks: Collection[str]) -> pl.Series:
    """Take off the ids of broken rows what was taken off those of the good ones."""
    for mark in marks:
        keys = (
            keys.str.strip_suffix(OF_ALL_IDS)
            if mark == OF_ALL_IDS
            else keys.str.replace_all(_MARKS[mark], "${1}${2}")
        )
    return keys


def told(taken: dict[str, int]) -> str:
    """Say what was taken off; empty if nothing was."""
    parts = [f"{mark} ({rows} rows)" for mark, rows in taken.items()]
    return f"order ids are landed without {', '.join(parts)}" if parts else ""


def _pattern(mark: str, column: str) -> str:
    """The pattern of a mark; of several names in one column, before each."""
    return _MARKS[mark].replace("(^)", r"(^|\|)" if column == "aliases" else "(^)")


def _are_whole(ids: pl.Series) -> bool:
    there = ids.drop_nulls()
    # The first tells of nearly all files that they are not.
    return there.len() > 0 and there[0].endswith(".0") and bool(there.str.contains(_WHOLE).all())


def _count(rows: pl.Series) -> int:
    return int(rows.sum() or 0)
