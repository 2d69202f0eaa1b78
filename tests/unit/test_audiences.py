"""Who is on a list of customers, in shops of which that is known."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.audiences import (
    AUDIENCE_SCHEMA,
    SIZE_SCHEMA,
    audiences,
    cart_recovery,
    look_alike,
    replenishment_reminder,
    win_back,
)

TODAY = date(2026, 6, 30)


def members(count: int) -> pl.DataFrame:
    return pl.DataFrame({
        "customer_key": [f"c{n:02d}" for n in range(count)],
        "score": [float(n) for n in range(count)],
    })  # fmt: skip


def test_lists_of_nine_are_counted_and_not_told() -> None:
    found, sizes = audiences({"win_back": members(10), "look_alike": members(9)}, TODAY)
    assert found.schema == pl.Schema(AUDIENCE_SCHEMA) and sizes.schema == pl.Schema(SIZE_SCHEMA)
    assert set(found["audience"]) == {"win_back"} and found.height == 10
    assert found["position"].to_list() == list(range(1, 11))
    assert found["customer_key"][0] == "c09"
    assert sizes.rows() == [("win_back", TODAY, 10, True), ("look_alike", TODAY, 9, False)]


def test_who_is_to_be_won_back() -> None:
    schema = ["customer_key", "lifecycle_stage", "last_date", "repeat_purchase_days",
              "purchase_span_days", "repeat_purchase_amount"]  # fmt: skip
    rows = [
        ("gone", "churned", TODAY, 3, 730, 100.0), ("once", "churned", TODAY, 0, 0, None),
        ("here", "retained", TODAY, 3, 73, 100.0), ("lost", "lost", TODAY, 9, 99, 100.0),
        ("twice", "churned", TODAY, 1, 1, 60.0),
    ]  # fmt: skip
    found = win_back(pl.DataFrame(rows, schema=schema, orient="row"))
    scores = dict(zip(found["customer_key"], found["score"], strict=True))
    assert scores == {"gone": pytest.approx(150.0), "twice": pytest.approx(60.0)}


def test_whose_cart_is_still_warm() -> None:
    carts = pl.DataFrame({
        "customer_key": ["today", "week", "old"], "platform": "a",
        "last_date": [TODAY, TODAY - timedelta(days=6), TODAY - timedelta(days=7)],
    })  # fmt: skip
    found = cart_recovery(carts, TODAY)
    assert dict(zip(found["customer_key"], found["score"], strict=True)) == {
        "today": 1.0,
        "week": pytest.approx(1 / 7),
    }


def test_who_is_due_to_buy_again() -> None:
    """Coffee is bought again after 30 days, a pan once: only coffee of a month ago is due."""
    rows = []
    for number in range(100):
        start = date(2026, 1, 1) + timedelta(days=number % 20)
        rows += [(f"r{number}", "coffee", start + timedelta(days=30 * n)) for n in range(3)]
        rows.append((f"r{number}", "pan", start))
    rows += [("due", "coffee", TODAY - timedelta(days=30)), ("early", "coffee", TODAY),
             ("late", "coffee", TODAY - timedelta(days=40)),
             ("pan", "pan", TODAY - timedelta(days=30))]  # fmt: skip
    bought = pl.DataFrame(
        [(who, "a", what, day) for who, what, day in rows], orient="row",
        schema=["customer_key", "platform", "product_id", "business_date"],
    )  # fmt: skip
    found = replenishment_reminder(bought, TODAY)
    assert found["customer_key"].to_list() == ["due"]
    assert found["score"][0] == pytest.approx(100 / 103)
    assert replenishment_reminder(bought.filter(product_id="pan"), TODAY).is_empty()


def shop(seed: int, strength: float) -> tuple[pl.DataFrame, dict[str, float]]:
    """Customers who come back by channel and category as planted; chances of the fresh ones."""
    random = np.random.default_rng(seed)
    count = 6000
    channel, category = random.integers(0, 5, count), random.integers(0, 4, count)
    chance = 1 / (1 + np.exp(1.4 - strength * (channel - 2) - strength * (category == 1)))
    age = random.integers(0, 720, count)
    came = random.random(count) < chance
    customers = pl.DataFrame({
        "customer_key": [f"c{n:05d}" for n in random.permutation(count)],
        "first_date": [TODAY - timedelta(days=int(days)) for days in age],
        "is_returned": [bool(one) if days >= 180 else None
                        for one, days in zip(came, age, strict=True)],
        "is_single": age < 60, "first_amount": random.lognormal(4, 1, count),
        "channel": [f"ch{one}" for one in channel], "category": [f"ca{one}" for one in category],
    })  # fmt: skip
    return customers, dict(zip(customers["customer_key"], chance, strict=True))


def test_look_alikes_come_back_more_often_than_others() -> None:
    customers, chance = shop(1, 0.5)
    found = look_alike(customers, ["channel", "category"], TODAY)
    fresh = customers.filter(pl.col("first_date") > TODAY - timedelta(days=60))["customer_key"]
    assert found.height == int(len(fresh) * 0.2)
    taken = np.mean([chance[key] for key in found["customer_key"]])
    best = np.mean(sorted((chance[key] for key in fresh), reverse=True)[: found.height])
    assert taken > 1.6 * np.mean([chance[key] for key in fresh])
    assert taken > 0.95 * best
    # what it says of them is true of them
    assert found["score"].mean() == pytest.approx(taken, abs=0.05)


def test_where_nothing_tells_who_comes_back_nobody_is_taken() -> None:
    taken = sum(
        look_alike(shop(seed, 0.0)[0], ["channel", "category"], TODAY).height > 0
        for seed in range(20)
    )
    assert taken <= 1
    few = shop(1, 0.5)[0].head(300)
    assert look_alike(few, ["channel", "category"], TODAY).is_empty()


@pytest.mark.parametrize("rows", [0, 1])
def test_without_a_last_day_nobody_is_taken(rows: int) -> None:
    """As of a shop whose orders all wait, or are all gone."""
    carts = pl.DataFrame({"customer_key": ["a"], "platform": ["web"], "last_date": [TODAY]})
    bought = pl.DataFrame({"customer_key": ["a"], "platform": ["web"], "product_id": ["tea"],
                           "business_date": [TODAY]})  # fmt: skip
    first = pl.DataFrame({"customer_key": ["a"], "first_date": [TODAY], "is_returned": [None],
                          "is_single": [True], "first_amount": [1.0], "channel": ["paid"]},
                         schema_overrides={"is_returned": pl.Boolean})  # fmt: skip
    assert cart_recovery(carts.head(rows), None).is_empty()
    assert replenishment_reminder(bought.head(rows), None).is_empty()
    assert look_alike(first.head(rows), ["channel"], None).is_empty()
