"""The funnel and sessions of METRICS 5: 14 events worked out by hand.

u1 comes at 23:50 and pays at 00:55 of the next day, u2 fills the cart before he sees a product, u3
takes eight days to the cart, u4 sees the product before the home page.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from tests.support.raw import PROJECT, read, run_dbt, write_raw

Event = tuple[str, str, str]
EVENTS: tuple[Event, ...] = (
    ("u1", "03-01 23:50", "home"),
    ("u1", "03-02 00:10", "product_view"),
    ("u1", "03-02 00:20", "add_to_cart"),
    ("u1", "03-02 00:55", "purchase"),
    ("u2", "03-01 10:00", "home"),
    ("u2", "03-01 10:05", "add_to_cart"),
    ("u2", "03-01 10:06", "product_view"),
    ("u2", "03-01 10:07", "purchase"),
    ("u3", "03-01 09:00", "home"),
    ("u3", "03-01 09:01", "product_view"),
    ("u3", "03-09 09:00", "add_to_cart"),
    ("u3", "03-09 09:05", "purchase"),
    ("u4", "03-01 08:00", "product_view"),
    ("u4", "03-01 08:01", "home"),
)
STEPS = ["home", "product_view", "add_to_cart", "purchase"]

# The window of seven days ends after its last second; in_order and out_of_order (the cart comes
# before the product) are judged in two ways, twice is in time for the second home page of the day.
AT_THE_EDGE = (
    ("in_order", "03-01 08:00:00", "home"),
    ("in_order", "03-08 08:00:00", "product_view"),
    ("in_order_late", "03-01 08:00:00", "home"),
    ("in_order_late", "03-08 08:00:01", "product_view"),
    ("out_of_order", "03-01 08:00:00", "home"),
    ("out_of_order", "03-01 08:01:00", "add_to_cart"),
    ("out_of_order", "03-08 08:00:00", "product_view"),
    ("out_of_order_late", "03-01 08:00:00", "home"),
    ("out_of_order_late", "03-01 08:01:00", "add_to_cart"),
    ("out_of_order_late", "03-08 08:00:01", "product_view"),
    ("twice", "03-01 08:00:00", "home"),
    ("twice", "03-01 09:00:00", "home"),
    ("twice", "03-08 09:00:00", "product_view"),
)

WALKED = (1, 7)


def walked(seed: int) -> tuple[Event, ...]:
    """Random events of 80 visitors on nine days."""
    rng = random.Random(seed)
    kinds = [*STEPS, "other"]
    return tuple(
        (f"w{visitor}", f"03-{rng.randint(1, 9):02} {rng.choice((9, 10, 23)):02}:{minute:02}", kind)
        for visitor in range(80)
        for minute, kind in [
            (rng.randrange(0, 60, 7), rng.choice(kinds)) for _ in range(rng.randint(1, 12))
        ]
    )


Build = Callable[[float], Path]


@pytest.fixture(scope="module")
def funnel(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build file with a window of so many days; each list of events is a platform's."""

    @cache
    def build(days: float) -> Path:
        file = tmp_path_factory.mktemp("funnel") / "working.duckdb"
        lists = {"shopify": EVENTS, "edge": AT_THE_EDGE}
        if days in WALKED:
            lists["walks"] = walked(int(days))
        listed = [(name, *event) for name, events in lists.items() for event in events]
        events = pl.DataFrame(
            {
                "event_id": [f"e{n}" for n in range(len(listed))],
                "occurred_at": [datetime.fromisoformat(f"2026-{at}") for _, _, at, _ in listed],
                "event_type": [kind for *_, kind in listed],
                "visitor_key": [visitor for _, visitor, _, _ in listed],
                "platform": [name for name, *_ in listed],
                "shop_id": "site",
            }
        )
        write_raw(file, {"events": events})
        run_dbt(
            PROJECT, file, "build", "--full-refresh", "--select", "+fct_funnel_daily",
            "+fct_sessions", "--indirect-selection", "cautious",
            "--exclude-resource-type", "unit_test",
            vars={"reporting_timezone": "UTC", "funnel_steps": STEPS, "funnel_window_days": days},
        )  # fmt: skip
        return file

    return build


def steps(
    file: Path, basis: str, column: str = "entered_count", platform: str | None = "shopify"
) -> dict[date, list[int]]:
    """Day -> counts by step of a platform or the whole company; days without any are left out."""
    of = f"dimension = 'platform' and segment = '{platform}'" if platform else "dimension = 'all'"
    rows = read(
        file,
        f"select business_date, list({column} order by step_number) as counts"
        f" from marts.fct_funnel_daily where basis = '{basis}' and {of}"
        f" group by business_date having sum({column}) > 0 order by business_date",
    )
    return dict(rows.iter_rows())


def summed(file: Path, column: str) -> list[int]:
    """Sessions of all days by step."""
    return [sum(day) for day in zip(*steps(file, "session", column).values(), strict=True)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [(7, [4, 3, 1, 1]), (14, [4, 3, 2, 2]), (30 / 1440, [4, 3, 1, 0])],
    ids=["7 days", "14 days", "30 minutes"],
)
def test_visitors_by_step(funnel: Build, days: float, expected: list[int]) -> None:
    assert steps(funnel(days), "visitor") == {date(2026, 3, 1): expected}


