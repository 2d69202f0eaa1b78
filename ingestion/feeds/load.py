"""The feeds as `*.yml` beside this file tell them.

Belongs here: reading them, strictly. Does not belong here: what a feed consists of (`feed.py`), how
values are checked (`schemas.py`).

A feed has `grain`, `key`, `columns` and perhaps `instant`, `numbered_by`, `snapshot_within` and
`final`; see `Feed`. A column has `means`, and
where it applies `type` (text unless told), `required`, `allowed`, `minimum` (0 unless told; null
for numbers of either sign), `pseudonym_of` and `made`; see `Column`. What it means may stand alone.
One that is named and says no more is that of `_shared.yml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any

from ingestion.errors import MappingError
from ingestion.feeds.feed import LANDING, TYPES, Column, Feed
from ingestion.shipped import read_yaml

_FOLDER = Path(__file__).parent
# Files in the order in which the feeds are told of.
_TOPICS = ("sales", "traffic", "operations", "finance")
_Words = Mapping[str, tuple[type, ...]]
_OF_FEED: _Words = {
    **{"grain": (str,), "key": (list,), "columns": (dict,), "instant": (str,)},
    **{"numbered_by": (dict,), "snapshot_within": (list,), "final": (bool,)},
}
_OF_COLUMN: _Words = {
    **{"type": (str,), "means": (str,), "required": (bool,), "allowed": (list,)},
    **{"minimum": (int, NoneType), "pseudonym_of": (str,), "made": (bool,)},
}


def load_feeds(folder: Path = _FOLDER) -> dict[str, Feed]:
    """Return the feeds by name.

    Raises:
        MappingError: a file says something that is not in the vocabulary; names feed and column.
    """
    shared = {
        name: _column(name, told, f"feeds/_shared.yml {name}")
        for name, told in read_yaml(folder / "_shared.yml").items()
    }
    feeds: dict[str, Feed] = {}
    for topic in _TOPICS:
        for name, told in read_yaml(folder / f"{topic}.yml").items():
            where = f"feeds/{topic}.yml {name}"
            if name in feeds:
                raise MappingError("is told of twice", where)
            feeds[name] = _feed(name, told, shared, where)
    return feeds


def _feed(name: str, told: Any, shared: Mapping[str, Column], where: str) -> Feed:
    _check(told, _OF_FEED, ("grain", "key", "columns"), where)
    columns = {}
    for column, meant in told["columns"].items():
        place = f"{where}.{column}"
        if meant is None and column not in shared:
            raise MappingError("says nothing, and is no shared column", place)
        columns[column] = shared[column] if meant is None else _column(column, meant, place)
    numbers, within = told.get("numbered_by", {}), told.get("snapshot_within", [])
    instant = [told["instant"]] if "instant" in told else []
    for column in (*told["key"], *instant, *numbers, *numbers.values(), *within):
        if column not in columns:
            raise MappingError(f"has no column `{column}`, which its key or another names", where)
    if twice := columns.keys() & LANDING.keys():
        raise MappingError(f"`{min(twice)}` is a name of its own in every landed file", where)
    given = tuple(columns.values())
    return Feed(
        name, told["grain"], given, tuple(told["key"]), told.get("instant"), numbers,
        tuple(within), told.get("final", False),
    )  # fmt: skip


def _column(name: str, told: Any, where: str) -> Column:
    told = {"means": told} if isinstance(told, str) else told
    _check(told, _OF_COLUMN, ("means",), where)
    kind = told.get("type", "text")
    if kind not in TYPES:
        raise MappingError(f"has no type `{kind}`; known: {', '.join(TYPES)}", where)
    return Column(
        name,
        TYPES[kind],
        told["means"],
        is_required=told.get("required", False),
        allowed=tuple(told.get("allowed", ())),
        minimum=told.get("minimum", 0),
        pseudonym_of=told.get("pseudonym_of"),
        is_made=told.get("made", False),
    )


def _check(told: Any, words: _Words, needed: tuple[str, ...], where: str) -> None:
    """Refuse what is no mapping, has unknown words or other values, or lacks a word."""
    if not isinstance(told, dict):
        raise MappingError("is not a mapping", where)
    for word, value in told.items():
        if word not in words:
            raise MappingError(f"unknown key `{word}`; known: {', '.join(words)}", where)
        if type(value) not in words[word]:
            raise MappingError(f"`{word}: {value}` is no {words[word][0].__name__}", where)
    if missing := [word for word in needed if not told.get(word)]:
        raise MappingError(f"`{missing[0]}` is missing", where)
