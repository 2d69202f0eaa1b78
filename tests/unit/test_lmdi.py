"""The decomposition macro against hand-worked figures, the textbook formula and exact limits.

The macro is rendered by itself and run on a table of factors. The references share nothing with
it: the textbook formula in extended precision where all is positive, and where something is zero
the same formula in decimals of 40 digits with the zero replaced by 10 ** -(10 ** 12).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import jinja2
import numpy as np
import polars as pl
import pytest

from tests.golden.reference import COLUMNS, EFFECTS, limit

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros" / "money" / "lmdi.sql"
SIDE = ("company_visitors", "visitors", "tracked_buyers", "untracked_buyers", "buyers",
        "identified_orders", "anonymous_orders", "orders", "gmv")  # fmt: skip


def side(v: float, s: float, c: float, u: float, f: float, n: float, a: float) -> list[float]:
    """Counts of one side from its factors."""
    tracked = v * s * c
    identified = (tracked + u) * f
    orders = identified + n
    return [v, v * s, tracked, u, tracked + u, identified, n, orders, orders * a]


def decompose(now: Any, base: Any) -> pl.DataFrame:
    """Run the macro on rows of counts, one array per side with the columns of SIDE."""
    macro = jinja2.Environment(autoescape=False).from_string(
        MACROS.read_text(encoding="utf-8") + "{{ lmdi('factors') }}"
    )
    rows = np.hstack([np.atleast_2d(now), np.atleast_2d(base)]).astype(float)
    names = [*SIDE, *(f"base_{name}" for name in SIDE)]
    frame = pl.DataFrame(rows, schema=names).with_row_index("row")
    with duckdb.connect() as con:
        con.register("factors", frame)
        return con.sql(f"select * from ({macro.render()}) as effects order by row").pl()


def effects(frame: pl.DataFrame) -> np.ndarray[Any, Any]:
    return frame.select(COLUMNS).to_numpy()


@pytest.mark.parametrize(
    ("now", "base", "expected", "change", "within"),
    [
        ([(6000, 1, 0.022, 2100, 1.30, 90, 190)], [(5000, 1, 0.025, 2400, 1.25, 60, 200)],
         [5820.857609, 0, -4081.249998, -74554.611917, 23153.774235, 5850.527791, -31035.297722],
         -74846, 5e-7),
        ([(120_000, 1, 0.027, 0, 1.30, 0, 190)], [(100_000, 1, 0.030, 0, 1.25, 0, 200)],
         [141275.164944, 0, -81640.506421, 0, 30390.880911, 0, -39745.539433], 50_280, 5e-7),
        ([(400_000, 1, 0.06, 0, 1.5, 0, 150)], [(100_000, 1, 0.030, 0, 1.25, 0, 200)],
         [3265452.99, 0, 1632726.49, 0, 429463.24, 0, -677642.72], 4_650_000, 0.005),
        # Two segments of the company: conversion rose in the sum, the mix cost more than all.
        ([(120_000, 50 / 120, 0.042, 0, 1.22, 0, 215), (120_000, 70 / 120, 0.014, 0, 1.28, 0, 155)],
         [(100_000, 0.6, 0.040, 0, 1.20, 0, 220), (100_000, 0.4, 0.015, 0, 1.30, 0, 150)],
         [135592.973, -158075.638, 18329.026, 0, 7409.291, 0, -8593.651], -5338, 5e-4),
    ],
    ids=["partly untracked", "plain", "large change", "mix"],
)  # fmt: skip
def test_golden_values(
    now: list[Any], base: list[Any], expected: list[float], change: float, within: float
) -> None:
    found = decompose([side(*one) for one in now], [side(*one) for one in base])
    assert effects(found).sum(axis=0) == pytest.approx(expected, abs=within)
    assert found["gmv_change"].sum() == pytest.approx(change)


@pytest.mark.parametrize(
    ("now", "base", "expected"),
    [
        # the whole shop gone: visitors are the first zero
        ((0, 0, 0, 0, 0, 0, 0), (100, 1, 0.1, 0, 1, 0, 50), {"visitors": -500.0}),
        # visitors there, none bought
        ((90, 1, 0, 0, 0, 0, 0), (100, 1, 0.1, 0, 1, 0, 50), {"conversion": -500.0}),
        # the company has visitors, the segment has none
        ((90, 0, 0, 0, 0, 0, 0), (100, 0.5, 0.2, 0, 1, 0, 50), {"mix": -500.0}),
        # only gifts were ordered
        ((90, 1, 0.1, 0, 1, 0, 0), (100, 1, 0.1, 0, 1, 0, 50), {"aov": -500.0}),
        # traffic lost: what was tracked is untracked now
        ((0, 0, 0, 10, 1, 0, 50), (100, 1, 0.1, 0, 1, 0, 50), {"visitors": -500, "untracked": 500}),
        # from nothing to buyers and anonymous orders
        ((0, 0, 0, 4, 2, 3, 10), (0, 0, 0, 0, 0, 0, 0), {"untracked": 80.0, "anonymous": 30.0}),
        ((0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0), {}),
    ],
)
def test_zeros_go_to_the_first_zero_factor(
    now: tuple[float, ...], base: tuple[float, ...], expected: dict[str, float]
) -> None:
    found = dict(zip(EFFECTS, effects(decompose(side(*now), side(*base)))[0], strict=True))
    assert found == {name: expected.get(name, 0.0) for name in EFFECTS}


def random_sides(rng: np.random.Generator, size: int) -> np.ndarray[Any, Any]:
    """Counts with zeros of every kind, a buyer in every cell with identified orders."""

    def some(values: Any, share: float) -> Any:
        return np.where(rng.random(size) < share, 0, values)

    company = some(rng.integers(1, 10 ** rng.integers(1, 8, size)), 0.05)
    visitors = np.minimum(company, some(rng.integers(1, 10 ** rng.integers(1, 8, size)), 0.1))
    visitors = np.where(rng.random(size) < 0.3, company, visitors)
    tracked = np.where(visitors > 0, some(rng.integers(1, 10_000, size), 0.1), 0)
    untracked = some(rng.integers(1, 10_000, size), 0.5)
    buyers = tracked + untracked
    identified = np.where(buyers > 0, buyers + rng.integers(0, 1 + buyers // 2), 0)
    anonymous = some(rng.integers(1, 500, size), 0.5)
    orders = identified + anonymous
    gmv = np.where(orders > 0, some(np.round(orders * rng.gamma(2, 80, size), 2), 0.03), 0)
    # one in ten is a mean over 28 days
    counts = np.array(
        [company, visitors, tracked, untracked, buyers, identified, anonymous, orders, gmv]
    ).T
    return counts / np.where(rng.random((size, 1)) < 0.1, 28, 1)


def random_pairs(size: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Both sides; a fifth of them differ by next to nothing."""
    rng = np.random.default_rng(20261122)
    now, base = random_sides(rng, size), random_sides(rng, size)
    near = rng.random(size) < 0.2
    base[near] = now[near] * (1 + rng.choice([0, 1e-12, 3e-8, 2e-7, 1e-4], (near.sum(), 1)))
    return now, base


