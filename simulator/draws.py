"""Random numbers keyed by (seed, stream, day): any day can be drawn alone, in any process.

Belongs here: keyed generators, integer mixing, and sampling schemes with little noise of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Stream(IntEnum):
    """What a sequence of random numbers is used for; part of its key, so never renumber."""

    LEVEL = 1
    VISITS = 2
    SHOPIFY_ORDERS = 3
    TMALL_ORDERS = 4
    TMALL_TRAFFIC = 5
    ADS = 6
    INCIDENTS = 7
    PROMO = 8
    COUNTS = 9
    TMALL_BUYERS = 10
    PACE = 11
    RETURNS = 12


def generator(seed: int, stream: Stream, key: int) -> np.random.Generator:
    """Return the generator of one stream and key (a day as days since 1970, or a month)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream, key])))


def uniforms(
    seed: int, stream: Stream, days: Ints, counts: Ints, names: Sequence[str]
) -> dict[str, Floats]:
    """Draw one uniform number in [0, 1) per row and name.

    Args:
        seed: seed of the simulation.
        stream: what the numbers are for.
        days: distinct days, ascending, as days since 1970.
        counts: rows of each day.
        names: one column each. Row k of a day depends on (seed, stream, day, k) only.

    Returns:
        Columns of length sum(counts), rows in order of days.
    """
    width = len(names)
    parts = [
        generator(seed, stream, int(day)).random((int(count), width))
        for day, count in zip(days, counts, strict=True)
    ]
    table = np.concatenate(parts) if parts else np.empty((0, width))
    return {name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(names)}


def mix(values: Ints, salt: int) -> Ints:
    """Scramble non-negative integers one to one into 63 bits (splitmix64)."""
    state = values.astype(np.uint64) + np.uint64((salt * 0x9E3779B97F4A7C15) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    return ((state ^ (state >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)


def fraction(values: Ints, salt: int) -> Floats:
    """Return a fixed number in [0, 1) for each integer: the same in every process."""
    return np.asarray(mix(values, salt) / float(2**63))


def luck(seed: int, values: Ints, salt: int) -> Floats:
    """Return a number in [0, 1) for each integer that depends on the simulation's seed too."""
    shift = int(mix(np.array([seed]), 40)[0]) >> 20
    return fraction(values + shift, salt)


def starts(group: Ints) -> Ints:
    """Return for each row the position of the first row of its group (groups are contiguous)."""
    if not len(group):
        return np.zeros(0, np.int64)
    is_first = np.r_[True, group[1:] != group[:-1]]
    return np.maximum.accumulate(np.where(is_first, np.arange(len(group)), 0))


def ordinals(group: Ints) -> Ints:
    """Return 0, 1, 2 ... within each group (groups are contiguous)."""
    return np.arange(len(group)) - starts(group)


def stratified(group: Ints, values: Floats) -> Floats:
    """Spread uniform numbers evenly over [0, 1) within each group, keeping their random order.

    A day's 40 orders then hold each product about as often as expected, so the noise of a day is
    the planted one and not that of small numbers.
    """
    if not len(group):
        return values
    order = np.lexsort((values, group))
    rank = np.empty(len(group), np.int64)
    rank[order] = ordinals(group[order])
    size = np.bincount(group - group[0], minlength=1)[group - group[0]]
    jitter = (values * 7919.0) % 1.0
    return np.asarray((rank + jitter) / size)


def systematic(group: Ints, probability: Floats, offset: Floats) -> Flags:
    """Choose rows with given probabilities so that each group's count is its expectation +- 1.

    Args:
        group: contiguous groups.
        probability: of each row, at most 1.
        offset: uniform number, the same in all rows of a group.
    """
    if not len(group):
        return np.zeros(0, np.bool_)
    total = np.cumsum(probability)
    before = (total - probability)[starts(group)]
    upto = total - before + offset
    return np.floor(upto + 1e-9) > np.floor(upto - probability + 1e-9)
