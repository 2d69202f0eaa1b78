"""The publish gate: expectations of Great Expectations on a small daily frame.

Belongs here: what must never be published (a duplicate or missing day, negative or unknown GMV,
dates to come) and what a person should look at but may be true (a promotion, a slump, an old
shop). dbt tests look at every row; this looks at the days as a reader will see them.

Great Expectations takes seconds to import. Where polars sees at once what it would say of all
expectations, and `tests/unit/test_gate.py` compares, it is not asked: every row holds, and what is
one number of the whole lies within its bounds or not. All else it judges alone.
"""

from __future__ import annotations

import importlib
import logging
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import polars as pl

from orchestration.errors import words_of

_WINDOW_DAYS = 400  # looked at, back from the last one
# Only warns: a shop with history only is not wrong.
_WARN_AGE_DAYS = 2
# Last day's GMV as a share of the median of the 28 days before: promotions and slumps are real.
_VOLUME_LOW, _VOLUME_HIGH = 0.2, 5.0
_CONVERSION_MOSTLY = 0.99  # of the days must have a conversion in 0 to 1
_VISITORS_MOSTLY = 0.95  # of the days must have visitors, where there is traffic at all


@dataclass(frozen=True)
class GateResult:
    """One check of the gate.

    Attributes:
        check_name: stable name.
        severity: `error` blocks publishing, `warn` does not.
        status: `passed`, `failed`, or `not_run` where the check itself crashed: never read as a
            statement about the data.
        observed: what was found, short.
        message: what it means, empty if passed.
    """

    check_name: str
    severity: str
    status: str
    observed: str
    message: str


@contextmanager
def _left_out(*names: str) -> Iterator[None]:
    """Let the library import nothing in place of what only expectations that are not used need.

    They are a third of the time that it takes to import. Whoever imports them later gets them.
    """
    absent = {name: ModuleType(name) for name in names if name not in sys.modules}
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name, nothing in absent.items():
            if sys.modules.get(name) is nothing:
                del sys.modules[name]


def run_gate(frame: pl.DataFrame, as_of: date) -> list[GateResult]:
    """Judge the daily figures about to be published.

    Args:
        frame: business_date, dimension, segment, orders, gmv, visitors, conversion_rate of
            `fct_gmv_daily`, dimensions `all` and `platform`.
        as_of: last complete day the data can have; for a shop of the past its own last day.

    Returns:
        One result an expectation, in fixed order. A crash of a check gives `not_run`; nothing is
        raised for bad data.
    """
    if frame.is_empty():
        return [GateResult("has_days", "warn", "failed", "0 rows", "There is no day to publish.")]
    window = _window(frame)
    checks = _checks(window, as_of)
    try:
        outcomes = _plain(window, checks) or _validate(window, checks)
    except Exception as error:  # a crash of the library must not look like bad data, nor pass
        reason = words_of(error)
        return [
            GateResult(c.name, c.severity, "not_run", "", f"The check crashed: {reason}")
            for c in checks
        ]
    return [_result(check, outcomes.get(check.name)) for check in checks]


@dataclass(frozen=True)
class _Check:
    name: str
    severity: str
    expectation: tuple[str, dict[str, Any]]
    message: str


def _window(frame: pl.DataFrame) -> pl.DataFrame:
    """The last days, numbered from 0001-01-01 so that dates stay plain numbers in the library."""
    last = frame["business_date"].max()
    assert isinstance(last, date)
    since = last - timedelta(days=_WINDOW_DAYS - 1)
    company = pl.col("dimension") == "all"
    daily = frame.filter(pl.col("business_date") >= since).with_columns(
        pl.col("gmv", "visitors", "conversion_rate").cast(pl.Float64)
    )
    usual = daily.filter(company, pl.col("business_date") < last).sort("business_date")["gmv"]
    median = usual.tail(28).median()
    is_last = company & (pl.col("business_date") == last)
    ratio = pl.col("gmv") / (median if isinstance(median, float) and median > 0 else None)
    # Of a place whose feeds tell of no sales or no visitors neither is missing.
    has_sales = pl.col("orders").is_not_null()
    has_visitors = pl.col("visitors").is_not_null().any().over("dimension", "segment")
    return daily.select(
        "dimension",
        "segment",
        "gmv",
        "conversion_rate",
        told_gmv=pl.when(has_sales).then("gmv").otherwise(0),
        visitors=pl.when(has_visitors).then("visitors").otherwise(0),
        has_visitors=has_visitors,
        day=_day_number(pl.col("business_date")),
        company_day=pl.when(company).then(_day_number(pl.col("business_date"))),
        last_day_ratio=pl.when(is_last).then(ratio),
    )


