"""Data-driven attribution against figures worked out elsewhere (METRICS 7) and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from models.attribution import CREDIT_SCHEMA, credited

PATHS = Path(__file__).parents[1] / "golden" / "data" / "mta_path_data.csv.gz"
# removal effect, orders of the chain, orders of the Shapley value; the PyPI package
# `marketing-attribution-models` 2.1.1 gives the same to 6 decimals
GOLDEN = {
    "alpha": (0.55839949, 5344.947682, 7627.944048),
    "beta": (0.26403854, 2527.352167, 1982.739286),
    "eta": (0.34902633, 3340.847402, 3613.655952),
    "iota": (0.40583500, 3884.614702, 3505.044048),
    "lambda": (0.13402212, 1282.847223, 987.782143),
    "theta": (0.20601046, 1971.912880, 1190.963095),
}


def test_ten_thousand_paths_of_the_literature() -> None:
    told = pl.read_csv(PATHS)
    found = credited(
        told.select(
            platform=pl.lit("site"),
            path=pl.col("path").str.split(" > "),
            orders="total_conversions",
            nulls="total_null",
            revenue="total_conversion_value",
        )
    )
    assert found.schema == pl.Schema(CREDIT_SCHEMA)
    by_model = {
        str(model): part for (model,), part in found.partition_by("model", as_dict=True).items()
    }
    for channel, (effect, markov, shapley) in GOLDEN.items():
        [row] = by_model["markov"].filter(channel=channel).to_dicts()
        assert row["removal_effect"] == pytest.approx(effect, abs=5e-9)
        assert row["credited_orders"] == pytest.approx(markov, abs=5e-7)
        [row] = by_model["shapley"].filter(channel=channel).to_dicts()
        assert row["credited_orders"] == pytest.approx(shapley, abs=5e-7)
    assert by_model["markov"]["removal_effect"].sum() == pytest.approx(2.066986349920784, abs=1e-12)
    for part in by_model.values():
        assert part["credited_orders"].sum() == pytest.approx(19_785)
        assert part["credited_revenue"].sum() == pytest.approx(74_802.971587)


def test_two_channels_by_hand() -> None:
    # a: 1 of 2 buy; a > b: 1 of 2. Without a nobody comes in; without b the 2 at b are lost:
    # from a half go on to b, a quarter buy at once: 1/4 of all, against 1/2.
    paths = pl.DataFrame({
        "platform": ["site"] * 2, "path": [["a"], ["a", "a", "b"]],
        "orders": [1, 1], "nulls": [1, 1], "revenue": [10.0, 30.0],
    })  # fmt: skip
    assert credited(paths).select("model", "channel", "removal_effect", "credited_orders",
                                  "credited_revenue").rows() == [
        ("markov", "a", 1.0, pytest.approx(4 / 3), pytest.approx(80 / 3)),
        ("markov", "b", 0.5, pytest.approx(2 / 3), pytest.approx(40 / 3)),
        ("shapley", "a", None, 1.5, 25.0),
        ("shapley", "b", None, 0.5, 15.0),
    ]  # fmt: skip


def test_nobody_bought() -> None:
    paths = pl.DataFrame({"platform": "site", "path": [["a", "b"]], "orders": [0], "nulls": [7],
                          "revenue": [0.0]})  # fmt: skip
    assert credited(paths).select("share", "credited_orders").rows() == [(None, 0.0)] * 4
    assert credited(paths.clear()).schema == pl.Schema(CREDIT_SCHEMA)


def test_channels_are_ranked_as_what_they_caused() -> None:
    """Ten channels, each visit of which sells by a chance of its own; what falls without one."""
    random = np.random.default_rng(8)
    causes = np.array([0.002, 0.004, 0.008, 0.015, 0.025, 0.04, 0.06, 0.09, 0.13, 0.18])
    reach = random.permutation(np.linspace(0.06, 0.14, 10))
    seen = random.random((60_000, 10)) < reach
    seen = seen[seen.any(axis=1)]
    stays = np.where(seen, 1 - causes, 1.0)  # nothing sold by this visit
    sold = random.random(len(seen)) > stays.prod(axis=1)
    # what would not have been sold without the channel
    caused = (stays.prod(axis=1)[:, None] * (1 / stays - 1)).sum(axis=0)
    order = random.random(seen.shape).argsort(axis=1)
    paths = pl.DataFrame({
        "platform": "site", "orders": sold.astype(int), "nulls": (~sold).astype(int),
        "revenue": sold * 1.0,
        "path": [[f"c{channel}" for channel in row if one[channel]]
                 for row, one in zip(order.tolist(), seen.tolist(), strict=True)],
    })  # fmt: skip
    truth = pl.DataFrame({"channel": [f"c{n}" for n in range(10)], "caused": caused})
    for _, part in credited(paths).join(truth, on="channel").group_by("model"):
        assert kendalltau(part["caused"], part["credited_orders"]).statistic >= 0.8


_PATHS = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=6),
        st.integers(0, 20), st.integers(0, 20), st.floats(0, 1e6),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(_PATHS)
def test_credits_come_to_the_whole_and_repeats_change_nothing(
    rows: list[tuple[list[str], int, int, float]],
) -> None:
    paths = pl.DataFrame(
        rows, schema=["path", "orders", "nulls", "revenue"], orient="row"
    ).with_columns(platform=pl.lit("site"))
    found = credited(paths)
    orders = paths["orders"].sum()
    for _, part in found.group_by("model"):
        if orders:
            assert part["share"].sum() == pytest.approx(1)
            assert (part["share"] >= 0).all()
        assert part["credited_orders"].sum() == pytest.approx(orders)
    twice = paths.with_columns(path=pl.col("path").list.eval(pl.element().repeat_by(2).explode()))
    assert credited(twice)["credited_orders"].to_list() == pytest.approx(
        found["credited_orders"].to_list()
    )
