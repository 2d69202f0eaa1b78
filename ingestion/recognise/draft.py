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
from ingestion.recognise.amounts import is_before_discount, order_value
from ingestion.recognise.changes import (
    dates_of,
    exported_at,
    numbers_of,
    personal_of,
    reading_keys,
)
from ingestion.recognise.grouping import export_instant
from ingestion.recognise.layout import CONSTANTS, Match, Plan, needed_columns
from ingestion.recognise.outline import currency_in
from ingestion.recognise.proposal import FILL_IN, Group, Keys, Note, Sure
from ingestion.recognise.render import scalar
from ingestion.recognise.values import Column
from ingestion.recognise.words import is_period_end, plain, value_map

DOMAINS = {(f.name, c.name): c.allowed for f in FEEDS.values() for c in f.given if c.allowed}
_OTHER = {("events", "event_type"): "other"}
_PAID = ("paid", "shipped", "completed", "refunded")
_DAYS = ("spend_date", "traffic_date", "report_date")  # what a row's figures are of
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
        """The currency that most rows name, if a column does, else the one its header does."""
        match = self.plan.matches.get("currency")
        if match is None:
            return currency_in(self.group.first.header)
        return str(self.sample[match.column].drop_nulls().mode().sort()[0]).upper()

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
        self._exported_at()
        self._days()
        if self.plan.feed == "campaign_spend":
            self.form["delivery"] = "snapshot:spend_date"
            why = "a newer report replaces the days of its account; delta, if it is a part of them"
            self.notes.append(Note(("format", "delivery"), Sure.LIKELY, why))

    def _days(self) -> None:
        """Rows of several days each are no days: a report without that breakdown is refused."""
        days = [m for _, canonical, m in self.matches if canonical in _DAYS]
        ends = [name for name, column in self.columns.items()
                if column.kind == "time" and is_period_end(name)]  # fmt: skip
        if days and ends and days[0].column != ends[0]:
            self.form["require"] = {"is_daily": f'"{days[0].column}" = "{ends[0]}"'}
            why = "a row of several days belongs to none of them"
            self.notes.append(Note(("format", "require"), Sure.CERTAIN, why))

    @property
    def days_apart(self) -> str:
        """What a report that should be of days is of, by the distance of its days; else empty."""
        for _, canonical, match in self.matches:
            families = self.columns[match.column].families
            if canonical not in _DAYS or len(families) != 1:  # 01/02 is asked about
                continue
            (forms,) = families.values()
            cells = pl.col(match.column)
            found = self.sample.select(
                pl.coalesce(cells.str.to_date(form, strict=False) for form in forms)
            ).to_series().drop_nulls().unique().sort()  # fmt: skip
            if len(found) > 1 and (found.dt.day() == 1).all():
                return "months"
            if len(found) > 2 and (found.diff().drop_nulls().dt.total_days() == 7).all():
                return "weeks"
        return ""

    def _exported_at(self) -> None:
        """Ask for the order of exports, unless rows or names tell it or it does not matter.

        It does not for one file alone, nor where rows are told once: of two files that tell
        differently of one all the same, the run speaks.
        """
        mapped = {canonical for _, canonical, _ in self.matches}
        has_instant = any(FEEDS[feed].instant in mapped for feed in self.plan.feeds)
        names = [path.name for path in self.group.paths]
        is_alone = has_instant and len(names) == 1 and not export_instant(names)
        is_final = has_instant and all(FEEDS[feed].is_final for feed in self.plan.feeds)
        if "updated_at" not in mapped and not is_alone and not is_final:
            self.form["exported_at"], note = exported_at(names, "format", has_instant)
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
        if plan.feed == "orders":
            self._without_discount(mapped, base)
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

    def _without_discount(self, mapped: dict[str, Any], base: Keys) -> None:
        """Take the discount off a value that stands before it, where a total proves that."""
        columns = mapped["columns"]
        names = [columns.get("order_amount"), columns.get("merchant_discount")]
        if None in names or FILL_IN in names:
            return
        totals = [n for n, c in self.columns.items() if c.kind == "number" and n not in names]
        numbers = self.form.get("numbers", {})
        total = is_before_discount(self.sample, self.plan.matches, totals, numbers)
        if total:
            del columns["order_amount"]
            rule = f'"{names[0]}" - COALESCE("{names[1]}", 0)'
            mapped.setdefault("derive", {})["order_amount"] = {"number": rule}
            why = f"`{total}` is less by the discount in each order that has one"
            self.notes.append(Note((*base, "derive", "order_amount"), Sure.LIKELY, why))

    def _paid_at(self, mapped: dict[str, Any], base: Keys) -> None:
        """Without a payment instant the order's own counts, for those whose status says paid."""
        ordered = mapped["columns"]["ordered_at"]
        question = "is every order here paid when it is placed? If not, take paid_at out"
        if ordered == FILL_IN:
            question += f"; if so, {FILL_IN} is the column of ordered_at here too"
        state = (
            "status" if "status" in mapped.get("derive", {}) else mapped["columns"].get("status")
        )
        if state is None:
            mapped["columns"]["paid_at"] = ordered
            why = "the file names no payment instant: ordered is taken for paid"
            self.notes.append(Note((*base, "columns", "paid_at"), Sure.UNSURE, why, (), question))
            return
        # By the canonical states, so that what the owner answers of them holds here as well.
        listed = ", ".join(f"'{state}'" for state in _PAID)
        case = f'CASE WHEN "{state}" IN ({listed}) THEN "{ordered}" END'
        mapped.setdefault("derive", {})["paid_at"] = {"expression": case}
        why = "no payment instant: orders whose status says so are taken as paid when ordered"
        self.notes.append(Note((*base, "derive", "paid_at"), Sure.UNSURE, why, (), question))

    def _constant(self, feed: str, canonical: str, mapped: dict[str, Any], base: Keys) -> None:
        value = CONSTANTS[feed, canonical]
        mapped.setdefault("constants", {})[canonical] = value
        allowed = DOMAINS.get((feed, canonical), ())
        told = f" One of {', '.join(allowed)}." if allowed else ""
        keys = (*base, "constants", canonical)
        why = f"no column says so: `{value}` is assumed for every row.{told}"
        asked = f"is {canonical} `{value}` right for every row?"
        question = "" if canonical in _HARMLESS else asked
        self.notes.append(Note(keys, Sure.UNSURE if question else Sure.LIKELY, why, (), question))

    def _column(self, plan: Plan, match: Match, mapped: dict[str, Any], base: Keys) -> None:
        canonical, column = match.canonical, self.columns[match.column]
        keys = (*base, "columns", canonical)
        if (plan.feed, canonical) in DOMAINS:
            self._value_map(plan.feed, match, mapped, base)
            return
        if canonical == "currency" and any(value != value.upper() for value in column.values):
            mapped.setdefault("derive", {})[canonical] = {"expression": f'UPPER("{column.name}")'}
            return
        sure = Sure.CERTAIN if match.is_strong else Sure.LIKELY
        why = f"{_kind_told(column)}, {column.filled:,} of {column.rows:,} filled"
        if match.rivals:
            names = (match.column, *match.rivals)
            lines = tuple(f"{canonical}: {scalar(name)}" for name in names)
            question = f"which column is {canonical}: {', '.join(names)}?"
            if canonical not in needed_columns(plan.feed):
                question += " If none, take the line out"
            self.notes.append(Note(keys, Sure.UNSURE, "", lines, question))
            mapped["columns"][canonical] = FILL_IN
            return
        self.notes.append(Note(keys, sure, why))
        mapped["columns"][canonical] = match.column

    def _value_map(self, feed: str, match: Match, mapped: dict[str, Any], base: Keys) -> None:
        canonical, names = match.canonical, self._of_words(feed, match)
        known, allowed = value_map(feed, canonical), DOMAINS[feed, canonical]
        found = list(dict.fromkeys(v for name in names for v in self.columns[name].values))
        is_open = len(names) > 1
        if found and not is_open and set(found) <= set(allowed):
            mapped["columns"][canonical] = names[0]
            why = "its values are the feed's own"
            self.notes.append(Note((*base, "columns", canonical), Sure.CERTAIN, why))
            return
        other = _OTHER.get((feed, canonical))
        values = {value: known.get(plain(value), other or FILL_IN) for value in found}
        unknown = [value for value, meaning in values.items() if meaning == FILL_IN]
        rule: dict[str, Any] = {
            "from": FILL_IN if is_open else names[0],
            "map": values or {FILL_IN: allowed[0]},
        }
        if other:
            rule["default"] = other
        mapped.setdefault("derive", {})[canonical] = rule
        question = ""
        if unknown or not values:
            what = f"{len(unknown)} values" if unknown else "its many values"
            question = f"what do {what} of `{names[0]}` mean? One of {', '.join(allowed)}"
        sure = Sure.UNSURE if question else Sure.LIKELY
        keys = (*base, "derive", canonical)
        self.notes.append(Note(keys, sure, "values by the table of words", (), question))
        if is_open:
            lines = tuple(f"from: {scalar(name)}" for name in names)
            asked = f"which column is {canonical}: {', '.join(names)}?"
            self.notes.append(Note((*keys, "from"), Sure.UNSURE, "", lines, asked))

    def _of_words(self, feed: str, match: Match) -> list[str]:
        """Return the columns of a meaning of whose values the most are known words."""
        known = value_map(feed, match.canonical)
        shares = {}
        for name in (match.column, *match.rivals):
            values = self.columns[name].values
            shares[name] = sum(plain(v) in known for v in values) / max(len(values), 1)
        return [name for name, share in shares.items() if share == max(shares.values())]


def _kind_told(column: Column) -> str:
    if column.kind == "time":
        return " or ".join(column.families)
    words = {"number": "numbers", "text": "text", "email": "e-mails", "phone": "phones"}
    return words.get(column.kind, column.kind)
