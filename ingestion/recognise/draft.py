"""The mapping of a layout no format knows, put together key by key, with a note on each guess.

Belongs here: the keys of one inline format. Does not belong here: whether it can be trusted
(`unknown.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from ingestion.feeds import DAY, FEEDS, INSTANT
from ingestion.mapping.rules import Read
from ingestion.recognise.amounts import order_value
from ingestion.recognise.changes import (
    dates_of,
    instant_of_names,
    numbers_of,
    personal_of,
    reading_keys,
)
from ingestion.recognise.layout import CONSTANTS, Match, Plan, needed_columns
from ingestion.recognise.proposal import FILL_IN, Group, Keys, Note, Sure
from ingestion.recognise.values import Column
from ingestion.recognise.words import plain, value_map

_DOMAINS = {(f.name, c.name): c.allowed for f in FEEDS.values() for c in f.given if c.allowed}
_OTHER = {("events", "event_type"): "other"}
_PAID = ("paid", "shipped", "completed", "refunded")
# Assumed without asking, because no figure depends on them.
_HARMLESS = ("valid_from", "segment", "warehouse", "po_line")


class Draft:
    """The mapping of one group of files while it is put together.

    Attributes:
        form: the keys of the format.
        notes: what to say of them.
    """

    def __init__(
        self, group: Group, sample: pl.DataFrame, columns: Mapping[str, Column], plan: Plan
    ) -> None:
        self.group, self.sample, self.columns, self.plan = group, sample, columns, plan
        self.form: dict[str, Any] = {}
        self.notes: list[Note] = []

    @property
    def matches(self) -> Iterator[tuple[str, str, Match]]:
        """Feed, canonical column and match of everything mapped."""
        for plan in (self.plan, self.plan.items):
            if plan:
                for canonical, match in plan.matches.items():
                    yield plan.feed, canonical, match

    @property
    def currency(self) -> str | None:
        """The currency that most rows name, if a column does."""
        match = self.plan.matches.get("currency")
        if match is None:
            return None
        return str(self.sample[match.column].drop_nulls().mode().sort()[0])

    @property
    def has_local_times(self) -> bool:
        """Whether it maps times of day without an offset."""
        return any(
            self.columns[m.column].has_time and not self.columns[m.column].has_offset
            for m in self._of_type(INSTANT)
        )

    def _of_type(self, dtype: object) -> list[Match]:
        return [m for feed, c, m in self.matches if FEEDS[feed].columns.get(c) == dtype]

    def fill(self) -> None:
        """Put all keys together."""
        self._read_keys()
        self._values()
        if self.plan.items:
            self._order_value()
        self.form["feeds"] = {}
        for plan in (self.plan, self.plan.items):
            if plan:
                self._feed(plan)
        instants = {FEEDS[feed].instant for feed in self.plan.feeds} | {"updated_at"}
        if not instants & {canonical for _, canonical, _ in self.matches}:
            given = any(FEEDS[feed].instant for feed in self.plan.feeds)
            names = [path.name for path in self.group.paths]
            value, note = instant_of_names(names, "format", given)
            if value:
                self.form["exported_at"] = value
                self.notes.append(note)

    def _read_keys(self) -> None:
        seen = self.group.first
        read: dict[str, Any] = {} if seen.kind == "csv" else {"kind": seen.kind}
        read |= reading_keys(self.group, Read())
        read["header"] = [name for name in seen.header if name]
        self.form["read"] = read
        if "encoding" in read:
            sure = Sure.CERTAIN if seen.sure_encoding else Sure.LIKELY
            self.notes.append(Note(("format", "read", "encoding"), sure, "as its bytes show"))

    def _set(self, key: str, found: tuple[Any, list[Note]]) -> None:
        value, notes = found
        if value:
            self.form[key] = value
        self.notes += notes

    def _values(self) -> None:
        mapped = [m.column for _, _, m in self.matches]
        numbers = [name for name in mapped if self.columns[name].kind == "number"]
        self._set("numbers", numbers_of(self.sample, numbers))
        for key, dtype in (("datetimes", INSTANT), ("dates", DAY)):
            names = [m.column for m in self._of_type(dtype)]
            self._set(key, dates_of(self.columns, names, key))
        if self.group.first.kind == "parquet" and self.has_local_times:
            self.form.setdefault("datetimes", ["%Y-%m-%d %H:%M:%S"])
            why = "Parquet keeps these times without a zone"
            question = "are these times local to the shop, or UTC? If UTC, add the line below"
            note = Note(("format", "datetimes"), Sure.UNSURE, why, ("zone: UTC",), question)
            self.notes.append(note)
        used = [m.column for feed, c, m in self.matches if c in FEEDS[feed].personal]
        self._set("personal", personal_of(self.columns, used))

    def _order_value(self) -> None:
        verdict = order_value(self.sample, self.plan, self.form.get("numbers", {}))
        self.form["order_value"] = verdict.rule
        lines = tuple(f"order_value: {rule}" for rule in verdict.others)
        keys = ("format", "order_value")
        self.notes.append(Note(keys, verdict.sure, verdict.evidence, lines, verdict.question))
        if verdict.fill_down:
            self.form["read"]["fill_down"] = list(verdict.fill_down)

    def _feed(self, plan: Plan) -> None:
        mapped: dict[str, Any] = {"columns": {}}
        base: Keys = ("format", "feeds", plan.feed)
        for canonical in FEEDS[plan.feed].delivered:
            match = plan.matches.get(canonical)
            if match is not None:
                self._column(plan, match, mapped, base)
            elif (plan.feed, canonical) in CONSTANTS and canonical in needed_columns(plan.feed):
                self._constant(plan.feed, canonical, mapped, base)
        self._stand_ins(plan, mapped, base)
        self.form["feeds"][plan.feed] = mapped

    def _stand_ins(self, plan: Plan, mapped: dict[str, Any], base: Keys) -> None:
        """What the file does not say, taken from what it does."""
        columns = mapped["columns"]
        if plan.feed == "orders" and "paid_at" not in plan.matches and "ordered_at" in columns:
            self._paid_at(mapped, base)
        if plan.feed == "order_items" and "product_id" not in plan.matches:
            columns["product_id"] = plan.matches["product_name"].column
            why = "no product number: products are told apart by name"
            self.notes.append(Note((*base, "columns", "product_id"), Sure.LIKELY, why))
        if plan.line_amount:
            quantity = plan.matches["quantity"].column
            price = f'CASE WHEN "{quantity}" <> 0 THEN "{plan.line_amount}" / "{quantity}" END'
            mapped["derive"] = {"unit_price": {"number": price}}
            why = f"no price: `{plan.line_amount}` of the line over its quantity"
            self.notes.append(Note((*base, "derive", "unit_price"), Sure.LIKELY, why))

    def _paid_at(self, mapped: dict[str, Any], base: Keys) -> None:
        """Without a payment instant the order's own counts, for those whose status says paid."""
        ordered = mapped["columns"]["ordered_at"]
        question = "is every order here paid when it is placed? If not, take paid_at out"
        rule = mapped.get("derive", {}).get("status")
        if rule is None:
            mapped["columns"]["paid_at"] = ordered
            why = "the file names no payment instant: ordered is taken for paid"
            self.notes.append(Note((*base, "columns", "paid_at"), Sure.UNSURE, why, (), question))
            return
        paid = [value for value, meaning in rule["map"].items() if meaning in _PAID]
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value in paid) or "''"
        case = f'CASE WHEN "{rule["from"]}" IN ({listed}) THEN "{ordered}" END'
        mapped["derive"]["paid_at"] = {"expression": case}
        why = "no payment instant: orders whose status says so are taken as paid when ordered"
        self.notes.append(Note((*base, "derive", "paid_at"), Sure.UNSURE, why, (), question))

    def _constant(self, feed: str, canonical: str, mapped: dict[str, Any], base: Keys) -> None:
        value = CONSTANTS[feed, canonical]
        mapped.setdefault("constants", {})[canonical] = value
        allowed = _DOMAINS.get((feed, canonical), ())
        told = f" One of {', '.join(allowed)}." if allowed else ""
        keys = (*base, "constants", canonical)
        why = f"no column says so: `{value}` is assumed for every row.{told}"
        asked = f"is {canonical} `{value}` right for every row?"
        question = "" if canonical in _HARMLESS else asked
        self.notes.append(Note(keys, Sure.UNSURE if question else Sure.LIKELY, why, (), question))

    def _column(self, plan: Plan, match: Match, mapped: dict[str, Any], base: Keys) -> None:
        canonical, column = match.canonical, self.columns[match.column]
        keys = (*base, "columns", canonical)
        sure = Sure.CERTAIN if match.is_strong else Sure.LIKELY
        why = f"{_kind_told(column)}, {column.filled:,} of {column.rows:,} filled"
        if match.rivals:
            others = tuple(f"{canonical}: {name}" for name in match.rivals)
            question = f"which column is {canonical}: {match.column}, {', '.join(match.rivals)}?"
            if canonical not in needed_columns(plan.feed):
                lines = (f"{canonical}: {match.column}", *others)
                self.notes.append(Note((*base, "columns"), Sure.UNSURE, "", lines, question))
                return
            self.notes.append(Note(keys, Sure.UNSURE, why, others, question))
        elif (plan.feed, canonical) in _DOMAINS:
            self._value_map(plan.feed, match, mapped, base)
            return
        else:
            self.notes.append(Note(keys, sure, why))
        mapped["columns"][canonical] = match.column

    def _value_map(self, feed: str, match: Match, mapped: dict[str, Any], base: Keys) -> None:
        column, canonical = self.columns[match.column], match.canonical
        known, allowed = value_map(feed, canonical), _DOMAINS[feed, canonical]
        if column.values and set(column.values) <= set(allowed):
            mapped["columns"][canonical] = match.column
            why = "its values are the feed's own"
            self.notes.append(Note((*base, "columns", canonical), Sure.CERTAIN, why))
            return
        other = _OTHER.get((feed, canonical))
        values = {value: known.get(plain(value), other or FILL_IN) for value in column.values}
        unknown = [value for value, meaning in values.items() if meaning == FILL_IN]
        rule: dict[str, Any] = {"from": match.column, "map": values or {FILL_IN: allowed[0]}}
        if other:
            rule["default"] = other
        mapped.setdefault("derive", {})[canonical] = rule
        question = ""
        if unknown or not values:
            what = f"{len(unknown)} values" if unknown else "its many values"
            question = f"what do {what} of `{match.column}` mean? One of {', '.join(allowed)}"
        sure = Sure.UNSURE if question else Sure.LIKELY
        keys = (*base, "derive", canonical)
        self.notes.append(Note(keys, sure, "values by the table of words", (), question))


def _kind_told(column: Column) -> str:
    if column.kind == "time":
        return " or ".join(column.families)
    words = {"number": "numbers", "text": "text", "email": "e-mails", "phone": "phones"}
    return words.get(column.kind, column.kind)
