"""Whom to write to, and why: lists of customers by pseudonym for the four usual messages.

Belongs here: who is on a list, in which order. Does not belong here: who may be written to (the
shop's own consents, at export), what to write, words.

`win_back`: bought on several days and is silent for longer than customers are who come back.
`cart_recovery`: put something into the cart of late and bought nothing since.
`replenishment_reminder`: bought something that people buy again, as long ago as they take to.
`look_alike`: first bought a short while ago in the way of those who came back later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from models.baseline import Floats

__all__ = [
    "AUDIENCES",
    "AUDIENCE_SCHEMA",
    "SIZE_SCHEMA",
    "AudienceParams",
    "audiences",
    "cart_recovery",
    "look_alike",
    "replenishment_reminder",
    "win_back",
]

AUDIENCES = ("win_back", "cart_recovery", "replenishment_reminder", "look_alike")

AUDIENCE_SCHEMA: dict[str, type[pl.DataType]] = {
    "audience": pl.String,
    "customer_key": pl.String,
    "position": pl.Int64,
    "score": pl.Float64,
    "platform": pl.String,
    "product_id": pl.String,
    "last_date": pl.Date,
}
"""Columns of `audiences`, one row per audience and customer."""

SIZE_SCHEMA: dict[str, type[pl.DataType]] = {
    "audience": pl.String,
    "made_on": pl.Date,
    "members": pl.Int64,
    "is_published": pl.Boolean,
}
"""Columns of the sizes, one row per audience."""


@dataclass(frozen=True)
class AudienceParams:
    """Who is on a list.

    Attributes:
        least_members: smaller lists are not published.
        cart_days: how long ago a cart may have been left.
        least_gaps: purchases of a product by who had bought it, from which its usual time is known.
        least_again: part of a product's buyers who bought it again, from which it is one to remind
            of.
        early_days, late_days: a reminder is due so many days before and after the usual time.
        fresh_days: how long ago a first purchase may be for its buyer to be a look-alike.
        best_part: part of the fresh buyers that is taken.
        least_taught: buyers who came back, and who did not, from which look-alikes are learned.
        most_taught: the latest so many of them teach.
        ridge: what the coefficients of look-alikes are held back by.
    """

    least_members: int = 10
    cart_days: int = 7
    least_gaps: int = 30
    least_again: float = 0.10
    early_days: int = 7
    late_days: int = 7
    fresh_days: int = 60
    best_part: float = 0.2
    least_taught: int = 200
    most_taught: int = 10_000
    ridge: float = 1.0


def audiences(
    lists: dict[str, pl.DataFrame], made_on: date | None, params: AudienceParams | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Put the lists together.

    Args:
        lists: audience -> customer_key, score and what else of `AUDIENCE_SCHEMA` is known.
        made_on: last day of the data; None of a shop without any.
        params: how small a list may be.

    Returns:
        `AUDIENCE_SCHEMA`, without lists of fewer than `least_members`, the highest score first; and
        `SIZE_SCHEMA` of all lists.
    """
    params = params or AudienceParams()
    found, sizes = [pl.DataFrame(schema=AUDIENCE_SCHEMA)], []
    for name, members in lists.items():
        told = members.height >= params.least_members
        sizes.append((name, made_on, members.height, told))
        if told:
            missing = [pl.lit(None).alias(column) for column in AUDIENCE_SCHEMA
                       if column not in members.columns]  # fmt: skip
            ranked = members.sort("score", "customer_key", descending=[True, False])
            found.append(
                ranked.with_columns(*missing)
                .with_columns(audience=pl.lit(name), position=pl.int_range(1, pl.len() + 1))
                .select(pl.col(column).cast(kind) for column, kind in AUDIENCE_SCHEMA.items())
            )
    return pl.concat(found), pl.DataFrame(sizes, schema=SIZE_SCHEMA, orient="row")


def win_back(customers: pl.DataFrame) -> pl.DataFrame:
    """Who bought on several days and is churned; score is what a year of theirs brought.

    Args:
        customers: customer_key, lifecycle_stage, last_date, repeat_purchase_days,
            purchase_span_days, repeat_purchase_amount.

    Returns:
        customer_key, score, last_date.
    """
    years = pl.max_horizontal(pl.col("purchase_span_days") / 365, 1)  # a month is no year
    yearly = pl.col("repeat_purchase_amount") * pl.col("repeat_purchase_days") / years
    return customers.filter(
        pl.col("lifecycle_stage") == "churned", pl.col("repeat_purchase_days") > 0
    ).select("customer_key", "last_date", score=yearly.cast(pl.Float64))


def cart_recovery(
    carts: pl.DataFrame, made_on: date | None, params: AudienceParams | None = None
) -> pl.DataFrame:
    """Who left a cart within the last days; the latest have the highest score.

    Args:
        carts: customer_key, platform, last_date; of the last cart of each customer after which
            nothing was paid.
        made_on: last day of the data; None of a shop without any.
        params: how long ago.

    Returns:
        customer_key, score (1 of a cart of the last day), platform, last_date.
    """
    params = params or AudienceParams()
    age = (pl.lit(made_on, pl.Date) - pl.col("last_date")).dt.total_days()
    return carts.filter(age < params.cart_days).select(
        "customer_key", "platform", "last_date", score=1 / (1 + age)
    )


