"""What is planted in fees and payouts is found by the marts of finance, and margins are whole."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support import shop
from tests.support.raw import read
from tests.support.simulated import near, truth

LATE_DAYS = 30  # after which a payout is late, as shop.yml has it


def built(home: Path) -> Path:
    return home / "data/build/good.duckdb"


@pytest.mark.parametrize("platform", ["tmall", "shopify"])
def test_fees_are_those_of_the_contracts(finished_home: Path, platform: str) -> None:
    """To half a cent for each order and refund: the platform's of what is kept, all else of all."""
    [(_, fee, payment)] = truth(finished_home / "data", "fees").filter(platform=platform).rows()
    found = read(
        built(finished_home),
        f"""
        with days as (
            select business_date, sum(gmv - refunded_amount) as net,
                sum(platform_fee_amount) as fee, sum(payment_fee_amount) as payment
            from marts.fct_profit_daily where platform = '{platform}'
            group by 1 having sum(estimated_amount) = 0 and count(*) = count(payment_fee_amount)),
        paid as (
            select business_date, count(*) as orders, sum(paid_total_amount) as total
            from intermediate.int_orders_rolled_up
            where is_paid and platform = '{platform}' group by 1),
        back as (
            select refund_date as business_date, count(*) as refunds
            from intermediate.int_refunds_converted where source = '{platform}' group by 1)
        select sum(net)::double, sum(fee)::double, sum(payment)::double, sum(total)::double,
            (sum(orders) + coalesce(sum(refunds), 0))::double
        from days left join paid using (business_date) left join back using (business_date)""",
    )
    [(net, fees, payments, total, bookings)] = found.rows()
    assert bookings > 200
    assert fees == pytest.approx(fee * net, abs=0.005 * bookings)
    assert payments == pytest.approx(payment * total, abs=0.005 * bookings)


def test_late_and_short_payouts_are_those_planted(finished_home: Path) -> None:
    [planted] = truth(finished_home / "data", "settlement_gaps").to_dicts()
    assert planted["late_from_days"] >= LATE_DAYS
    late, short = (
        shop.query(
            finished_home,
            f"select sum({kind}_orders)::bigint, sum(settlement_orders)::bigint"
            " from marts.fct_settlements_daily where platform = 'tmall'"
            f" and business_date < date '{shop.LAST_DAY - timedelta(days=days)}'",
        )[0]
        # the latest are paid out 45 days after an order is completed, which takes three weeks
        for kind, days in (("late", LATE_DAYS), ("short", 70))
    )
    near(*late, planted["late_share"])
    near(*short, planted["short_share"])


def test_the_demo_knows_its_margins_on_every_day(finished_home: Path) -> None:
    """Booked costs come once a week; until then the shares of sales of shop.yml stand for them."""
    days = shop.query(
        finished_home,
        "select business_date, count(*) - count(cm3_amount), sum(estimated_amount) <> 0"
        " from marts.fct_profit_daily group by 1 order by 1",
    )
    assert {unknown for _, unknown, _ in days} == {0}
    assert [is_estimated for *_, is_estimated in days[-1:]] == [True]
    assert sum(is_estimated for *_, is_estimated in days) < 14
