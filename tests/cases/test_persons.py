"""One person whom events know as a user and orders by mail: one customer in all that counts."""

from __future__ import annotations

from pathlib import Path

from tests.cases.money import REFUNDS, case
from tests.support.shop import generations, query, query_of

ORDERS = "order_id,ordered_at,paid_at,status,currency,order_amount,shipping_amount,customer_id"
EVENTS = "event_id,occurred_at,event_type,visitor_id,customer_id,order_id,utm_source,utm_medium"
MANY = range(60)
CASES = {
    # ann came by a letter on her laptop, long before she was known; she bought on her phone, logged
    # in on the laptop later, and the purchase of her second order was never reported.
    "known": case(
        orders=f"""
{ORDERS}
1,2026-03-02 10:00:00,2026-03-02 10:00:00,paid,EUR,100.00,0,ann@x.y
2,2026-03-20 10:00:00,2026-03-20 10:00:00,paid,EUR,80.00,0,ann@x.y
3,2026-03-02 10:00:00,2026-03-02 10:00:00,paid,EUR,50.00,0,bob@x.y
""",
        events=f"""
{EVENTS}
e1,2026-02-20 09:00:00,home,laptop,,,newsletter,email
e2,2026-03-02 09:50:00,home,phone,u1,,google,cpc
e3,2026-03-02 10:00:10,purchase,phone,u1,1,,
e4,2026-03-10 09:00:00,home,laptop,u1,,,
e5,2026-03-20 09:00:00,home,tablet,u1,,,
e6,2026-03-20 09:00:00,home,other,u9,,,
""",
        # bob never reported a purchase; the shop's list says who u9 is
        customers="customer_id,registered_at,other_id\nu9,2026-01-01 10:00:00,bob@x.y",
        refunds=REFUNDS,  # none so far
    ),
    # Two feeds that know many people, and none of the other's.
    "strangers": case(
        orders="\n".join(
            [ORDERS, *(f"{n},2026-03-03 10:00:00,2026-03-03 10:00:00,paid,EUR,10.00,0,m{n}@x.y"
                       for n in MANY)]
        ),
        events="\n".join(
            [EVENTS, *(f"s{n},2026-03-03 09:00:00,home,w{n},user{n},,," for n in MANY)]
        ),
        refunds=REFUNDS,
    ),
}  # fmt: skip
EARLIER = f"{EVENTS}\ne1,2026-02-20 09:00:00,home,laptop,u1,,,"
LATE = f"{EARLIER}\ne2,2026-03-02 10:00:10,purchase,phone,u1,1,,"
IN_TWO_RUNS = {
    "late": case(
        orders=f"{ORDERS}\n1,2026-03-02 10:00:00,2026-03-02 10:00:00,paid,EUR,10.00,0,ann@x.y",
        events=EARLIER,
    )
}


def test_sessions_speak_of_the_customer_of_the_orders(home: Path) -> None:
    sql = """
        select s.visitor_key is not null, count(*), count(distinct s.customer_key)
        from marts.fct_sessions as s
        where s.customer_key in (select customer_key from marts.fct_orders) group by 1
    """
    assert query(home, sql) == [(True, 4, 2)]


def test_an_order_without_a_purchase_finds_the_customers_session(home: Path) -> None:
    sql = "select order_id, channel from marts.fct_orders where source = 'known' order by 1"
    assert query(home, sql) == [("1", "paid_search"), ("2", "direct"), ("3", "(untracked)")]


def test_visits_of_the_person_are_touches(home: Path) -> None:
    """Of the order of 20 March four: the letter, the search, two without a sender."""
    sql = """
        select channel, credited_revenue::double from marts.fct_attribution_daily
        where business_date = '2026-03-20' and model = 'linear' order by 1
    """
    assert query(home, sql) == [("direct", 40.0), ("email", 20.0), ("paid_search", 20.0)]


def test_who_has_bought_returns(home: Path) -> None:
    sql = """
        select business_date::varchar, segment, visitors::int from marts.fct_gmv_daily
        where dimension = 'customer_type' and visitors > 0
        and business_date in ('2026-03-02', '2026-03-20') order by all
    """
    assert query(home, sql) == [
        ("2026-03-02", "new", 1), ("2026-03-20", "returning", 2),
    ]  # fmt: skip


def test_the_first_visit_ever_brought_the_customer(home: Path) -> None:
    sql = "select first_channel from marts.dim_customer where orders = 2"
    assert query(home, sql) == [("email",)]


def test_feeds_that_know_nobody_in_common_are_told(home: Path) -> None:
    sql = (
        "select status, observed from quality.checks where check_name like '%users_and_customers%'"
    )
    assert query(home, sql) == [("failed", "1")]


def test_a_link_that_comes_later_reaches_what_was_published(late_home: Path) -> None:
    """The second run adds a purchase; the session of February was published under the user."""
    sql = """
        select count(*), count(o.order_id) from marts.fct_sessions as s
        left join marts.fct_orders as o on s.customer_key = o.customer_key
        where s.platform = 'late'
    """
    assert [query_of(file, sql) for file in generations(late_home)] == [[(1, 0)], [(2, 2)]]
    assert query(late_home, "select tests_cover from quality.run") == [("changed rows",)]
