"""Randomised experiments on the site, with their true effect.

Belongs here: which run when, and who sees which variant. A visitor is assigned by a hash of its
number, so the variant stays the same over visits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from simulator.demand import calendar_day, ordinal
from simulator.draws import Flags, Floats, Ints, fraction

VARIANTS = ("control", "treatment")
# name, first and last (month, day), lift: one that works and one that does nothing, each year
_YEARLY = (
    ("one_page_checkout", (4, 7), (5, 18), 0.25),
    ("free_shipping_banner", (8, 10), (9, 13), 0.0),
)


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        experiment_id: name and year.
        start_date: first local day.
        end_date: last local day.
        lift: orders per visitor of the treatment relative to the control, minus 1.
        salt: key of the assignment.
    """

    experiment_id: str
    start_date: date
    end_date: date
    lift: float
    salt: int


def experiments(first: date, last: date) -> list[Experiment]:
    """Return the experiments that have a day from first to last, by start."""
    return [
        Experiment(f"{name}_{year}", date(year, *begin), date(year, *end), lift, 100 * year + i)
        for year in range(first.year, last.year + 1)
        for i, (name, begin, end, lift) in enumerate(_YEARLY)
        if date(year, *begin) <= last and date(year, *end) >= first
    ]


def _running(days: Ints) -> list[tuple[Experiment, Flags]]:
    """Return experiments that touch some of the days, with the rows they touch."""
    if not len(days):
        return []
    span = calendar_day(int(days.min())), calendar_day(int(days.max()))
    return [
        (item, (days >= ordinal(item.start_date)) & (days <= ordinal(item.end_date)))
        for item in experiments(*span)
    ]


def variant(item: Experiment, visitor: Ints) -> Ints:
    """Return the index into VARIANTS each visitor is assigned to."""
    return (fraction(visitor, item.salt) < 0.5).astype(np.int64)


def exposures(days: Ints, visitor: Ints) -> tuple[list[str], Ints, Ints]:
    """Return names of experiments, and of each visit the experiment (-1: none) and variant."""
    running = _running(days)
    which, arm = np.full(len(days), -1), np.zeros(len(days), np.int64)
    for number, (item, rows) in enumerate(running):
        which[rows], arm[rows] = number, variant(item, visitor[rows])
    return [item.experiment_id for item, _ in running], which, arm


def lifted(days: Ints) -> Floats:
    """Return the multiple of orders a day would have if everybody saw the treatment."""
    multiple = np.ones(len(days))
    for item, rows in _running(days):
        multiple[rows] *= 1.0 + item.lift
    return multiple


def kept(days: Ints, visitor: Ints) -> Floats:
    """Return each visitor's chance of an order relative to the treatment's."""
    chance = np.ones(len(days))
    for item, rows in _running(days):
        is_control = rows & (variant(item, visitor) == 0)
        chance[is_control] /= 1.0 + item.lift
    return chance
