"""What a format does with a personal column: pseudonym, a part of it, a rule, or nothing.

Belongs here: following a column through the derivations of a format. Does not belong here:
carrying them out (`rows/`), nor the page (`documents/personal_data.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ingestion.feeds import FEEDS
from ingestion.mapping.rules import Derive, FeedMap
from ingestion.mapping.vocabulary import sql_columns

# whole: the value itself; part: what a regex or a map leaves of it; worked_out: by an expression.
How = Literal["whole", "part", "worked_out"]


@dataclass(frozen=True)
class Use:
    """One place a personal column flows into.

    Attributes:
        feed: the feed.
        column: the canonical column as it is delivered, such as customer_id.
        how: how much of the value arrives there.
        told: the rule that decides it, as the format writes it; empty for `whole`.
    """

    feed: str
    column: str
    how: How
    told: str = ""

    @property
    def pseudonym(self) -> str | None:
        """The landed column if it is landed as a keyed pseudonym."""
        return FEEDS[self.feed].personal.get(self.column)


_Rules = Mapping[str, Derive]
_Feeds = Mapping[str, FeedMap]


def uses(column: str, derive: _Rules, feeds: _Feeds) -> list[Use]:
    """Follow a column of the file into every canonical column of a format."""
    found = []
    everywhere = _followed({column: ("whole", "")}, derive)
    for feed, mapped in feeds.items():
        here = _followed(everywhere, mapped.derive)
        targets = [*mapped.columns.items(), *((name, name) for name in mapped.derive)]
        if mapped.unpivot is not None:
            targets += [(mapped.unpivot.value, origin) for origin in mapped.unpivot.columns]
        for target, origin in targets:
            if origin in here and not target.startswith("_"):
                found.append(Use(feed, target, *here[origin]))
    return found


def rules_on(column: str, derive: _Rules, rules: Mapping[str, str]) -> list[str]:
    """Names of the rules, name -> SQL condition, that look at a column of the file."""
    held = set(_followed({column: ("whole", "")}, derive))
    return [name for name, sql in rules.items() if held & set(sql_columns(sql))]


def never_shown(
    personal: Iterable[str], reads: Iterable[str], derive: _Rules, feeds: _Feeds
) -> frozenset[str]:
    """Columns and derived names of a format whose values appear in no message or quarantine.

    These are the declared personal columns, those that are landed as pseudonyms though nobody
    declared them, and what is derived of either without taking a part only.
    """
    hashed = (
        column
        for column in reads
        if any(use.how == "whole" and use.pseudonym for use in uses(column, derive, feeds))
    )
    columns = {*personal, *hashed}
    names = set(columns)
    for column in columns:
        held = _followed({column: ("whole", "")}, derive)
        for mapped in feeds.values():
            held = {**held, **_followed(held, mapped.derive)}
        names |= {name for name, (how, _) in held.items() if how == "whole"}
    return frozenset(names)


def leaks(personal: Iterable[str], derive: _Rules, feeds: _Feeds) -> list[str]:
    """Sentences on personal columns that a format would land as they are; none if it is sound."""
    return [
        f"personal column `{column}` would be landed as {use.feed}.{use.column}: map it to a"
        " personal column of the feed, or keep a part of it with `regex`"
        for column in personal
        for use in uses(column, derive, feeds)
        if use.how == "whole" and use.pseudonym is None
    ]


def _followed(known: Mapping[str, tuple[How, str]], rules: _Rules) -> dict[str, tuple[How, str]]:
    """The names that hold something of a value after some derivations: how much, and by what."""
    held = dict(known)
    for name, rule in rules.items():
        origin = _most(held[x] for x in rule.inputs if x in held)
        if origin is not None:
            held[name] = _after(rule, origin)
        else:
            held.pop(name, None)  # a helper of the same name that is made of something else
    return held


def _after(rule: Derive, origin: tuple[How, str]) -> tuple[How, str]:
    if rule.regex is not None:
        return "part", rule.regex
    if rule.map is not None:
        return "part", "value map"
    if rule.datetime is not None:
        return "part", "instant"
    if sql := rule.expression or rule.number:
        return "worked_out", sql
    return origin


def _most(origins: Iterable[tuple[How, str]]) -> tuple[How, str] | None:
    """The origin that tells most of the value."""
    return min(origins, key=lambda o: ("whole", "worked_out", "part").index(o[0]), default=None)
