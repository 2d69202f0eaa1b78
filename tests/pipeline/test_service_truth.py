"""What is planted in parcels, refunds, service, live rooms and orders is found by the marts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from simulator.run import simulate
from tests.support.once import once
from tests.support.raw import read
from tests.support.served import build_served
from tests.support.simulated import long_shop, near, truth

# another company of four months, with the ring of its spring
OTHER = {"seed": 11, "start": date(2026, 2, 1), "history_until": date(2026, 5, 31)}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return long_shop(tmp_path_factory)


@pytest.fixture(scope="module")
def built(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = once(tmp_path_factory, "served", lambda root: build_served(root, exports))
    return folder / "data/build/working.duckdb"


def caught(built: Path, exports: Path) -> tuple[float, float]:
    """Precision and recall of the orders with a sign of risk."""
    found = read(built, "select distinct order_id from marts.fct_risk_signals"
                 " where status = 'risk'")["order_id"]  # fmt: skip
    planted = truth(exports, "fraud_orders")["order_id"].cast(pl.String)
    hits = found.is_in(planted.implode()).sum()
    return hits / len(found), hits / len(planted)


@pytest.mark.long
def test_fraud_is_found_in_two_companies(built: Path, exports: Path, tmp_path: Path) -> None:
    simulate(tmp_path / "other", **OTHER, as_of=date(2026, 6, 1))
    orders = ("shopify/orders_export*", "shopify/refunds*", "tmall/ExportOrder*")
    other = build_served(tmp_path, tmp_path / "other", orders, ["fct_risk_signals"])
    for build, planted in ((built, exports), (other, tmp_path / "other")):
        precision, recall = caught(build, planted)
        assert precision >= 0.9
        assert recall >= 0.8
        # a masked address is never said to be without risk
        masked = read(
            build,
            "select count(distinct order_id) = (select count(*) from"
            " intermediate.int_orders_watched where platform = 'tmall') from marts.fct_risk_signals"
            " where platform = 'tmall' and rule = 'shared_address' and status = 'not_evaluable'",
        )
        assert masked.item()


@pytest.mark.long
def test_the_slow_carrier_region_and_strikes_are_on_top(built: Path, exports: Path) -> None:
    late = "select {0}, sum(due_parcels)::bigint as due, (sum(due_parcels)"\
        " - sum(on_time_parcels))::bigint as late from marts.fct_fulfilment_daily where"\
        " carrier not like '(%' {1} group by {0} order by late / due desc"  # fmt: skip
    strikes = truth(exports, "slow_deliveries").filter(pl.col("start_date").is_not_null())
    striking = " or ".join(
        f"business_date between date '{start}' - 2 and date '{end}'"
        for start, end in strikes.select("start_date", "end_date").iter_rows()
    )
    carriers = read(built, late.format("carrier", f"and not ({striking}) and region <> '陕西省'"))
    assert carriers["carrier"][0] == "Harbour Post"
    planted = dict(truth(exports, "carriers").select("carrier", "late_share").iter_rows())
    for carrier, due, found in carriers.iter_rows():
        near(found, due, planted[carrier])
    assert read(built, late.format("region", ""))["region"][0] == "陕西省"
    # orders paid on the first days of a strike leave a day later
    for start, end in strikes.select("start_date", "end_date").iter_rows():
        days = f"and business_date between date '{start}' and date '{end}' - 2"
        assert read(built, late.format("carrier", days))["carrier"][0] == "Lantern Express"


def lag_shares(lags: pl.DataFrame, days: int) -> float:
    """Share of refunds whose day is at most so many days after that of the payment.

    By the distributions planted, payments being even over the day.
    """
    total = 0.0
    # the moment of payment in the day, and the part of the way from the shortest lag to the longest
    moment = (np.arange(200) + 0.5) / 200
    drawn = (np.arange(2000) + 0.5) / 2000
    for row in lags.iter_rows(named=True):
        span = row["longest_days"] - row["shortest_days"]
        usual = row["shortest_days"] + span * drawn ** row["power"]
        tail_span = row["tail_longest_days"] - row["tail_shortest_days"]
        tail = row["tail_shortest_days"] + tail_span * drawn
        for lag, part in ((usual, 1 - row["tail_share"]), (tail, row["tail_share"])):
            reached = (moment[:, None] + lag[None, :] < days + 1).mean()
            total += row["share"] * part * float(reached)
    return total


@pytest.mark.long
def test_refund_lags_are_those_of_the_ladder(built: Path, exports: Path) -> None:
    """By orders refunded, of which there are enough; waves and the ring have lags of their own."""
    lags = truth(exports, "refund_lags")
    found = read(
        built,
        "select delay_days from marts.fct_refunds where platform = 'tmall'"
        " qualify row_number() over (partition by order_id order by refunded_at) = 1",
    )
    for days in (1, 3, 7, 14, 21, 28, 45):
        near(int((found["delay_days"] <= days).sum()), len(found), lag_shares(lags, days))
    # and by amount in the ladder, whose errors are those of few large orders
    ladder = read(built, "select age_days, rate_so_far / (rate_so_far + remaining_rate) as part"
                  " from intermediate.int_refunds_laddered where platform = 'tmall'")  # fmt: skip
    for days, part in ladder.filter(pl.col("age_days").is_in([3, 7, 14, 28])).iter_rows():
        assert part == pytest.approx(lag_shares(lags, days), abs=0.06), days


@pytest.mark.long
def test_service_is_as_planted(built: Path, exports: Path) -> None:
    days = read(
        built,
        "select * from marts.fct_after_sales_daily where date_basis = 'event_date'"
        " and dimension = 'all'",
    )
    slow = pl.lit(False)
    for start, end in truth(exports, "slow_service").select("start_date", "end_date").iter_rows():
        slow |= pl.col("business_date").is_between(start, end)
    minutes = truth(exports, "slow_service").row(0, named=True)
    for rows, planted in ((slow, minutes["slow_minutes"]), (~slow, minutes["usual_minutes"])):
        part = days.filter(rows)
        answered = part["answered_tickets"].sum()
        found = part["first_response_hours"].sum() * 60 / answered
        # an exponential wait, after 20 seconds
        assert found == pytest.approx(planted + 1 / 3, rel=3 / answered**0.5)
    rated = read(built, "select product_id, avg(rating) as stars, count(*) as n"
                 " from staging.stg_raw__reviews group by 1 order by 2")  # fmt: skip
    bad = truth(exports, "bad_product").row(0, named=True)
    assert rated["product_id"][0] == bad["product_id"]
    outages = truth(exports, "service_outages")
    worst = read(built, "select business_date, mean_value from marts.fct_service_health_daily"
                 " where metric = 'error_rate' and mean_value > 0.01")  # fmt: skip
    spans = outages.select("start_date", "end_date").iter_rows()
    planted = pl.concat([pl.date_range(*span, eager=True) for span in spans])
    assert set(worst["business_date"]) == set(planted)


@pytest.mark.long
def test_creators_rooms_are_as_agreed(built: Path, exports: Path) -> None:
    rooms = read(built, "select * from marts.fct_live_sessions")
    assert (
        rooms.filter(pl.col("kind") == "own")["orders"].null_count()
        == rooms["kind"].eq("own").sum()
    )
    on_air = dict(read(built, """
        select r.host, count(*) from intermediate.int_orders_rolled_up as o
        inner join marts.fct_live_sessions as r
        on o.platform = r.platform and o.ordered_at >= r.started_at and o.ordered_at < r.ended_at
        where o.is_paid and r.kind = 'creator' group by 1""").iter_rows())  # fmt: skip
    for host, rate, fee, share in truth(exports, "creators").iter_rows():
        mine = rooms.filter(pl.col("host") == host)
        assert set(mine["slot_fee_amount"].cast(pl.Float64)) == {float(fee)}
        # what went back takes its commission along
        kept = float(mine["commission_amount"].sum() / mine["net_sales"].sum())
        assert kept == pytest.approx(rate, abs=0.005)
        near(int(mine["orders"].sum()), on_air[host], share)
        assert mine["gpm"].null_count() == 0


@pytest.mark.long
def test_payouts_are_late_and_short_as_planted(built: Path, exports: Path) -> None:
    (planted,) = truth(exports, "settlement_gaps").to_dicts()
    for kind, days in (("late", 31), ("short", 75)):
        [(found, orders)] = read(
            built,
            f"select sum({kind}_orders)::bigint, sum(settlement_orders)::bigint"
            " from marts.fct_settlements_daily where platform = 'tmall' and business_date <"
            f" (select max(business_date) from marts.fct_settlements_daily) - {days}",
        ).rows()
        near(found, orders, planted[f"{kind}_share"])
