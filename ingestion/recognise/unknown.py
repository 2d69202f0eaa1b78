"""A proposal for a layout that no shipped format knows, and whether it can be trusted at all.

Belongs here: deciding for a feed, trying the mapping, how doubtful it is. Does not belong here:
weighing single columns (`layout.py`), or the keys of the mapping (`draft.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ingestion.feeds import FEEDS
from ingestion.recognise.draft import DOMAINS, Draft
from ingestion.recognise.formats import trial_of
from ingestion.recognise.layout import Plan, plans
from ingestion.recognise.proposal import FILL_IN, Group, Note, Reading, Sure, Trial
from ingestion.recognise.values import column_of
from ingestion.recognise.words import hinted_feeds


def propose(group: Group, sample: pl.DataFrame) -> tuple[Reading | None, str]:
    """Propose a mapping for files no shipped format reads.

    Args:
        group: the files.
        sample: values of its first file, text.

    Returns:
        The proposal, or None and why there is none.
    """
    if sample.is_empty():
        return None, "it holds no rows to tell its columns by, and its header fits no format"
    columns = {name: column_of(name, sample[name]) for name in sample.columns}
    ranked = plans(columns, group.glob)
    best = ranked[0]
    strong = [m for p in (best, best.items) if p for m in p.matches.values() if m.is_strong]
    if best.missing or len(strong) < 2 or best.score < 6:
        return None, _why_not(ranked)
    draft = Draft(group, sample, columns, best)
    draft.fill()
    trial = _try(draft)
    if trial.refused:
        return None, f"it cannot be read ({trial.refused})"
    if trial.rows_read and not trial.rows_good and "require" in {t.reason for t in trial.troubles}:
        rule = draft.form["require"]["is_daily"].replace("=", "to")
        why = f"each of its rows is of several days ({rule}): export it again with a row a day"
        return None, why
    if apart := draft.days_apart:
        return None, f"its days are those of whole {apart}: export it again with a row a day"
    rival = next((p for p in ranked[1:] if not p.missing and p.score > 0.8 * best.score), None)
    return _reading(draft, rival, trial), ""


def _why_not(ranked: list[Plan]) -> str:
    near = max(ranked, key=lambda p: p.score - 2 * len(p.missing))
    if near.score < 4:
        return "its columns are like those of no feed"
    lacks = ", ".join(near.missing) or "names that tell more"
    found = ", ".join(f"{m.column} = {name}" for name, m in list(near.matches.items())[:4])
    return f"it is nearest to feed {near.feed} ({found}), which also needs {lacks}"


def _reading(draft: Draft, rival: Plan | None, trial: Trial) -> Reading:
    doubt = _doubt(draft, rival, trial)
    notes = [*draft.notes, *_of_trial(draft, trial)]
    what = " + ".join(draft.plan.feeds)
    if doubt:
        question = (
            f"is this really {what}? ({doubt}) If so, take off the `#|` in front of its lines"
        )
        notes.append(Note(("format",), Sure.UNSURE, f"may be {what}", question=question))
    # A layout that is only guessed is never beyond doubt, however well its rows read.
    sure = Sure.UNSURE if any(note.question for note in notes) else Sure.LIKELY
    return Reading(
        group=draft.group,
        format=draft.form,
        overrides={},
        sure=sure,
        why=f"no shipped format has these columns; by their names and values {what}; {trial.told}",
        feeds=draft.plan.feeds,
        notes=tuple(notes),
        trial=trial,
        currency=draft.currency,
        has_local_times=draft.has_local_times,
        has_amounts=draft.currency is None
        and any(FEEDS[feed].has_amounts for feed in draft.plan.feeds),
        is_doubtful=bool(doubt),
    )


def _doubt(draft: Draft, rival: Plan | None, trial: Trial) -> str:
    """Return why the files may be something else altogether; empty if they hardly can."""
    if rival:
        return f"or {rival.feed}"
    if trial.rows_duplicate > 0.02 * trial.rows_read:
        return f"{trial.rows_duplicate:,} of its rows repeat the key of another"
    if trial.share < 0.5:
        return f"only {trial.rows_good:,} of {trial.rows_read:,} rows read"
    return "" if _is_telling(draft) else "its columns tell little"


def _is_telling(draft: Draft) -> bool:
    """Whether the name of the file, or most of its columns, speak for the feed."""
    if draft.plan.strength < 0.5:
        return False
    if set(draft.plan.feeds) & set(hinted_feeds(draft.group.glob)):
        return True
    # A currency says what money is in, not what a row is: payments have one as refunds do.
    used = {match.column for _, name, match in draft.matches if name != "currency"}
    filled = [name for name, column in draft.columns.items() if column.kind != "empty"]
    return len(used) >= 0.5 * len(filled) and len(used) >= 3


def _of_trial(draft: Draft, trial: Trial) -> list[Note]:
    """Return what the rows that would be set aside say of the mapping."""
    if not trial.rows_quarantined:
        return []
    told = "; ".join(f"{t.column or 'row'} {t.reason} x {t.rows}" for t in trial.troubles[:3])
    lines: tuple[str, ...] = ()
    items = draft.plan.items
    quantity = items.matches.get("quantity") if items else None
    named = {trouble.column.split(" ")[0] for trouble in trial.troubles}
    if quantity and named & {"quantity", "unit_price"}:
        rule = f'TRY_CAST("{quantity.column}" AS DOUBLE) <= 0'
        lines = (
            "exclude: # to leave them out, and count them, instead of setting them aside",
            f"  not_sold: '{rule}'",
        )
    why = f"{trial.rows_quarantined:,} rows would be set aside: {told}"
    return [Note(("format", "feeds"), Sure.LIKELY, why, lines)]


def _try(draft: Draft) -> Trial:
    """Read the files; where dates or numbers are ambiguous any reading serves, for counting."""
    form = _answered(draft)
    for key in ("datetimes", "dates"):
        if form.get(key) == [FILL_IN]:
            form[key] = _any_reading(draft)
    if FILL_IN in form.get("numbers", {}).values():
        form.pop("numbers")
    if form.get("exported_at") == FILL_IN:
        form["exported_at"] = {"file_time": True}
    return trial_of(draft.group, form, {}, draft.currency or "XXX")


def _any_reading(draft: Draft) -> list[str]:
    """Return formats that read every date of the file, days first where that is open."""
    found: dict[str, None] = {}
    for column in draft.columns.values():
        families = column.families
        reading = "day first" if "day first" in families else next(iter(families), "")
        found |= dict.fromkeys(families.get(reading, ()))
    return list(found)


def _answered(draft: Draft) -> dict[str, Any]:
    """Return the mapping with each question answered somehow, for counting how its rows read."""
    feeds: dict[str, Any] = {}
    for feed, mapped in draft.form["feeds"].items():
        items = draft.plan.items
        matches = (items if items and feed == items.feed else draft.plan).matches
        taken = {
            name: matches[name].column if column == FILL_IN else column
            for name, column in mapped["columns"].items()
        }
        derived = {}
        for name, rule in mapped.get("derive", {}).items():
            column = matches[name].column if "map" in rule else str(taken.get("ordered_at"))
            derived[name] = _derived(rule, DOMAINS.get((feed, name), ("",))[0], column)
        feeds[feed] = {**mapped, "columns": taken, **({"derive": derived} if derived else {})}
    return {**draft.form, "feeds": feeds}


def _derived(rule: Mapping[str, Any], state: str, column: str) -> dict[str, Any]:
    """Return a derivation with a value for each that is open, and a column for one that is."""
    whole: dict[str, Any] = {
        key: value.replace(FILL_IN, column) if isinstance(value, str) else value
        for key, value in rule.items()
    }
    if "map" in whole:
        whole["map"] = {k: state if v == FILL_IN else v for k, v in whole["map"].items()}
    return whole
