"""Section `metrics` of shop.yml decides what the marts count; every figure is worked out by hand.

One customer: on 1 March home 10:00 by mail, search 10:40, product 10:45, purchase 11:20; on
3 March home 10:00 from a social network; an order of 100.00 paid on 5 March at 10:00.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from orchestration.build.dbt import variables
from orchestration.config import settings
from tests.support.raw import PROJECT, read, run_dbt, write_raw

SHOP = "shop: {name: S, currency: CNY, timezone: UTC}\nsources: {}\n"
EVENTS = [
    ("03-01 10:00", "home", "newsletter", "email"),
    ("03-01 10:40", "search", None, None),
    ("03-01 10:45", "product_view", None, None),
    ("03-01 11:20", "purchase", None, None),
    ("03-03 10:00", "home", "tiktok", "social"),
]


def built(folder: Path, monkeypatch: pytest.MonkeyPatch, metrics: str) -> Path:
    """The build file of the shop with this section `metrics`."""
    (folder / "shop.yml").write_text(SHOP + metrics)
    monkeypatch.setenv("KPI_HOME", str(folder))
    monkeypatch.delenv("KPI_CONFIG", raising=False)
    common = {"platform": "site", "shop_id": "s", "customer_key": "A"}
    events = [
        {**common, "event_id": at, "occurred_at": datetime.fromisoformat(f"2026-{at}"),
         "event_type": kind, "visitor_key": "v", "utm_source": source, "utm_medium": medium}
        for at, kind, source, medium in EVENTS
    ]  # fmt: skip
    order = {**common, "order_id": "1", "ordered_at": datetime(2026, 3, 5, 9), "currency": "CNY",
             "paid_at": datetime(2026, 3, 5, 10), "status": "paid",
             "order_amount": Decimal("100.00")}  # fmt: skip
    file = folder / "working.duckdb"
    write_raw(file, {
        "events": pl.DataFrame(events, infer_schema_length=None), "orders": pl.DataFrame([order]),
    })  # fmt: skip
    run_dbt(
        PROJECT, file, "build", "--full-refresh", "--select", "+fct_funnel_daily",
        "+fct_attribution_daily", "--exclude-resource-type", "test", "unit_test",
        vars=json.loads(variables(settings.load())[1]),
    )  # fmt: skip
    return file


def funnel(file: Path, basis: str) -> list[tuple[str, int]]:
    """Step and count of the first of March."""
    return read(
        file,
        "select step, entered_count from marts.fct_funnel_daily where dimension = 'all'"
        f" and basis = '{basis}' and business_date = date '2026-03-01' order by step_number",
    ).rows()


def credited(file: Path, model: str) -> dict[str, float]:
    """Channel -> orders credited to it."""
    return dict(read(
        file,
        "select channel, credited_orders from marts.fct_attribution_daily"
        f" where model = '{model}'",
    ).rows())  # fmt: skip


def test_a_shop_counts_its_own_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gap 60 minutes: one session on the 1st. From search to purchase are 40 minutes, more than
    0.02 days. Half-life a day: the visits of 4 and 2 days before weigh 1/16 and 1/4."""
    file = built(tmp_path, monkeypatch, """metrics:
  funnel: {steps: [search, product_view, purchase], window_days: 0.02}
  attribution: {half_life_days: 1}
  sessions: {gap_minutes: 60}
""")  # fmt: skip
    sessions = read(file, "select event_count from intermediate.int_sessions_built order by all")
    assert sessions.rows() == [(1,), (4,)]
    for basis in ("session", "visitor"):
        assert funnel(file, basis) == [("search", 1), ("product_view", 1), ("purchase", 0)]
    assert credited(file, "time_decay") == pytest.approx({"email": 0.2, "social": 0.8})


def test_a_shop_that_says_nothing_counts_by_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gap 30 minutes: 10:00, 10:40 with 10:45, and 11:20 are three sessions. Only its attribution
    window is the shop's own: the visits of the 1st, 4 days before, are out of it."""
    file = built(tmp_path, monkeypatch, "metrics: {attribution: {window_days: 3}}\n")
    sessions = read(file, "select event_count from intermediate.int_sessions_built order by all")
    assert sessions.rows() == [(1,), (1,), (1,), (2,)]
    steps = ("home", "product_view", "add_to_cart", "checkout", "purchase")
    assert funnel(file, "visitor") == list(zip(steps, (1, 1, 0, 0, 0), strict=True))
    assert funnel(file, "session") == list(zip(steps, (1, 0, 0, 0, 0), strict=True))
    assert credited(file, "first") == {"social": 1.0}
