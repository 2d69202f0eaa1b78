"""Which feed the columns of an unknown layout could fill, and which column is which.

Belongs here: weighing names of columns against their values, feed by feed. Does not belong here:
writing a mapping down (`unknown.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ingestion.feeds import COUNT, DAY, FEEDS, FLAG, INSTANT, TEXT
from ingestion.recognise.values import Column
from ingestion.recognise.words import Word, hinted_feeds, is_personal, meanings, plain, value_map

# Required columns that may be said once for a whole file, and what is said without other evidence.
CONSTANTS: dict[tuple[str, str], str] = {
    ("orders", "status"): "completed",
    ("refunds", "kind"): "refund_only",
    ("refunds", "status"): "succeeded",
    ("campaign_spend", "cost_kind"): "click",
    ("traffic_daily", "grain"): "shop",
    ("traffic_daily", "segment"): "all",
    ("products", "valid_from"): "2000-01-01",
    ("inventory_snapshots", "warehouse"): "main",
    ("inventory_movements", "warehouse"): "main",
    ("purchase_orders", "po_line"): "1",
    ("live_sessions", "kind"): "own",
}
_DEVICES = frozenset({"desktop", "mobile", "tablet", "smartphone", "phone", "computer", "pc", "app",
                      "ios", "android", "web", "wap", "other"})  # fmt: skip
_NO_FIGURE = frozenset({"region", "category"})  # the first word of several will do
_FULL = 0.95  # of the cells of the fullest column of a meaning
_Pair = tuple[bool, bool, int, int, str, Word]  # weak, a part only, rank, place, column, meaning
_SELF_MADE = frozenset(
    {"platform", "shop_id", "currency", "line_number", "is_gift", "is_goods"}
    | {"refund_id", "event_id"}
)
# Optional, but a guess without them is none: rows that name an order may be of many things.
_TELLING = frozenset({("shipments", "carrier"), ("shipments", "shipped_at")})


@dataclass(frozen=True)
class Match:
    """A canonical column and the column of the file taken for it.

    Attributes:
        canonical: column of the feed.
        column: column of the file.
        word: why.
        rivals: other columns of the file that could be meant as well.
    """

    canonical: str
    column: str
    word: Word
    rivals: tuple[str, ...] = ()

    @property
    def is_strong(self) -> bool:
        """Whether the name alone says so, beyond other meanings."""
        return not self.word.is_weak


@dataclass(frozen=True)
class Plan:
    """How well a layout fits a feed.

    Attributes:
        feed: name of the feed; `orders` with `items` set: orders built from lines.
        matches: canonical column -> match.
        missing: required columns nothing stands for.
        score: weight of the evidence.
        items: the plan of order_items in the same rows.
        line_amount: column whose value over the quantity is the price of a line, where the file
            gives no price.
    """

    feed: str
    matches: dict[str, Match] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    score: float = 0.0
    items: Plan | None = None
    line_amount: str = ""

    @property
    def feeds(self) -> tuple[str, ...]:
        """Feeds it fills."""
        return (self.feed, "order_items") if self.items else (self.feed,)

    @property
    def strength(self) -> float:
        """Share (0-1) of the matched required columns whose names say so by themselves."""
        needed = [m for m in self.matches.values() if m.canonical in needed_columns(self.feed)]
        return sum(m.is_strong for m in needed) / len(needed) if needed else 0.0


def needed_columns(feed: str) -> tuple[str, ...]:
    """Return the delivered columns without which a layout is not taken for a feed."""
    return tuple(
        column.pseudonym_of or column.name
        for column in FEEDS[feed].given
        if (column.is_required and column.name not in _SELF_MADE) or (feed, column.name) in _TELLING
    )


def plans(columns: Mapping[str, Column], path: str) -> list[Plan]:
    """Return the feeds a layout could fill, the best first, unfit ones last.

    Args:
        columns: what the values of each column are, by name.
        path: of the file, whose folder and name may hint at a feed.
    """
    hints = hinted_feeds(path)
    found = {feed: _plan(feed, columns, hints) for feed in FEEDS}
    orders, items = found["orders"], found["order_items"]
    amount = orders.matches.get("order_amount")
    if items.missing == ("unit_price",) and amount and "quantity" in items.matches:
        items = replace(items, missing=(), line_amount=amount.column)
    if not orders.missing and not items.missing and _has_lines(items):
        found["orders"] = Plan(
            "orders", orders.matches, (), orders.score + items.score, items=items
        )
        del found["order_items"]
    return sorted(found.values(), key=lambda p: (bool(p.missing), -p.score, p.feed))


def _has_lines(items: Plan) -> bool:
    return any(m.is_strong for name, m in items.matches.items() if name != "order_id")


def _plan(feed: str, columns: Mapping[str, Column], hints: list[str]) -> Plan:
    matches = _assign(feed, columns, hinted=feed in hints[:2])
    needed = needed_columns(feed)
    missing = tuple(
        name for name in needed if name not in matches and (feed, name) not in CONSTANTS
    )
    if feed == "order_items" and missing == ("product_id",) and "product_name" in matches:
        missing = ()
    score = 0.0
    for name, match in matches.items():
        strong, weak = (3.0, 1.0) if name in needed else (1.5, 0.3)
        score += strong if match.is_strong else weak
    if score and feed in hints:
        score += 5.0 if feed == hints[0] else 3.0
    return Plan(feed, matches, missing, score)


def _assign(feed: str, columns: Mapping[str, Column], *, hinted: bool) -> dict[str, Match]:
    """Give each canonical column at most one column of the file, the surest pairs first."""
    pairs: list[_Pair] = []
    for place, (name, column) in enumerate(columns.items()):
        words = list(meanings(name, feed))
        key = FEEDS[feed].key[0]
        if hinted and plain(name) == "id" and key in needed_columns(feed):
            words.append(Word(key, "weak", 0, is_weak=True))
        for word in words:
            # Half a word is no reason to fill a column that need not be filled.
            counts = word.is_whole or word.column in needed_columns(feed)
            if counts and fits_type(feed, word.column, column) and _speaks(feed, word, column):
                pairs.append((word.is_weak, not word.is_whole, word.rank, place, name, word))
    taken: dict[str, Match] = {}
    used: set[str] = set()
    pairs = sorted(_full(feed, pairs, columns), key=lambda p: p[:5])
    for *_, name, word in pairs:
        if word.column not in taken and name not in used:
            taken[word.column] = Match(word.column, name, word)
            used.add(name)
    for name, number in FEEDS[feed].numbered_by.items():
        if number in taken and name not in taken:  # the number is all there is to call it by
            taken[name] = replace(taken.pop(number), canonical=name)
    return {
        canonical: Match(canonical, m.column, m.word, _rivals(m, pairs, used, columns))
        for canonical, m in taken.items()
    }


def _full(feed: str, pairs: list[_Pair], columns: Mapping[str, Column]) -> list[_Pair]:
    """Leave out columns of times that are emptier than another one of the same meaning."""
    most: dict[str, int] = {}
    for *_, name, word in pairs:
        if FEEDS[feed].columns.get(word.column) in (INSTANT, DAY):
            most[word.column] = max(most.get(word.column, 0), columns[name].filled)
    return [
        pair for pair in pairs if columns[pair[4]].filled >= _FULL * most.get(pair[5].column, 0)
    ]


def _rivals(
    match: Match, pairs: list[_Pair], used: set[str], columns: Mapping[str, Column]
) -> tuple[str, ...]:
    """Return columns that nothing else takes and whose names mean the same as surely."""
    if match.canonical in _NO_FIGURE:
        return ()
    return tuple(
        dict.fromkeys(
            name
            for weak, part, *_, name, word in pairs
            if word.column == match.canonical
            and name not in used
            and weak == match.word.is_weak
            and part == (not match.word.is_whole)
            and columns[name].kind == columns[match.column].kind
        )
    )


def fits_type(feed: str, canonical: str, column: Column) -> bool:
    """Whether the values of a column can be what a canonical column holds."""
    dtype, kind = FEEDS[feed].columns.get(canonical), column.kind
    if kind == "empty":
        fit = False
    elif dtype is None:  # a personal column, landed as a pseudonym
        fit = kind != "time" and (canonical != "email" or kind != "number")
    elif dtype in (INSTANT, DAY):
        fit = kind == "time"
    elif canonical == "currency":
        fit = bool(column.values) and all(re.fullmatch(r"[A-Za-z]{3}", v) for v in column.values)
    elif canonical == "platform":
        fit = kind == "text" and not {value.casefold() for value in column.values} <= _DEVICES
    elif canonical.endswith("_id") and column.decimals > 1:
        fit = False  # money, not a number of something
    elif dtype == TEXT:
        fit = kind not in ("time", "email") and not is_personal(column.name)
    elif dtype == FLAG:
        fit = kind == "flag" or set(column.values) <= {"0", "1"}
    elif kind == "number":
        fit = dtype != COUNT or column.decimals <= 1
    else:
        fit = kind == "time" and _is_plain_number(column)
    return fit


def _speaks(feed: str, word: Word, column: Column) -> bool:
    """Whether a column whose name may mean a state of a country holds states of orders."""
    if word.column != "status" or all(w.column != "region" for w in meanings(column.name, feed)):
        return True
    known = value_map(feed, "status")
    return any(plain(value) in known for value in column.values)


def _is_plain_number(column: Column) -> bool:
    """Whole numbers that happen to read as compact dates or instants."""
    return all(
        form in ("%Y%m%d", "epoch_ms", "epoch_us") for f in column.families.values() for form in f
    )
