"""Which shipped format a group of files has: by its header first, then by really reading it.

Belongs here: scoring headers against every format, what has to be changed in the best one, the
trial that confirms it. Does not belong here: layouts no format knows (`unknown.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.errors import MappingError
from ingestion.feeds import FEEDS, INSTANT
from ingestion.mapping.formats import load_formats
from ingestion.mapping.sources import FileSpec, Source, parse_sources
from ingestion.mapping.spec import Format
from ingestion.recognise.changes import changes
from ingestion.recognise.outline import SAMPLE_BYTES, SAMPLE_ROWS, Outline, currency_in, outline_of
from ingestion.recognise.proposal import FILL_IN, Group, Note, Reading, Sure, Trial, least
from ingestion.recognise.trial import try_files

_PROBE = {"platform": "probe", "shop_id": "probe", "timezone": "UTC"}
_TRIED = 3  # files of a group that are read in full
_GOOD, _FAIR = 0.99, 0.8
_TIE = 0.02  # scores as near as that do not tell which of two formats it is


@dataclass(frozen=True)
class Fit:
    """How well a header fits a format.

    Attributes:
        name: of the format.
        score: 0-1: seven tenths the share of the file's columns the format knows, three tenths the
            share of the format's columns the file has.
        missing: needed columns the file has not; a format with any is no candidate.
        known: columns of the file the format knows.
        is_enough: whether so many are known that it is not by chance; some formats need one column.
    """

    name: str
    score: float
    missing: tuple[str, ...]
    known: int
    is_enough: bool


def probe(
    form: str | dict[str, Any], currency: str, overrides: dict[str, Any] | None = None
) -> tuple[Source, FileSpec]:
    """Return a source and a file specification that stand for no shop.

    Raises:
        MappingError: the mapping is not valid.
    """
    entry = {"path": "probe", "format": form, **({"overrides": overrides} if overrides else {})}
    source = parse_sources({"probe": {**_PROBE, "currency": currency, "files": [entry]}})["probe"]
    return source, source.files[0]


@lru_cache(maxsize=16)
def formats_in(currency: str) -> dict[str, Format]:
    """Return the shipped formats by name, for a currency."""
    return {name: probe(name, currency)[1].format for name in load_formats()}


def fits(seen: Outline, currency: str) -> list[Fit]:
    """Return how a file's header fits each format of its kind, the best first."""
    names = {name for name in seen.header if name}
    found = []
    for name, form in formats_in(currency).items():
        kinds = (seen.kind, "csv") if seen.kind == "xlsx" else (seen.kind,)
        if form.read.kind not in kinds or not names:
            continue
        tops = [_top(column, form) for column in form.reads]
        needed = {_top(column, form) for column in form.reads if column not in form.read.optional}
        known = {*form.read.header, *tops}
        shared = len(names & known)
        score = 0.7 * shared / len(names) + 0.3 * shared / len(known)
        missing = tuple(sorted(needed - names))
        of_file, of_format = shared / len(names), shared / len(known)
        enough = of_file >= 0.5 or (of_file >= 0.3 and of_format >= 0.7)
        found.append(Fit(name, round(score, 4), missing, shared, enough))
    return sorted(found, key=_order)


def _order(fit: Fit) -> tuple[bool, float, bool, str]:
    return bool(fit.missing), -round(fit.score, 2), fit.name.startswith("plain_"), fit.name


def _top(column: str, form: Format) -> str:
    return column if form.read.kind == "csv" else re.split(r"[.\[]", column)[0]


def recognise(group: Group, sample: pl.DataFrame) -> Reading | None:
    """Return the shipped format that reads a group of files, or None where none does.

    Args:
        group: the files.
        sample: values of its first file, text.
    """
    seen = group.first
    currency = currency_in(seen.header)
    candidates = [fit for fit in fits(seen, currency or "XXX") if not fit.missing and fit.is_enough]
    good: list[tuple[Reading, Fit]] = []
    for fit in candidates[:3]:
        if good and good[0][0].trial.share >= _GOOD and fit.score < good[0][1].score - _TIE:
            break  # what fits worse need not be read
        reading = _try(group, sample, fit, currency)
        if reading is not None:
            good.append((reading, fit))
    if not good:
        return None
    good.sort(key=lambda pair: (-round(pair[0].trial.share, 2), -pair[1].score))
    reading, fit = good[0]
    tied = [
        (r, f) for r, f in good
        if f.score >= fit.score - _TIE and r.trial.share >= reading.trial.share - 0.01
    ]  # fmt: skip
    # A plain format is for files that no other fits: an export's own knows more of its rows.
    own = [(r, f) for r, f in tied if not f.name.startswith("plain_")]
    (reading, fit), *rivals = own or tied
    return _chosen(reading, fit, rivals)


