"""The CUSUM of slow declines, on series planted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.baseline import DetectorParams, EventKeys, one_step_ahead
from models.declines import DeclineParams, Declines, declines

COUNT, START = 400, 300


def run(shape: np.ndarray, scatter: float = 0.06, rows: int = 8) -> Declines:
    rng = np.random.default_rng(8)
    week = np.tile([0.1, 0.0, -0.1, 0.0, 0.05, 0.2, -0.25], COUNT)[:COUNT]
    values = 6.0 + week + rng.normal(0, scatter, (rows, COUNT)) + shape
    none = np.full(values.shape, -1)
    events = EventKeys(none, none, np.zeros(values.shape, bool), np.array([], dtype=np.int64))
    weekdays = np.arange(COUNT) % 7
    usable = np.ones(values.shape, bool)
    base = one_step_ahead(values, weekdays, usable, events, DetectorParams())
    return declines(values, base, usable)


def test_a_percent_a_day_is_told_within_six_weeks_and_once_a_level() -> None:
    shape = np.log(0.99) * np.clip(np.arange(COUNT) - START, 0, 40)
    told = run(shape).is_told
    first = told.argmax(axis=1)
    assert told.any(axis=1).all()
    assert (first >= START).all() and (first <= START + 42).all()
    assert (told.sum(axis=1) <= 2).all()


def test_a_level_that_stays_is_not_told_and_one_outage_neither() -> None:
    assert not run(np.zeros(COUNT)).is_told.any()
    outage = np.zeros(COUNT)
    outage[START : START + 2] = -1.5
    assert not run(outage).is_told.any()


def test_the_reference_leaves_the_last_four_weeks_out() -> None:
    shape = np.where(np.arange(COUNT) >= START, np.log(0.97), 0.0)
    found = run(shape, scatter=1e-3)
    day = START + 20
    fall = found.recent[:, day] - found.reference[:, day]
    assert fall == pytest.approx(np.full(8, np.log(0.97)), abs=0.01)


def test_nothing_is_said_before_the_reference_has_its_days() -> None:
    p = DeclineParams()
    shape = np.log(0.97) * np.arange(COUNT)
    found = run(shape)
    assert not found.is_told[:, : p.guard_days + p.min_days].any()
