"""Attribution, ladder, retention, periods and channels of a whole run: contract and oracles.

The oracles are the shortest SQL over the published orders and sessions, without the steps of dbt.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import shop


@pytest.mark.parametrize("day", [1, 7, 30])
@pytest.mark.parametrize("kind", ["visit", "purchase"])
def test_retention_is_what_a_self_join_counts(finished_home: Path, kind: str, day: int) -> None:
    # complete is what the slowest platform has; a small one may sell nothing on the last day
    day_of = "business_date" if kind == "visit" else "order_date"
    facts = "sessions" if kind == "visit" else "orders"
    active = (
        "select platform || visitor_key as who, business_date as d from marts.fct_sessions"
        if kind == "visit"
        else "select customer_key, business_date from marts.fct_orders"
        " where is_paid and customer_key is not null"
    )
    wrong = shop.query(
        finished_home,
        f"""
        with active(who, d) as ({active}),
        first as (select who, min(d) as c from active group by who),
        counted as (
            select c, count(distinct who) filter (where d = c + {day}) as classic,
                count(distinct who) filter (where d >= c + {day}) as unbounded,
                count(distinct who) as size
            from active inner join first using (who) group by c),
        last as (
            select min(newest) as d from (
                select max({day_of}) as newest from marts.fct_{facts} group by platform))
        select * from counted cross join last
        inner join marts.fct_retention_daily as m on m.cohort_date = c
        where m.kind = '{kind}' and dimension = 'all' and period_number = {day}
            and (m.cohort_size <> size or m.retained_count is distinct from case
                when c + {day} <= last.d
                then case retention_type when 'classic' then classic else unbounded end end)""",
    )
    assert wrong == []


def test_attribution_credits_a_marketplace_without_events_to_nobody(finished_home: Path) -> None:
    [(credited, sold)] = shop.query(
        finished_home,
        """
        select
            (select sum(credited_gmv) from marts.fct_attribution_daily
             where model = 'linear' and channel = '(unattributed)'),
            (select sum(paid_amount) from marts.fct_orders where session_id is null)""",
    )
    assert credited == pytest.approx(float(sold), abs=1e-4)


def test_over_life_the_ladder_is_the_same_on_both_bases(finished_home: Path) -> None:
    rows = shop.query(
        finished_home,
        "select rung, sum(amount) filter (where refund_basis = 'refund_date'),"
        " sum(amount) filter (where refund_basis = 'order_date')"
        " from marts.fct_sales_ladder_daily group by rung",
    )
    assert len(rows) == 10
    assert [row for row in rows if row[1] != row[2]] == []
    amounts = {rung: amount for rung, amount, _ in rows}
    assert amounts["paid_on_another_day"] == 0 and amounts["returned"] < 0
    assert amounts["placed"] > amounts["paid"] > amounts["net"] > 0