def _day_number(day: pl.Expr) -> pl.Expr:
    """Days as `date.toordinal` counts them."""
    return day.cast(pl.Int32).cast(pl.Int64) + date(1970, 1, 1).toordinal()


def _checks(window: pl.DataFrame, as_of: date) -> list[_Check]:
    first, last = window["day"].min(), window["day"].max()
    assert isinstance(first, int) and isinstance(last, int)
    days, ordinal = last - first + 1, as_of.toordinal()
    between = "ExpectColumnValuesToBeBetween"
    checks = [
        _Check("no_future_days", "error",
               # The day after the last complete one is under way and may be there.
               ("ExpectColumnMaxToBeBetween", {"column": "day", "max_value": ordinal + 1}),
               f"There are days after {as_of + timedelta(days=1)}."),
        _Check("is_fresh", "warn",
               ("ExpectColumnMaxToBeBetween",
                {"column": "day", "min_value": ordinal - _WARN_AGE_DAYS}),
               f"The last day is more than {_WARN_AGE_DAYS} days before {as_of}."),
        _Check("days_are_unique", "error",
               ("ExpectCompoundColumnsToBeUnique",
                {"column_list": ["day", "dimension", "segment"]}),
               "A day stands twice for the same segment: figures would count double."),
        _Check("no_missing_day", "error",
               ("ExpectColumnUniqueValueCountToBeBetween",
                {"column": "company_day", "min_value": days, "max_value": days}),
               f"The company must have a row for each of the {days} days, zeros included."),
        _Check("gmv_is_known", "error",
               ("ExpectColumnValuesToNotBeNull", {"column": "told_gmv"}),
               "GMV is null; a day without sales is 0."),
        _Check("gmv_is_not_negative", "error",
               (between, {"column": "gmv", "min_value": 0}),
               "GMV is what buyers paid and cannot be negative."),
        _Check("last_day_volume", "warn",
               (between, {"column": "last_day_ratio", "min_value": _VOLUME_LOW,
                          "max_value": _VOLUME_HIGH}),
               "The last day's GMV is far from the 28 days before; a promotion, a slump, or a"
               " file that is not whole."),
        _Check("conversion_is_a_rate", "warn",
               (between, {"column": "conversion_rate", "min_value": 0, "max_value": 1,
                          "mostly": _CONVERSION_MOSTLY}),
               "Conversion above 1: buyers and visitors come from different counts."),
    ]  # fmt: skip
    if window["has_visitors"].any():
        checks.append(
            _Check("visitors_are_known", "warn",
                   ("ExpectColumnValuesToNotBeNull",
                    {"column": "visitors", "mostly": _VISITORS_MOSTLY}),
                   "Many days have no visitors although traffic is configured.")
        )  # fmt: skip
    return checks


def _plain(window: pl.DataFrame, checks: list[_Check]) -> dict[str, Any] | None:
    """Outcome of each check by its name as the library would give it; None if it has to look."""
    outcomes = {}
    for check in checks:
        seen = _seen(window, *check.expectation)
        if seen is None:
            return None
        outcomes[check.name] = SimpleNamespace(
            success=seen.pop("success", True), result=seen, exception_info=None
        )
    return outcomes


