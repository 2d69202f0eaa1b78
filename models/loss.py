"""What an incident's loss is made of: effects of the factors that sum to its impact to the cent.

Belongs here: observed against expected factors of each day of an incident, and their effects on
its money. Which days and series are an incident is in `incidents.py`, where it happened in
`root_cause.py`.

Method: LMDI-I of the day's GMV between what was expected and what came, at the place whose money
is told, summed over the days (METRICS.md 2 and 4). GMV is the product of the factors that are
judged there and a rest: buyers and orders without traffic data, what a buyer spent, or units. Each
series has a baseline of its own, and expectations need not multiply to that of GMV; what is over is
shared by their variances, so the surest factor moves least.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from models.baseline import MAD_TO_SIGMA, DetectorParams, Flags, Floats, Ints
from models.episodes import STORIES
from models.series import FEEDS_OF_METRIC, KEYS

__all__ = [
    "EFFECT_SCHEMA",
    "OWN_MONEY",
    "daily_effects",
    "effects_on",
    "factor_of",
    "incident_effects",
    "money_days",
    "to_the_cent",
]

EFFECT_SCHEMA: dict[str, type[pl.DataType]] = {
    "incident_id": pl.String,
    "factor": pl.String,
    "position": pl.Int64,
    "effect_amount": pl.Float64,
    "is_impact": pl.Boolean,
}
"""Columns of `insights.incident_effects`, one row an incident and factor."""

FACTORS = ("visitors", "conversion_rate", "buyers", "orders_per_buyer", "aov", "gmv_per_unit")
"""Judged factors of GMV in the order of the chain; the rest comes after them."""

OWN_MONEY = frozenset({"refund_rate", "gmv_per_unit"})
"""Rates whose money is what they are a rate of: refunds, units at a price."""

_USUAL_DAYS = 28
_LOOSE = 0.15  # scale of a factor that has no expectation of its own
_ROUNDING = 0.011  # impacts are published in cents
_DAILY = {
    "incident_id": pl.String, "business_date": pl.Date, "factor": pl.String,
    "effect_amount": pl.Float64,
}  # fmt: skip
_PLACE = ["dimension", "segment", "platform"]


def money_days(anomalies: pl.DataFrame) -> pl.DataFrame:
    """Money of each judged day of the series that are money: what came and what was expected.

    Args:
        anomalies: what `anomaly.detect` returns.

    Returns:
        business_date, metric, dimension, segment, platform, money (`gmv`, `refunds` or `price`:
        the units sold at their price), observed_amount, expected_amount; impact_amount is their
        difference, of refunds with its sign turned.
    """
    seen, wanted, impact = (pl.col(name) for name in ("observed", "expected", "impact_amount"))
    is_gmv = pl.col("metric") == "gmv"
    # Of a rate the impact is what it is a rate of, times the gap.
    of = pl.when(seen == wanted).then(0.0).otherwise((impact / (seen - wanted)).abs())
    size = pl.when(is_gmv).then(1.0).otherwise(of)
    return anomalies.filter(
        is_gmv | pl.col("metric").is_in(sorted(OWN_MONEY)),
        pl.col("status").is_in(["anomaly", "normal"]),
        wanted.is_not_null(),
        seen.is_not_null(),
    ).select(
        "business_date",
        *KEYS,
        money=pl.when(is_gmv)
        .then(pl.lit("gmv"))
        .when(pl.col("metric") == "refund_rate")
        .then(pl.lit("refunds"))
        .otherwise(pl.lit("price")),
        observed_amount=seen * size,
        expected_amount=wanted * size,
    )


def factor_of(metric: str) -> str | None:
    """The factor of GMV that a judged metric is, or is a step of; None of GMV and all others."""
    if metric in OWN_MONEY or metric in STORIES:
        return None
    if metric == "price_share":  # a part of what an order is worth
        return "aov"
    is_step = metric.endswith("_rate") and metric not in FEEDS_OF_METRIC
    return "conversion_rate" if is_step else metric if metric in FACTORS else None


def to_the_cent(effects: pl.DataFrame) -> pl.DataFrame:
    """Round effects to cents so that they sum to the rounded total of their incident.

    What is over goes to the largest effect; to one that is no impact where there is one, so that
    those that are sum to the impact as well.

    Args:
        effects: incident_id, effect_amount, is_impact, and total_amount, the unrounded sum.
    """
    own = "incident_id"
    cents = (pl.col("effect_amount") * 100).round().cast(pl.Int64)
    whole = (pl.col("total_amount") * 100).round().cast(pl.Int64)
    order = pl.struct("is_impact", -pl.col("effect_amount").abs(), "factor").rank("ordinal")
    over = (whole - cents.sum()).over(own)
    takes = pl.when(order.over(own) == 1).then(over).otherwise(0)
    return effects.with_columns(effect_amount=(cents + takes) / 100)


def effects_on(
    observed: Floats, expected: Floats, scale: Floats, gmv: tuple[Floats, Floats]
) -> Floats:
    """Effects of factors on the change of their product, rows x factors; rows sum to the change.

    Args:
        observed: rows x factors; NaN or 0 where unknown or nothing.
        expected: the same; NaN for a factor that the row does not have.
        scale: how sure each expectation is, standard deviation of its logarithm.
        gmv: observed and expected product of each row.

    Returns:
        LMDI-I with zeros by their limit: a product that falls to 0 gives its change to the first
        factor that is 0, one that was expected to be 0 to the first factor. A factor that is not
        known on a row is as expected. Where expectations do not multiply to the expected product,
        each moves by its part of the variance.
    """
    seen, wanted = gmv
    has = np.isfinite(expected) & (expected > 0)
    known = has & np.isfinite(observed) & (observed > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_wanted = np.where(has, np.log(np.where(has, expected, 1.0)), 0.0)
        variance = np.where(has, scale**2, 0.0)
        over = np.log(wanted) - log_wanted.sum(axis=1)
        total = variance.sum(axis=1)
        even = has / np.maximum(has.sum(axis=1), 1)[:, None]
        part = np.where(total[:, None] > 0, variance / total[:, None], even)
        log_wanted = np.where(has, log_wanted + over[:, None] * part, 0.0)
        log_seen = np.where(known, np.log(np.where(known, observed, 1.0)), log_wanted)
        # What the known factors do not say of the day is the last one's.
        last = np.where(has.any(axis=1), has.shape[1] - 1 - has[:, ::-1].argmax(axis=1), 0)
        rows = np.arange(len(seen))
        log_seen[rows, last] += np.log(seen) - log_seen.sum(axis=1)
        ratio = np.log(seen / wanted)
        mean = np.where(np.abs(ratio) > 1e-9, (seen - wanted) / ratio, (seen + wanted) / 2)
        effects = mean[:, None] * (log_seen - log_wanted)
    # A zero on a side: all to the first factor that is nothing there.
    nothing = has & (observed == 0)
    first = np.where(nothing.any(axis=1), nothing.argmax(axis=1), np.where(seen == 0, last, 0))
    alone = np.zeros(observed.shape)
    alone[rows, first] = seen - wanted
    is_zero = ((seen <= 0) | (wanted <= 0))[:, None]
    return np.asarray(np.where(is_zero, alone, effects))


def incident_effects(incidents: pl.DataFrame, anomalies: pl.DataFrame) -> pl.DataFrame:
    """The effects of the factors on each KPI incident's money, those that left their range first.

    Args:
        incidents: what `open_incidents` returns.
        anomalies: what `anomaly.detect` returns; days before the incidents teach what is usual.

    Returns:
        Frame of `EFFECT_SCHEMA`. Effects of GMV are those of visitors, conversion_rate, buyers,
        orders_per_buyer, aov, gmv_per_unit and of one rest: `untracked` (buyers and orders without
        traffic data), `anonymous_orders`, `gmv_per_buyer` or `units`; they sum to observed_amount
        less expected_amount. Refunds, a price, counts and operations have one. Those with
        is_impact sum to impact_amount. All in whole cents. The first is the cause, or the metric
        told of, the others follow by their loss (by their gain, where it rose).
    """
    told = incidents.filter(
        pl.col("kind") == "kpi", pl.col("impact_amount").is_not_null()
    ).with_columns(
        own=pl.col("metric").map_elements(factor_of, pl.String, skip_nulls=True),
        total_amount=(pl.col("observed_amount") - pl.col("expected_amount")).round(2),
    )  # fmt: skip
    if told.is_empty() or anomalies.is_empty():
        return pl.DataFrame(schema=EFFECT_SCHEMA)
    of_gmv = told.filter(_is_of_gmv())
    names = ["own", "impact_of", "impact_amount", "total_amount", "cause_metric", "cause_side"]
    summed = (
        daily_effects(
            of_gmv.select(
                "incident_id", "opened_date", "last_date", "platform",
                dimension="impact_dimension", segment="impact_segment",
            ),
            anomalies,
        )
        .group_by("incident_id", "factor")
        .agg(pl.col("effect_amount").sum())
        .join(told.select("incident_id", *names), on="incident_id")
        .with_columns(
            is_impact=(pl.col("impact_of") == "gmv") | (pl.col("factor") == pl.col("own"))
        )
    )  # fmt: skip
    total = pl.col("effect_amount").sum().over("incident_id")
    summed = summed.filter((total - pl.col("total_amount")).abs() < _ROUNDING)
    alone = told.filter(~_is_of_gmv()).with_columns(
        factor="metric", effect_amount="impact_amount", is_impact=pl.lit(True),
        total_amount="impact_amount",
    )  # fmt: skip
    both = pl.concat([summed, alone.select(summed.columns)])
    lead = pl.coalesce("cause_metric", "own").fill_null("")
    is_gain = pl.when(pl.col("impact_amount") > 0).then(-1).otherwise(1)
    return (
        to_the_cent(both)
        .filter((pl.col("effect_amount") != 0) | (pl.col("factor") == pl.col("own")))
        .sort("incident_id", pl.col("factor") != lead, pl.col("effect_amount") * is_gain, "factor")
        .with_columns(position=pl.int_range(1, pl.len() + 1).over("incident_id"))
        .select(pl.col(name).cast(kind) for name, kind in EFFECT_SCHEMA.items())
    )


def _is_of_gmv() -> pl.Expr:
    """Whether the money is that of the GMV of a place, which has factors."""
    return pl.col("observed_amount").is_not_null() & ~pl.col("metric").is_in(sorted(OWN_MONEY))


def daily_effects(told: pl.DataFrame, anomalies: pl.DataFrame) -> pl.DataFrame:
    """Effects of every factor on the GMV of each judged day of episodes.

    Args:
        told: incident_id, opened_date, last_date, dimension, segment, platform of the place.
        anomalies: what `anomaly.detect` returns.

    Returns:
        incident_id, business_date, factor, effect_amount; those of a day sum to its gap.
    """
    back = pl.col("opened_date") - pl.duration(days=_USUAL_DAYS)
    near = (
        anomalies.drop("impact_amount")
        .filter(pl.col("metric").is_in(["gmv", *FACTORS]))
        .join(told, on=_PLACE, nulls_equal=True)
        .filter(pl.col("business_date").is_between(back, "last_date"))
    )
    days = near.filter(metric="gmv").sort("incident_id", "business_date")
    if days.is_empty():
        return pl.DataFrame(schema=_DAILY)
    row_of = np.unique(days["incident_id"].to_numpy().astype(str), return_inverse=True)[1]
    is_bad = (days["business_date"] >= days["opened_date"]).to_numpy()
    chain = _chain(days, near, is_bad, row_of)
    seen, wanted = (_floats(days[name]) for name in ("observed", "expected"))
    is_judged = is_bad & days["status"].is_in(["anomaly", "normal"]).to_numpy()
    is_judged &= np.isfinite(seen) & np.isfinite(wanted)
    observed, expected, scale = (matrix[is_judged] for matrix in chain)
    effects = effects_on(observed, expected, scale, (seen[is_judged], wanted[is_judged]))
    has = np.zeros((row_of.max() + 1, effects.shape[1]), dtype=np.bool_)
    np.logical_or.at(has, row_of, np.isfinite(chain[1]))
    effects = np.where(has[row_of[is_judged]], effects, np.nan)  # a factor the place does not have
    rest = pl.Series("rest_name", _rest_names(has), dtype=pl.String)[row_of[is_judged]]
    index = ["incident_id", "business_date"]
    return (
        days.filter(is_judged)
        .select(index)
        .hstack(pl.DataFrame(effects, schema=[*FACTORS, "rest"]))
        .with_columns(rest_name=rest)
        .unpivot(
            [*FACTORS, "rest"], index=[*index, "rest_name"], variable_name="factor",
            value_name="effect_amount",
        )
        .with_columns(
            factor=pl.when(pl.col("factor") == "rest").then("rest_name").otherwise("factor")
        )
        .filter(pl.col("effect_amount").is_not_nan())
        .select(list(_DAILY))
    )  # fmt: skip


def _chain(
    days: pl.DataFrame, near: pl.DataFrame, is_bad: Flags, row_of: Ints
) -> tuple[Floats, Floats, Floats]:
    """Observed, expected and scale of every factor and the rest, days x (factors + rest).

    A factor without an expectation of its own, and the rest, are expected as on the days before.
    """
    index = ["incident_id", "business_date"]
    wide = {
        name: days.select(index)
        .join(
            near.pivot("metric", index=index, values=name, aggregate_function="first"),
            on=index, how="left", maintain_order="left",
        )
        for name in ("observed", "expected", "lower")
    }  # fmt: skip
    blank = pl.Series([None] * len(days), dtype=pl.Float64)
    observed, expected, lower = (
        np.column_stack([_floats(frame.get_column(name, default=blank)) for name in FACTORS])
        for frame in wide.values()
    )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.log(expected / lower) / DetectorParams().threshold
        logs = np.where(observed > 0, np.log(observed), np.nan)
        # A place has a factor if it was ever seen there; the rest is what they leave of its GMV.
        is_there = np.zeros((row_of.max() + 1, len(FACTORS)), dtype=np.bool_)
        np.logical_or.at(is_there, row_of, np.isfinite(logs))
        gmv = _floats(days["observed"])
        left = np.log(np.where(gmv > 0, gmv, np.nan)) - np.where(is_there[row_of], logs, 0).sum(1)
    logs = np.column_stack([np.where(is_there[row_of], logs, np.nan), left])
    usual, scatter = _usual(logs, ~is_bad, row_of)
    expected = np.column_stack([expected, np.full(len(days), np.nan)])
    own = np.isfinite(expected) & (expected > 0)
    expected = np.where(own, expected, np.exp(usual[row_of]))
    loose = np.maximum(
        scatter[row_of], np.where(np.arange(len(FACTORS) + 1) < len(FACTORS), _LOOSE, 0)
    )
    scale = np.where(own, np.column_stack([scale, np.zeros(len(days))]), loose)
    # Without a day to learn from the rest is whatever the expectations leave.
    unknown = ~np.isfinite(expected[:, -1])
    with np.errstate(divide="ignore", invalid="ignore"):
        filled = np.where(np.isfinite(expected[:, :-1]), expected[:, :-1], 1.0).prod(axis=1)
        expected[unknown, -1] = (_floats(days["expected"]) / filled)[unknown]
    return np.column_stack([observed, np.exp(left)]), expected, np.nan_to_num(scale)


def _usual(logs: Floats, is_before: Flags, row_of: Ints) -> tuple[Floats, Floats]:
    """Median and robust scatter of the days before, incidents x factors; NaN where none is."""
    place = np.full((row_of.max() + 1, logs.shape[1]), np.nan)
    scatter = place.copy()
    for incident in range(len(place)):
        rows = logs[is_before & (row_of == incident)]
        known = np.isfinite(rows).any(axis=0)
        if known.any():
            place[incident, known] = np.nanmedian(rows[:, known], axis=0)
            off = np.abs(rows[:, known] - place[incident, known])
            scatter[incident, known] = MAD_TO_SIGMA * np.nanmedian(off, axis=0)
    return place, scatter


def _rest_names(has: Flags) -> list[str]:
    """What the rest is, from the factors there are beside it."""
    of = dict(zip(FACTORS, has.T, strict=False))
    return list(
        np.select(
            [
                of["gmv_per_unit"],
                of["aov"] & of["visitors"],
                of["aov"],
                of["visitors"] | of["buyers"],
            ],
            ["units", "untracked", "anonymous_orders", "gmv_per_buyer"],
            "gmv",
        )
    )


def _floats(column: pl.Series) -> Floats:
    return np.asarray(column.cast(pl.Float64).fill_null(float("nan")).to_numpy())
