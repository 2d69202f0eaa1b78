"""Rules between products: exact chances, false findings held, planted pairs found."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from models.baskets import RULE_SCHEMA, basket_rules, benjamini_hochberg, tail_of_pairs

Flags = NDArray[np.bool_]


@pytest.mark.parametrize(
    ("both", "own", "other", "total"),
    [(5, 10, 20, 100), (5, 5, 5, 10_000), (0, 7, 9, 50), (1, 30, 30, 100), (35, 60, 70, 100),
     (30, 60, 70, 100), (400, 5_000, 6_000, 100_000), (40, 40, 40, 40)],
)  # fmt: skip
def test_chances_are_those_of_fishers_exact_test(
    both: int, own: int, other: int, total: int
) -> None:
    table = [[both, own - both], [other - both, total - own - other + both]]
    wanted = fisher_exact(table, alternative="greater").pvalue
    found = tail_of_pairs(*(np.array([float(one)]) for one in (both, own, other, total)))
    assert found[0] == pytest.approx(wanted, rel=1e-9)


def test_raised_chances_are_worked_out_by_hand() -> None:
    # the largest of three that were worth it among ten: .04 x 10 / 3; the second .02 x 10 / 2
    found = benjamini_hochberg(np.array([0.04, 0.001, 0.02]), 10)
    assert found.tolist() == pytest.approx([0.4 / 3, 0.01, 0.1])
    assert benjamini_hochberg(np.array([0.03, 0.02]), 2).tolist() == [0.03, 0.03]


def counted(held: Flags, platform: str = "a") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Counts of baskets x products, and names."""
    names = [f"p{number:02d}" for number in range(held.shape[1])]
    joint = held.T.astype(int) @ held.astype(int)
    first, second = np.triu_indices(len(names))
    baskets = pl.DataFrame({
        "platform": platform, "product_id": [names[row] for row in first],
        "other_id": [names[row] for row in second], "both_baskets": joint[first, second],
        "baskets": len(held),
    }).filter(pl.col("both_baskets") > 0)  # fmt: skip
    return baskets, pl.DataFrame({
        "platform": platform, "product_id": names, "product_name": [f"Name {n}" for n in names],
    })  # fmt: skip


def test_a_rule_is_read_from_both_sides() -> None:
    held = np.zeros((1000, 2), dtype=np.bool_)
    held[:40] = True
    held[40:100, 0] = True
    found = basket_rules(*counted(held))
    assert found.schema == pl.Schema(RULE_SCHEMA)
    one, other = found.to_dicts()
    assert (one["antecedent_product_id"], one["confidence_rate"]) == ("p00", 0.4)
    assert (other["antecedent_product_id"], other["confidence_rate"]) == ("p01", 1.0)
    assert one["lift"] == other["lift"] == pytest.approx(10.0)
    assert other["antecedent_name"] == "Name p01"
    assert one["lower_lift"] < 10 < one["upper_lift"]


def test_among_independent_products_rules_are_chance_and_few() -> None:
    random = np.random.default_rng(2)
    chances = random.uniform(0.02, 0.2, 30)
    told = [
        basket_rules(*counted(random.random((1500, 30)) < chances)).height > 0 for _ in range(100)
    ]
    assert sum(told) <= 9  # of 100 shops without any rule 5 are to tell one; 9 in 97 of 100


def test_planted_pairs_are_found_and_their_lift_is_in_the_range() -> None:
    random = np.random.default_rng(3)
    inside, found_pairs, others = 0, 0, 0
    for _ in range(40):
        held = random.random((3000, 30)) < 0.06
        follows = held[:, 0] & (random.random(3000) < 0.25)  # beside the chance of its own
        held[:, 1] |= follows
        true_lift = (0.25 + 0.75 * 0.06) / (0.06 + 0.94 * 0.06 * 0.25)
        rules = basket_rules(*counted(held))
        mine = rules.filter(antecedent_product_id="p00", consequent_product_id="p01")
        found_pairs += mine.height
        others += rules.height // 2 - mine.height
        if mine.height:
            inside += mine["lower_lift"][0] <= true_lift <= mine["upper_lift"][0]
    assert found_pairs == 40
    assert inside >= 34  # of 40 at 95 %
    assert others <= 7


def test_few_baskets_are_no_rule() -> None:
    held = np.zeros((1000, 2), dtype=np.bool_)
    held[:4] = True
    assert basket_rules(*counted(held)).is_empty()
    assert basket_rules(*(one.clear() for one in counted(held))).schema == pl.Schema(RULE_SCHEMA)