def _seen(window: pl.DataFrame, kind: str, given: dict[str, Any]) -> dict[str, Any] | None:
    """What the library would find of an expectation, if that is plain."""
    names = given.get("column_list") or [given["column"]]
    if not set(names) <= set(window.columns):
        return None
    column = window[names[0]].drop_nulls()
    low, high = given.get("min_value", -math.inf), given.get("max_value", math.inf)
    found: Any = {
        "ExpectColumnMaxToBeBetween": column.max,
        "ExpectColumnUniqueValueCountToBeBetween": column.n_unique,
    }.get(kind, lambda: None)()
    if found is not None:
        return {"observed_value": found, "success": low <= found <= high}
    bad: list[Any] = []
    if kind == "ExpectColumnValuesToBeBetween":
        bad = column.filter(~column.is_between(low, high)).to_list()
        is_held = len(bad) <= (1 - given.get("mostly", 1)) * len(column)
        is_held &= not any(map(math.isnan, bad))
    elif kind == "ExpectColumnValuesToNotBeNull":
        is_held = len(column) == window.height
    else:
        is_held = (
            kind == "ExpectCompoundColumnsToBeUnique" and window.select(names).is_unique().all()
        )
    told = {"element_count": window.height, "unexpected_count": len(bad),
            "partial_unexpected_list": bad}  # fmt: skip
    return told if is_held else None


def _validate(window: pl.DataFrame, checks: list[_Check]) -> dict[str, Any]:
    """Outcome of each check by its name, as the library gives it."""
    with _quiet(), _left_out("altair", "scipy.stats"):
        importlib.import_module("great_expectations.expectations")
    with _quiet():
        import great_expectations as gx
        import great_expectations.expectations as gxe

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        batch = (
            context.data_sources.add_pandas("gate")
            .add_dataframe_asset("daily")
            .add_batch_definition_whole_dataframe("all")
            .get_batch({"dataframe": _to_pandas(window)})
        )
        suite = gx.ExpectationSuite(
            name="publish_gate",
            expectations=[
                getattr(gxe, kind)(**arguments, meta={"check": check.name})
                for check in checks
                for kind, arguments in [check.expectation]
            ],
        )
        validated = batch.validate(suite)
    return {result.expectation_config.meta["check"]: result for result in validated.results}


def _to_pandas(window: pl.DataFrame) -> Any:
    """A pandas frame without pyarrow types; null becomes NaN in number columns."""
    import pandas as pd

    return pd.DataFrame({name: window[name].to_list() for name in window.columns})


@contextmanager
def _quiet() -> Iterator[None]:
    """No telemetry, and no chatter of the library in the log of a run."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _result(check: _Check, outcome: Any) -> GateResult:
    """Tell a failed expectation from one that raised: the library marks both as no success."""
    if outcome is None:
        return GateResult(check.name, check.severity, "not_run", "", "The check gave no result.")
    crash = _crash(outcome.exception_info)
    if crash:
        return GateResult(check.name, check.severity, "not_run", "", f"The check crashed: {crash}")
    observed = _observed(check, outcome.result)
    if outcome.success:
        return GateResult(check.name, check.severity, "passed", observed, "")
    return GateResult(check.name, check.severity, "failed", observed, check.message)


def _crash(info: Any) -> str:
    """First line of the exception in an outcome; it comes flat or one a metric."""
    entries = [info] if info and "raised_exception" in info else list((info or {}).values())
    return next(
        (
            str(entry.get("exception_message") or "unknown").splitlines()[0]
            for entry in entries
            if entry.get("raised_exception")
        ),
        "",
    )


def _observed(check: _Check, result: dict[str, Any]) -> str:
    if "observed_value" in result:
        value = result["observed_value"]
        if check.expectation[1].get("column") == "day" and value is not None:
            return date.fromordinal(int(value)).isoformat()
        return str(value)
    rows, bad = result.get("element_count", 0), result.get("unexpected_count", 0)
    examples = ", ".join(str(value) for value in result.get("partial_unexpected_list", [])[:3])
    return f"{bad} of {rows} rows" + (f": {examples}" if bad and examples else "")
