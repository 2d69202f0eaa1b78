"""What an export format may say: the declarative vocabulary of `formats/*.yml` and shop.yml.

Belongs here: the pydantic models of a format and the checks that need no file. The single rules a
format is put together from are in `rules.py`; they are carried out by `reading/` and `rows/`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from ingestion.feeds import FEEDS
from ingestion.mapping.personal import Use, leaks, never_shown, rules_on, uses
from ingestion.mapping.rules import (
    Derive,
    Explode,
    ExportedAt,
    FeedMap,
    Gift,
    Lookup,
    Notes,
    Numbers,
    Read,
)
from ingestion.mapping.vocabulary import Regex, Sql, Strict, Zone, near, sql_columns

# How dates of a spreadsheet come; see `reading/spreadsheet.py`.
_SHEET_INSTANT = "%Y-%m-%d %H:%M:%S%.f"
# Known from shop.yml where the files do not say them.
OF_THE_SOURCE = ("platform", "shop_id", "currency")
# Filled in by ingestion itself when the format does not map them.
AUTOMATIC = frozenset(
    {
        *(*OF_THE_SOURCE, "line_number", "is_gift", "is_goods"),
        *("refund_id", "event_id", "customer_key", "visitor_key"),
    }
)


class Format(Strict):
    """One export layout, mapped to one or two feeds. `formats/*.yml` are examples.

    Attributes:
        name: file name of a shipped format, else `inline`.
        description: for people.
        notes: for people who have to trust the figures.
        read: from bytes to rows of text.
        exported_at: where the file's name or title tells when it was exported.
        updated_at: column with the row's own version instant, if the export has one.
        delivery: what `delivery` of shop.yml is where it is left out; see `FileSpec`.
        datetimes: how instants are written; also epoch_s, epoch_ms, epoch_us.
        dates: how dates are written.
        zone: of instants without offset: the source's, UTC or a zone name.
        numbers: how numbers are written.
        lookup: second files that bring columns, before all else; also written beside `format`.
        explode: rows that hold several lines, taken apart before all else.
        derive: helper columns, worked out from top to bottom before what follows.
        filter: SQL condition; rows that fail it are left out and counted.
        exclude: reason -> SQL condition; rows that meet it are left out and counted.
        require: reason -> SQL condition; rows that fail it are bad.
        personal: columns whose values are never kept or shown.
        order_value: how orders are built from lines: cells of the order are summed (`each_line`),
            or the first that is filled counts (`first_line`, `repeated`).
        gift: which lines are gifts.
        non_goods: products that are no goods (postage), so outside GMV.
        feeds: feed -> how it is filled.
    """

    name: str = "inline"
    description: str = ""
    notes: Notes = Notes()
    read: Read = Read()
    exported_at: ExportedAt | None = None
    updated_at: str | None = None
    delivery: str = "delta"
    datetimes: tuple[str, ...] = ("%Y-%m-%d %H:%M:%S",)
    dates: tuple[str, ...] = ("%Y-%m-%d",)
    zone: Zone = "source"
    numbers: Numbers = Numbers()
    lookup: tuple[Lookup, ...] = ()
    explode: Explode | None = None
    derive: dict[str, Derive] = Field(default_factory=dict)
    filter: Sql | None = None
    exclude: dict[str, Sql] = Field(default_factory=dict)
    require: dict[str, Sql] = Field(default_factory=dict)
    personal: tuple[str, ...] = ()
    order_value: Literal["each_line", "first_line", "repeated"] | None = None
    gift: Gift = Gift()
    non_goods: tuple[Regex, ...] = ()
    feeds: dict[str, FeedMap]

    @model_validator(mode="after")
    def _consistent(self) -> Format:
        if not self.feeds:
            raise ValueError("`feeds` is empty; map at least one feed")
        for name, feed in self.feeds.items():
            _check_feed(name, feed)
        _check_day_and_month(self.datetimes)
        _check_day_and_month(self.dates)
        if set(self.feeds) == {"orders", "order_items"} and self.order_value is None:
            raise ValueError(
                "orders are built from lines here: say `order_value: first_line`, `repeated` or "
                "`each_line`"
            )
        if self.order_value and set(self.feeds) != {"orders", "order_items"}:
            raise ValueError("`order_value` needs the two feeds orders and order_items")
        timeless = [name for name in self.feeds if FEEDS[name].instant is None]
        stamped = self.exported_at is not None and self.exported_at.required
        if len(timeless) == len(self.feeds) and not (stamped or self.updated_at):
            raise ValueError(f"`{timeless[0]}` has no instant: give `exported_at` or `updated_at`")
        if self.exported_at and self.exported_at.title and not self.read.title_lines:
            raise ValueError("exported_at.title needs read.title_lines: how many there may be")
        self._check_names()
        if found := leaks(self.personal, self.derive, self.feeds):
            raise ValueError(found[0])
        return self

    def _check_names(self) -> None:
        brought = [name for lookup in self.lookup for name in lookup.brought]
        for name in brought:
            if name in self.read.header or brought.count(name) > 1:
                raise ValueError(
                    f"lookup brings column `{name}`, which is there already: give it another name,"
                    f" columns: {{another_name: {name}}}"
                )
        if not self.read.header:
            return
        known = [*self.read.header, *brought, *self.derive]
        for place, name in self.references():
            # Nested files: only the top column of a path stands in the header.
            top = name if self.read.kind in ("csv", "xlsx") else re.split(r"[.\[]", name)[0]
            if top not in known:
                raise ValueError(
                    f"{place} reads `{name}`, which the header has not; {near(name, known)}"
                )

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield (place in the format, column of the file it reads), derived names left out."""
        helpers: set[str] = set()
        for number, lookup in enumerate(self.lookup):
            if lookup.key_here not in helpers:
                yield f"lookup[{number}].key", lookup.key_here
            helpers |= lookup.brought.keys()
        if self.explode is not None:
            yield from (("explode", x) for x in self.explode.inputs if x not in helpers)
        for name, rule in self.derive.items():
            yield from ((f"derive.{name}", x) for x in rule.inputs if x not in helpers)
            helpers.add(name)
        for place, expression in self.conditions.items():
            yield from ((place, x) for x in sql_columns(expression) if x not in helpers)
        if self.updated_at and self.updated_at not in helpers:
            yield "updated_at", self.updated_at
        for name, feed in self.feeds.items():
            yield from feed.references(f"feeds.{name}", helpers)

    @property
    def conditions(self) -> dict[str, str]:
        """SQL conditions on rows, by reason."""
        first = {} if self.filter is None else {"filter": self.filter}
        return {**first, **self.exclude, **self.require}

    @property
    def reads(self) -> list[str]:
        """Columns of the file that are read, in a stable order."""
        return list(dict.fromkeys(name for _, name in self.references()))

    def without(self, missing: Collection[str]) -> Format:
        """Return the format for a file that lacks columns: the source names platform and such.

        Only where the whole column is missing. A blank cell in one that is there is a gap of the
        row, above all a currency, and no default closes it.
        """
        feeds = {
            name: feed.model_copy(
                update={
                    "columns": {
                        column: given
                        for column, given in feed.columns.items()
                        if column not in OF_THE_SOURCE or given not in missing
                    }
                }
            )
            for name, feed in self.feeds.items()
        }
        return self.model_copy(update={"feeds": feeds})

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Columns and derived names whose values are never shown."""
        brought = [name for lookup in self.lookup for name in lookup.brought]
        return never_shown(self.personal, [*self.reads, *brought], self.derive, self.feeds)

    def uses(self, column: str) -> list[Use]:
        """Return every canonical column that a column of the file flows into."""
        return uses(column, self.derive, self.feeds)

    def rules_on(self, column: str) -> list[str]:
        """Return the names of its conditions on rows that look at a column of the file."""
        return rules_on(column, self.derive, self.conditions)

    def for_sheets(self) -> Format:
        """Return the format for a spreadsheet: dates are also as Excel keeps them."""

        def extended(rules: dict[str, Derive]) -> dict[str, Derive]:
            return {
                name: rule.model_copy(update={"datetime": (*rule.datetime, _SHEET_INSTANT)})
                if rule.datetime
                else rule
                for name, rule in rules.items()
            }

        feeds = {
            name: feed.model_copy(update={"derive": extended(feed.derive)})
            for name, feed in self.feeds.items()
        }
        return self.model_copy(
            update={
                "datetimes": (*self.datetimes, _SHEET_INSTANT),
                "dates": (*self.dates, _SHEET_INSTANT),
                "derive": extended(self.derive),
                "feeds": feeds,
            }
        )

    @property
    def groups_orders(self) -> bool:
        """Whether several rows make one order, so that a bad row takes its order along."""
        orders = self.feeds.get("orders", FeedMap())
        return "order_items" in self.feeds or "parent_order_id" in {*orders.columns, *orders.derive}

    @property
    def order_key(self) -> tuple[str | None, Derive | None]:
        """Column of the file that names the order of a row, and the rule it goes through, if any.

        Rows that cannot be read tell their order by it. None where more than one column does.
        """
        feed = self.feeds.get("order_items") or self.feeds.get("orders") or FeedMap()
        column = feed.columns.get("order_id")
        rule = self.derive.get(column or "")
        return (column, None) if rule is None else (rule.source, rule)


def _check_day_and_month(patterns: tuple[str, ...]) -> None:
    """Refuse patterns of which one reads 03/04 as 3 April and another as 4 March."""
    starts = {match.group() for p in patterns if (match := re.match(r"%-?[dm](?=.*%-?[dm])", p))}
    if len({start[-1] for start in starts}) > 1:
        raise ValueError(
            f"{', '.join(patterns)}: in one the day stands first, in another the month, so a date "
            "like 03/04 would be guessed; keep one"
        )


def _check_feed(name: str, feed: FeedMap) -> None:
    if name not in FEEDS:
        raise ValueError(f"unknown feed `{name}`; {near(name, list(FEEDS))}")
    canonical = FEEDS[name]
    allowed = [*canonical.delivered, *canonical.mapped_only]
    helpers = {h for h in feed.derive if h.startswith("_")}
    mapped = [*feed.columns, *feed.constants, *(d for d in feed.derive if d not in helpers)]
    if feed.unpivot is not None:
        mapped += [feed.unpivot.label, feed.unpivot.value]
    for column in mapped:
        if column not in allowed:
            raise ValueError(f"feed {name} has no column `{column}`; {near(column, allowed)}")
        if mapped.count(column) > 1:
            raise ValueError(f"feed {name}: column `{column}` is mapped twice")
    delivered = {pseudonym: given for given, pseudonym in canonical.personal.items()}
    # Where the currency is part of the key it is what the row is about, no default will do.
    made = AUTOMATIC - ({"currency"} & set(canonical.key))
    for required in canonical.required:
        column = delivered.get(required, required)
        if column not in mapped and column not in made:
            raise ValueError(
                f"feed {name} needs column `{column}`: add it to columns, constants or derive"
            )
