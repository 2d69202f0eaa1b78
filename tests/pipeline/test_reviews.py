"""The marts of the reviews against sums of days, stored uniques and the textbook decomposition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.golden.reference import COLUMNS, limit
from tests.support import shop

_SIDE = ("visitors", "visitors", "tracked_buyers", "untracked_buyers", "buyers",
         "identified_orders", "anonymous_orders", "orders", "gmv")  # fmt: skip


def test_sums_are_those_of_days_and_uniques_those_of_the_period(finished_home: Path) -> None:
    wrong = shop.query(
        finished_home,
        """
        with days as (
            select r.grain, r.period_start,
                sum(d.gmv) as gmv, sum(d.orders) as orders, sum(d.new_buyers) as new_buyers
            from (select distinct grain, period_start, period_end from marts.fct_reviews) as r
            join marts.fct_gmv_daily as d
                on d.dimension = 'all' and d.business_date between r.period_start and r.period_end
            group by all
        ),
        own as (
            select grain, period_start, metric, cast(amount as double) as value
            from days unpivot (amount for metric in (gmv, orders, new_buyers))
        ),
        stored as (
            select 'week' as grain, * from marts.fct_gmv_weekly
            union all by name
            select 'month' as grain, * from marts.fct_gmv_monthly
        ),
        uniques as (
            select grain, period_start, metric, amount as value
            from (select grain, period_start, cast(visitors as double) as visitors, gmv_per_buyer,
                    conversion_rate from stored where dimension = 'all' and is_complete)
                unpivot (amount for metric in (visitors, gmv_per_buyer, conversion_rate))
        )
        select r.metric, r.grain, r.period_start, r.value, o.value
        from marts.fct_reviews as r
        join (from own union all from uniques) as o using (grain, period_start, metric)
        where r.value is not null and abs(r.value - o.value) > 1e-6 * abs(o.value) + 0.001
        """,
    )
    assert wrong == []
    shown = shop.query(
        finished_home,
        "select grain, count(distinct period_start) from marts.fct_reviews group by grain",
    )
    assert dict(shown)["week"] >= 12 and dict(shown)["month"] >= 2
    known = shop.query(
        finished_home, "select distinct metric from marts.fct_reviews where value is not null"
    )
    assert {("gmv",), ("visitors",), ("cm2_amount",), ("mer",)} <= set(known)


def test_what_moved_a_period_is_the_textbook_decomposition_of_its_own_counts(
    finished_home: Path,
) -> None:
    counts = tuple(dict.fromkeys(_SIDE))
    names = (*counts, *(f"base_{name}" for name in counts), *COLUMNS)
    rows = shop.query(
        finished_home,
        f"select {', '.join(names)} from marts.fct_review_changes"
        " where dimension = 'all' order by grain, period_start",
    )
    assert len(rows) >= 10
    for row in rows:
        told = dict(zip(names, map(float, row), strict=True))
        wanted = limit([told[n] for n in _SIDE], [told[f"base_{n}"] for n in _SIDE])
        got = [told[name] for name in COLUMNS]
        assert np.allclose(got, [float(part) for part in wanted], atol=0.01, rtol=1e-6)
        assert sum(got) == pytest.approx(told["gmv"] - told["base_gmv"], abs=0.01)
