"""Stock that is ordered by the plan lasts as often as was asked for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from benchmarks.plan_score import ITEMS, StockedShop, service_run
from dashboards.wording.i18n import catalogue
from models.replenishment import REORDER_SCHEMA, lead_times, reorder_plan, safety_stock

TODAY = date(2026, 3, 1)
LEADS = pl.DataFrame({"supplier_id": ["S1"], "lead_days": [8.0], "lead_sd_days": [2.0]})


def stock(**changed: Any) -> pl.DataFrame:
    usual = {
        "series": "p w", "made_on": TODAY, "source": "erp", "product_id": "p",
        "product_key": "erp|p", "product_name": "Pan", "warehouse": "w", "supplier_id": "S1",
        "on_hand": 1000, "on_order": 0, "unit_cost": 2.5,
    }  # fmt: skip
    types = {"supplier_id": pl.String, "on_hand": pl.Int64, "on_order": pl.Int64}
    return pl.DataFrame([usual | changed], schema_overrides=types)


def asked(daily: float | None, dispersion: float = 1.0, relative: float = 0.0) -> pl.DataFrame:
    expected = None if daily is None else daily * 28
    return pl.DataFrame(
        [("p w", 28, expected, dispersion, relative)], orient="row",
        schema={"series": pl.String, "horizon_days": pl.Int64, "expected_units": pl.Float64,
                "count_dispersion": pl.Float64, "relative_error": pl.Float64},
    )  # fmt: skip


def test_safety_stock_is_that_of_the_books() -> None:
    one = np.array([1.0])
    found = safety_stock(100 * one, 20 * one, 9 * one, 2 * one, 0.95)
    assert found[0] == pytest.approx(343.455521, abs=1e-6)
    assert 100 * 9 + found[0] == pytest.approx(1243.455521, abs=1e-6)
    steady = safety_stock(100 * one, 20 * one, 9 * one, 0 * one, 0.95)
    assert steady[0] == pytest.approx(98.691218, abs=1e-6)


@pytest.mark.parametrize(
    ("of_stock", "daily", "reason", "suggested"),
    [
        ({"on_hand": 300}, 10.0, "enough", 0.0),
        # 10 x 9 days and 1.645 sqrt(9 x 10 + 100 x 4) = 126.4 of safety: 127; 28 days more: 407
        ({"on_hand": 127}, 10.0, "below_reorder_point", 280.0),
        ({"on_hand": 60, "on_order": 40}, 10.0, "below_reorder_point", 307.0),
        ({"on_hand": 0, "on_order": 200}, 10.0, "stock_out", 0.0),
        ({"on_hand": -3}, 10.0, "stock_out", 407.0),
        ({"on_hand": 2000}, 10.0, "too_much", 0.0),
        ({"on_hand": 20}, 0.0, "no_demand", 0.0),
        ({"on_hand": None}, 10.0, "stock_unknown", None),
        ({"on_hand": 20}, None, "demand_unknown", None),
        ({"on_hand": 20, "supplier_id": None}, 10.0, "lead_time_unknown", None),
        ({"on_hand": 127, "on_order": None}, 10.0, "below_reorder_point", 280.0),
    ],
)
def test_what_to_order_and_why(
    of_stock: dict[str, Any], daily: float | None, reason: str, suggested: float | None
) -> None:
    [found] = reorder_plan(stock(**of_stock), asked(daily), LEADS).to_dicts()
    assert (found["reason"], found["suggested_units"]) == (reason, suggested)
    assert found["suggested_amount"] == (None if suggested is None else suggested * 2.5)
    assert all(f"reorder.{reason}" in catalogue(lang) for lang in ("en", "zh"))


def test_dates_follow_from_the_stock() -> None:
    [found] = reorder_plan(stock(on_hand=300), asked(10.0), LEADS).to_dicts()
    assert found["runout_date"] == TODAY + timedelta(days=30)
    assert found["order_by_date"] == TODAY + timedelta(days=17)  # (300 - 127) / 10
    # where x are expected, x +- 1.645 sqrt(x) come: 272.9 and 329.9 pieces make 300
    assert found["earliest_runout_date"] == TODAY + timedelta(days=27)
    assert found["latest_runout_date"] == TODAY + timedelta(days=32)
    assert reorder_plan(stock().clear(), asked(1.0), LEADS).schema == pl.Schema(REORDER_SCHEMA)
    [far] = reorder_plan(stock(), asked(1.0), LEADS).to_dicts()
    assert far["runout_date"] is None and far["days_of_stock"] == 1000


def test_lines_of_one_order_tell_one_lead_time() -> None:
    rows = [("S1", "a", 5), ("S1", "a", 5), ("S1", "b", 7), ("S1", "c", 9), ("S1", "d", None),
            ("S2", "e", 3), (None, "f", 2)]  # fmt: skip
    schema = {"supplier_id": pl.String, "po_id": pl.String, "lead_days": pl.Int64}
    found = lead_times(pl.DataFrame(rows, schema=schema, orient="row"))
    assert found.rows() == [("S1", 7.0, 2.0)]


@pytest.mark.parametrize("service", [0.90, 0.95, 0.98])
def test_stock_lasts_as_often_as_asked_for(service: float) -> None:
    assert service_run(11, service) == pytest.approx(service, abs=0.02)


def test_stock_runs_out_when_it_was_said_to() -> None:
    shop = StockedShop(12)
    on_hand = np.round(shop.rate * shop.random.uniform(10, 60, ITEMS)) + 1
    plan = shop.plan(on_hand, 0.95)
    sold = np.cumsum(np.stack([shop.day() for _ in range(200)], axis=1), axis=1)
    gone = (sold < on_hand[:, None]).sum(axis=1)  # whole days it lasted
    first, last = (
        (plan[f"{name}_runout_date"] - plan["made_on"]).dt.total_days().to_numpy()
        for name in ("earliest", "latest")
    )
    held = (first <= gone) & (gone <= last)
    assert 0.85 <= held.mean() <= 0.95
