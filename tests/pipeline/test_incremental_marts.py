"""Incremental equals full for attribution, ladder, retention, periods, channels and dimensions.

Their tables are rebuilt in full from incremental ones, but for `int_touches_credited`, whose days
reach 31 days after a session: both kinds must hold after any sequence of arrivals.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.test_incremental import walk
from tests.support.raw import PROJECT

MARTS = (
    "fct_attribution_daily",
    "fct_sales_ladder_daily",
    "fct_retention_daily",
    "fct_retention_monthly",
    "fct_gmv_weekly",
    "fct_gmv_monthly",
    "fct_channel_daily",
    "dim_product",
    "dim_customer",
    "dim_campaign",
)


@pytest.mark.parametrize("seed", [2])
def test_incremental_equals_full(seed: int, tmp_path: Path) -> None:
    for number, found in enumerate(walk(PROJECT, tmp_path, seed, steps=2, marts=MARTS)):
        assert found == {}, f"seed {seed}, build {number}"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(200, 212))
def test_incremental_equals_full_over_many_arrivals(seed: int, tmp_path: Path) -> None:
    for number, found in enumerate(walk(PROJECT, tmp_path, seed, steps=6, marts=MARTS)):
        assert found == {}, f"seed {seed}, build {number}"
