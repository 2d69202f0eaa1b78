"""Customers come back at the rates that are planted by the channel that won them."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from simulator.customers import repeat_chances
from simulator.demand import ordinal
from simulator.world import make_world
from tests.support.once import once
from tests.support.raw import read
from tests.support.served import build_served
from tests.support.simulated import LONG_AS_OF, LONG_START, long_shop, near

STREAMS = ("shopify/orders_export*", "ga4/events_*")
HISTORY, WITHIN = 180, 90


@pytest.mark.long
def test_repeat_rates_of_channels_are_as_planted(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of cohorts with half a year of orders before them: before, many are customers of old."""
    exports = long_shop(tmp_path_factory)
    mart = "fct_channel_cohorts_monthly"
    folder = once(
        tmp_path_factory, "cohorts", lambda root: build_served(root, exports, STREAMS, [mart])
    )
    found = read(
        folder / "data/build/working.duckdb",
        f"select channel, min(cohort_month) as first, max(cohort_month) as last,"
        f" sum(customers) as customers, sum(repeat_buyers) as back from marts.{mart}"
        f" where age_months = {WITHIN // 30} and repurchase_rate is not null"
        f" and history_days >= {HISTORY} group by channel",
    )
    first, last = found["first"].min(), found["last"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    assert (first - LONG_START).days >= HISTORY
    world = make_world(7, 1.0, LONG_START, LONG_AS_OF)
    days = np.arange(ordinal(first), ordinal(last) + 28)
    planted = repeat_chances(world, days, WITHIN)
    # whom no visit is known of, no channel has won
    won = found.filter(pl.col("channel") != "(untracked)")
    assert set(won["channel"]) == set(planted)
    for channel, _, _, customers, back in won.iter_rows():
        near(int(back), int(customers), planted[channel])
