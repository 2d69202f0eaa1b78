"""A confirmation page that is loaded anew sends its purchase again: it counts once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.landed import built
from tests.support.raw import read

SHOP = """
shop: {name: S, currency: EUR, timezone: Europe/Berlin}
sources:
  web:
    platform: web
    shop_id: web
    timezone: Europe/Berlin
    currency: EUR
    files:
      - {path: "events.csv", format: plain_events, daily: false}
      - {path: "orders.csv", format: plain_orders, daily: false}
"""
WALK = ("home", "product_view", "add_to_cart", "checkout", "purchase")
LATE = ("25 23:55:00", "25 23:56:00", "25 23:57:00", "25 23:58:00", "25 23:59:30")
# visitor, day, order: a walks the shop thrice, the second time to load the page of order 1 again;
# b buys something else
VISITS = [("a", "06", "1"), ("a", "09", "1"), ("a", "20", "2"), ("b", "20", "3")]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    events = "visitor_id,occurred_at,event_type,order_id\n" + "".join(
        f"{visitor},2026-04-{day} 10:0{minute}:00,{step},{order if step == 'purchase' else ''}\n"
        for visitor, day, order in VISITS
        for minute, step in enumerate(WALK)
    )
    # c does nothing on the 26th but to load the page of the evening before again
    events += (
        "".join(
            f"c,2026-04-{at},{step},{'4' if step == 'purchase' else ''}\n"
            for at, step in zip(LATE, WALK, strict=True)
        )
        + "c,2026-04-26 00:00:10,purchase,4\n"
    )
    orders = "order_id,ordered_at,paid_at,status,customer_id,order_amount\n" + "".join(
        f"{order},2026-04-{day} 10:04:00,2026-04-{day} 10:04:00,completed,c{order},30\n"
        for order, day in (("1", "06"), ("2", "20"), ("3", "20"), ("4", "25"))
    )
    return built(
        tmp_path_factory.mktemp("again"), SHOP, {"events.csv": events, "orders.csv": orders}
    )


@pytest.mark.parametrize("basis", ["session", "visitor"])
def test_the_funnel_counts_a_purchase_once(file: Path, basis: str) -> None:
    rows = read(
        file,
        "select business_date::varchar, step, entered_count from marts.fct_funnel_daily"
        f" where basis = '{basis}' and dimension = 'all' and step in ('checkout', 'purchase')",
    )
    assert set(rows.rows()) == {
        ("2026-04-06", "checkout", 1), ("2026-04-06", "purchase", 1),
        ("2026-04-09", "checkout", 1), ("2026-04-09", "purchase", 0),
        ("2026-04-20", "checkout", 2), ("2026-04-20", "purchase", 2),
        ("2026-04-25", "checkout", 1), ("2026-04-25", "purchase", 1),
    }  # fmt: skip


def test_a_session_that_only_sends_it_again_has_no_purchase(file: Path) -> None:
    rows = read(
        file,
        "select business_date::varchar, has_purchase, event_count from marts.fct_sessions",
    )
    assert sorted(rows.rows()) == [
        ("2026-04-06", True, 5), ("2026-04-09", False, 5),
        ("2026-04-20", True, 5), ("2026-04-20", True, 5), ("2026-04-25", True, 6),
    ]  # fmt: skip
