"""What is bought together more often than by chance.

Belongs here: rules of two products from counts of baskets. Does not belong here: the counts (SQL),
what to do with a rule, words.

Sources: Fisher's exact test (one-sided, the tail of the hypergeometric distribution); Benjamini and
Hochberg, J. of the Royal Statistical Society B 57 (1995).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from models.baseline import Floats

__all__ = ["LEAST_BASKETS", "RULE_SCHEMA", "basket_rules", "benjamini_hochberg", "tail_of_pairs"]

RULE_SCHEMA: dict[str, type[pl.DataType]] = {
    "platform": pl.String,
    "antecedent_product_id": pl.String,
    "antecedent_name": pl.String,
    "consequent_product_id": pl.String,
    "consequent_name": pl.String,
    "baskets": pl.Int64,
    "antecedent_baskets": pl.Int64,
    "consequent_baskets": pl.Int64,
    "both_baskets": pl.Int64,
    "confidence_rate": pl.Float64,
    "lift": pl.Float64,
    "lower_lift": pl.Float64,
    "upper_lift": pl.Float64,
    "p_value": pl.Float64,
    "adjusted_p_value": pl.Float64,
}
"""Columns of `basket_rules`, one row per platform and ordered pair of products."""

LEAST_BASKETS = 5  # with both products, below which no rule is told
_FALSE_RATE = 0.05  # part of the rules told that may be chance
_REACH = 1.959964  # standard deviations, for ranges of 95 %
_NEGLIGIBLE = 1e-17


def basket_rules(baskets: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Test which pairs of products are in one basket more often than if they were independent.

    Args:
        baskets: platform, product_id, other_id, both_baskets, baskets (of the platform); each pair
            once, of those that are in enough baskets at least, and each product with itself.
        names: platform, product_id, product_name, where known.

    Returns:
        `RULE_SCHEMA`, both directions of each pair that is found in at least `LEAST_BASKETS`
        baskets and whose p, adjusted for all pairs of the platform that could have been, is at
        most .05; the strongest first.
    """
    product = ["platform", "product_id"]
    known = baskets.filter(pl.col("both_baskets") >= LEAST_BASKETS).sort(*product, "other_id")
    is_own = pl.col("product_id") == pl.col("other_id")
    own = known.filter(is_own).select(*product, own_baskets="both_baskets")
    own = own.join(names, on=product, how="left", maintain_order="left")
    of_other = own.select(
        "platform", other_id="product_id", other_baskets="own_baskets", other_name="product_name"
    )
    found = (
        known.filter(~is_own)
        .join(own, on=product, maintain_order="left")
        .join(of_other, on=["platform", "other_id"], maintain_order="left")
    )
    if found.is_empty():
        return pl.DataFrame(schema=RULE_SCHEMA)
    both, one, other, total = (
        found[name].cast(pl.Float64).to_numpy()
        for name in ("both_baskets", "own_baskets", "other_baskets", "baskets")
    )
    lift = both * total / (one * other)
    # delta method on the four counts of a pair
    scatter = np.sqrt(1 / both - 1 / one - 1 / other + (2 * lift - 1) / total)
    tested = found.with_columns(
        lift=pl.Series(lift),
        lower_lift=pl.Series(lift * np.exp(-_REACH * scatter)),
        upper_lift=pl.Series(lift * np.exp(_REACH * scatter)),
        p_value=pl.Series(tail_of_pairs(both, one, other, total)),
    )
    told = pl.concat(
        part.with_columns(
            adjusted_p_value=pl.Series(
                benjamini_hochberg(part["p_value"].to_numpy(), _possible(own, platform))
            )
        )
        for (platform,), part in tested.group_by("platform", maintain_order=True)
    ).filter(pl.col("adjusted_p_value") <= _FALSE_RATE, pl.col("lift") > 1)
    return (
        pl.concat([_directed(told, "product", "own", "other"),
                   _directed(told, "other", "other", "own")])
        .select(pl.col(name).cast(kind) for name, kind in RULE_SCHEMA.items())
        .sort("platform", "p_value", "antecedent_product_id", "consequent_product_id")
    )  # fmt: skip


def _possible(products: pl.DataFrame, platform: object) -> int:
    """Pairs of a platform that could be in enough baskets: each was looked for."""
    sold = products.filter(pl.col("platform") == platform).height
    return sold * (sold - 1) // 2


def _directed(pairs: pl.DataFrame, first: str, own: str, other: str) -> pl.DataFrame:
    """The pairs read from one side: first is product or other."""
    names = {"product": ("product_id", "product_name"), "other": ("other_id", "other_name")}
    second = "other" if first == "product" else "product"
    return pairs.select(
        "platform", "baskets", "both_baskets", "lift", "lower_lift", "upper_lift", "p_value",
        "adjusted_p_value",
        antecedent_product_id=names[first][0], antecedent_name=names[first][1],
        consequent_product_id=names[second][0], consequent_name=names[second][1],
        antecedent_baskets=f"{own}_baskets", consequent_baskets=f"{other}_baskets",
        confidence_rate=pl.col("both_baskets") / pl.col(f"{own}_baskets"),
    )  # fmt: skip


def tail_of_pairs(both: Floats, own: Floats, other: Floats, total: Floats) -> Floats:
    """Chance that so many baskets or more hold both of two independent products, exactly.

    Args:
        both: baskets with both.
        own: baskets with the one.
        other: baskets with the other.
        total: all baskets.
    """
    from scipy.special import gammaln

    def log_of(n: Floats, k: Floats) -> Floats:
        found: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        return found

    above = both > own * other / total
    # from the mean outwards the terms fall: the tail itself above it, below it the other tail
    at = np.where(above, both, both - 1)
    exists = at >= np.maximum(0, own + other - total)
    place = np.where(exists, at, np.maximum(0, own + other - total))
    term = np.exp(log_of(own, place) + log_of(total - own, other - place) - log_of(total, other))
    term = np.where(exists, term, 0.0)
    tail, at = term.copy(), place.copy()
    while (term > _NEGLIGIBLE * tail).any():
        with np.errstate(divide="ignore", invalid="ignore"):
            up = (own - at) * (other - at) / ((at + 1) * (total - own - other + at + 1))
            down = at * (total - own - other + at) / ((own - at + 1) * (other - at + 1))
        term = term * np.where(above, up, down)
        at = at + np.where(above, 1, -1)
        tail = tail + term
    return np.asarray(np.clip(np.where(above, tail, 1 - tail), 0.0, 1.0))


def benjamini_hochberg(p_values: Floats, tests: int) -> Floats:
    """P values raised so that of the ones below a level at most that part are false findings.

    Args:
        p_values: of the tests whose p is known.
        tests: all tests, those among them that were not worth a p.
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    raised = p_values[order] * max(tests, count) / np.arange(1, count + 1)
    adjusted = np.empty(count)
    adjusted[order] = np.minimum.accumulate(raised[::-1])[::-1]
    return np.minimum(adjusted, 1.0)