def test_visitors_by_step_in_any_order(funnel: Build) -> None:
    """u4's product counts; u1 and u3 go on another day without a home page, a day of its own."""
    assert steps(funnel(14), "visitor", "reached_count") == {
        date(2026, 3, 1): [4, 4, 3, 3],
        date(2026, 3, 2): [0, 1, 1, 1],
        date(2026, 3, 9): [0, 0, 1, 1],
    }
    assert steps(funnel(14), "visitor", "direct_count") == {
        date(2026, 3, 1): [4, 1, 1, 0],  # u4's product before home, u2's cart before the product
        date(2026, 3, 2): [0, 1, 0, 0],
        date(2026, 3, 9): [0, 0, 1, 0],
    }


def test_the_last_second_of_the_window_counts(funnel: Build) -> None:
    """in_order, out_of_order and twice see the product in time."""
    found = steps(funnel(7), "visitor", platform="edge")
    assert found == {date(2026, 3, 1): [5, 3, 0, 0]}


def test_sessions_of_each_visitor_are_not_split_at_midnight(funnel: Build) -> None:
    rows = read(
        funnel(7),
        "select visitor_key, count(*) from marts.fct_sessions where platform = 'shopify'"
        " group by all",
    )
    assert dict(rows.iter_rows()) == {"u1": 2, "u2": 1, "u3": 2, "u4": 1}


def test_sessions_by_step(funnel: Build) -> None:
    """u1 pays 35 minutes after the cart: another session; u3's second session has no home page."""
    assert summed(funnel(7), "entered_count") == [4, 3, 1, 0]


def test_sessions_that_begin_in_the_middle_count_at_their_step(funnel: Build) -> None:
    """The purchases of u1 and u3 are in sessions without a home page; three of six sessions buy."""
    assert summed(funnel(7), "attempt_count") == [6, 6, 6, 6]
    assert summed(funnel(7), "reached_count") == [4, 4, 3, 3]
    # u4's product, the carts of u2 and of u3's second session, the purchase of u1's.
    assert summed(funnel(7), "direct_count") == [4, 1, 2, 1]


Walk = list[tuple[datetime, int]]
"""Events of a visitor in order: instant, and place in the funnel from 1, 0 for none."""


def counted(walk: Walk, starts: list[datetime], days: float) -> dict[str, list[int]]:
    """Which steps an attempt counts at: in order from one of its starts, at all, and directly."""
    first = {n: min(at for at, step in walk if step == n) for _, n in walk if n}
    depth = 0
    for start in starts:
        reached = 1
        for at, step in walk:
            if step == reached + 1 and timedelta(0) <= at - start <= timedelta(days):
                reached += 1
        depth = max(depth, reached)
    numbers = range(1, len(STEPS) + 1)
    return {
        "entered_count": [int(n <= depth) for n in numbers],
        "reached_count": [int(n in first) for n in numbers],
        "direct_count": [
            int(n in first and (n - 1 not in first or first[n - 1] > first[n])) for n in numbers
        ],
    }


def attempts(walk: Walk, basis: str, days: float) -> Iterator[tuple[date, dict[str, list[int]]]]:
    """Attempts of one visitor, each with its day."""
    if basis == "session":
        cuts = [n for n, (at, _) in enumerate(walk)
                if not n or at - walk[n - 1][0] > timedelta(minutes=30)]  # fmt: skip
        for begin, end in zip(cuts, [*cuts[1:], len(walk)], strict=True):
            part = walk[begin:end]
            yield part[0][0].date(), counted(part, [at for at, n in part if n == 1], days)
        return
    for day in sorted({at.date() for at, step in walk if step}):
        own = [(at, step) for at, step in walk if step and at.date() == day]
        starts = [at for at, step in own if step == 1]
        end = max(starts, default=own[0][0]) + timedelta(days)
        later = [(at, step) for at, step in walk if step > 1 and day < at.date() and at <= end]
        yield day, counted(own + later, starts, days)


@pytest.mark.parametrize("days", WALKED)
def test_any_visits_are_counted_as_one_walk_after_the_other(funnel: Build, days: int) -> None:
    """Against a reckoning that goes through the events of each visitor one by one."""
    walks: dict[str, Walk] = {}
    for visitor, at, kind in walked(days):
        step = STEPS.index(kind) + 1 if kind in STEPS else 0
        walks.setdefault(visitor, []).append((datetime.fromisoformat(f"2026-{at}"), step))
    for basis in ("session", "visitor"):
        expected: dict[str, dict[date, list[int]]] = {}
        for walk in walks.values():
            for day, told in attempts(sorted(walk), basis, days):
                for column, flags in told.items():
                    known = expected.setdefault(column, {}).setdefault(day, [0] * len(STEPS))
                    known[:] = [a + b for a, b in zip(known, flags, strict=True)]
        for column, by_day in expected.items():
            whole = {day: line for day, line in by_day.items() if any(line)}
            assert steps(funnel(days), basis, column, "walks") == dict(sorted(whole.items()))


@pytest.mark.parametrize("basis", ["session", "visitor"])
@pytest.mark.parametrize("column", ["entered_count", "reached_count", "direct_count"])
def test_the_company_is_the_sum_of_its_platforms(funnel: Build, basis: str, column: str) -> None:
    parts = [steps(funnel(7), basis, column, name) for name in ("shopify", "edge", "walks")]
    summed_up: dict[date, list[int]] = {}
    for day, counts in (item for part in parts for item in part.items()):
        before = summed_up.setdefault(day, [0] * len(STEPS))
        before[:] = [a + b for a, b in zip(before, counts, strict=True)]
    assert steps(funnel(7), basis, column, platform=None) == dict(sorted(summed_up.items()))