def _chosen(reading: Reading, fit: Fit, rivals: list[tuple[Reading, Fit]]) -> Reading:
    """Return the reading, with a question in place of its format where others fit as well."""
    if not rivals:
        return reading
    others = ", ".join(f"`{f.name}`" for _, f in rivals)
    note = Note(
        ("format",),
        Sure.UNSURE,
        "several formats read it as well as each other",
        tuple(
            f"format: {f.name} # fills {' + '.join(r.feeds)}" for r, f in [(reading, fit), *rivals]
        ),
        f"its columns fit `{fit.name}` and {others}: which shall read it?",
    )
    return replace(reading, sure=Sure.UNSURE, notes=(note, *reading.notes), is_open=True)


def _try(group: Group, sample: pl.DataFrame, fit: Fit, currency: str | None) -> Reading | None:
    form = formats_in(currency or "XXX")[fit.name]
    told = currency or _currency_of(form, sample)
    overrides, notes = changes(group, sample, form)
    trial = trial_of(group, fit.name, overrides, told or "XXX")
    footer = group.first.footer
    if trial.rows_quarantined and footer and not form.read.footer:
        without = {**overrides, "read": {**overrides.get("read", {}), "footer": footer}}
        better = trial_of(group, fit.name, without, told or "XXX")
        if better.share > trial.share:
            overrides, trial = without, better
            notes = (*notes, Note(("overrides", "read"), Sure.LIKELY, "totals at the end"))
    if trial.share == 0:
        return None
    sure, why = _judge(fit, group, trial, notes)
    instants = [n for feed, m in form.feeds.items() for n in m.columns if _is(feed, n, INSTANT)]
    return Reading(
        group=group,
        format=fit.name,
        overrides=overrides,
        sure=sure,
        why=why,
        feeds=tuple(form.feeds),
        notes=(*notes, *_row_notes(trial)),
        trial=trial,
        currency=told,
        has_local_times=form.zone == "source"
        and bool(instants)
        and not all("%z" in f or "%#z" in f or f.startswith("epoch") for f in form.datetimes),
        has_amounts=told is None and any(FEEDS[feed].has_amounts for feed in form.feeds),
    )


def _is(feed: str, column: str, *dtypes: Any) -> bool:
    return FEEDS[feed].columns.get(column) in dtypes


def trial_of(
    group: Group, form: str | dict[str, Any], overrides: dict[str, Any], currency: str
) -> Trial:
    """Try a mapping on the first, the last and the largest file of a group."""
    paths = [seen.path for seen in group.outlines if not seen.trouble]
    chosen = list(dict.fromkeys([paths[0], group.first.path, paths[-1]]))[:_TRIED]
    if overrides.get("exported_at") == FILL_IN:  # rows read the same whatever their order
        overrides = {**overrides, "exported_at": {"file_time": True}}
    if FILL_IN in str(overrides):
        return Trial(files=0)
    try:
        source, files = probe(form, currency, overrides)
    except MappingError as error:
        return Trial(refused=str(error))
    return try_files(chosen, source, files, reporting_currency=currency)


def _currency_of(form: Format, sample: pl.DataFrame) -> str | None:
    """Return the currency that most rows name, if the format has a column of it."""
    names = [
        m.columns["currency"]
        for feed, m in form.feeds.items()
        if "currency" in m.columns and "currency" not in FEEDS[feed].key  # rates name others
    ]
    for name in names:
        if name in sample.columns:
            values = sample[name].str.strip_chars().drop_nulls()
            values = values.filter(values.str.contains(r"^[A-Z]{3}$"))
            if len(values):
                return str(values.mode().sort()[0])
    return None


def _judge(fit: Fit, group: Group, trial: Trial, notes: tuple[Note, ...]) -> tuple[Sure, str]:
    columns = len([name for name in group.first.header if name])
    why = f"{fit.known} of {columns} columns are known to it; {trial.told}"
    sure = Sure.CERTAIN
    if fit.score < 0.7 or trial.share < _GOOD or not trial.rows_read:
        sure = Sure.LIKELY
    if fit.score < 0.4 or trial.share < _FAIR:
        sure = Sure.UNSURE
    return least(sure, *(note.sure for note in notes if note.question)), why


def _row_notes(trial: Trial) -> tuple[Note, ...]:
    if not trial.rows_quarantined:
        return ()
    told = "; ".join(f"{t.column or 'the row'}: {t.rows} x {t.reason}" for t in trial.troubles[:3])
    question = ""
    if trial.share < _FAIR:
        question = "most of what is wrong is named here: is it this export?"
    return (Note(("format",), Sure.LIKELY, f"bad rows: {told}", question=question),)


def sample_of(path: Path) -> pl.DataFrame:
    """Return the values of a file as text, of at most the first 64 MiB."""
    return outline_of(path, SAMPLE_BYTES, SAMPLE_ROWS).head