def replenishment_reminder(
    purchases: pl.DataFrame, made_on: date | None, params: AudienceParams | None = None
) -> pl.DataFrame:
    """Who bought a product that people buy again as long ago as they take to buy it again.

    Args:
        purchases: customer_key, platform, product_id, business_date, one row each.
        made_on: last day of the data; None of a shop without any.
        params: which products, and how near.

    Returns:
        customer_key, score (part of the product's buyers who bought it again), platform,
        product_id, last_date; of each customer the product of the highest score.
    """
    params = params or AudienceParams()
    product = ["platform", "product_id"]
    days = purchases.unique().sort("customer_key", *product, "business_date")
    gap = pl.col("business_date").diff().over("customer_key", *product).dt.total_days()
    gaps = days.with_columns(gap=gap)
    cycles = (
        gaps.group_by(product)
        .agg(
            usual=pl.col("gap").median(), gaps=pl.col("gap").count(),
            again=pl.col("customer_key").filter(pl.col("gap").is_not_null()).n_unique(),
            buyers=pl.col("customer_key").n_unique(),
        )
        .with_columns(score=pl.col("again") / pl.col("buyers"))
        .filter(
            pl.col("gaps") >= params.least_gaps, pl.col("score") >= params.least_again
        )
    )  # fmt: skip
    waited = (pl.lit(made_on, pl.Date) - pl.col("last_date")).dt.total_days() - pl.col("usual")
    return (
        days.group_by("customer_key", *product)
        .agg(last_date=pl.col("business_date").max())
        .join(cycles, on=product)
        .filter(waited.is_between(-params.early_days, params.late_days))
        .sort("score", *product, descending=[True, False, False])
        .unique("customer_key", keep="first", maintain_order=True)
        .select("customer_key", "score", *product, "last_date")
    )


def look_alike(
    customers: pl.DataFrame,
    features: list[str],
    made_on: date | None,
    params: AudienceParams | None = None,
) -> pl.DataFrame:
    """Fresh buyers whose first purchase is most like that of those who came back.

    A logistic regression learns from every second of the older customers and is tried on the
    others; where it does not rank these better than chance, surely, nobody is taken.

    Args:
        customers: customer_key, first_date, is_returned (NULL while it is too early to say),
            is_single (bought on one day only), first_amount, and the features (text).
        features: names of what is known of a first purchase.
        made_on: last day of the data; None of a shop without any.
        params: how fresh, and how many.

    Returns:
        customer_key, score (chance to come back, by the regression), last_date.
    """
    params = params or AudienceParams()
    nobody = pl.DataFrame(schema={name: AUDIENCE_SCHEMA[name]
                                  for name in ("customer_key", "score", "last_date")})  # fmt: skip
    age = (pl.lit(made_on, pl.Date) - pl.col("first_date")).dt.total_days()
    latest = customers.drop_nulls("is_returned").sort(
        "first_date", "customer_key", descending=[True, False]
    )
    fresh = customers.filter(age < params.fresh_days, "is_single")
    older = latest.head(params.most_taught).sort("customer_key")
    both = pl.concat([older, fresh])
    came = older["is_returned"].to_numpy().astype(float)
    if min(came.sum(), (1 - came).sum()) < params.least_taught:
        return nobody
    design = _design(both, features)
    taught = design[: older.height]
    tried = _logistic(taught[::2], came[::2], params.ridge)
    if not _ranks(taught[1::2] @ tried, came[1::2]):
        return nobody
    scores = design[older.height :] @ _logistic(taught, came, params.ridge)
    return (
        fresh.with_columns(score=pl.Series(1 / (1 + np.exp(-scores))))
        .sort("score", "customer_key", descending=[True, False])
        .head(int(fresh.height * params.best_part))
        .select("customer_key", "score", last_date="first_date")
    )


def _design(customers: pl.DataFrame, features: list[str]) -> Floats:
    """One column per value of each feature, the logarithm of the first amount, and a constant."""
    amount = customers["first_amount"].cast(pl.Float64).fill_null(0.0).to_numpy()
    logs = np.log1p(np.maximum(amount, 0))
    spread = logs.std() or 1.0
    dummies = customers.select(pl.col(features).fill_null("")).to_dummies().to_numpy()
    return np.column_stack([dummies, (logs - logs.mean()) / spread, np.ones(len(logs))])


def _logistic(design: Floats, came: Floats, ridge: float) -> Floats:
    """Coefficients of a logistic regression, by Newton's method; all but the constant held back."""
    held = np.full(design.shape[1], ridge)
    held[-1] = 1e-6
    weights = np.zeros(design.shape[1])
    for _ in range(25):
        chance = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (came - chance) - held * weights
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(held)
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _ranks(scores: Floats, came: Floats) -> bool:
    """Whether who came back has the higher score, by more than chance (Mann and Whitney)."""
    ranks = pl.Series(scores).rank().to_numpy()
    hits, others = came.sum(), len(came) - came.sum()
    above = (ranks[came == 1].sum() - hits * (hits + 1) / 2) / (hits * others)
    return bool(above - 0.5 > 3 * np.sqrt((hits + others + 1) / (12 * hits * others)))
