"""Names of columns, values and places, by the tables `words.yml` and `platforms.yml`.

Belongs here: looking words up. Does not belong here: the words themselves (data), nor whether the
values of a column agree with its name (`unknown.py`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ingestion.feeds import FEEDS
from ingestion.shipped import read_yaml

_HERE = Path(__file__).parent
_WEAK = ("weak", "weak_other")


@dataclass(frozen=True)
class Word:
    """A canonical column that a name may mean.

    Attributes:
        column: canonical column.
        origin: where the word was seen.
        rank: place in the table; earlier words are the usual ones.
        is_weak: whether it has many meanings.
        is_whole: whether the whole name is the word, not only its beginning or end.
    """

    column: str
    origin: str
    rank: int
    is_weak: bool
    is_whole: bool = True


def plain(name: str) -> str:
    """Return a name without case, width, accents, spaces, marks and brackets."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    text = unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", text))  # accents
    bare = re.sub(r"[(\[（【].*?[)\]）】]", "", text)
    return re.sub(r"[\W_]+", "", bare if re.search(r"\w", bare) else text)


@lru_cache(maxsize=1)
def tables() -> dict[str, Any]:
    """Return `words.yml` as it stands."""
    content: dict[str, Any] = read_yaml(_HERE / "words.yml")
    return content


@lru_cache(maxsize=1)
def platforms() -> dict[str, Any]:
    """Return `platforms.yml` as it stands."""
    content: dict[str, Any] = read_yaml(_HERE / "platforms.yml")
    return content


@lru_cache(maxsize=64)
def words_of(feed: str) -> dict[str, tuple[Word, ...]]:
    """Return plain word -> canonical columns of a feed it may mean, the likeliest first."""
    given = tables()
    found: dict[str, list[Word]] = {}
    own = given["feeds"].get(feed, {}).get("columns", {})
    for column in FEEDS[feed].delivered:
        weak = {plain(str(w)) for origin in _WEAK for w in own.get(column, {}).get(origin, ())}
        itself = Word(column, "general", 0, is_weak=plain(column) in weak)
        found.setdefault(plain(column), []).append(itself)
        for table in (own.get(column, {}), given["shared"].get(column, {})):
            rank = 0
            for origin, words in table.items():
                for word in words:
                    rank += 1
                    entry = Word(column, origin, rank, is_weak=origin in _WEAK)
                    found.setdefault(plain(str(word)), []).append(entry)
    return {
        word: tuple(sorted(entries, key=lambda e: (e.is_weak, e.rank)))
        for word, entries in found.items()
    }


def meanings(name: str, feed: str) -> tuple[Word, ...]:
    """Return what a column's name may mean in a feed; names that only hold a word are weak."""
    known = words_of(feed)
    whole = known.get(plain(name), ())
    if whole:
        return whole
    # "Lineitem order id", "order_id_external": a word inside a longer name is a hint only.
    if "micros" in plain(name):
        return ()  # a millionth of what its other half says
    parts = [plain(part) for part in re.split(r"[\s_\-./]+", name) if plain(part)]
    ends = {"".join(parts[i:]) for i in range(1, len(parts))}
    ends |= {"".join(parts[:i]) for i in range(1, len(parts))}
    hints = [word for end in sorted(ends, key=len, reverse=True) for word in known.get(end, ())]
    return tuple(
        Word(w.column, w.origin, w.rank + 100, is_weak=True, is_whole=False) for w in hints[:3]
    )


@lru_cache(maxsize=1)
def _personal() -> frozenset[str]:
    return frozenset(plain(str(w)) for words in tables()["personal"].values() for w in words)


def is_personal(name: str) -> bool:
    """Whether a column's name says that it holds a person's data."""
    return plain(name) in _personal() or any(
        plain(part) in _PERSONAL_PARTS for part in re.split(r"[\s_\-./]+", name)
    )


_PERSONAL_PARTS = frozenset(
    {"email", "phone", "firstname", "lastname", "address", "street", "zip", "latitude", "longitude"}
)


def is_period_end(name: str) -> bool:
    """Whether a column's name says that it holds the last day of a period."""
    return plain(name) in _period_ends()


@lru_cache(maxsize=1)
def _period_ends() -> frozenset[str]:
    return frozenset(plain(str(w)) for words in tables()["period_end"].values() for w in words)


def value_map(feed: str, column: str) -> dict[str, str]:
    """Return plain value -> canonical value of a column with a fixed domain."""
    table = tables()["values"].get(f"{feed}.{column}", {})
    found = {plain(str(word)): value for value, words in table.items() for word in words}
    return {**found, **{plain(value): value for value in table}}


def hinted_feeds(path: str) -> list[str]:
    """Return the feeds whose usual file names stand in a path, the most telling first."""
    text = re.split(r"[\W_\d]+", unicodedata.normalize("NFKC", path).casefold())
    joined = "".join(text)
    found: list[tuple[int, str]] = []
    for feed, table in tables()["feeds"].items():
        for word in table.get("file_names", ()):
            bare = plain(word)
            hit = bare in text or (len(bare) > 4 and bare in joined) or _chinese(bare, joined)
            if hit:
                found.append((len(bare), feed))
    return list(dict.fromkeys(feed for _, feed in sorted(found, reverse=True)))


def _chinese(word: str, text: str) -> bool:
    return bool(re.search(r"[\u4e00-\u9fff]", word)) and word in text


def named_platform(path: str) -> str | None:
    """Return the platform that a folder or file is named after, if any."""
    parts = re.split(r"[\W_\d]+", unicodedata.normalize("NFKC", path).casefold())
    for platform, words in platforms()["names"].items():
        if any(w in parts or _chinese(w, "".join(parts)) for w in words):
            return str(platform)
    return None


def other_export(header: Iterable[str]) -> str:
    """Return what a header is known to be of that no format reads; empty if it is none of these."""
    names = {name.casefold().strip() for name in header}
    for export, told in platforms()["others"].items():
        if {name.casefold() for name in told} <= names:
            return str(export)
    return ""


def format_origin(name: str) -> dict[str, Any]:
    """Return what a shipped format's name says about its source; empty for plain formats."""
    for prefix, told in platforms()["formats"].items():
        if name == prefix or name.startswith(f"{prefix}_"):
            return {"prefix": prefix, **told}
    return {}