def textbook(now: np.ndarray[Any, Any], base: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The formula of the nested LMDI-I as it is written, where every factor is positive."""

    def mean(a: Any, b: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            exact = (a - b) / np.log(a / b)
        return np.where(np.abs(a / b - 1) < 1e-9, (a + b) / 2, exact)

    v1, x1, t1, u1, b1, i1, n1, o1, g1 = now.astype(np.longdouble).T
    v0, x0, t0, u0, b0, i0, n0, o0, g0 = base.astype(np.longdouble).T
    order = mean(g1, g0) / mean(o1, o0)
    buyer = order * mean(i1, i0) / mean(b1, b0)
    tracked = buyer * mean(t1, t0)
    return np.array(
        [
            tracked * np.log(v1 / v0),
            tracked * np.log((x1 / v1) / (x0 / v0)),
            tracked * np.log((t1 / x1) / (t0 / x0)),
            buyer * (u1 - u0),
            order * mean(i1, i0) * np.log((i1 / b1) / (i0 / b0)),
            order * (n1 - n0),
            mean(g1, g0) * np.log((g1 / o1) / (g0 / o0)),
        ]
    ).T.astype(float)


def test_twenty_thousand_random_pairs() -> None:
    now, base = random_pairs(20_000)
    found = effects(decompose(now, base))
    scale = np.maximum(now[:, -1], base[:, -1])
    assert np.isfinite(found).all()
    change = now[:, -1] - base[:, -1]
    assert (np.abs(found.sum(axis=1) - change) <= np.maximum(0.01, 1e-9 * scale)).all()

    positive = (np.delete(now, [3, 6], axis=1) > 0).all(axis=1) & (
        np.delete(base, [3, 6], axis=1) > 0
    ).all(axis=1)
    assert positive.sum() > 5_000
    assert (~positive).sum() > 5_000
    wanted = textbook(now[positive], base[positive])
    # parts of a change may exceed the sides themselves
    size = np.maximum(scale[positive], np.abs(wanted).max(axis=1))[:, None]
    assert (np.abs(found[positive] - wanted) <= 1e-9 * size + 1e-9).all()

    rows = np.flatnonzero(~positive)[:1_500]
    limits = np.array([limit(now[row], base[row]) for row in rows])
    size = np.maximum(scale[rows], np.abs(limits).max(axis=1))[:, None]
    assert (np.abs(found[rows] - limits) <= 1e-8 * size + 1e-8).all()
