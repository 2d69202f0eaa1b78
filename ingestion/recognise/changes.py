"""What must be said about files besides their columns: how text, numbers and dates are written.

Belongs here: keys of `read`, `numbers`, `datetimes`, `dates`, `exported_at`, `personal`, and the
notes on them. Does not belong here: which format or feed it is (`formats.py`, `unknown.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from ingestion.feeds import DAY, FEEDS, INSTANT, TEXT
from ingestion.mapping.rules import Read
from ingestion.mapping.spec import Format
from ingestion.recognise.grouping import export_instant, export_number
from ingestion.recognise.proposal import FILL_IN, Group, Keys, Note, Sure
from ingestion.recognise.values import Column, column_of, number_style, reads_all
from ingestion.recognise.words import is_personal

_STAMPED = "exported_at: {} # names will carry it, as in orders_20260131093000.csv, or a manifest"
_WRITTEN = "exported_at: {file_time: true} # when the file was written; copies must keep the time"
_NONE = "exported_at: null # no row is ever in two files, or the later dates are always right"


def changes(
    group: Group, sample: pl.DataFrame, form: Format
) -> tuple[dict[str, Any], tuple[Note, ...]]:
    """Return the overrides a shipped format needs for these files, and what to say of them."""
    overrides: dict[str, Any] = {}
    notes: list[Note] = []
    read = reading_keys(group, form.read)
    read.pop("footer", None)  # tried only if rows are bad without it
    if read:
        overrides["read"] = read
        notes.append(Note(("overrides", "read"), Sure.CERTAIN, "as the files are written"))
    names = [path.name for path in group.paths]
    rule = form.exported_at
    stamped = rule is None or all(re.search(rule.file_name, name) for name in names)
    if rule is not None and rule.required and not stamped:
        has_instant = bool(form.updated_at) or any(FEEDS[feed].instant for feed in form.feeds)
        overrides["exported_at"], note = exported_at(names, "overrides", has_instant)
        notes.append(note)
    _compare_values(form, sample, overrides, notes)
    return overrides, tuple(notes)


def reading_keys(group: Group, base: Read) -> dict[str, Any]:
    """Return the keys of `read` in which the files differ from `base`."""
    seen = group.first
    around = {
        "title_lines": seen.title_lines if seen.title_lines > base.title_lines else None,
        "footer": seen.footer if seen.footer and not base.footer else None,
    }
    if seen.kind != "csv":
        return {key: value for key, value in around.items() if value is not None}
    usable = [one for one in group.outlines if not one.trouble]
    cut = base.final_newline == "required" and not any(one.ends_whole for one in usable)
    marks = [mark for mark in seen.marks if mark not in base.clean]
    keys = {
        "encoding": seen.encoding if base.encoding != seen.encoding else None,
        "delimiter": seen.delimiter if base.delimiter != seen.delimiter else None,
        **around,
        "final_newline": "optional" if cut else None,
        "clean": [*base.clean, *marks] if marks else None,
    }
    return {key: value for key, value in keys.items() if value is not None}


def exported_at(
    names: list[str], below: str, has_instant: bool
) -> tuple[dict[str, str] | str, Note]:
    """Return an `exported_at` for names, `FILL_IN` where they carry no instant, and the note on it.

    Args:
        names: of the files.
        below: key the note stands below, `overrides` or `format`.
        has_instant: whether the rows carry an instant that could order their versions.
    """
    keys, found = (below, "exported_at"), export_instant(names)
    if found:
        why = "the instant in the files' names orders their versions"
        return {"file_name": found[0], "datetime": found[1]}, Note(keys, Sure.LIKELY, why)
    why = "the names carry no export instant; of two versions of a row the later one counts"
    question = "which of two files was exported later?"
    count = export_number(names)
    told = ", ".join(sorted(names)[:2])
    lines = (
        *([f"exported_at: {{file_name: '{count}', datetime: number}} # the number in {told} grows"]
          if count else []),
        _WRITTEN,
        _STAMPED,
        *([_NONE] if has_instant else []),
    )  # fmt: skip
    return FILL_IN, Note(keys, Sure.UNSURE, why, lines, question)


def _compare_values(
    form: Format, sample: pl.DataFrame, overrides: dict[str, Any], notes: list[Note]
) -> None:
    """Compare how the format says numbers and dates are written with how they are."""
    numbers = mapped_columns(form, sample)
    if numbers:
        style = number_style(sample.select(numbers))
        if style.sure and style.proven and style.decimal != form.numbers.decimal:
            overrides["numbers"] = {"thousands": style.thousands, "decimal": style.decimal}
            notes.append(Note(("overrides", "numbers"), Sure.LIKELY, style.evidence))
    for key, dtype, formats in (
        ("datetimes", INSTANT, form.datetimes),
        ("dates", DAY, form.dates),
    ):
        names = mapped_columns(form, sample, dtype)
        wrong = [name for name in names if not reads_all(sample[name], formats)]
        families = column_of(wrong[0], sample[wrong[0]]).families if wrong else {}
        if len(families) == 1:
            overrides[key] = list(next(iter(families.values())))
            notes.append(Note(("overrides", key), Sure.LIKELY, f"as `{wrong[0]}` is written"))
        elif families:
            overrides[key] = [FILL_IN]
            notes.append(_ambiguous(("overrides", key), wrong[0], families))


def mapped_columns(form: Format, sample: pl.DataFrame, dtype: object = None) -> list[str]:
    """Return the columns of the file that fill canonical ones of a type; None means numbers."""
    found = []
    for feed, mapped in form.feeds.items():
        for canonical, column in mapped.columns.items():
            own = FEEDS[feed].columns.get(canonical)
            if column not in sample.columns or own is None or column in form.derive:
                continue
            is_number = own not in (TEXT, INSTANT, DAY, pl.Boolean)
            if own == dtype or (dtype is None and is_number):
                found.append(column)
    return list(dict.fromkeys(found))


def _ambiguous(keys: Keys, column: str, families: Mapping[str, tuple[str, ...]]) -> Note:
    """Return the question which of several readings of dates is right."""
    lines = tuple(
        f"{keys[-1]}: [{', '.join(repr(f) for f in formats)}] # {reading}"
        for reading, formats in families.items()
    )
    why = f"no date in `{column}` has a day above 12: day and month cannot be told apart"
    return Note(keys, Sure.UNSURE, why, lines, f"how are the dates in `{column}` written?")


def numbers_of(sample: pl.DataFrame, names: Iterable[str]) -> tuple[dict[str, str], list[Note]]:
    """Return the key `numbers` of a new mapping (empty: the default) and notes on it."""
    style = number_style(sample.select(list(dict.fromkeys(names))))
    keys = ("format", "numbers")
    if style.decimal == "," and style.sure:
        value = {"thousands": style.thousands, "decimal": ","}
        return value, [Note(keys, Sure.LIKELY, style.evidence)]
    if style.sure:
        return {}, []
    lines = ('numbers: {thousands: ",", decimal: "."}', 'numbers: {thousands: ".", decimal: ","}')
    question = "is 1,234 (or 1.234) one thousand, or one and a bit?"
    value = {"thousands": ",", "decimal": FILL_IN}
    return value, [Note(keys, Sure.UNSURE, style.evidence, lines, question)]


def dates_of(
    columns: Mapping[str, Column], names: Iterable[str], key: str
) -> tuple[list[str], list[Note]]:
    """Return the key `datetimes` or `dates` of a new mapping (empty: the default) and notes.

    Args:
        columns: all columns of the file; one whose dates can be read in one way only settles how
            the others are written.
        names: columns that are mapped.
        key: which of the two.
    """
    formats: list[str] = []
    told = list(dict.fromkeys(names))
    for name in told:
        families = _settled(columns[name].families, columns.values())
        if len(families) > 1:
            return [FILL_IN], [_ambiguous(("format", key), name, families)]
        formats += [f for fs in families.values() for f in fs if f not in formats]
    default = ["%Y-%m-%d %H:%M:%S"] if key == "datetimes" else ["%Y-%m-%d"]
    if not formats or formats == default:
        return [], []
    return formats, [Note(("format", key), Sure.CERTAIN, f"they read every `{told[0]}`")]


def _settled(
    families: dict[str, tuple[str, ...]], columns: Iterable[Column]
) -> dict[str, tuple[str, ...]]:
    if len(families) < 2:
        return families
    sure = {next(iter(column.families)) for column in columns if len(column.families) == 1}
    told = sure & set(families)
    return {k: v for k, v in families.items() if k in told} if len(told) == 1 else families


def personal_of(columns: Mapping[str, Column], used: Iterable[str]) -> tuple[list[str], list[Note]]:
    """Return the columns whose values are people, by name or by value, and the note on them."""
    kinds = ("email", "phone")
    found = [name for name, c in columns.items() if c.kind in kinds or is_personal(name)]
    names = list(dict.fromkeys([*found, *used]))
    why = "names, addresses, phones, mails and customer numbers: never kept or shown"
    return names, [Note(("format", "personal"), Sure.LIKELY, why)] if names else []
